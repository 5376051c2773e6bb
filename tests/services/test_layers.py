"""What importing costs, and what it must not bring along."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("mlflow", "sklearn", "umap", "plotly", "pandas", "numpy", "databricks.sdk", "streamlit", "openai")


def loaded_by(*modules: str) -> set[str]:
    """The modules that a fresh process has loaded after importing these."""
    code = f"import sys, json, {', '.join(modules)}\nprint(json.dumps(list(sys.modules)))"
    return set(json.loads(subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True)))


def modules_of(package: str) -> list[str]:
    paths = [path for path in (ROOT / package).rglob("*.py") if path.stem != "__main__"]
    return sorted(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths)


@pytest.mark.parametrize("package", ["services", "local_workspace"])
def test_a_package_below_the_pages_does_not_know_streamlit_or_its_neighbour(package):
    loaded = loaded_by(*modules_of(package))
    assert len(modules_of(package)) > 10
    assert "streamlit" not in loaded
    assert not [name for name in loaded if name.split(".")[0] == ({"services", "local_workspace"} - {package}).pop()]


def test_what_the_first_page_imports_is_light():
    loaded = loaded_by("services.chat", "services.endpoints", "services.doors", "services.snippets", "services.local")
    assert loaded.isdisjoint(HEAVY)
