"""stream_chat against the local workspace: what is sent, and what comes back."""

import json

import pytest

from services.call import Call
from services.chat import PARAMETERS, ChatParameters, ChatRequest, Message, chat_to_wire, measured, stream_chat
from services.errors import (
    Conflict,
    EndpointFailed,
    NotFound,
    PermissionDenied,
    Rejected,
    Side,
    TooManyRequests,
    Unauthenticated,
    UnexpectedReply,
    Unreachable,
)
from tests.services.chats import CHAT, CHAT_PATH, EMBEDDINGS, SCRIPT, asking, chat

SCHEMA = '{"type": "object", "properties": {"colour": {"enum": ["red", "blue"]}}, "required": ["colour"]}'
TOOLS = '[{"type": "function", "function": {"name": "now", "parameters": {"type": "object"}}}]'


def faulty(local_workspace, words: str) -> None:
    local_workspace.clear()
    local_workspace.queue_fault(words, CHAT_PATH)


# --- what is sent


def test_the_real_model_answers_in_a_stream(workspace):
    held = chat(workspace, asking("Name a colour.", max_tokens=8, temperature=0.0))
    assert held.error is None
    assert held.text.strip()
    assert len(held.call.record.events) > 5
    assert held.reply.usage.completion_tokens <= 8
    assert held.reply.answers[0].finish_reason in ("length", "stop")


def test_the_recorded_body_is_byte_for_byte_what_the_workspace_received(local_workspace, workspace):
    faulty(local_workspace, "scripted-0-3")
    history = (Message("system", "벽돌 🧱"), Message("user", 'a\n"b" \\ </script>'), Message("assistant", "é"))
    request = ChatRequest(CHAT, (*history, Message("user", "\u2028 $(rm) `x`")), ChatParameters(stop=("끝",)))
    held = chat(workspace, request)
    logged = local_workspace.settled(CHAT_PATH)
    assert held.call.record.request_body == logged.body
    assert logged.json == chat_to_wire(request)
    assert [message["content"] for message in logged.json["messages"]] == [one.content for one in request.messages]
    assert (held.call.record.method, held.call.record.url) == ("POST", local_workspace.host + CHAT_PATH)


SET = {
    "temperature": (0.0, 0.0),
    "max_tokens": (7, 7),
    "top_p": (0.5, 0.5),
    "stop": (("a", "벽"), ["a", "벽"]),
    "n": (1, 1),
    "seed": (0, 0),
    "presence_penalty": (-1.5, -1.5),
    "frequency_penalty": (2.0, 2.0),
    "logprobs": (False, False),
    "top_logprobs": (0, 0),
    "response_format": ("json_object", {"type": "json_object"}),
    "tools": (TOOLS, json.loads(TOOLS)),
    "tool_choice": ("none", "none"),
}
"""Values to set, at the edge of what counts as not set, and what they are in the body."""


@pytest.mark.parametrize("name", [one.name for one in PARAMETERS if one.name not in ("json_schema", "extra")])
def test_a_parameter_that_is_set_and_no_other_is_in_the_body(local_workspace, workspace, name):
    value, wire = SET[name]
    # logprobs=False and top_logprobs without logprobs are the person's own: the endpoint may refuse them, not we.
    faulty(local_workspace, "scripted-0-1")
    chat(workspace, asking(**{name: value}))
    body = local_workspace.settled(CHAT_PATH).json
    assert body.pop("messages")
    assert body == {name: wire, "stream": True}


def test_every_parameter_at_once_is_in_the_body(local_workspace, workspace):
    parameters = {name: value for name, (value, _) in SET.items()} | {"response_format": "json_schema"}
    faulty(local_workspace, "scripted-0-1")
    chat(workspace, asking(**parameters, json_schema=SCHEMA, extra='{"top_k": 3, "user": "벽돌"}'))
    body = local_workspace.settled(CHAT_PATH).json
    schema = {"name": "answer", "strict": True, "schema": json.loads(SCHEMA)}
    wire = {name: wire for name, (_, wire) in SET.items()}
    wire["response_format"] = {"type": "json_schema", "json_schema": schema}
    assert body.pop("messages")
    assert body == {**wire, "stream": True, "top_k": 3, "user": "벽돌"}


def test_nothing_that_is_not_set_is_in_the_body():
    assert set(chat_to_wire(asking())) == {"messages", "stream"}
    empty = {"stop": (), "json_schema": "", "tools": "", "extra": "", "response_format": None, "tool_choice": None}
    assert set(chat_to_wire(asking(**empty, stream=False))) == {"messages"}


def test_the_table_and_the_record_have_the_same_parameters():
    assert {one.name for one in PARAMETERS} == ChatParameters.__dataclass_fields__.keys() - {"stream"}


def test_extra_fields_come_last_and_win():
    body = chat_to_wire(asking(temperature=0.5, extra='{"temperature": 1, "stream": false}'))
    assert (body["temperature"], body["stream"]) == (1, False)


