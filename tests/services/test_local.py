"""The embedded local workspace: started once, found again, ended for good."""

import contextlib
import threading

import psutil
import pytest
import requests

from services.doors import local
from services.errors import PlaygroundError, Side
from services.local import LocalAddress, LocalWorkspace
from tests.local_workspaces import eventually


def server_process(address: LocalAddress) -> psutil.Process:
    """The child that listens at *address*."""
    port = int(address.host.rsplit(":", 1)[-1])
    return next(
        child
        for child in psutil.Process().children()
        if any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in child.net_connections())
    )


def is_gone(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() == psutil.STATUS_ZOMBIE
    return True


def ours() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


def test_it_starts_is_found_again_after_a_death_and_ends_without_leaving_anything():
    before = ours()
    workspace = LocalWorkspace()
    told: list[float] = []
    address = workspace.address(progress=told.append)
    try:
        assert address.host.startswith("http://127.0.0.1:")
        assert local(address, "analyst").identity().user_name == "analyst@local"
        assert told == sorted(told)
        assert len(told) > 2
        assert all(token not in repr(address) for token in address.users.values())
        assert workspace.address() is address, "It is started once."

        first = server_process(address)
        assert not [name for name in first.environ() if name.startswith("DATABRICKS_")]
        family = [first, *first.children(recursive=True)]
        first.kill()
        eventually(lambda: all(map(is_gone, family)))
        eventually(lambda: answers(address))
        again = workspace.address()
        assert (again.host, again.users, again.state) == (address.host, address.users, address.state)
        assert local(again, "admin").identity().user_name == "admin@local"
    finally:
        workspace.stop()
    eventually(lambda: all(is_gone(process) for process in ours() - before))
    assert not answers(address)
    with pytest.raises(PlaygroundError, match="was ended"):
        workspace.address()


def answers(address: LocalAddress) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(address.host + "/.well-known/databricks-config", timeout=1).ok
    return False


@pytest.fixture
def unusable(tmp_path):
    """A state folder that is a file."""
    path = tmp_path / "file"
    path.write_text("")
    return path


def test_a_workspace_that_cannot_live_is_given_up_with_its_last_words(unusable):
    workspace = LocalWorkspace(unusable)
    try:
        with pytest.raises(PlaygroundError) as caught:
            workspace.address()
        assert caught.value.message.startswith("The local workspace ended 3 times (status 1).")
        assert f"The state folder {unusable} cannot be used" in caught.value.message
        assert caught.value.side is Side.HERE
        assert "Databricks workspace" in caught.value.hint
    finally:
        workspace.stop()
    assert not [process for process in ours() if str(unusable) in process.cmdline()]


def test_who_asks_too_soon_is_told_and_all_who_ask_get_the_same_one(tmp_path):
    workspace = LocalWorkspace(tmp_path / "state")
    found: list[LocalAddress] = []
    threads = [threading.Thread(target=lambda: found.append(workspace.address())) for _ in range(4)]
    try:
        with pytest.raises(PlaygroundError, match="was not ready after 0 s"):
            workspace.address(seconds=0)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        workspace.stop()
    assert [address.state for address in found] == [str(tmp_path / "state")] * 4
    assert len({id(address) for address in found}) == 1


def test_stop_before_start_and_stop_twice_do_nothing():
    workspace = LocalWorkspace()
    workspace.stop()
    workspace.stop()
