"""What was asked of the workspace, byte for byte: tests read it to prove what a client really sent."""

import base64
import itertools
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from local_workspace.web.redaction import redacted_body, redacted_query

MAX_ENTRIES = 2000
MAX_BODY_BYTES = 1024 * 1024
MAX_TOTAL_BYTES = 64 * 1024 * 1024
SECRET_HEADERS = {"authorization", "proxy-authorization", "cookie", "x-forwarded-access-token"}


@dataclass
class Entry:
    """One request. `outcome` is running, complete, client_closed or fault; `seconds` counts from arrival to outcome."""

    id: int
    method: str
    path: str
    query: str
    headers: dict[str, str]
    at: float = field(default_factory=time.time)
    began: float = field(default_factory=time.monotonic)
    user: str | None = None
    body: bytearray = field(default_factory=bytearray)
    body_bytes: int = 0
    head_bytes: int = 0
    status: int | None = None
    outcome: str = "running"
    fault: str | None = None
    seconds: float | None = None
    sent_events: int = 0

    def keep_body(self, body: bytes) -> None:
        """Remember the body, or its beginning when it is over MAX_BODY_BYTES, without the secrets it sets."""
        shown = redacted_body(self.path, body)
        self.body, self.body_bytes = bytearray(shown[:MAX_BODY_BYTES]), len(shown)

    def add_to_body(self, piece: bytes) -> None:
        """Remember one more piece of a body that is passed on as it comes."""
        self.body += piece[: MAX_BODY_BYTES - len(self.body)]
        self.body_bytes += len(piece)

    def close(self, outcome: str) -> None:
        """Settle the outcome. The first one stays: a fault that drops the connection is not a caller who hung up."""
        if self.seconds is None:
            self.seconds = time.monotonic() - self.began
            self.outcome = outcome if self.outcome == "running" else self.outcome

    def to_wire(self) -> dict[str, Any]:
        """The entry as `GET /_local/requests` shows it."""
        names = ("id", "at", "user", "method", "path", "query", "headers", "status", "outcome", "fault", "sent_events")
        shown = {name: getattr(self, name) for name in names}
        return shown | {
            "seconds": self.seconds if self.seconds is not None else time.monotonic() - self.began,
            "body_base64": base64.b64encode(self.body).decode(),
            "body_bytes": self.body_bytes,
            "body_cut": self.body_bytes > len(self.body),
        }


class RequestLog:
    """The last MAX_ENTRIES requests, and at most MAX_TOTAL_BYTES of them."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=MAX_ENTRIES)
        self._ids = itertools.count(1)

    def begin(self, method: str, path: str, query: str, headers: list[tuple[bytes, bytes]]) -> Entry:
        """A new entry, in the log from now on."""
        shown = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
        redacted = {name: "[redacted]" if name in SECRET_HEADERS else value for name, value in shown.items()}
        self._trim()
        entry = Entry(next(self._ids), method, path, redacted_query(path, query), redacted)
        entry.head_bytes = len(path) + len(query) + sum(len(name) + len(value) for name, value in headers)
        self._entries.append(entry)
        return entry

    def _trim(self) -> None:
        """Forget the oldest entries while they are too large together."""
        total = sum(entry.head_bytes + len(entry.body) for entry in self._entries)
        while total > MAX_TOTAL_BYTES:
            oldest = self._entries.popleft()
            total -= oldest.head_bytes + len(oldest.body)

    def since(self, last_seen: int) -> list[dict[str, Any]]:
        """Entries with an id above `last_seen`, oldest first."""
        return [entry.to_wire() for entry in self._entries if entry.id > last_seen]

    def clear(self) -> None:
        """Forget every entry. Ids go on counting."""
        self._entries.clear()
