"""A provider's server on this machine, for tests: says what it is told to, and remembers what it was asked.

upstream.will(reply({"choices": [...]}))
upstream.will(stream({"choices": [...]}, ..., "[DONE]"))
"""

import json
import select
import socket
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

HOLD_SECONDS = 30.0


@dataclass
class Asked:
    """One request as it arrived. `hung_up` is set when its caller closed the connection before the answer was complete."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    hung_up: threading.Event = field(default_factory=threading.Event)

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        """The body of a form, the last of each name."""
        return {name: values[-1] for name, values in parse_qs(self.body.decode()).items()}


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the upstream's next answer."""

    protocol_version = "HTTP/1.1"
    upstream: "Upstream"

    def do_POST(self) -> None:
        """Answer."""
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, parts.path, parse_qs(parts.query), headers, body)
        self.close_connection = True
        self.upstream.asked.append(asked)
        self.upstream.answer(asked)(self, asked)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def begin(self, status: int, headers: dict[str, str]) -> None:
        """Send the status line and headers; the connection closes after the body."""
        self.send_response(status)
        for name, value in ({"connection": "close"} | headers).items():
            self.send_header(name, value)
        self.end_headers()

    def hold(self, asked: Asked) -> None:
        """Keep the connection until the caller closes it."""
        readable, _, _ = select.select([self.connection], [], [], HOLD_SECONDS)
        if readable and self.connection.recv(1, socket.MSG_PEEK) == b"":
            asked.hung_up.set()


Answer = Callable[[Handler, Asked], None]


def reply(body: Any, status: int = 200, **headers: str) -> Answer:
    """JSON, or bytes as they are; an underscore in a header's name stands for a hyphen."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(handler: Handler, _: Asked) -> None:
        handler.begin(status, {"content-type": "application/json", "content-length": str(len(sent))} | named)
        handler.wfile.write(sent)

    return answer


def stream(*events: Any, holds: bool = False, breaks: bool = False, kind: str = "text/event-stream") -> Answer:
    """Events: JSON objects, the text "[DONE]", or bytes as they are. It then ends, or `holds` on, or `breaks` off."""

    def answer(handler: Handler, asked: Asked) -> None:
        handler.begin(200, {"content-type": kind, "transfer-encoding": "chunked"})
        for event in events:
            piece = event if isinstance(event, bytes) else _event(event)
            handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            handler.wfile.flush()
        if holds:
            handler.hold(asked)
        elif not breaks:
            handler.wfile.write(b"0\r\n\r\n")

    return answer


def _event(event: Any) -> bytes:
    text = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
    return f"data: {text}\n\n".encode()


def silence(handler: Handler, asked: Asked) -> None:
    """No answer, not even headers."""
    handler.hold(asked)


def garbage(handler: Handler, _: Asked) -> None:
    """What is not HTTP."""
    handler.wfile.write(b"\x00\x01 nothing of the kind\r\n\r\n")


class Upstream:
    """The server. `url` is its address, without a path; answers are given in the order in which they were told."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._answers: deque[Answer] = deque()
        handler = type("_Handler", (Handler,), {"upstream": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def will(self, *answers: Answer) -> None:
        """Answer the next requests so, one each."""
        self._answers.extend(answers)

    def answer(self, asked: Asked) -> Answer:
        """The next answer; 500 when none was told."""
        return self._answers.popleft() if self._answers else reply({"error": f"nothing to say to {asked.path}"}, 500)

    @property
    def last(self) -> Asked:
        """The newest request."""
        return self.asked[-1]

    def forget(self) -> None:
        """Drop what was asked, and answers that nobody asked for."""
        self.asked.clear()
        self._answers.clear()

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
