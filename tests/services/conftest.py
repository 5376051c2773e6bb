"""Fixtures for tests of services: workspaces to call, and servers that say what they are told."""

import contextlib
from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings

from services.doors import typed
from services.workspace import Workspace
from tests.local_workspaces import LocalWorkspace
from tests.services.replies import ReplyServer, Script, reply_server

# A busy machine is no failure.
settings.register_profile("services", deadline=None)
settings.load_profile("services")


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
def analyst(local_workspace: LocalWorkspace) -> Iterator[Workspace]:
    """The local workspace, as its analyst."""
    with contextlib.closing(typed(local_workspace.host, local_workspace.users["analyst"])) as workspace:
        yield workspace


@pytest.fixture
def make_reply_server() -> Iterator[Callable[..., ReplyServer]]:
    """A factory of servers: `make_reply_server(whole({"choices": []}))`."""
    with contextlib.ExitStack() as stack:

        def make(script: Script, tls=None) -> ReplyServer:
            return stack.enter_context(reply_server(script, tls))

        yield make
