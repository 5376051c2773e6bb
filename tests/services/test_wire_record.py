"""The wire record: what left and what came, without credentials."""

import json
import threading
import zlib

import pytest

from services.call import Call, CallCancelled
from services.chat import ChatDelta, ChatReply, chat_to_wire, measured, stream_chat
from services.chat.wire import Usage
from services.errors import Unreachable
from services.replies import END_SECONDS
from services.wire_record import KEPT_REPLY, REDACTED, WireRecord, redacted
from services.workspace import Door, Workspace
from tests.local_workspaces import eventually
from tests.services.chats import TOKEN, asking, at, chat
from tests.services.replies import Exchange, says, stream, whole


@pytest.mark.parametrize(
    "name",
    [
        "Authorization", "AUTHORIZATION", "Cookie", "set-cookie", "Proxy-Authorization", "X-Forwarded-Access-Token",
        "X-Databricks-Azure-SP-Management-Token", "X-Databricks-GCP-SA-Access-Token", "x-api-key", "ApiKey",
        "X-Client-Secret", "X-Password", "X-Auth", "X-Auth-Key", "X-Access-Key", "X-Functions-Key", "X-Credential", "X-Signature",
        "X-Session-Id", "X-Passwd", "X-Hub-Sig", "X-App-Pass", "X_PAT", "X-PSK", "X-HMAC",
    ],
)  # fmt: skip
def test_a_credential_is_redacted_however_its_header_is_written(name):
    plain = {"Content-Type": "x", "WWW-Authenticate": "Bearer", "X-Request-Id": "7"}
    assert redacted({name: TOKEN, **plain}) == {name: REDACTED, **plain}


def test_a_header_that_signs_in_is_redacted_whatever_its_name(make_reply_server):
    server = make_reply_server(stream(says("a", finish_reason="stop")))
    workspace = Workspace(
        server.host, Door.SESSION, credentials=lambda: {"X-Odd-Name": TOKEN}, client=lambda: pytest.fail("not used")
    )
    server.at_end.callback(workspace.close)
    record = chat(workspace).call.record
    assert record.request_headers["X-Odd-Name"] == REDACTED
    assert record.request_headers["Content-Type"] == "application/json"
    assert server.posts()[0].headers["X-Odd-Name"] == TOKEN


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


def test_a_record_has_a_streams_bytes_as_they_came_what_follows_its_end_too(make_reply_server):
    sent = b': comment\n\ndata: {"choices": [{"delta": {"content": "\xeb\xb2\xbd"}, "finish_reason": "stop"}]}\r\n\r\n'
    after = b": bye\n\n"

    def script(exchange: Exchange) -> None:
        exchange.head(content_type="text/event-stream", transfer_encoding="chunked")
        for piece in (sent[:60], sent[60:], b"data: [DONE]\n\n", after, b""):
            exchange.chunk(piece)

    record = chat(at(make_reply_server(script))).call.record
    assert record.reply_body == sent + b"data: [DONE]\n\n" + after
    assert record.reply_bytes == len(record.reply_body)


def test_a_stream_that_comes_compressed_is_read_and_kept_unpacked(make_reply_server):
    plain = b'data: {"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
    packer = zlib.compressobj(wbits=31)
    first, rest = (
        packer.compress(plain) + packer.flush(zlib.Z_SYNC_FLUSH),
        packer.compress(b": bye\n\n") + packer.flush(),
    )

    def script(exchange: Exchange) -> None:
        exchange.head(content_type="text/event-stream", content_encoding="gzip", transfer_encoding="chunked")
        for piece in (first, rest, b""):
            exchange.chunk(piece)

    held = chat(at(make_reply_server(script)))
    assert (held.text, held.error) == ("a", None)
    assert held.call.record.reply_body == plain + b": bye\n\n"


def test_the_bytes_of_a_stream_can_be_read_while_it_grows():
    record = WireRecord()
    record.begun()
    pieces = [b"%d\n" % number for number in range(20_000)]
    writer = threading.Thread(target=lambda: [record.bytes_arrive(piece) for piece in pieces])
    writer.start()
    seen = [record.reply_body]
    while writer.is_alive():
        seen.append(record.reply_body)
    writer.join()
    record.ends()
    complete = b"".join(pieces)
    assert record.reply_body == complete
    assert all(complete.startswith(one) for one in seen)


