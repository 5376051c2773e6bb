"""LangChain's Databricks notebook of 2024, as it is, in the environment of its time, over TLS.

What it shows and cannot work any more, or never worked, is asserted as such: the reasons are in the client.
"""

import contextlib
import json
import socket
from pathlib import Path

import pytest

from tests.clients.environments import LEGACY, run_script
from tests.clients.openai_provider import ANSWER, KEY, OpenAiProvider
from tests.local_workspace.calls import CHAT, CHAT_PATH, EMBEDDINGS, EMBEDDINGS_PATH, call
from tests.local_workspaces import start_local_workspace

pytestmark = [pytest.mark.clients, pytest.mark.timeout(240)]

SCRIPT = Path(__file__).with_name("legacy") / "seed_script.py"
PROMPT = "local-prompt-model"
PROMPT_PATH = f"/serving-endpoints/{PROMPT}/invocations"
DOCUMENTS = [f"Document {place}: {'brick ' * (place % 7)}벽돌" for place in range(45)]
CONCISE = "How are you?\n    Be Concise.\n    "


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A workspace of the notebook's own, over TLS."""
    stderr = tmp_path_factory.mktemp("seed-workspace") / "stderr.txt"
    workspace = start_local_workspace(stderr, "--tls", "--deployment-seconds", "0.3")
    yield workspace
    workspace.stop()


@pytest.fixture(scope="module")
def provider():
    """A provider that only the notebook asks."""
    provider = OpenAiProvider()
    yield provider
    provider.stop()


def dead_port():
    """A port that the driver proxy may reach, where nobody listens."""
    for port in range(3000, 8000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("", port))
            return port
    raise AssertionError("Every port from 3000 to 8000 is taken.")


@pytest.fixture(scope="module")
def ran(workspace, provider, legacy_cli):
    """What the notebook's cells gave, after its prerequisite in the shell, and the requests they made."""
    for command in (
        ("create-scope", "--scope", "seed"),
        ("put", "--scope", "seed", "--key", "openai-api-key", "--string-value", KEY),
    ):
        ended = legacy_cli(workspace, "secrets", *command)
        assert ended.returncode == 0, ended.stdout
    clusters = call(workspace, "GET", "/api/2.1/clusters/list").json()["clusters"]
    given = {
        "scope": "seed",
        "upstream": provider.base,
        "embeddings": EMBEDDINGS,
        "documents": DOCUMENTS,
        "prompt_endpoint": PROMPT,
        "chat": CHAT,
        "cluster_id": workspace.ready["cluster_id"],
        "driver_port": workspace.ready["driver_port"],
        "terminated_id": next(it["cluster_id"] for it in clusters if it["state"] == "TERMINATED"),
        "analyst": workspace.users["analyst"],
        "dead_port": dead_port(),
    }
    found = run_script(LEGACY, SCRIPT, workspace, given)
    return found, workspace.requests()


@pytest.fixture(scope="module")
def cells(ran):
    return ran[0]


def asked(ran, path):
    """The bodies sent to `path`. Of a caller who may not pass the driver proxy, none is read."""
    return [entry.json for entry in ran[1] if entry.path == path and entry.body]


def test_the_endpoint_is_created_from_the_old_form_of_arguments(ran, cells):
    made = cells["external_model"]["made"]
    assert made["name"] == "my-chat"
    shown = made.get("pending_config", made.get("config"))["served_entities"][0]
    assert shown["external_model"]["openai_config"]["openai_api_key"] == "{{secrets/seed/openai-api-key}}"
    sent = asked(ran, "/api/2.0/serving-endpoints/")[0]
    assert sent.keys() == {"name", "config", "route_optimized"}


def test_the_endpoint_can_be_created_once(cells):
    assert cells["external_model"]["again"]["kind"] == "HTTPError"
    assert "RESOURCE_ALREADY_EXISTS" in cells["external_model"]["again"]["text"]


def test_the_chat_model_answers_and_streams(cells):
    assert cells["external_model"]["content"] == ANSWER
    assert cells["external_model"]["several"] == [ANSWER]
    assert "".join(cells["external_model"]["pieces"]).strip() == ANSWER
    assert len(cells["external_model"]["pieces"]) >= len(ANSWER.split())


def test_the_usage_of_an_answer_is_its_metadata(cells):
    assert cells["external_model"]["metadata"]["total_tokens"] == 17


def test_the_provider_is_asked_with_the_secrets_value(ran, provider):
    questions = [asked for asked in provider.asked if asked.path == "/v1/chat/completions"]
    assert len(questions) >= 3
    assert {asked.headers["authorization"] for asked in questions} == {f"Bearer {KEY}"}
    assert {asked.json["model"] for asked in questions} == {"gpt-4"}
    assert questions[0].json["temperature"] == 0.1


def test_tools_are_called_and_prompts_completed(cells, provider):
    (called,) = cells["beyond_the_notebook"]["tool_calls"]
    assert (called["name"], called["args"]) == ("weather", {"city": "Seoul"})
    assert cells["beyond_the_notebook"]["completed"] == ANSWER
    (question,) = [asked.json for asked in provider.asked if asked.path == "/v1/completions"]
    assert question | {"model": "davinci", "prompt": "Say hello.", "stop": ["zebra"], "max_tokens": 5} == question


def test_the_key_shows_nowhere_else(ran, workspace):
    found, requests = ran
    assert KEY not in json.dumps(found)
    assert not [entry.path for entry in requests if KEY.encode() in entry.body]
    assert KEY not in workspace.stderr.read_text()


