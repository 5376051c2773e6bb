"""A workspace with registered models, for the tests of custom models and of the registry."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.local_workspace.calls import call
from tests.local_workspaces import ROOT, LocalWorkspace, start_local_workspace

REGISTRY_SECONDS = 90


def register(tracking_uri: str, experiment: str, *models: str, token: str | None = None) -> None:
    """Register the models of `registered_models.py`, all or those named, in a process of its own."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "MLFLOW_DISABLE_TELEMETRY": "true"}
    ended = subprocess.run(
        [sys.executable, "-m", "tests.local_workspace.registered_models", tracking_uri, experiment, *models],
        cwd=ROOT,
        env=environment | ({"MLFLOW_TRACKING_TOKEN": token} if token else {}),
        capture_output=True,
        text=True,
        timeout=REGISTRY_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-4000:]


@pytest.fixture(scope="session")
def model_workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorkspace]:
    """A workspace whose registry has the test models. What may scale to zero does so after a second."""
    stderr = tmp_path_factory.mktemp("workspace") / "stderr.txt"
    workspace = start_local_workspace(stderr, "--deployment-seconds", "0", "--scale-to-zero-seconds", "1")
    try:
        # The first read starts the registry, and with it its file.
        assert call(workspace, "GET", "/api/2.0/mlflow/registered-models/search").ok, stderr.read_text()
        register(f"sqlite:///{workspace.state}/mlflow.db", "local-files")
        yield workspace
    finally:
        workspace.stop()
