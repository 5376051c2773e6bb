"""Connections: kept for the next call, ended with their own call, and with no other."""

import ssl
import threading
import time

import psutil
import pytest
import trustme

from services.call import Call, CallCancelled
from services.chat import stream_chat
from services.doors import local, typed
from services.errors import EndpointFailed, PlaygroundError, Unreachable
from services.local import LocalAddress
from tests.local_workspaces import eventually
from tests.services.chats import CHAT_PATH, TOKEN, asking, at, chat
from tests.services.replies import LONGEST_WAIT, Exchange, says, silent, stream, whole

END = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
HELLO = stream(says("hello"), END)
AT_ONCE = LONGEST_WAIT / 3
"""Seconds. Nothing but a cancellation ends the server's wait sooner than LONGEST_WAIT; alone it takes some 10 ms."""
WHOLE = {"choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}]}


def connected_from(host: str) -> set[int]:
    """Ports of this process that are connected to *host*."""
    there = int(host.rsplit(":", 1)[-1])
    return {one.laddr.port for one in psutil.Process().net_connections() if one.raddr and one.raddr.port == there}


class Running:
    """A call in a thread of its own."""

    def __init__(self, workspace) -> None:
        self.call = Call()
        self.text = ""
        self.ended: BaseException | str | None = None
        self.thread = threading.Thread(target=self._run, args=(stream_chat(workspace, asking(), self.call),))
        self.thread.start()

    def _run(self, deltas) -> None:
        try:
            for delta in deltas:
                self.text += delta.text
            self.ended = "complete"
        except (PlaygroundError, CallCancelled) as ended:
            self.ended = ended

    def join(self, seconds: float = LONGEST_WAIT / 3):
        self.thread.join(seconds)
        assert not self.thread.is_alive(), f"Still running after {seconds} s."
        return self.ended


@pytest.mark.parametrize(
    "script", [HELLO, whole(WHOLE), whole({"error_code": "X"}, 429)], ids=["stream", "whole", "refusal"]
)
def test_calls_one_after_another_share_a_connection(make_reply_server, script):
    server = make_reply_server(script)
    workspace = at(server)
    for _ in range(3):
        chat(workspace)
    assert [one.connection for one in server.received] == [1, 1, 1]


def test_streams_of_the_local_workspace_share_a_connection_too(local_workspace, workspace):
    local_workspace.clear()
    local_workspace.queue_fault("scripted-0-3", CHAT_PATH, times=3)
    before, ports = connected_from(workspace.host), set()
    for _ in range(3):
        assert chat(workspace).error is None
        ports |= connected_from(workspace.host) - before
    assert len(ports) == 1


def test_calls_at_once_have_a_connection_each(make_reply_server):
    server = make_reply_server(silent)
    workspace = at(server)
    running = [Running(workspace) for _ in range(3)]
    eventually(lambda: len(server.posts()) == 3)
    assert {one.connection for one in server.received} == {1, 2, 3}
    for one in running:
        one.call.cancel()
        assert isinstance(one.join(), CallCancelled)


def test_the_call_after_a_cancelled_one_works(make_reply_server):
    server = make_reply_server(HELLO)
    workspace = at(server)
    chat(workspace)  # its connection is kept, and used by the call that is cancelled
    server.script = silent
    cancelled = Running(workspace)
    eventually(lambda: len(server.posts()) == 2)
    began = time.monotonic()
    cancelled.call.cancel()
    assert isinstance(cancelled.join(), CallCancelled)
    assert time.monotonic() - began < AT_ONCE
    assert server.received[1].closed_by_caller.wait(AT_ONCE)
    server.script = HELLO
    after = chat(workspace)
    assert (after.text, after.error) == ("hello", None)
    assert [one.connection for one in server.received] == [1, 1, 2]


@pytest.mark.parametrize(
    "head", [{"content_length": "1000"}, {}], ids=["of known length", "until the connection closes"]
)
def test_cancel_in_the_middle_of_a_whole_reply_is_a_cancellation(make_reply_server, head):
    def part(exchange: Exchange) -> None:
        exchange.head(content_type="application/json", **head)
        exchange.send(b'{"choices": [{"message": {"content": "a"}}]}')
        silent(exchange)

    server = make_reply_server(part)
    running = Running(at(server))
    eventually(lambda: running.call.record.reply_bytes)
    running.call.cancel()
    assert isinstance(running.join(), CallCancelled)
    assert running.text == ""
    assert server.received[0].closed_by_caller.wait(AT_ONCE)


def test_a_call_that_was_cancelled_before_it_began_sends_nothing(make_reply_server):
    server = make_reply_server(HELLO)
    call = Call()
    call.cancel()
    with pytest.raises(CallCancelled):
        list(stream_chat(at(server), asking(), call))
    assert server.posts() == []


def test_cancelling_a_call_whose_connection_went_back_leaves_the_next_call_alone(make_reply_server):
    """The reply's length is known, so its connection is free before its reader has seen the end."""
    event = b'data: {"choices": [{"delta": {"content": "first"}, "finish_reason": "stop"}]}\n\n'
    server = make_reply_server(whole(event, content_type="text/event-stream"))
    workspace = at(server)
    first = Call()
    deltas = stream_chat(workspace, asking(), first)
    assert next(deltas).text == "first"

    answer = threading.Event()

    def late(exchange: Exchange) -> None:
        exchange.until(answer)
        HELLO(exchange)

    server.script = late
    second = Running(workspace)
    eventually(lambda: len(server.posts()) == 2)
    assert server.received[1].connection == 1, "The second call was meant to use the first one's connection."
    first.cancel()
    assert not server.received[1].closed_by_caller.wait(0.1)
    answer.set()
    assert (second.join(), second.text) == ("complete", "hello")


def test_cancelling_at_any_moment_ends_no_other_call(make_reply_server):
    workspace = at(make_reply_server(stream(*[says("x")] * 5, END)))
    deadline = time.monotonic() + 1.5
    outcomes: set[str] = set()

    def cancel_some(seed: int) -> None:
        pause = threading.Event()
        turn = 0
        while time.monotonic() < deadline:
            turn += 1
            running = Running(workspace)
            pause.wait((seed + turn * 7) % 13 / 2000)
            running.call.cancel()
            ended = running.join()
            outcomes.add("cancelled" if isinstance(ended, CallCancelled) else f"cancelled: {ended}")

    def go_through() -> None:
        while time.monotonic() < deadline:
            held = chat(workspace)
            outcomes.add(f"{held.error}, {held.text}")

    works = [lambda seed=seed: cancel_some(seed) for seed in range(3)] + [go_through] * 3
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes - {"cancelled: complete"} == {"cancelled", "None, xxxxx"}


def test_an_error_that_is_kept_does_not_keep_the_connection(make_reply_server):
    def failing(exchange: Exchange) -> None:
        exchange.head(content_type="text/event-stream", transfer_encoding="chunked")
        exchange.chunk(b'data: {"error": "out of memory"}\n\n')
        exchange.until_caller_hangs_up()

    server = make_reply_server(failing)
    held = chat(at(server))
    assert isinstance(held.error, EndpointFailed)
    assert server.received[0].closed_by_caller.wait(AT_ONCE)


def test_a_stream_that_lingers_after_done_is_left_behind(make_reply_server):
    released = threading.Event()

    def lingering(exchange: Exchange) -> None:
        exchange.head(content_type="text/event-stream", transfer_encoding="chunked")
        exchange.chunk(b'data: {"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n')
        exchange.until(released)

    server = make_reply_server(lingering)
    began = time.monotonic()
    held = chat(at(server))
    assert (held.text, held.error) == ("a", None)
    assert time.monotonic() - began < AT_ONCE
    assert server.received[0].closed_by_caller.wait(AT_ONCE)


def test_the_next_calls_patience_is_not_that_of_the_last_ones_end(make_reply_server):
    server = make_reply_server(HELLO)
    workspace = at(server)
    chat(workspace)

    def slow(exchange: Exchange) -> None:
        exchange.until_caller_hangs_up() if pause.wait(0.4) else HELLO(exchange)

    pause = threading.Event()
    server.script = slow
    held = chat(workspace)
    assert (held.text, held.error) == ("hello", None)
    assert [one.connection for one in server.received] == [1, 1]


# --- TLS


@pytest.fixture
def authority(tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return authority


@pytest.fixture
def tls(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def trusting(server, bundle):
    workspace = local(LocalAddress(server.host, {"admin": TOKEN}, str(bundle), ""), "admin")
    server.at_end.callback(workspace.close)
    return workspace


def test_calls_over_tls_share_a_connection(make_reply_server, tls, tmp_path):
    server = make_reply_server(HELLO, tls)
    workspace = trusting(server, tmp_path / "ca.pem")
    held = [chat(workspace) for _ in range(3)]
    assert [(one.text, one.error) for one in held] == [("hello", None)] * 3
    assert [one.connection for one in server.received] == [1, 1, 1]


@pytest.mark.parametrize("begun", [False, True], ids=["before headers", "in the stream"])
def test_cancel_over_tls_is_as_quick(make_reply_server, tls, tmp_path, begun):
    def script(exchange: Exchange) -> None:
        if begun:
            exchange.head(content_type="text/event-stream")
            exchange.send(b'data: {"choices": [{"delta": {"content": "a"}}]}\n\n')
        silent(exchange)

    server = make_reply_server(script, tls)
    workspace = trusting(server, tmp_path / "ca.pem")
    running = Running(workspace)
    eventually(lambda: running.text == "a" if begun else server.posts())
    began = time.monotonic()
    running.call.cancel()
    assert isinstance(running.join(), CallCancelled)
    assert time.monotonic() - began < AT_ONCE
    assert server.received[0].closed_by_caller.wait(AT_ONCE)
    server.script = HELLO
    assert chat(workspace).text == "hello"


def test_a_certificate_that_nobody_signed_is_not_trusted(make_reply_server, tls):
    server = make_reply_server(HELLO, tls)
    workspace = typed(server.host, TOKEN)
    error = chat(workspace).error
    assert isinstance(error, Unreachable)
    assert "TLS" in error.message
    assert "REQUESTS_CA_BUNDLE" in error.hint
    assert server.received == []
