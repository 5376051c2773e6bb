"""Control calls: what the workspace is asked, within bounds of time and size."""

import time

import pytest

from services.errors import UnexpectedReply, Unreachable
from services.replies import MAX_REPLY
from tests.local_workspaces import eventually
from tests.services.chats import at
from tests.services.replies import Exchange, silent, whole

ONE_BYTE_AT_A_TIME = 0.02


def trickle(exchange: Exchange, data: bytes) -> None:
    """Send a byte now and then, until the caller hangs up."""
    while not exchange.received.closed_by_caller.is_set():
        exchange.send(data)
        exchange.pause(ONE_BYTE_AT_A_TIME)


def slow_body(exchange: Exchange) -> None:
    exchange.head(content_type="application/json")
    trickle(exchange, b" ")


def slow_head(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    trickle(exchange, b"x")


@pytest.mark.parametrize("script", [slow_body, slow_head, silent])
def test_a_control_call_ends_in_time_however_its_answer_is_dragged_out(make_reply_server, script):
    server = make_reply_server(script)
    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"the list .* in (full within 0\.3 s|time)") as caught:
        at(server).get("/x", name="the list", seconds=0.3)
    assert time.monotonic() - began < 10
    assert caught.value.hint
    assert eventually(lambda: server.received)[0].closed_by_caller.wait(10)


def test_an_answer_without_end_is_given_up(make_reply_server):
    def endless(exchange: Exchange) -> None:
        exchange.head(content_type="application/json")
        while True:
            exchange.send(b" " * 1_000_000)

    server = make_reply_server(endless)
    with pytest.raises(UnexpectedReply, match=f"The reply for the list is longer than {MAX_REPLY:,} bytes") as caught:
        at(server).get("/x", name="the list")
    assert "connection page" in caught.value.hint
    assert server.received[0].closed_by_caller.wait(10)


def test_an_answer_that_breaks_off_is_told_as_such(make_reply_server):
    def cut(exchange: Exchange) -> None:
        exchange.head(content_type="application/json", content_length="100")
        exchange.send(b"{")
        exchange.hang_up()

    with pytest.raises(Unreachable, match="the list"):
        at(make_reply_server(cut)).get("/x", name="the list")


def test_control_calls_one_after_another_share_a_connection(make_reply_server):
    server = make_reply_server(whole({"a": 1}))
    workspace = at(server)
    assert [workspace.get("/x", name="x") for _ in range(3)] == [{"a": 1}] * 3
    assert [one.connection for one in server.received] == [1, 1, 1]
