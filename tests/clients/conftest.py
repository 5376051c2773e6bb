"""Fixtures of the real clients: a workspace over TLS, and the provider that external models are at."""

from collections.abc import Callable, Iterator

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config

from tests.local_workspaces import LocalWorkspace, start_local_workspace


@pytest.fixture(scope="session")
def tls_workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorkspace]:
    """One workspace over TLS for all clients in environments of their own."""
    stderr = tmp_path_factory.mktemp("tls-workspace") / "stderr.txt"
    workspace = start_local_workspace(stderr, "--tls", "--deployment-seconds", "0.3")
    yield workspace
    workspace.stop()


@pytest.fixture
def make_sdk(tls_workspace: LocalWorkspace, monkeypatch: pytest.MonkeyPatch) -> Callable[..., WorkspaceClient]:
    """A factory of databricks-sdk clients of the workspace over TLS: `make_sdk(token)`, or any of Config's arguments."""
    assert tls_workspace.ca_bundle
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", tls_workspace.ca_bundle)

    def make(token: str | None = None, retry_seconds: int = 30, **options: str) -> WorkspaceClient:
        options = {"host": tls_workspace.host} | options
        if "client_id" not in options:
            options["token"] = token or tls_workspace.token
        limits = {"retry_timeout_seconds": retry_seconds, "http_timeout_seconds": 60}
        return WorkspaceClient(config=Config(**options, **limits))

    return make


@pytest.fixture
def sdk(make_sdk: Callable[..., WorkspaceClient]) -> WorkspaceClient:
    """The admin's client."""
    return make_sdk()


@pytest.fixture
def analyst_sdk(make_sdk: Callable[..., WorkspaceClient], tls_workspace: LocalWorkspace) -> WorkspaceClient:
    """The analyst's client."""
    return make_sdk(tls_workspace.users["analyst"])


@pytest.fixture
def impatient_sdk(make_sdk: Callable[..., WorkspaceClient]) -> WorkspaceClient:
    """The admin's client, which gives up after two seconds of trying again."""
    return make_sdk(retry_seconds=2)
