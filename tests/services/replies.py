"""A real HTTP server for replies that the local workspace cannot give: it sends the bytes it is told to."""

import contextlib
import json
import select
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LONGEST_WAIT = 30.0


@dataclass
class Received:
    """One request, and how it went."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int
    """Which connection it came over, counted from 1."""
    closed_by_caller: threading.Event = field(default_factory=threading.Event)

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


class Exchange:
    """One request being answered."""

    def __init__(self, handler: "_Handler", received: Received) -> None:
        self._handler = handler
        self.received = received

    def send(self, data: bytes) -> None:
        """Send bytes now."""
        self._handler.wfile.write(data)
        self._handler.wfile.flush()

    def head(self, status: int = 200, **headers: str) -> None:
        """Send the reply's head; `content_type` stands for Content-Type."""
        lines = [
            f"HTTP/1.1 {status} Status",
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        ]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode())

    def chunk(self, data: bytes) -> None:
        """Send one chunk of a reply whose head said `transfer_encoding="chunked"`; an empty one ends it."""
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def until(self, event: threading.Event) -> None:
        """Return when `event` is set, when the caller hangs up, or after LONGEST_WAIT."""
        deadline = time.monotonic() + LONGEST_WAIT
        while not event.is_set() and time.monotonic() < deadline:
            readable, _, _ = select.select([self._handler.connection], [], [], 0.005)
            if readable:
                self.received.closed_by_caller.set()
                return

    def pause(self, seconds: float) -> None:
        """Return after `seconds`, or at once when the caller hangs up."""
        readable, _, _ = select.select([self._handler.connection], [], [], seconds)
        if readable:
            self.received.closed_by_caller.set()

    def until_caller_hangs_up(self) -> None:
        """Say nothing more, and wait for the caller's end."""
        self.until(threading.Event())

    def hang_up(self) -> None:
        """Let this be the connection's last exchange."""
        self._handler.close_connection = True


Script = Callable[[Exchange], None]


def whole(body: bytes | str | Any, status: int = 200, content_type: str = "application/json", **headers: str) -> Script:
    """Reply with all of `body`: bytes and texts as they are, anything else as JSON."""
    content = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()

    def reply(exchange: Exchange) -> None:
        exchange.head(status, content_type=content_type, content_length=str(len(content)), **headers)
        exchange.send(content)

    return reply


def stream(*pieces: bytes | str | Any, done: bool = True) -> Script:
    """Reply with server-sent events, a chunk each: bytes as they are, anything else as the event's JSON."""
    parts = [one if isinstance(one, bytes) else b"data: " + json.dumps(one).encode() + b"\n\n" for one in pieces]

    def reply(exchange: Exchange) -> None:
        exchange.head(content_type="text/event-stream", transfer_encoding="chunked")
        for part in [*parts, *([b"data: [DONE]\n\n"] if done else []), b""]:
            exchange.chunk(part)

    return reply


def silent(exchange: Exchange) -> None:
    """Take the request and say nothing."""
    exchange.until_caller_hangs_up()
    exchange.hang_up()


def says(text: str, **more: Any) -> dict[str, Any]:
    """A chunk with a piece of the first answer."""
    return {"choices": [{"index": 0, "delta": {"content": text}, **more}]}


class ReplyServer:
    """Answers each request with `script`; keeps what it received."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self.script = script
        self.received: list[Received] = []
        self.connections = 0
        self.at_end = contextlib.ExitStack()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.host = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def posts(self) -> list[Received]:
        """The invocations it received: the SDK's own calls are not counted."""
        return [one for one in self.received if one.method == "POST"]

    def stop(self) -> None:
        """Listen no more."""
        self.at_end.close()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    owner: ReplyServer

    def handle_error(self, *_: object) -> None:
        """Callers that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        self.server.owner.connections += 1
        self._number = self.server.owner.connections
        super().setup()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        received = Received(self.command, self.path, dict(self.headers), body, self._number)
        self.server.owner.received.append(received)
        try:
            self.server.owner.script(Exchange(self, received))
        except OSError:
            received.closed_by_caller.set()
            self.close_connection = True

    do_GET = do_PUT = do_PATCH = do_DELETE = do_POST  # noqa: N815  (http.server's names)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextlib.contextmanager
def reply_server(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[ReplyServer]:
    """A server that answers with `script`."""
    server = ReplyServer(script, tls)
    try:
        yield server
    finally:
        server.stop()
