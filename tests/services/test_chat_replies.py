"""Replies that the local workspace cannot give: every shape an endpoint may answer in, and shapes it may not."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chat import ChatDelta, Outcome, Usage
from services.chat.reply import MAX_TEXT, ChatReply
from services.chat.wire import ToolCallPiece, chat_from_wire
from services.errors import EndpointFailed, Side, UnexpectedReply, Unreachable
from tests.services.chats import CHAT, asking, at, chat
from tests.services.replies import Exchange, says, stream, whole

END = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
REASONING = [
    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Let me "}, {"text": "think."}]},
    {"type": "text", "text": "Four"},
    "!",
]


def replying(message: dict, **more) -> dict:
    return {"choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}], **more}


# --- shapes that are answers


@pytest.mark.parametrize("streamed", [True, False])
def test_content_as_a_list_of_parts_is_text_and_reasoning(make_reply_server, streamed):
    shape = says(REASONING, finish_reason="stop") if streamed else replying({"content": REASONING})
    held = chat(at(make_reply_server(stream(shape) if streamed else whole(shape))))
    assert (held.text, held.reply.answers[0].reasoning, held.error) == ("Four!", "Let me think.", None)


def test_reasoning_that_comes_first_counts_as_the_first_piece_but_not_as_text(make_reply_server):
    reasoning = {"choices": [{"index": 0, "delta": {"reasoning_content": "Hm."}}]}
    held = chat(at(make_reply_server(stream(reasoning, says("Four"), END))))
    assert held.reply.answers[0].reasoning == "Hm."
    assert held.reply.first_piece_after < held.reply.first_text_after


def test_an_agents_whole_reply_is_the_assistants_messages():
    messages = [
        {"role": "assistant", "content": "Looking. ", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "content": "secret"},
        {"role": "assistant", "content": "Found."},
    ]
    reply = folded(list(chat_from_wire({"messages": messages})))
    assert reply.text == "Looking. Found."
    assert reply.answers[0].tool_calls[0].name == "f"


def test_an_agents_stream_of_deltas_without_choices_is_read(make_reply_server):
    pieces = [{"delta": {"role": "assistant", "content": text, "id": "1"}} for text in ("Fo", "ur")]
    held = chat(at(make_reply_server(stream(*pieces))))
    assert (held.text, held.error) == ("Four", None)


def test_a_tool_call_is_put_together_from_its_pieces(make_reply_server):
    def piece(**function) -> dict:
        return {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 1, "function": function}]}}]}

    pieces = [piece(name="add", arguments=""), piece(arguments='{"a":'), piece(arguments=" 1}")]
    held = chat(at(make_reply_server(stream(*pieces, END))))
    [tool_call] = held.reply.answers[0].tool_calls.values()
    assert (tool_call.name, tool_call.arguments) == ("add", '{"a": 1}')


def test_a_refusal_of_the_model_is_not_text(make_reply_server):
    held = chat(at(make_reply_server(whole(replying({"content": None, "refusal": "No."})))))
    assert (held.text, held.reply.answers[0].refusal, held.error) == ("", "No.", None)


def test_an_empty_answer_that_ran_out_of_tokens_is_an_answer(make_reply_server):
    held = chat(at(make_reply_server(stream(says("", finish_reason="length")))))
    assert (held.text, held.error, held.reply.answers[0].finish_reason) == ("", None, "length")


def test_cumulative_usage_is_the_last_one_and_its_details_are_kept(make_reply_server):
    details = {"completion_tokens_details": {"reasoning_tokens": 3}}
    pieces = [says("a") | {"usage": {"completion_tokens": n, "prompt_tokens": 5} | details} for n in (1, 2, 9)]
    held = chat(at(make_reply_server(stream(*pieces, END, {"choices": [], "usage": {}}))))
    assert held.reply.usage == Usage(5, 9, None, 3)


def test_a_gzipped_reply_is_read(make_reply_server):
    body = gzip.compress(json.dumps(replying({"content": "벽돌"})).encode())
    assert chat(at(make_reply_server(whole(body, Content_Encoding="gzip")))).text == "벽돌"


def test_a_content_type_in_capitals_is_a_stream_all_the_same(make_reply_server):
    events = b'data: {"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}\n\n'
    held = chat(at(make_reply_server(whole(events, content_type="Text/Event-Stream; charset=utf-8"))))
    assert (held.text, held.error) == ("a", None)


def test_a_stream_without_done_that_had_its_finish_reason_is_complete(make_reply_server):
    held = chat(at(make_reply_server(stream(says("a"), END, done=False))))
    assert (held.text, held.error) == ("a", None)


def test_what_follows_done_is_not_read(make_reply_server):
    held = chat(at(make_reply_server(stream(says("a"), END, b"data: [DONE]\n\n", says("more")))))
    assert (held.text, held.error) == ("a", None)


# --- shapes that are not


@pytest.mark.parametrize(
    "script",
    [stream(), stream({"choices": [], "usage": {"prompt_tokens": 1}}), whole({"choices": []}), stream(done=False)],
    ids=["only [DONE]", "only usage", "no choices", "an empty stream"],
)
def test_a_reply_without_an_answer_says_so(make_reply_server, script):
    held = chat(at(make_reply_server(script)))
    assert isinstance(held.error, UnexpectedReply)
    assert held.error.message == f"{CHAT} ended without an answer."


def test_a_stream_that_ends_without_its_end_keeps_what_came(make_reply_server):
    held = chat(at(make_reply_server(stream(says("half an ans"), done=False))))
    assert held.text == "half an ans"
    assert isinstance(held.error, Unreachable)
    assert "kept" in held.error.hint


@pytest.mark.parametrize("body", ["", "not JSON", "[1, 2]", '"text"', "null", "{", "[" * 100_000])
def test_a_whole_reply_that_is_no_object_is_unexpected_and_shown(make_reply_server, body):
    error = chat(at(make_reply_server(whole(body)))).error
    assert isinstance(error, UnexpectedReply)
    assert "not a JSON object" in error.message
    assert error.raw.body == body[:20_000]
    assert error.hint


def test_a_sign_in_page_with_status_200_is_told_as_one(make_reply_server):
    page = "<!doctype html><title>Sign in</title>"
    error = chat(at(make_reply_server(whole(page, content_type="text/html")))).error
    assert isinstance(error, UnexpectedReply)
    assert "web page" in error.message
    assert "sign-in" in error.hint


def test_a_redirect_is_not_followed(make_reply_server):
    server = make_reply_server(whole("", 302, Location="/login"))
    error = chat(at(server)).error
    assert isinstance(error, UnexpectedReply)
    assert error.raw.status == 302
    assert [one.path for one in server.received] == [asking().path]


UNREADABLE = [
    "[]",
    "7",
    "null",
    '"text"',
    "{",
    '{"choices": "text"}',
    '{"choices": null}',
    '{"output": []}',
    "[" * 50_000,
]


@pytest.mark.parametrize("event", UNREADABLE, ids=lambda event: event[:20])
def test_an_event_that_is_no_answer_is_kept_as_it_came_and_the_rest_is_read(make_reply_server, event):
    held = chat(at(make_reply_server(stream(says("a"), f"data: {event}\n\n".encode(), says("b"), END))))
    assert (held.text, held.error) == ("ab", None)
    assert held.reply.unreadable == [event]


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        ({"error_code": "INTERNAL_ERROR", "message": "out of memory"}, "out of memory"),
        ({"error": {"message": "out of memory", "code": 500}}, "out of memory"),
        ({"error": "out of memory"}, "out of memory"),
        ({"error": {"code": "oops"}}, "oops"),
        ({"error": {"type": None}}, "it did not say why"),
        ({"error_code": 500}, "500"),
        ({"error": ["a", 1]}, "['a', 1]"),
    ],
)
@pytest.mark.parametrize("streamed", [True, False])
def test_a_failure_of_status_200_is_a_failure(make_reply_server, failure, sentence, streamed):
    held = chat(at(make_reply_server(stream(says("a"), failure) if streamed else whole(failure))))
    assert isinstance(held.error, EndpointFailed)
    assert held.error.message == f"{CHAT} broke off: {sentence}"
    assert json.loads(held.error.raw.body) == failure
    assert held.text == ("a" if streamed else "")


def test_a_providers_failure_inside_a_stream_is_the_providers(make_reply_server):
    inner = json.dumps({"external_model_provider": "openai", "external_model_error": {"error": {"message": "down"}}})
    error = chat(at(make_reply_server(stream({"error_code": "BAD_REQUEST", "message": inner})))).error
    assert error.side is Side.PROVIDER
    assert error.message == f"{CHAT} broke off: openai: down"


def test_an_endpoint_that_closes_without_a_word_is_unreachable(make_reply_server):
    server = make_reply_server(Exchange.hang_up)
    error = chat(at(server)).error
    assert isinstance(error, Unreachable)
    assert error.side is Side.NETWORK
    assert CHAT in error.message
    assert len(server.posts()) == 1


def test_bytes_that_are_no_http_are_unreachable(make_reply_server):
    def noise(exchange: Exchange) -> None:
        exchange.send(b"\x16\x03\x01 no HTTP\r\n\r\n")
        exchange.hang_up()

    assert isinstance(chat(at(make_reply_server(noise))).error, Unreachable)


def test_a_reply_that_promises_more_than_it_sends_is_broken_off(make_reply_server):
    def short(exchange: Exchange) -> None:
        exchange.head(content_type="application/json", content_length="100")
        exchange.send(b'{"choices": [')
        exchange.hang_up()

    error = chat(at(make_reply_server(short))).error
    assert isinstance(error, Unreachable)
    assert "broke off in the middle" in error.message


def test_a_reply_without_end_is_given_up_and_its_connection_closed(make_reply_server):
    def endless(exchange: Exchange) -> None:
        exchange.head(content_type="application/json", transfer_encoding="chunked")
        while True:
            exchange.chunk(b" " * 1_000_000)

    server = make_reply_server(endless)
    held = chat(at(server))
    assert isinstance(held.error, UnexpectedReply)
    assert "longer than 32,000,000 bytes" in held.error.message
    assert server.received[0].closed_by_caller.wait(10)


def test_a_cookie_is_neither_kept_nor_recorded(make_reply_server):
    server = make_reply_server(whole(replying({"content": "a"}), Set_Cookie="session=canary"))
    workspace = at(server)
    first, _ = chat(workspace), chat(workspace)
    assert "canary" not in repr(first.call.record)
    assert all("Cookie" not in one.headers for one in server.received)


# --- wire to deltas, for anything

NAMES = ["choices", "delta", "message", "messages", "role", "content", "type", "text", "reasoning", "summary", "index"]
NAMES += ["finish_reason", "usage", "prompt_tokens", "completion_tokens_details", "tool_calls", "function", "name"]
NAMES += ["arguments", "refusal", "reasoning_content", "error", "assistant", "stop"]
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(NAMES)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
)
events = st.dictionaries(st.sampled_from(NAMES), anything, max_size=6)


def folded(deltas: list[ChatDelta]) -> ChatReply:
    reply = ChatReply()
    for delta in deltas:
        reply.receive(delta, 1.0)
    return reply


def check_types(delta: ChatDelta) -> None:
    assert type(delta.choice) is int
    for text in (delta.text, delta.reasoning, delta.refusal, delta.unreadable):
        assert isinstance(text, str)
    assert delta.finish_reason is None or isinstance(delta.finish_reason, str)
    for piece in delta.tool_calls:
        assert (type(piece), type(piece.position), type(piece.name)) == (ToolCallPiece, int, str)
    for count in vars(delta.usage).values() if delta.usage else ():
        assert count is None or type(count) is int


@given(events)
def test_no_json_object_breaks_the_reading(event):
    deltas = list(chat_from_wire(event))
    for delta in deltas:
        check_types(delta)
    folded(deltas)


@given(st.lists(st.dictionaries(st.sampled_from(NAMES), anything, max_size=5), max_size=3), anything)
def test_no_choice_breaks_the_reading(choices, usage):
    deltas = list(chat_from_wire({"choices": choices, "usage": usage}))
    for delta in deltas:
        check_types(delta)
    assert sum(delta.usage is None and not delta.unreadable for delta in deltas) == len(choices)


def test_a_reply_that_has_its_outcome_takes_in_no_more():
    reply = folded([ChatDelta(text="kept")])
    reply.ends(Outcome.STOPPED)
    reply.receive(ChatDelta(text=" and more", usage=Usage(1)), 2.0)
    reply.receive(ChatDelta(unreadable="odd"), 2.0)
    reply.ends(Outcome.COMPLETE)
    assert (reply.text, reply.usage, reply.unreadable, reply.outcome) == ("kept", None, [], Outcome.STOPPED)


def test_an_answer_beyond_the_limit_is_cut_and_does_not_grow():
    reply = ChatReply()
    for _ in range(3):
        long = "x" * (MAX_TEXT - 10)
        call = ToolCallPiece(0, "f", long)
        reply.receive(ChatDelta(text=long, reasoning=long, refusal=long, tool_calls=(call,), unreadable=long), 1.0)
    answer = reply.answers[0]
    assert [len(text) for text in (answer.text, answer.reasoning, answer.refusal)] == [MAX_TEXT] * 3
    assert len(answer.tool_calls[0].arguments) == MAX_TEXT
    assert sum(map(len, reply.unreadable)) <= MAX_TEXT


def test_answers_without_end_are_not_all_kept():
    reply = ChatReply()
    for choice in range(10_000):
        reply.receive(ChatDelta(choice=choice, text="x", tool_calls=(ToolCallPiece(choice, "f"),)), 1.0)
    assert len(reply.answers) <= 100
    for position in range(10_000):
        reply.receive(ChatDelta(tool_calls=(ToolCallPiece(position, "f"),)), 1.0)
    assert len(reply.answers[0].tool_calls) <= 1000