def test_documents_are_embedded_twenty_at_a_time_with_the_vectors_of_a_direct_call(ran, cells, workspace):
    sizes = [len(body["input"]) for body in asked(ran, EMBEDDINGS_PATH)]
    assert sizes == [1, 20, 20, 5]
    found = cells["embeddings"]["documents"]
    assert len(found) == 45
    for start in (0, 20, 40):
        chunk = DOCUMENTS[start : start + 20]
        direct = call(workspace, "POST", EMBEDDINGS_PATH, {"input": chunk}).json()["data"]
        for vector, item in zip(found[start : start + 20], direct, strict=True):
            assert vector == pytest.approx(item["embedding"], abs=1e-6)
    assert len(cells["embeddings"]["query"]) == 384


def test_the_llm_sends_records_and_reads_the_prediction(ran, cells):
    texts = cells["custom_model"]
    assert isinstance(texts["text"], str)
    assert texts["text"].strip()
    records = [body["dataframe_records"][0] for body in asked(ran, PROMPT_PATH)]
    assert records[0] == {"prompt": "How are you?"}
    assert records[1] == {"prompt": "How are you?", "stop": ["."]}
    assert records[2] == {"prompt": "How are you?"}


def test_a_stop_is_sent_and_is_not_in_the_text(cells):
    assert "." not in cells["custom_model"]["stopped"]
    assert "e" not in cells["custom_model"]["extra_params"]


def test_transforms_see_the_request_and_the_prediction(ran, cells):
    prompts = [body["dataframe_records"][0]["prompt"] for body in asked(ran, PROMPT_PATH)]
    assert prompts.count(CONCISE) == 2
    assert isinstance(cells["custom_model"]["transformed"], str)
    assert cells["custom_model"]["both"] == cells["custom_model"]["both"].upper()


def test_a_host_is_ignored_where_an_endpoint_is_named(cells):
    assert isinstance(cells["custom_model"]["other_host"], str)


def test_model_kwargs_never_work(cells):
    """The client compares its empty default with None (langchain_community/llms/databricks.py)."""
    for part in ("custom_model", "driver_proxy"):
        assert cells[part]["model_kwargs"]["kind"] == "ValueError"
        assert "Cannot set both extra_params and extra_params" in cells[part]["model_kwargs"]["text"]


def test_what_the_model_does_not_take_is_told(cells):
    refused = cells["custom_model"]["bad_type"]
    assert refused["kind"] == "HTTPError"
    assert "BAD_REQUEST" in refused["text"]
    assert "stop" in refused["text"]


def test_an_unknown_endpoint_fails_at_once(cells):
    assert cells["custom_model"]["missing"]["kind"] == "HTTPError"
    assert "'nope' does not exist" in cells["custom_model"]["missing"]["text"]


def test_a_chat_endpoint_takes_messages_and_says_so(ran, cells):
    assert "send 'messages', not 'prompt'" in cells["prompt_to_chat"]["prompt"]["text"]
    assert cells["prompt_to_chat"]["messages"].strip()
    assert asked(ran, CHAT_PATH)[-1] == {
        "messages": [{"role": "user", "content": "Say hello."}],
        "temperature": 0.0,
        "n": 1,
        "max_tokens": 5,
    }


def test_the_app_behind_the_driver_proxy_answers(ran, cells, workspace):
    ready = workspace.ready
    path = f"/driver-proxy-api/o/0/{ready['cluster_id']}/{ready['driver_port']}"
    assert isinstance(cells["driver_proxy"]["text"], str)
    assert cells["driver_proxy"]["text"].strip()
    assert "e" not in cells["driver_proxy"]["stopped"]
    assert "o" not in cells["driver_proxy"]["extra_params"]
    bodies = asked(ran, path)
    assert bodies[0] == {"prompt": "How are you?"}
    assert bodies[1] == {"prompt": "How are you?", "stop": ["e"]}
    assert bodies[2] == {"prompt": CONCISE}
    assert bodies[3] == {"prompt": "How are you?", "stop": ["o"]}


def test_both_transforms_work_on_the_driver_proxy(cells):
    both = cells["driver_proxy"]["both"]
    assert both == both.upper() != both.lower()


def test_a_notebook_never_finds_its_own_cluster(cells):
    """The client raises after it found the cluster's id, whatever that was; host and token it does find."""
    assert "Context doesn't contain clusterId" in cells["driver_proxy"]["attached"]["text"]
    assert "cannot be automatically determined" in cells["driver_proxy"]["outside"]["text"]
    assert cells["driver_proxy"]["host_of_the_notebook"].strip()


@pytest.mark.parametrize(
    ("case", "start"),
    [
        ("terminated", "HTTP 400 error: INVALID_STATE: Cluster {terminated} is in Terminated state"),
        ("unknown", "HTTP 40"),
        ("bad_token", 'HTTP 403 error: {"error_code":403,"message":"Invalid access token.'),
        ("analyst", "HTTP 403 error: "),
        ("dead_port", "HTTP 502 error: "),
        ("far_port", "HTTP 40"),
        ("unknown_key", "HTTP 400 error: "),
        ("no_prompt", "HTTP 400 error: "),
    ],
)
def test_refusals_of_the_driver_proxy_can_be_read(cells, workspace, case, start):
    clusters = call(workspace, "GET", "/api/2.1/clusters/list").json()["clusters"]
    terminated = next(it["cluster_id"] for it in clusters if it["state"] == "TERMINATED")
    refused = cells["driver_proxy"][case]
    assert refused["kind"] == "ValueError"
    assert refused["text"].startswith(start.replace("{terminated}", terminated))
