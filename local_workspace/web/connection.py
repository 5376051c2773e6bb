"""The outermost layer: one request's id, body, log entry and end.

A caller who hangs up cancels whatever runs for it, streaming or not, before the first token or after. ASGI leaves that to
the application; here it is done once, for every route.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local_workspace import refusals
from local_workspace.web.request_log import Entry, RequestLog
from local_workspace.web.request_target import to_origin_form
from local_workspace.web.streamed_body import STREAMED, StreamedBody
from local_workspace.web.websocket_recorder import WebsocketRecorder

MAX_BODY_BYTES = 4 * 1024 * 1024
MAX_INVOCATION_BYTES = (
    16 * 1024 * 1024
)  # what a custom model takes; other endpoints refuse more than MAX_BODY_BYTES themselves
# A client that is still sending when we answer sees a reset instead of the 413, so that much more is read and forgotten.
MAX_DRAINED_BYTES = 32 * 1024 * 1024
UNLOGGED = ("/_local/", "/.well-known/databricks-config")


class CallerGoneError(Exception):
    """The caller hung up before its request was complete."""


class Connection:
    """ASGI middleware: sets `scope["request_id"]` and `scope["log_entry"]`, reads the body, and watches for the caller's end."""

    def __init__(self, app: ASGIApp, log: RequestLog) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        to_origin_form(scope)
        scope["request_id"] = str(uuid.uuid4())
        scope["log_entry"] = entry = self._begin(scope)
        if scope["type"] == "websocket":
            await self._serve_websocket(scope, receive, send)
            return
        recorder = Recorder(send, entry, scope["request_id"])
        try:
            if scope["path"].startswith(STREAMED):
                streamed = StreamedBody(receive, entry)
                await self._serve(scope, streamed.receive, streamed.read_ahead(), recorder)
            else:
                body = await read_body(receive, scope)
                entry.keep_body(body)
                await self._serve(scope, _replay(body), _hang_up(receive), recorder)
        except CallerGoneError:
            entry.close("client_closed")
        except refusals.RefusalError as refusal:
            await refusals.render(refusal)(scope, receive, recorder)
        finally:
            entry.close("complete" if recorder.finished else "client_closed")

    async def _serve_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        recorder = WebsocketRecorder(receive, send, scope["log_entry"], scope["request_id"])
        try:
            await self._app(scope, recorder.receive, recorder.send)
        finally:
            scope["log_entry"].close("complete" if recorder.finished else "client_closed")

    def _begin(self, scope: Scope) -> Entry:
        log = RequestLog() if scope["path"].startswith(UNLOGGED) else self._log
        method = scope.get("method", "GET")  # which is what opens a websocket
        return log.begin(method, scope["path"], scope["query_string"].decode("latin-1"), scope["headers"])

    async def _serve(
        self, scope: Scope, receive: Receive, until_hang_up: Coroutine[None, None, None], recorder: "Recorder"
    ) -> None:
        work = asyncio.ensure_future(self._app(scope, receive, recorder))
        async with _cancelled_at_exit(work), _cancelled_at_exit(asyncio.create_task(until_hang_up)) as hang_up:
            await asyncio.wait({work, hang_up}, return_when=asyncio.FIRST_COMPLETED)
            if work.done() or recorder.finished:
                await work
            else:
                raise CallerGoneError


class Recorder:
    """The `send` of one exchange: adds the request id, and keeps the log entry's status and number of events."""

    def __init__(self, send: Send, entry: Entry, request_id: str) -> None:
        self._send = send
        self._entry = entry
        self._request_id = request_id
        self._is_stream = False
        self._tail = b""
        self.finished = False

    async def __call__(self, message: Message) -> None:
        """Pass one ASGI message on."""
        if message["type"] == "http.response.start":
            self._start(message)
        elif message["type"] == "http.response.body":
            self._count(message.get("body", b""))
            self.finished = not message.get("more_body", False)
            if self.finished:
                self._entry.close("complete")
        await self._send(message)

    def _start(self, message: Message) -> None:
        self._entry.status = message["status"]
        self._is_stream = dict(message["headers"]).get(b"content-type", b"").startswith(b"text/event-stream")
        message["headers"] = list(message["headers"])
        if b"x-request-id" not in dict(message["headers"]):  # an app behind the driver proxy may have given its own
            message["headers"].append((b"x-request-id", self._request_id.encode()))

    def _count(self, body: bytes) -> None:
        if self._is_stream:
            seen = self._tail + body
            self._entry.sent_events += seen.count(b"\n\n")
            self._tail = b"\n" if seen.endswith(b"\n") and not seen.endswith(b"\n\n") else b""


async def read_body(receive: Receive, scope: Scope) -> bytes:
    """The request's body.

    Raises RefusalError (413) over the path's limit, whatever Content-Length says, and CallerGoneError if it breaks off.
    """
    limit = MAX_INVOCATION_BYTES if scope["path"].endswith("/invocations") else MAX_BODY_BYTES
    pieces: list[bytes] = []
    size = 0
    more = True
    while more and size <= MAX_DRAINED_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerGoneError
        piece = message.get("body", b"")
        size += len(piece)
        if size <= limit:
            pieces.append(piece)
        more = message.get("more_body", False)
    if size > limit:
        scope["log_entry"].keep_body(b"".join(pieces))
        raise refusals.too_large(limit)
    return b"".join(pieces)


def _replay(body: bytes) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await asyncio.Event().wait()  # the end of the caller arrives as a cancellation instead
        raise AssertionError

    return receive


async def _hang_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@asynccontextmanager
async def _cancelled_at_exit(task: "asyncio.Future[None]") -> AsyncIterator["asyncio.Future[None]"]:
    try:
        yield task
    finally:
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
