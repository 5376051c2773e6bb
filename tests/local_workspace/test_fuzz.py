"""Thousands of generated requests: the workspace answers every one, in the shape it describes, and goes on working."""

import sys
from collections.abc import Iterator

import pytest

from tests.local_workspace.calls import CHAT, CHAT_PATH, EMBEDDINGS, HELLO, call
from tests.local_workspace.fuzzing import Fuzzer
from tests.local_workspaces import LocalWorkspace, start_local_workspace

REQUESTS = 5000
SCOPE = "fuzz"


@pytest.fixture
def workspace(tmp_path: pytest.TempPathFactory) -> Iterator[LocalWorkspace]:
    started = start_local_workspace(tmp_path / "stderr.txt", "--deployment-seconds", "0")
    yield started
    started.stop()


def known_values(workspace: LocalWorkspace) -> dict[str, list[str]]:
    """Values that name something, so that not every request ends at "there is no such thing"."""
    endpoint = call(workspace, "GET", f"/api/2.0/serving-endpoints/{CHAT}").json()
    clusters = call(workspace, "GET", "/api/2.1/clusters/list").json()["clusters"]
    call(workspace, "POST", "/api/2.0/secrets/scopes/create", {"scope": SCOPE})
    call(workspace, "POST", "/api/2.0/secrets/put", {"scope": SCOPE, "key": "brick", "string_value": "x"})
    return {
        "name": [CHAT, "fuzz-endpoint", EMBEDDINGS],
        "entity": [endpoint["config"]["served_entities"][0]["name"]],
        "entity_name": [endpoint["config"]["served_entities"][0]["entity_name"]],
        "entity_version": ["1"],
        "object_type": ["serving-endpoints", "clusters"],
        "object_id": [endpoint["id"], clusters[0]["cluster_id"]],
        "cluster_id": [cluster["cluster_id"] for cluster in clusters],
        "scope": [SCOPE],
        "key": ["brick", "mortar"],
        "principal": ["analyst@local", "users"],
        "group_name": ["users"],
        "user_name": ["analyst@local"],
    }


@pytest.mark.timeout(400)
def test_no_generated_request_breaks_the_workspace(workspace, capsys, record_property):
    fuzzer = Fuzzer(workspace, known_values(workspace))
    operations = list(fuzzer.operations())
    for operation in operations:
        # Operations without parameters and body are soon exhausted; the others make up for them.
        fuzzer.fuzz(operation, REQUESTS // len(operations) + 8)
    record_property("requests", fuzzer.sent)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{fuzzer.sent} generated requests to {len(operations)} operations: {dict(fuzzer.statuses)}\n"
        )
    assert fuzzer.findings == {}
    assert fuzzer.sent >= REQUESTS
    assert fuzzer.statuses[200] > REQUESTS / 10
    assert "Traceback" not in workspace.stderr.read_text()
    for path in ("ai-gateway", "rate-limits"):  # which may have been set to anything
        assert call(workspace, "PUT", f"/api/2.0/serving-endpoints/{CHAT}/{path}", {}).status_code == 200
    assert call(workspace, "POST", CHAT_PATH, HELLO | {"max_tokens": 4}).json()["choices"][0]["message"]["content"]
