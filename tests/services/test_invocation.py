"""One call with any JSON body: in a job, and the smallest body to try an endpoint with."""

import json
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import invocation
from services.endpoints import get_endpoint_detail
from services.endpoints.reading import detail_from_wire
from services.errors import BadInput, EndpointFailed, PermissionDenied, TooManyRequests, UnexpectedReply
from services.invocation import InvocationJob, invocation_path, read_openapi
from services.invocation.samples import MOST_VALUES, sample
from services.jobs import Bell, Outcome
from tests.local_workspaces import eventually
from tests.services.chats import CHAT, CHAT_PATH, EMBEDDINGS, at
from tests.services.replies import Exchange, silent, stream, whole

pytestmark = pytest.mark.usefixtures("awake_registry")

PROMPT_MODEL = "local-prompt-model"
HELLO = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 3}


def ended(job: InvocationJob, seconds: float = 30) -> Outcome:
    eventually(lambda: not job.running, seconds)
    return job.reply.outcome


def job_of(workspace, body=HELLO, endpoint=CHAT, **options) -> InvocationJob:
    return InvocationJob(workspace, endpoint, body, Bell(), **options)


def test_the_body_leaves_as_it_is_and_the_whole_reply_is_kept(local_workspace, workspace):
    local_workspace.clear()
    job = job_of(workspace, {"input": ["벽돌"]}, EMBEDDINGS)
    assert ended(job) is Outcome.COMPLETE
    [sent] = [one for one in local_workspace.requests() if one.method == "POST"]
    assert (sent.path, sent.json) == (invocation_path(EMBEDDINGS), {"input": ["벽돌"]})
    assert len(job.reply.body["data"][0]["embedding"]) == 384
    assert json.loads(job.reply.text) == job.reply.body
    assert job.served_by == "minilm-l6-v2-1"
    assert job.call.record.request_body == sent.body


def test_a_stream_is_kept_event_by_event(local_workspace, workspace):
    local_workspace.queue_fault("scripted-0-3", CHAT_PATH)
    job = job_of(workspace, HELLO | {"stream": True})
    assert ended(job) is Outcome.COMPLETE
    assert job.reply.body is None
    assert job.reply.events[-1] == "[DONE]"
    assert json.loads(job.reply.events[0])["choices"]
    assert job.reply.text.splitlines() == job.reply.events


def test_a_stream_without_an_end_mark_is_no_failure(make_reply_server):
    job = job_of(at(make_reply_server(stream({"word": "a"}, {"word": "b"}, done=False))))
    assert ended(job) is Outcome.COMPLETE
    assert [json.loads(one) for one in job.reply.events] == [{"word": "a"}, {"word": "b"}]


@pytest.mark.parametrize("event", [{"error": {"message": "no"}}, {"error_code": "BAD", "message": "no"}])
def test_a_failure_told_in_a_stream_keeps_what_had_arrived(make_reply_server, event):
    job = job_of(at(make_reply_server(stream({"word": "a"}, event))))
    assert ended(job) is Outcome.FAILED
    assert isinstance(job.reply.error, EndpointFailed)
    assert len(job.reply.events) == 2


@pytest.mark.parametrize(
    ("fault", "error"),
    [("return-429", TooManyRequests), ("return-504", EndpointFailed), ("truncated-json", UnexpectedReply)],
)
def test_a_refusal_is_kept_and_not_repeated(local_workspace, workspace, fault, error):
    local_workspace.clear()
    local_workspace.queue_fault(fault, CHAT_PATH)
    job = job_of(workspace)
    assert ended(job) is Outcome.FAILED
    assert isinstance(job.reply.error, error)
    assert job.reply.error.hint
    assert len([one for one in local_workspace.requests() if one.method == "POST"]) == 1


def test_stop_ends_the_request_itself(local_workspace, workspace):
    local_workspace.clear()
    local_workspace.queue_fault("stall-20s", CHAT_PATH)
    job = job_of(workspace)
    eventually(local_workspace.requests)
    pressed = time.monotonic()
    job.stop()
    assert local_workspace.settled(CHAT_PATH).outcome == "client_closed"
    assert time.monotonic() - pressed < 3  # of 20
    assert (job.reply.outcome, job.reply.error) == (Outcome.STOPPED, None)


def test_what_comes_after_stop_is_not_taken_in(make_reply_server):
    go_on = threading.Event()

    def slow(exchange: Exchange) -> None:
        exchange.head(content_type="text/event-stream")
        exchange.send(b'data: {"word": "kept"}\n\n')
        exchange.until(go_on)
        exchange.send(b'data: {"word": "late"}\n\n')

    job = job_of(at(make_reply_server(slow)))
    eventually(lambda: job.reply.events)
    job.stop()
    go_on.set()
    eventually(lambda: not [one for one in threading.enumerate() if one.name == f"invoke {CHAT}"])
    assert job.reply.events == ['{"word": "kept"}']


def test_a_job_that_nobody_watches_is_ended_and_says_why(make_reply_server):
    job = job_of(at(make_reply_server(silent)), unwatched_seconds=0.1)
    assert ended(job) is Outcome.STOPPED
    assert "no page showed it" in job.reply.ended_because


