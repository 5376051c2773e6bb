"""The wire record of one exchange: made where the bytes leave and arrive, never rebuilt from anything else.

The inspector, the metrics, the exported code and the history are all views of this one record.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

REDACTED = "[redacted]"
_SECRET_HEADERS = frozenset(
    {"authorization", "cookie", "set-cookie", "proxy-authorization", "x-forwarded-access-token"}
)
KEPT_REPLY = 8_000_000
"""Bytes of a reply that a record keeps. What is beyond is counted, and reaches the conversation, but is not kept here."""


@dataclass(frozen=True)
class ArrivedEvent:
    """One server-sent event."""

    seconds: float
    """Since the request was sent."""
    data: str


@dataclass
class WireRecord:
    """One HTTP exchange, filled in as it happens. Read from any thread; written by the one that makes the call."""

    method: str = ""
    url: str = ""
    request_headers: dict[str, str] = field(default_factory=dict)
    """Secrets redacted."""
    request_body: bytes = b""
    """The exact bytes that left."""
    sent_at: float | None = None
    """Wall clock, seconds since the epoch."""
    status: int | None = None
    reply_headers: dict[str, str] = field(default_factory=dict)
    headers_after: float | None = None
    """Seconds from sending to the reply's headers."""
    reply_body: bytes = b""
    """The bytes of a reply that is not a stream."""
    events: list[ArrivedEvent] = field(default_factory=list)
    streamed: bool = False
    """Whether the reply came as events."""
    reply_bytes: int = 0
    finished_after: float | None = None
    """Seconds from sending to the last byte, the cut or the cancellation."""
    forgotten: bool = False
    """Whether the reply's events and body were let go, to keep the memory of a long conversation bounded."""
    _started: float | None = None

    def leaves(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Note what is about to be sent, and start the clock."""
        self.method, self.url, self.request_headers, self.request_body = method, url, redacted(headers), body
        self.sent_at, self._started = time.time(), time.perf_counter()

    def headers_arrive(self, status: int, headers: Mapping[str, str]) -> None:
        """Note the reply's first line and headers."""
        self.status, self.reply_headers, self.headers_after = status, redacted(headers), self.elapsed()

    def bytes_arrive(self, chunk: bytes) -> None:
        """Count bytes of the reply."""
        self.reply_bytes += len(chunk)

    def body_arrives(self, body: bytes) -> None:
        """Keep the body of a reply that is not a stream."""
        self.reply_body = body[:KEPT_REPLY]

    def event_arrives(self, data: str) -> None:
        """Keep one event and when it came."""
        self.streamed = True
        if self.reply_bytes <= KEPT_REPLY:
            self.events.append(ArrivedEvent(self.elapsed(), data))

    def forget_reply(self) -> None:
        """Let go of the reply's bytes; what was sent, its figures and its text elsewhere stay."""
        if self.finished_after is not None and (self.events or self.reply_body):
            self.events, self.reply_body, self.forgotten = [], b"", True

    def ends(self) -> None:
        """Stop the clock."""
        if self.finished_after is None and self._started is not None:
            self.finished_after = self.elapsed()

    def elapsed(self) -> float:
        """Seconds since sending, on a clock that is never set back; 0 before."""
        return 0.0 if self._started is None else time.perf_counter() - self._started


def redacted(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers with every credential taken out."""
    return {name: REDACTED if name.lower() in _SECRET_HEADERS else value for name, value in headers.items()}
