"""What a fault does to a reply, as filters over its server-sent events and bytes."""

import asyncio
import re
from collections.abc import Callable, Iterator
from itertools import cycle

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local_workspace import refusals
from local_workspace.faults.words import Fault
from local_workspace.web.event_stream import DONE, encode_event

EventFilter = Callable[[bytes], Iterator[bytes]]
EVENT_END = re.compile(rb"\r?\n\r?\n")

MALFORMED = b'data: {"choices": [{"delta": {"cont\n\n'


class DroppedError(Exception):
    """The connection ends here, in the middle of the reply."""


class EndedError(Exception):
    """The reply ends here, as if it were complete."""


def reply_with(faults: list[Fault], app: ASGIApp) -> ASGIApp:
    """`app`, with `faults` done to what it answers."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        for fault in faults:
            if fault.kind in {"stall", "return"}:
                await asyncio.sleep(fault.seconds)
            if fault.kind in {"return", "html-502"}:
                scope["log_entry"].outcome = "fault"
                await _instead(fault, scope["request_id"])(scope, receive, send)
                return
        reply = _FaultyReply(faults, send)
        try:
            await app(scope, receive, reply)
        except DroppedError:
            # Returning with the reply unfinished is how ASGI says it: the server then closes the connection.
            scope["log_entry"].outcome = "fault"
        except EndedError:
            scope["log_entry"].outcome = "fault"
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return serve


def _instead(fault: Fault, request_id: str) -> ASGIApp:
    if fault.kind == "html-502":
        return refusals.render(refusals.bad_gateway())
    return refusals.render(refusals.asked_for(fault.status, request_id, fault.retry_after))


class _FaultyReply:
    """The `send` of one reply with faults. Of a websocket, each message that it sends is an event."""

    def __init__(self, faults: list[Fault], send: Send) -> None:
        self._send = send
        self._kinds = {fault.kind for fault in faults}
        self._first_token_pause = sum(fault.seconds for fault in faults if fault.kind == "stall-first-token")
        self._filters = [FILTERS[fault.kind](fault) for fault in faults if fault.kind in FILTERS]
        self._drop = next((_break_after(fault) for fault in faults if fault.kind == "break-after"), None)
        self._is_stream = False
        self._start: Message = {}
        self._waiting = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif message["type"] == "http.response.body":
            await self._pause()
            await self._body(message.get("body", b""), more=message.get("more_body", False))
        elif message["type"] == "websocket.send":
            await self._pause()
            for _ in self._drop(b"") if self._drop else [b""]:
                await self._send(message)
        else:
            await self._send(message)

    async def _begin(self, message: Message) -> None:
        self._start = message
        self._is_stream = dict(message["headers"]).get(b"content-type", b"").startswith(b"text/event-stream")
        if self._is_stream and self._filters:  # which change how long it is, should it say so
            message["headers"] = [pair for pair in message["headers"] if pair[0] != b"content-length"]
        if not self._cuts_json:
            await self._send(message)

    async def _pause(self) -> None:
        await asyncio.sleep(self._first_token_pause)
        self._first_token_pause = 0.0

    @property
    def _cuts_json(self) -> bool:
        return "truncated-json" in self._kinds and not self._is_stream

    async def _body(self, body: bytes, *, more: bool) -> None:
        if self._cuts_json:
            self._waiting += body
            if more:
                return
            body = self._waiting[: len(self._waiting) // 2]
            headers = [pair for pair in self._start["headers"] if pair[0] != b"content-length"]
            length = (b"content-length", str(len(body)).encode())
            await self._send({**self._start, "headers": [*headers, length]})
        if self._is_stream and self._filters:
            for event in self._events(body, more=more):
                await self._event(event, self._filters)
        else:
            await self._write(body)
        if not more:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def _events(self, body: bytes, *, more: bool) -> Iterator[bytes]:
        """Whole events: what comes through the driver proxy is cut anywhere. What is left at the end counts as one."""
        self._waiting += body
        while end := EVENT_END.search(self._waiting):
            event, self._waiting = self._waiting[: end.end()], self._waiting[end.end() :]
            yield event
        if not more and self._waiting:
            yield self._waiting

    async def _event(self, event: bytes, filters: list[EventFilter]) -> None:
        if not filters:
            await self._write(event)
            return
        for filtered in filters[0](event):
            await self._event(filtered, filters[1:])

    async def _write(self, body: bytes) -> None:
        pieces = _small_pieces(body) if "split-utf8" in self._kinds else [body]
        for piece in pieces:
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(0)


def _small_pieces(body: bytes) -> Iterator[bytes]:
    start = 0
    for size in cycle((1, 2, 3)):
        if start >= len(body):
            return
        yield body[start : start + size]
        start += size


def _break_after(fault: Fault) -> EventFilter:
    seen = 0

    def apply(event: bytes) -> Iterator[bytes]:
        nonlocal seen
        if seen < fault.count:
            seen += 1
            yield event
        if seen >= fault.count:
            raise DroppedError

    return apply


def _insert_after(fault: Fault, inserted: bytes, *, ends: bool) -> EventFilter:
    seen = 0

    def apply(event: bytes) -> Iterator[bytes]:
        nonlocal seen
        if seen == fault.count:
            yield inserted
            if ends:
                raise EndedError
        seen += 1
        yield event

    return apply


def _without_done(_: Fault) -> EventFilter:
    return lambda event: iter(() if event == DONE else (event,))


def _with_comments(_: Fault) -> EventFilter:
    return lambda event: iter((b": keep-alive\n" + event,))


_REFUSAL = refusals.unavailable("The model stopped in the middle of this answer: a fault was asked for.")
_ERROR_OBJECT = {"error": {"message": _REFUSAL.message, "type": "server_error", "code": _REFUSAL.error_code}}

FILTERS: dict[str, Callable[[Fault], EventFilter]] = {
    "break-after": _break_after,
    "malformed-after": lambda fault: _insert_after(fault, MALFORMED, ends=False),
    "error-event-after": lambda fault: _insert_after(fault, encode_event(_REFUSAL.to_body()), ends=True),
    "error-object-after": lambda fault: _insert_after(fault, encode_event(_ERROR_OBJECT), ends=True),
    "no-done": _without_done,
    "comment-lines": _with_comments,
}
