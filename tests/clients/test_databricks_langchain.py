"""databricks-langchain as it is, in the environment that `make clients` makes."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.local_workspace.calls import CHAT, EMBEDDINGS, EMBEDDINGS_PATH
from tests.local_workspaces import ROOT

pytestmark = pytest.mark.clients

PYTHON = ROOT / ".venv-clients" / "bin" / "python"
SCRIPT = Path(__file__).with_name("langchain_script.py")


@pytest.fixture(scope="module")
def said(local_workspace):
    """What the script printed, and the requests it made."""
    if not PYTHON.exists():
        pytest.fail("There is no .venv-clients; run `make clients`, which makes it.", pytrace=False)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DATABRICKS_")}
    ended = subprocess.run(
        [PYTHON, SCRIPT, CHAT, EMBEDDINGS],
        env=environment | {"DATABRICKS_HOST": local_workspace.host, "DATABRICKS_TOKEN": local_workspace.token},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    return json.loads(ended.stdout.splitlines()[-1]), local_workspace.requests()


@pytest.mark.timeout(300)
def test_invoke_answers_with_usage(said):
    reply = said[0]["invoke"]
    assert reply["text"]
    assert reply["usage"]["total_tokens"] == reply["usage"]["input_tokens"] + reply["usage"]["output_tokens"]
    assert reply["metadata"]["finish_reason"] in ("stop", "length")


def test_streamed_usage_is_counted_once(said):
    streamed, whole = said[0]["stream"], said[0]["invoke"]
    assert streamed["pieces"] > 2
    assert streamed["text"] == whole["text"]
    assert streamed["usage"]["output_tokens"] == whole["usage"]["output_tokens"]
    assert streamed["usage"]["input_tokens"] == whole["usage"]["input_tokens"]


def test_a_stop_ends_the_text_and_is_sent(said):
    assert "3" not in said[0]["stop"]
    assert any(entry.json.get("stop") == ["3"] for entry in said[1] if entry.path.endswith("/chat/completions"))


def test_structured_output_keeps_to_its_schema(said):
    person = said[0]["structured"]
    assert set(person) == {"name", "age"}
    assert isinstance(person["age"], int)


def test_embeddings_are_asked_for_twenty_at_a_time(said):
    assert said[0]["documents"] == [384] * 25
    assert said[0]["query"] == 384
    sizes = [len(entry.json["input"]) for entry in said[1] if entry.path == EMBEDDINGS_PATH]
    assert sizes[-3:] == [20, 5, 1]


def test_a_missing_endpoint_is_a_not_found_error(said):
    assert said[0]["missing"]["kind"] == "NotFoundError"
    assert "'nope' does not exist" in said[0]["missing"]["text"]
