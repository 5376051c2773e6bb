"""Clients in environments of their own: a script goes in with what it needs to know, one JSON object comes out."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.local_workspaces import ROOT, LocalWorkspace

CURRENT = ROOT / ".venv-clients" / "bin"
LEGACY = ROOT / ".venv-clients-legacy" / "bin"
SCRIPT_SECONDS = 600


def clean_environment(workspace: LocalWorkspace, token: str | None = None) -> dict[str, str]:
    """What a person's shell has after the workspace's env.sh, and nothing of another Databricks."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DATABRICKS_", "MLFLOW_"))}
    found = kept | {
        "DATABRICKS_HOST": workspace.host,
        "DATABRICKS_TOKEN": token or workspace.token,
        "DATABRICKS_CONFIG_FILE": os.devnull,
        "LC_ALL": "C.UTF-8",
    }
    if workspace.ca_bundle:
        found |= {"REQUESTS_CA_BUNDLE": workspace.ca_bundle, "SSL_CERT_FILE": workspace.ca_bundle}
    return found


def environment_bin(folder: Path) -> Path:
    """The environment's programs; fails with what to do when there are none."""
    if not (folder / "python").exists():
        pytest.fail(f"There is no {folder.parent.name}; run `make clients`, which makes it.", pytrace=False)
    return folder


def run_script(
    folder: Path, script: Path, workspace: LocalWorkspace, given: dict[str, Any], **environment: str
) -> dict[str, Any]:
    """The JSON object in the last line that `script` prints; it reads `given` as JSON from its only argument."""
    ended = subprocess.run(
        [environment_bin(folder) / "python", script, json.dumps(given)],
        env=clean_environment(workspace) | environment,
        capture_output=True,
        text=True,
        timeout=SCRIPT_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def run_snippets(
    folder: Path, sources: list[str], workspace: LocalWorkspace, **environment: str
) -> list[dict[str, str]]:
    """What each of the Python sources, run one after another in one process, has `said`, and how it `failed`, if it did."""
    order = [{"source": source, "environment": {}} for source in sources]
    ended = subprocess.run(
        [environment_bin(folder) / "python", ROOT / "tests" / "services" / "run_snippets.py"],
        input=json.dumps(order),
        env=clean_environment(workspace) | environment,
        capture_output=True,
        text=True,
        timeout=SCRIPT_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    found: list[dict[str, str]] = json.loads(ended.stdout)
    return found
