"""The wire record: what left and what came, without credentials."""

import json

import pytest

from services.chat import ChatDelta, ChatReply, measured
from services.chat.wire import Usage
from services.wire_record import KEPT_REPLY, REDACTED, WireRecord, redacted
from tests.services.chats import TOKEN, at, chat
from tests.services.replies import says, stream, whole


@pytest.mark.parametrize(
    "name",
    ["Authorization", "AUTHORIZATION", "Cookie", "set-cookie", "Proxy-Authorization", "X-Forwarded-Access-Token"],
)
def test_a_credential_is_redacted_however_its_header_is_written(name):
    assert redacted({name: TOKEN, "Content-Type": "x"}) == {name: REDACTED, "Content-Type": "x"}


def test_a_record_has_both_sides_of_a_whole_reply(make_reply_server):
    server = make_reply_server(
        whole({"choices": [{"message": {"content": "벽돌"}}]}, X_Request_Id="7", Set_Cookie=TOKEN)
    )
    record = chat(at(server)).call.record
    [received] = server.posts()
    assert record.request_body == received.body
    assert record.url == server.host + received.path
    signed = dict(received.headers, Authorization=REDACTED)
    assert record.request_headers.items() <= signed.items()
    assert {"Authorization", "Content-Type", "Accept", "User-Agent"} <= record.request_headers.keys()
    assert (record.status, record.reply_headers["X-Request-Id"], record.reply_headers["Set-Cookie"]) == (
        200,
        "7",
        REDACTED,
    )
    assert json.loads(record.reply_body)["choices"][0]["message"]["content"] == "벽돌"
    assert record.reply_bytes == len(record.reply_body)
    assert 0 < record.headers_after <= record.finished_after
    assert TOKEN not in repr(record)


def test_a_record_has_every_event_as_it_came(make_reply_server):
    odd = b'data: {"choices": [], "vendor":  1.50}\n\n'
    record = chat(at(make_reply_server(stream(odd, says("a", finish_reason="stop"))))).call.record
    assert record.events[0].data == '{"choices": [], "vendor":  1.50}'
    assert [event.data for event in record.events][-1] == "[DONE]"


def test_a_very_long_reply_is_counted_but_not_all_kept(make_reply_server):
    event = says("x" * 1_000_000)
    held = chat(at(make_reply_server(stream(*[event] * 10, says("", finish_reason="stop")))))
    record = held.call.record
    assert held.error is None
    assert sum(len(one.data) for one in record.events) <= KEPT_REPLY + len(json.dumps(event))
    assert record.reply_bytes > 10_000_000


def test_a_clock_that_has_not_begun_is_at_zero():
    record = WireRecord()
    record.ends()
    assert (record.elapsed(), record.finished_after) == (0.0, None)


def test_the_end_is_noted_once():
    record = WireRecord()
    record.leaves("POST", "http://x", {}, b"")
    record.ends()
    first = record.finished_after
    record.ends()
    assert record.finished_after == first


def test_what_is_forgotten_is_only_the_reply_and_only_after_its_end(make_reply_server):
    held = chat(at(make_reply_server(stream(says("a"), says("b", finish_reason="stop")))))
    record = held.call.record
    before = measured(held.reply, record)
    sent = record.request_body
    record.forget_reply()
    assert (record.events, record.reply_body, record.forgotten) == ([], b"", True)
    assert (record.request_body, record.status) == (sent, 200)
    assert measured(held.reply, record) == before
    assert before.first_token_seconds is not None

    running = WireRecord()
    running.leaves("POST", "http://x", {}, b"")
    running.event_arrives("{}")
    running.forget_reply()
    assert (len(running.events), running.forgotten) == (1, False)


def replied(*deltas: ChatDelta) -> ChatReply:
    reply = ChatReply()
    for delta in deltas:
        reply.receive(delta, 1.0)
    return reply


def finished(events: int, after: float | None) -> WireRecord:
    record = WireRecord(finished_after=after)
    for _ in range(events):
        record.event_arrives("{}")
    return record


@pytest.mark.parametrize(
    ("usage", "events", "after", "rate"),
    [
        (Usage(completion_tokens=11), 5, 3.0, 5.0),
        (Usage(completion_tokens=1), 5, 3.0, None),
        (Usage(), 5, 3.0, None),
        (None, 5, 3.0, None),
        (Usage(completion_tokens=11), 0, 3.0, None),
        (Usage(completion_tokens=11), 5, None, None),
        (Usage(completion_tokens=11), 5, 1.0, None),
    ],
)
def test_a_rate_that_was_not_measured_is_not_told(usage, events, after, rate):
    reply = replied(ChatDelta(text="a"), *([ChatDelta(usage=usage)] if usage else []))
    assert measured(reply, finished(events, after)).tokens_per_second == rate


def test_nothing_is_measured_of_nothing():
    metrics = measured(ChatReply(), WireRecord())
    assert set(vars(metrics).values()) == {None, ()}
