"""The wire record of one exchange: made where the bytes leave and arrive, never rebuilt from anything else.

The inspector, the metrics, the exported code and the history are all views of this one record.
"""

import re
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from services.transforms.records import TransformTrace

REDACTED = "[redacted]"
# Not www-authenticate, which says what a server wants.
_SECRET_HEADER = re.compile(
    r"token|secret|auth(?!enticate)|cookie|key|passw|passphrase|pwd|credential|signature|session|jwt|bearer|hmac|(?:^|[-_])(?:sig|pin|otp|pass|pat|psk)(?:$|[-_])",
    re.IGNORECASE,
)
KEPT_REPLY = 8_000_000
"""Bytes of a reply that a record keeps. What is beyond is counted, and reaches the conversation, but is not kept here."""


@dataclass(frozen=True)
class ArrivedEvent:
    """One server-sent event."""

    seconds: float
    """Since the call began."""
    data: str


@dataclass
class WireRecord:
    """One HTTP exchange, filled in as it happens. Read from any thread; written by the one that makes the call.

    All its seconds are counted from the begin of the call: signing in and connecting are part of what a person waits for.
    """

    method: str = ""
    url: str = ""
    request_headers: dict[str, str] = field(default_factory=dict)
    """Secrets redacted."""
    request_body: bytes = b""
    """The exact bytes that left, or would have: *sent_at* says which."""
    sent_at: float | None = None
    """Wall clock at which the request was written, seconds since the epoch. None: it never was."""
    status: int | None = None
    reply_headers: dict[str, str] = field(default_factory=dict)
    headers_after: float | None = None
    """Seconds from the call's begin to the reply's headers."""
    events: list[ArrivedEvent] = field(default_factory=list)
    streamed: bool = False
    """Whether the reply came as events."""
    reply_bytes: int = 0
    """All that came, kept or not."""
    finished_after: float | None = None
    """Seconds from the call's begin to the last event or byte, the cut or the cancellation."""
    trace: TransformTrace | None = None
    """What the person's transform did to the body and to the reply; None without one."""
    forgotten: bool = False
    """Whether both bodies and the events were let go, to keep the memory of a long conversation bounded."""
    _started: float | None = None
    _kept: list[bytes] = field(default_factory=list, repr=False)

    @property
    def reply_body(self) -> bytes:
        """The bytes of the reply as they came, a stream's too, up to KEPT_REPLY; unpacked where they came compressed."""
        return b"".join(tuple(self._kept))  # a copy first: the list may grow meanwhile

    def begun(self) -> None:
        """Start the clock: somebody waits from now on."""
        self._started = time.perf_counter()

    def prepared(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, credentials: Collection[str] = ()
    ) -> None:
        """Note what is about to be sent. *credentials* names the headers that sign it in."""
        self.method, self.url, self.request_body = method, url, body
        self.request_headers = redacted(headers, credentials)

    def leaves(self) -> None:
        """Note that the request is being written now."""
        self.sent_at = time.time()

    def headers_arrive(self, status: int, headers: Mapping[str, str]) -> None:
        """Note the reply's first line and headers."""
        self.status, self.reply_headers, self.headers_after = status, redacted(headers), self.elapsed()

    def bytes_arrive(self, chunk: bytes) -> None:
        """Count bytes of the reply, and keep them while there is room."""
        if self.reply_bytes < KEPT_REPLY and not self.forgotten:
            self._kept.append(chunk[: KEPT_REPLY - self.reply_bytes])
        self.reply_bytes += len(chunk)

    def event_arrives(self, data: str) -> None:
        """Keep one event and when it came."""
        self.streamed = True
        if self.reply_bytes <= KEPT_REPLY:
            self.events.append(ArrivedEvent(self.elapsed(), data))

    def forget_reply(self) -> None:
        """Let go of the bytes of the reply and of the request, once it is over; headers, figures and text elsewhere stay."""
        if self.finished_after is not None:
            self.forgotten = True
            self.events, self._kept, self.request_body = [], [], b""
            if self.trace is not None:  # others hold it, too: for the name of the transform
                self.trace.forget()
                self.trace = None

    def ends(self) -> None:
        """Stop the clock. Bytes that still come are counted and kept."""
        if self.finished_after is None and self._started is not None:
            after = self.elapsed()
            self._kept = [self.reply_body]  # one piece instead of thousands
            self.finished_after = after

    def elapsed(self) -> float:
        """Seconds since the call began, on a clock that is never set back; 0 before."""
        return 0.0 if self._started is None else time.perf_counter() - self._started


def looks_secret(header: str) -> bool:
    """Whether a header is called like a credential."""
    return _SECRET_HEADER.search(header) is not None


def redacted(headers: Mapping[str, str], credentials: Collection[str] = ()) -> dict[str, str]:
    """The headers without credentials: those that *credentials* names, and all that are called like one."""
    known = {name.lower() for name in credentials}
    return {name: REDACTED if name.lower() in known or looks_secret(name) else value for name, value in headers.items()}
