"""databricks-langchain as it is, in the environment that `make clients` makes, over TLS."""

from pathlib import Path

import pytest

from tests.clients.environments import CURRENT, run_script
from tests.clients.openai_provider import ANSWER
from tests.local_workspace.calls import CHAT, EMBEDDINGS, EMBEDDINGS_PATH, call

pytestmark = [pytest.mark.clients, pytest.mark.timeout(300)]

SCRIPT = Path(__file__).with_name("langchain_script.py")
DOCUMENTS = [f"Document {place} 벽돌" for place in range(45)]


@pytest.fixture(scope="module")
def ran(tls_workspace, external_endpoints):
    """What the script printed, and the requests it made."""
    given = {
        "chat": CHAT,
        "embeddings": EMBEDDINGS,
        "documents": DOCUMENTS,
        "external_chat": external_endpoints["chat"],
        "external_embeddings": external_endpoints["embeddings"],
    }
    since = max((entry.id for entry in tls_workspace.requests()), default=0)
    found = run_script(CURRENT, SCRIPT, tls_workspace, given)
    return found, tls_workspace.requests(since)


@pytest.fixture(scope="module")
def seeded(ran):
    return ran[0]["seeded"]


@pytest.fixture(scope="module")
def external(ran):
    return ran[0]["external"]


def test_invoke_answers_with_usage(seeded):
    reply = seeded["invoke"]
    assert reply["text"]
    assert reply["usage"]["total_tokens"] == reply["usage"]["input_tokens"] + reply["usage"]["output_tokens"]
    assert reply["metadata"]["finish_reason"] in ("stop", "length")


def test_streamed_usage_is_counted_once(seeded):
    streamed, whole = seeded["stream"], seeded["invoke"]
    assert streamed["pieces"] > 2
    assert streamed["text"] == whole["text"]
    assert streamed["usage"]["output_tokens"] == whole["usage"]["output_tokens"]
    assert streamed["usage"]["input_tokens"] == whole["usage"]["input_tokens"]


def test_a_stop_ends_the_text_and_is_sent(ran, seeded):
    assert "3" not in seeded["stop"]
    assert any(entry.json.get("stop") == ["3"] for entry in ran[1] if entry.path.endswith("/chat/completions"))


def test_structured_output_keeps_to_its_schema(seeded):
    person = seeded["structured"]
    assert set(person) == {"name", "age"}
    assert isinstance(person["age"], int)


def test_documents_are_embedded_twenty_at_a_time_with_the_vectors_of_a_direct_call(ran, seeded, tls_workspace):
    sizes = [len(entry.json["input"]) for entry in ran[1] if entry.path == EMBEDDINGS_PATH]
    assert sizes == [20, 20, 5, 1]
    for start in (0, 20, 40):
        chunk = DOCUMENTS[start : start + 20]
        direct = call(tls_workspace, "POST", EMBEDDINGS_PATH, {"input": chunk}).json()["data"]
        for vector, item in zip(seeded["documents"][start : start + 20], direct, strict=True):
            assert vector == pytest.approx(item["embedding"], abs=1e-6)
    assert len(seeded["query"]) == 384


def test_a_missing_endpoint_is_a_not_found_error(seeded):
    assert seeded["missing"]["kind"] == "NotFoundError"
    assert "'nope' does not exist" in seeded["missing"]["text"]


def test_a_model_of_a_provider_answers_and_streams(external):
    assert external["invoke"]["text"] == ANSWER
    assert external["invoke"]["usage"]["total_tokens"] == 17
    assert external["invoke"]["metadata"]["finish_reason"] == "stop"
    assert external["stream"]["text"].strip() == ANSWER
    assert external["stream"]["pieces"] > len(ANSWER.split())
    assert external["several"] == [ANSWER, ANSWER]


def test_it_does_so_asynchronously(external):
    assert external["async"]["invoke"] == ANSWER
    assert external["async"]["batch"] == [ANSWER] * 3
    assert external["async"]["stream"].strip() == ANSWER


def test_tools_are_called_and_answered(external):
    (called,) = external["tool_calls"]
    assert (called["name"], called["args"]) == ("weather", {"city": "Seoul"})
    assert external["after_tool"] == ANSWER


def test_both_gateways_lead_to_the_endpoint(ran, external):
    assert external["gateway"] == external["native"] == ANSWER
    paths = {entry.path for entry in ran[1]}
    assert {"/ai-gateway/mlflow/v1/chat/completions", "/ai-gateway/openai/v1/chat/completions"} <= paths


def test_embeddings_of_a_provider(external):
    assert external["embeddings"] == [[4.0, 1.0, 0.0], [1.0, 1.0, 0.0]]


def test_refusals_can_be_read(external):
    assert "llm/v1/embeddings" in external["wrong_task"]["text"]
    assert "esponses" in external["responses"]["text"]


def test_databricks_openai_answers(ran):
    assert ran[0]["databricks_openai"] == {"chat": ANSWER, "embedding": 384, "async": ANSWER}