def test_an_endpoints_name_cannot_leave_its_place_in_the_path():
    assert asking(endpoint="a/../b?c#d 벽").path == "/serving-endpoints/a%2F..%2Fb%3Fc%23d%20%EB%B2%BD/invocations"


# --- what comes back


def test_deltas_arrive_while_the_endpoint_is_still_writing(local_workspace, workspace):
    faulty(local_workspace, "scripted-10-10")  # a second of writing
    deltas = stream_chat(workspace, asking(), Call())
    first = next(delta for delta in deltas if delta.text)
    assert local_workspace.last_request(CHAT_PATH).outcome == "running"
    rest = "".join(delta.text for delta in deltas)
    assert first.text + rest == SCRIPT


def test_each_event_is_recorded_when_it_arrives(local_workspace, workspace):
    faulty(local_workspace, "scripted-20-10")
    held = chat(workspace)
    record = held.call.record
    seconds = [event.seconds for event in record.events]
    assert seconds == sorted(seconds)
    assert seconds[-1] - seconds[0] > 0.1
    assert record.events[-1].data == "[DONE]"
    assert record.headers_after < seconds[0] <= held.reply.first_text_after <= record.finished_after
    assert record.reply_bytes > sum(len(event.data) for event in record.events)
    assert record.reply_body.count(b"data: ") == len(record.events)


def test_a_reply_that_is_not_streamed_comes_whole(local_workspace, workspace):
    faulty(local_workspace, "scripted-0-10")
    held = chat(workspace, asking(stream=False))
    assert (held.text, held.error) == (SCRIPT, None)
    assert held.reply.answers[0].finish_reason == "stop"
    assert held.reply.usage.completion_tokens == 10
    record = held.call.record
    assert record.events == []
    assert json.loads(record.reply_body)["choices"][0]["message"]["content"] == SCRIPT
    assert measured(held.reply, record).first_token_seconds is None
    assert measured(held.reply, record).tokens_per_second is None
    assert measured(held.reply, record).total_seconds == record.finished_after > 0


def test_metrics_are_measured_on_a_stream_of_known_pace(local_workspace, workspace):
    faulty(local_workspace, "scripted-20-20")
    held = chat(workspace)
    metrics = measured(held.reply, held.call.record)
    assert metrics.completion_tokens == 20
    assert 0 < metrics.first_token_seconds < metrics.total_seconds
    assert 12 < metrics.tokens_per_second < 40  # 20, which a busy machine bends
    assert metrics.finish_reasons == ("stop",)


@pytest.mark.parametrize("stream", [True, False])
def test_several_answers_are_kept_apart(local_workspace, workspace, stream):
    faulty(local_workspace, "scripted-0-10")
    held = chat(workspace, asking(n=3, stream=stream))
    assert {index: answer.text for index, answer in held.reply.answers.items()} == dict.fromkeys(range(3), SCRIPT)


def test_usage_on_every_chunk_is_counted_once(local_workspace, workspace):
    faulty(local_workspace, "scripted-0-10 usage-on-every-chunk")
    held = chat(workspace)
    assert held.text == SCRIPT
    assert sum(delta.usage is not None for delta in held.deltas) > 5
    assert held.reply.usage.completion_tokens == 10


@pytest.mark.parametrize("words", ["comment-lines", "split-utf8", "no-done", "comment-lines split-utf8 no-done"])
def test_odd_streams_are_read_whole(local_workspace, workspace, words):
    faulty(local_workspace, f"scripted-0-10 {words}")
    held = chat(workspace)
    assert (held.text, held.error, held.reply.unreadable) == (SCRIPT, None, [])
    assert held.reply.usage.completion_tokens == 10


def test_a_stream_that_is_cut_keeps_what_had_arrived(local_workspace, workspace):
    faulty(local_workspace, "scripted-0-10 break-after-4")
    held = chat(workspace)
    assert held.text == "Brick 벽돌 **bold** "
    assert isinstance(held.error, Unreachable)
    assert CHAT in held.error.message
    assert "kept" in held.error.hint
    assert len(local_workspace.requests()) == 1


def test_a_malformed_event_is_shown_as_it_came_and_the_rest_still_comes(local_workspace, workspace):
    faulty(local_workspace, "scripted-0-10 malformed-after-3")
    held = chat(workspace)
    assert (held.text, held.error) == (SCRIPT, None)
    assert held.reply.unreadable == ['{"choices": [{"delta": {"cont']


@pytest.mark.parametrize("shape", ["error-event", "error-object"])
def test_a_failure_told_inside_a_stream_names_the_endpoint_and_keeps_what_came(local_workspace, workspace, shape):
    faulty(local_workspace, f"scripted-0-10 {shape}-after-4")
    held = chat(workspace)
    assert held.text == "Brick 벽돌 **bold** "
    assert isinstance(held.error, EndpointFailed)
    assert held.error.message == (
        f"{CHAT} broke off: The model stopped in the middle of this answer: a fault was asked for."
    )
    assert "kept" in held.error.hint
    assert "TEMPORARILY_UNAVAILABLE" in held.error.raw.body


