"""Pages as Streamlit's AppTest runs them, on a real local workspace."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.local_workspaces import ROOT, LocalWorkspace

OpenPage = Callable[..., AppTest]


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
