"""Fixtures for every test: a local workspace, and an environment that knows no other."""

import os
from collections.abc import Callable, Iterator

import pytest
import requests
from hypothesis import settings

from tests.local_workspaces import LocalWorkspace, start_local_workspace

# A busy machine is no failure. The same cases each time, so that what turns red is what was changed; --hypothesis-profile=explore
# looks for new ones.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile("same")


@pytest.fixture(autouse=True)
def _no_databricks_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("DATABRICKS_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def local_workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorkspace]:
    """One workspace for the whole run. Its request log goes on growing: `clear()` it, or look at the last request."""
    stderr = tmp_path_factory.mktemp("workspace") / "stderr.txt"
    workspace = start_local_workspace(stderr, models_on_demand=False)
    yield workspace
    workspace.stop()


@pytest.fixture(scope="session")
def awake_registry(local_workspace: LocalWorkspace) -> None:
    """The first question about a model starts the registry, which on a busy machine takes longer than a control call may."""
    asked = f"{local_workspace.host}/api/2.0/serving-endpoints/local-prompt-model/openapi"
    assert requests.get(asked, headers={"authorization": f"Bearer {local_workspace.token}"}, timeout=100).ok


@pytest.fixture(autouse=True)
def _no_faults_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "local_workspace" in request.fixturenames:
        workspace: LocalWorkspace = request.getfixturevalue("local_workspace")
        if workspace.process.poll() is None:
            workspace.clear_faults()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Show what the workspace said on stderr beside a test that failed."""
    report = yield
    workspace = getattr(item, "funcargs", {}).get("local_workspace")
    if report.failed and workspace:
        report.sections.append(("local workspace, stderr", workspace.stderr.read_text()[-4000:]))
    return report


@pytest.fixture
def make_local_workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., LocalWorkspace]]:
    """A factory of workspaces for one test: `make_local_workspace("--tls")`."""
    made: list[LocalWorkspace] = []

    def make(*arguments: str, models_on_demand: bool = True) -> LocalWorkspace:
        stderr = tmp_path_factory.mktemp("workspace") / "stderr.txt"
        workspace = start_local_workspace(stderr, *arguments, models_on_demand=models_on_demand)
        made.append(workspace)
        return workspace

    yield make
    for workspace in made:
        workspace.stop()