REFUSALS = {
    "return-400": (Rejected, Side.YOU),
    "return-401": (Unauthenticated, Side.YOU),
    "return-403": (Unauthenticated, Side.YOU),
    "return-404": (NotFound, Side.YOU),
    "return-408": (EndpointFailed, Side.ENDPOINT),
    "return-409": (Conflict, Side.ENDPOINT),
    "return-413": (Rejected, Side.YOU),
    "return-418": (EndpointFailed, Side.ENDPOINT),
    "return-429-retry-after-7": (TooManyRequests, Side.PLATFORM),
    "return-499": (EndpointFailed, Side.ENDPOINT),
    "return-500": (EndpointFailed, Side.ENDPOINT),
    "return-501": (EndpointFailed, Side.ENDPOINT),
    "html-502": (EndpointFailed, Side.PLATFORM),
    "return-503": (EndpointFailed, Side.ENDPOINT),
    "return-504": (EndpointFailed, Side.ENDPOINT),
}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("words", REFUSALS)
def test_a_refusal_becomes_its_error_after_exactly_one_request(local_workspace, workspace, words, stream):
    kind, side = REFUSALS[words]
    faulty(local_workspace, words)
    held = chat(workspace, asking(stream=stream))
    assert type(held.error) is kind
    assert held.error.side is side
    assert held.error.hint
    assert CHAT in held.error.message or kind is Unauthenticated
    assert held.error.raw.status == held.call.record.status
    assert held.error.raw.body.encode() == held.call.record.reply_body
    assert [entry.path for entry in local_workspace.requests()] == [CHAT_PATH]
    assert held.call.record.finished_after is not None


def test_too_many_requests_says_how_long_to_wait(local_workspace, workspace):
    faulty(local_workspace, "return-429-retry-after-12")
    error = chat(workspace).error
    assert error.retry_after == 12
    assert error.hint.startswith("The server asks to wait 12 s.")


def test_truncated_json_is_an_unexpected_reply_with_the_rest_to_read(local_workspace, workspace):
    faulty(local_workspace, "scripted-0-5 truncated-json")
    held = chat(workspace, asking(stream=False))
    assert isinstance(held.error, UnexpectedReply)
    assert CHAT in held.error.message
    assert held.error.raw.body.startswith('{"id"')


def test_an_unknown_token_is_told_from_a_missing_permission(local_workspace):
    from services.doors import typed

    error = chat(typed(local_workspace.host, "dapi-nobody")).error
    assert isinstance(error, Unauthenticated)
    assert "token" in error.message
    assert not isinstance(error, PermissionDenied)


def test_an_endpoint_that_is_not_there_is_named(workspace):
    error = chat(workspace, asking(endpoint="no-such/endpoint")).error
    assert isinstance(error, NotFound)
    assert "no-such/endpoint" in error.message


def test_an_endpoint_of_another_task_says_what_it_wants(workspace):
    error = chat(workspace, asking(endpoint=EMBEDDINGS)).error
    assert isinstance(error, Rejected)
    assert "llm/v1/embeddings" in error.message


def test_an_unknown_field_is_named(workspace):
    error = chat(workspace, asking(extra='{"colour": "red"}')).error
    assert isinstance(error, Rejected)
    assert "colour" in error.message
    assert "not sent" in error.hint


# --- parameters that a real model obeys


def test_a_stop_text_ends_the_answer(workspace):
    asked = {"temperature": 0.0, "max_tokens": 40, "seed": 1}
    full = chat(workspace, asking("Count from one to ten, in digits.", **asked)).text
    stop = full.strip()[6:8]
    stopped = chat(workspace, asking("Count from one to ten, in digits.", **asked, stop=(stop,)))
    assert stopped.text == full[: full.index(stop)]
    assert stopped.reply.answers[0].finish_reason == "stop"


def test_a_schema_forms_the_answer(workspace):
    held = chat(
        workspace,
        asking("What colour is the sky?", response_format="json_schema", json_schema=SCHEMA, max_tokens=40),
    )
    assert held.error is None
    assert json.loads(held.text)["colour"] in ("red", "blue")


def test_log_probabilities_are_in_the_record(workspace):
    held = chat(workspace, asking(logprobs=True, top_logprobs=2, max_tokens=2, temperature=0.0))
    events = [json.loads(event.data) for event in held.call.record.events if event.data != "[DONE]"]
    found = [choice["logprobs"] for event in events for choice in event["choices"] if choice.get("logprobs")]
    assert [len(token["top_logprobs"]) for one in found for token in one["content"]] == [2, 2]
