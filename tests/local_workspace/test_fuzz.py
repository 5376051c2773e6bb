"""Thousands of generated requests: the workspace answers every one, in the shape it describes, and goes on working."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local_workspace.calls import CHAT, CHAT_PATH, EMBEDDINGS, HELLO, call
from tests.local_workspace.fuzzing import Fuzzer
from tests.local_workspaces import LocalWorkspace, start_local_workspace

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "1000"))  # 5000 and more when the workspace's routes have changed
API = "/api/2.0/serving-endpoints"
SCOPE, OLD = "fuzz", "fuzz-old"
NEW = [f"fuzz-{number}" for number in range(20)]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[LocalWorkspace]:
    started = start_local_workspace(tmp_path / "stderr.txt", "--deployment-seconds", "0")
    yield started
    started.stop()


def make_fuzzer(workspace: LocalWorkspace) -> Fuzzer:
    """A fuzzer that knows what there is, so that not every request ends at "there is no such thing"."""
    endpoint = call(workspace, "GET", f"{API}/{CHAT}").json()
    clusters = [it["cluster_id"] for it in call(workspace, "GET", "/api/2.1/clusters/list").json()["clusters"]]
    [entity] = endpoint["config"]["served_entities"]
    known = {
        "name": [CHAT, EMBEDDINGS, OLD, *NEW[:2]],
        "entity": [entity["name"]],
        "object_type": ["serving-endpoints", "clusters"],
        "object_id": [endpoint["id"], clusters[0]],
        "cluster_id": clusters,
        "scope": [SCOPE],
        "key": ["brick"],
        "principal": ["analyst@local", "users"],
        "user": ["analyst"],
        "chat": [CHAT],
        "embeddings": [EMBEDDINGS],
    }
    in_bodies = {
        "name": NEW,
        "entity_name": [entity["entity_name"]],
        "entity_version": ["1"],
        "served_entity_name": [entity["name"]],
        "traffic_percentage": [100],
        "group_name": ["users"],
        "user_name": ["analyst@local"],
        "key": ["brick", "endpoint", "user"],
        "permission": ["READ", "WRITE"],
        "permission_level": ["CAN_QUERY", "CAN_ATTACH_TO"],
        "renewal_period": ["minute"],
        "scope_backend_type": ["DATABRICKS"],
    }
    return Fuzzer(workspace, known, in_bodies)


def prepare(workspace: LocalWorkspace) -> None:
    """Make again what an earlier operation may have deleted, and undo what would hide others behind a limit."""
    call(workspace, "POST", "/api/2.0/secrets/scopes/create", {"scope": SCOPE})
    call(workspace, "POST", "/api/2.0/secrets/put", {"scope": SCOPE, "key": "brick", "string_value": "x"})
    entity = {"entity_name": "local.models.smollm2-135m-instruct", "entity_version": "1"}
    call(workspace, "POST", API, {"name": OLD, "config": {"served_entities": [entity]}})
    for path in ("ai-gateway", "rate-limits"):
        assert call(workspace, "PUT", f"{API}/{CHAT}/{path}", {}).status_code == 200


@pytest.mark.timeout(400)
def test_no_generated_request_breaks_the_workspace(workspace, capsys, record_property):
    fuzzer = make_fuzzer(workspace)
    operations = list(fuzzer.operations())
    for operation in operations:
        prepare(workspace)
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
    prepare(workspace)
    assert call(workspace, "POST", CHAT_PATH, HELLO | {"max_tokens": 4}).json()["choices"][0]["message"]["content"]
