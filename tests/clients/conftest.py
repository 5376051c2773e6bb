"""Fixtures of the real clients: a workspace over TLS, and the provider that external models are at."""

from collections.abc import Iterator

import pytest

from tests.local_workspaces import LocalWorkspace, start_local_workspace


@pytest.fixture(scope="session")
def tls_workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorkspace]:
    """One workspace over TLS for all clients in environments of their own."""
    stderr = tmp_path_factory.mktemp("tls-workspace") / "stderr.txt"
    workspace = start_local_workspace(stderr, "--tls", "--deployment-seconds", "0.3")
    yield workspace
    workspace.stop()
