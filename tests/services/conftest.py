"""Fixtures for tests of services: workspaces to call, and servers that say what they are told."""

import contextlib
from collections.abc import Callable, Iterator

import pytest

from services.doors import local, typed
from services.local import LocalAddress
from services.secret_scopes import create_secret_scope, put_secret
from services.workspace import Workspace
from tests.local_workspaces import LocalWorkspace, start_local_workspace
from tests.services.replies import ReplyServer, Script, reply_server
from tests.services.setup_bodies import KEY, SCOPE


@pytest.fixture(autouse=True)
def _no_config_file(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """Whoever runs the tests may have profiles."""
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "no-databrickscfg"))


@pytest.fixture
def workspace(local_workspace: LocalWorkspace) -> Iterator[Workspace]:
    """The local workspace, as its admin."""
    with contextlib.closing(typed(local_workspace.host, local_workspace.users["admin"])) as workspace:
        yield workspace


@pytest.fixture
def embedded_workspace(local_workspace: LocalWorkspace) -> Iterator[Workspace]:
    """The same through the door of the workspace that Brickyard itself has started, as its admin."""
    address = LocalAddress(local_workspace.host, local_workspace.users, None, "")
    with contextlib.closing(local(address, "admin")) as workspace:
        yield workspace


@pytest.fixture
def analyst(local_workspace: LocalWorkspace) -> Iterator[Workspace]:
    """The local workspace, as its analyst."""
    with contextlib.closing(typed(local_workspace.host, local_workspace.users["analyst"])) as workspace:
        yield workspace


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorkspace]:
    """A workspace of the module's own that deploys at once, with the secret that setup_bodies name."""
    running = start_local_workspace(tmp_path_factory.mktemp("workspace") / "stderr.txt", "--deployment-seconds", "0")
    try:
        with contextlib.closing(typed(running.host, running.users["admin"])) as workspace:
            create_secret_scope(workspace, SCOPE)
            put_secret(workspace, SCOPE, KEY, "canary-5a4b3c2d1e0f9a8b")
        yield running
    finally:
        running.stop()


@pytest.fixture
def admin(machine: LocalWorkspace) -> Iterator[Workspace]:
    """That workspace, as its admin."""
    with contextlib.closing(typed(machine.host, machine.users["admin"])) as workspace:
        yield workspace


@pytest.fixture
def make_reply_server() -> Iterator[Callable[..., ReplyServer]]:
    """A factory of servers: `make_reply_server(whole({"choices": []}))`."""
    with contextlib.ExitStack() as stack:

        def make(script: Script, tls=None) -> ReplyServer:
            return stack.enter_context(reply_server(script, tls))

        yield make