def test_a_served_entity_can_be_asked_past_the_split(local_workspace, workspace):
    path = invocation_path(CHAT, "smollm2-135m-instruct-1")
    job = job_of(workspace, path=path)
    assert ended(job) is Outcome.COMPLETE
    assert local_workspace.last_request("served-models").path == path


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [("", {}), (CHAT, {"x": float("nan")}), (CHAT, {"x": "\ud800"}), (CHAT, {"x": "a" * 17_000_000})],
)
def test_what_cannot_be_sent_is_refused_before_anything_leaves(local_workspace, workspace, endpoint, body):
    local_workspace.clear()
    with pytest.raises(BadInput):
        job_of(workspace, body, endpoint)
    assert local_workspace.requests() == []


def test_a_path_cannot_leave_its_endpoint():
    assert invocation_path("a/../b", "c d") == "/serving-endpoints/a%2F..%2Fb/served-models/c%20d/invocations"


@pytest.mark.parametrize("name", [CHAT, EMBEDDINGS])
def test_the_test_body_of_an_endpoint_is_answered(workspace, name):
    detail = get_endpoint_detail(workspace, name)
    path, body = invocation.test_body(detail, read_openapi(workspace, name))
    job = job_of(workspace, body, name, path=path)
    assert ended(job, 60) is Outcome.COMPLETE, job.reply.error


def test_a_task_that_says_enough_costs_no_question(local_workspace, workspace):
    detail = get_endpoint_detail(workspace, CHAT)
    local_workspace.clear()
    assert invocation.get_test_body(workspace, detail) == (
        CHAT_PATH,
        {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 16},
    )
    assert local_workspace.requests() == []


def test_a_models_schema_says_its_columns(workspace):
    _, body = invocation.get_test_body(workspace, get_endpoint_detail(workspace, PROMPT_MODEL))
    assert body == {
        "dataframe_split": {"columns": ["prompt", "stop"], "data": [["Say hello.", []]]},
        "params": {"max_tokens": 16},
    }


@pytest.mark.parametrize("refusal", [whole({"message": "no signature"}, 400), whole({"message": "gone"}, 404)])
def test_an_endpoint_without_a_schema_has_no_test_body(make_reply_server, refusal):
    assert invocation.get_test_body(at(make_reply_server(refusal)), CUSTOM) is None


def test_a_schema_that_cannot_be_asked_for_is_told(make_reply_server):
    with pytest.raises(PermissionDenied):
        read_openapi(at(make_reply_server(whole({"message": "no"}, 403))), "x")


CUSTOM = detail_from_wire({"name": "x"})
RECORD = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": ["null", "number"]}},
    "required": ["a"],
}


def body_of(schema, **media):
    content = {"application/json": {"schema": schema, **media}}
    document = {"paths": {"/served-models/m/invocations": {"post": {"requestBody": {"content": content}}}}}
    found = invocation.test_body(CUSTOM, document)
    return found and found[1]


@pytest.mark.parametrize(
    ("schema", "media", "body"),
    [
        ({}, {"example": {"inputs": [1]}}, {"inputs": [1]}),
        ({}, {"examples": {"one": {"value": {"inputs": [2]}}}}, {"inputs": [2]}),
        ({"type": "object", "properties": {"inputs": {"example": [3]}}}, {}, {"inputs": [3]}),
        (
            {"properties": {"dataframe_records": {"type": "array", "items": RECORD}}},
            {},
            {"dataframe_records": [{"a": 1}]},
        ),
        (
            {"properties": {"instances": {"type": "array", "minItems": 2, "items": {"type": "number"}}}},
            {},
            {"instances": [1.0, 1.0]},
        ),
        (
            {
                "properties": {
                    "dataframe_split": {
                        "properties": {
                            "columns": {"items": {"enum": ["a", "b"]}},
                            "data": {
                                "items": {"prefixItems": [{"type": "boolean"}, {"type": "string", "format": "date"}]}
                            },
                        }
                    }
                }
            },
            {},
            {"dataframe_split": {"columns": ["a", "b"], "data": [[True, "2026-01-31"]]}},
        ),
        ({"type": "object", "properties": {"question": {"type": "string"}}}, {}, {"question": "Say hello."}),
        ({"type": "array"}, {}, None),
        ({"$ref": "#/nowhere"}, {}, None),
    ],
)
def test_a_body_follows_the_schema(schema, media, body):
    assert body_of(schema, **media) == body


def test_a_schema_of_a_picture_does_not_fill_the_page():
    pixels = {"type": "number"}
    for length in (3, 1024, 1024):
        pixels = {"type": "array", "minItems": length, "maxItems": length, "items": pixels}
    assert len(json.dumps(sample(pixels))) < 20 * MOST_VALUES


WORDS = """
paths post requestBody content application/json schema oneOf anyOf properties items enum prefixItems type required minItems
example examples default dataframe_split dataframe_records inputs columns data params max_tokens
"""
KEYS = st.sampled_from([*WORDS.split()])
DOCUMENTS = st.recursive(
    st.none() | st.integers(-5, 10**6) | st.sampled_from(["object", "array", "string", "number", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(DOCUMENTS)
def test_whatever_a_schema_says_gives_a_body_that_can_be_sent_or_none(document):
    body = body_of(document)
    assert body is None or json.dumps(body)
    found = invocation.test_body(CUSTOM, document if isinstance(document, dict) else {})
    assert found is None or isinstance(found[1], dict)