def test_a_refused_connection_has_sent_nothing(make_reply_server):
    server = make_reply_server(stream())
    workspace = at(server)
    server.stop()
    held = chat(workspace)
    record = held.call.record
    assert isinstance(held.error, Unreachable)
    assert (record.sent_at, record.method, record.url) == (None, "POST", server.host + asking().path)
    assert json.loads(record.request_body) == chat_to_wire(asking())
    assert record.request_headers["Authorization"] == REDACTED
    assert record.finished_after > 0


def test_a_call_that_was_cancelled_before_has_sent_nothing(make_reply_server):
    call = Call()
    call.cancel()
    with pytest.raises(CallCancelled):
        list(stream_chat(at(make_reply_server(stream())), asking(), call))
    assert call.record.sent_at is None
    assert call.record.finished_after is not None


def test_a_request_that_got_no_answer_was_sent_all_the_same(make_reply_server):
    def hang_up(exchange: Exchange) -> None:
        exchange.hang_up()

    held = chat(at(make_reply_server(hang_up)))
    assert isinstance(held.error, Unreachable)
    assert held.call.record.sent_at is not None


def test_the_clock_runs_while_credentials_are_renewed_and_nothing_is_sent_yet(make_reply_server):
    server = make_reply_server(stream(says("a", finish_reason="stop")))
    call = Call()
    waited: list[tuple[float, float | None]] = []

    def credentials() -> dict[str, str]:
        eventually(lambda: call.record.elapsed() > 0.05)
        waited.append((call.record.elapsed(), call.record.sent_at))
        return {"Authorization": "Bearer x"}

    workspace = Workspace(server.host, Door.SESSION, credentials=credentials, client=lambda: pytest.fail("not used"))
    server.at_end.callback(workspace.close)
    assert list(stream_chat(workspace, asking(), call))
    [(seconds, sent_at)] = waited
    assert sent_at is None
    assert call.record.sent_at is not None
    assert 0.05 < seconds < call.record.headers_after < call.record.events[0].seconds < call.record.finished_after


def test_the_clock_stops_at_the_last_event_and_not_after_our_own_tidying(make_reply_server):
    def lingering(exchange: Exchange) -> None:
        exchange.head(content_type="text/event-stream", transfer_encoding="chunked")
        exchange.chunk(b'data: {"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n')
        exchange.until_caller_hangs_up()

    record = chat(at(make_reply_server(lingering))).call.record
    tidied = record.elapsed()
    assert record.events[-1].seconds <= record.finished_after
    assert tidied - record.finished_after > 0.8 * END_SECONDS


def test_a_very_long_reply_is_counted_but_not_all_kept(make_reply_server):
    event = says("x" * 1_000_000)
    held = chat(at(make_reply_server(stream(*[event] * 10, says("", finish_reason="stop")))))
    record = held.call.record
    assert held.error is None
    assert sum(len(one.data) for one in record.events) <= KEPT_REPLY + len(json.dumps(event))
    assert record.reply_bytes > 10_000_000
    assert len(record.reply_body) == KEPT_REPLY


def test_a_clock_that_has_not_begun_is_at_zero():
    record = WireRecord()
    record.ends()
    assert (record.elapsed(), record.finished_after) == (0.0, None)


def test_the_end_is_noted_once():
    record = WireRecord()
    record.begun()
    record.ends()
    first = record.finished_after
    record.ends()
    assert record.finished_after == first


def test_what_is_forgotten_is_both_bodies_and_only_after_the_end(make_reply_server):
    held = chat(at(make_reply_server(stream(says("a"), says("b", finish_reason="stop")))))
    record = held.call.record
    before = measured(held.reply, record)
    size = record.reply_bytes
    record.forget_reply()
    assert (record.events, record.reply_body, record.forgotten) == ([], b"", True)
    assert (record.request_body, record.status, record.reply_bytes) == (b"", 200, size)
    assert record.sent_at is not None
    assert measured(held.reply, record) == before
    assert before.first_token_seconds is not None

    running = WireRecord()
    running.begun()
    running.prepared("POST", "http://x", {}, b"sent")
    running.bytes_arrive(b"data: {}\n\n")
    running.event_arrives("{}")
    running.forget_reply()
    assert (len(running.events), running.forgotten) == (1, False)
    assert (running.request_body, running.reply_body) == (b"sent", b"data: {}\n\n")


def test_what_comes_after_a_record_was_forgotten_is_counted_but_not_kept():
    record = WireRecord()
    record.begun()
    record.bytes_arrive(b"12345")
    record.ends()
    record.forget_reply()
    record.bytes_arrive(b"678")
    assert (record.reply_bytes, record.reply_body) == (8, b"")


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
