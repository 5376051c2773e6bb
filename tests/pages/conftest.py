"""Pages as Streamlit's AppTest runs them, on a real local workspace."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from tests.local_workspace.secrets_calls import post
from tests.local_workspaces import ROOT, LocalWorkspace

OpenPage = Callable[..., AppTest]
_scopes = itertools.count(1)


@pytest.fixture(scope="package", autouse=True)
def _packages_are_scanned_once() -> Iterator[None]:
    """Each AppTest looks for Streamlit components in all installed packages: 0.4 s, half of the time of these tests."""
    found = manifest_scanner.scan_component_manifests()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", lambda: list(found))
        yield


@pytest.fixture
def open_page(local_workspace: LocalWorkspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> OpenPage:
    """``open_page("chat")`` runs that page with the local workspace as this machine's own; a visitor of its own each time."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DATABRICKS_HOST", local_workspace.host)
    monkeypatch.setenv("DATABRICKS_TOKEN", local_workspace.token)
    local_workspace.clear()

    def open_(name: str, **address: str | list[str]) -> AppTest:
        test = AppTest.from_file(str(ROOT / "ui" / "main.py"), default_timeout=60)
        for key, value in address.items():
            test.query_params[key] = value
        test.run()
        if name != "home":
            test.switch_page(str(ROOT / "pages" / f"{name}.py")).run()
        assert not test.exception
        return test

    return open_


@pytest.fixture
def scope(local_workspace: LocalWorkspace) -> Iterator[str]:
    """A secret scope with one key, "there", of the test's own."""
    name = f"pages-{next(_scopes)}"
    assert post(local_workspace, "scopes/create", scope=name).ok
    assert post(local_workspace, "put", scope=name, key="there", string_value="old value").ok
    yield name
    post(local_workspace, "scopes/delete", scope=name)
