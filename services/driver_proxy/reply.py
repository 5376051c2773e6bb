"""What a driver app has answered: any status, any kind, kept as it came."""

import json
from typing import Any

from services.exchange import Answer
from services.foreign_json import read_json
from services.invocation.job import InvocationReply

MAX_TEXT = 4_000_000
"""Characters of a body that are given out as text; the wire record has its own limit."""


class DriverReply(InvocationReply):
    """What has arrived: the data of a stream's events, or ``raw``; and its JSON value where it is one."""

    def __init__(self) -> None:
        super().__init__()
        self.status: int | None = None
        self.content_type = ""
        self.location = ""
        """Where a redirect leads; it is never followed. Foreign text."""
        self.raw: bytes | None = None
        """The body; None before it is there, and for a stream."""
        self.is_json = False
        self.value: Any = None
        """The body as a JSON value; without meaning unless *is_json*."""
        self._raw_text: str | None = None

    @property
    def text(self) -> str:
        """All of it, for reading: JSON indented, anything else as it came, or one event a line."""
        if self.raw is None:
            return super().text
        if self._raw_text is None:  # once: a page asks again at each of its runs
            indented = self.is_json and not isinstance(self.value, str)
            whole = (
                json.dumps(self.value, indent=2, ensure_ascii=False) if indented else self.raw.decode(errors="replace")
            )
            self._raw_text = whole[:MAX_TEXT]
        return self._raw_text

    def forget(self) -> None:
        """Let go of what arrived, when newer replies need the memory. How it ended stays."""
        super().forget()
        self.raw, self.is_json, self.value, self._raw_text = None, False, None, None

    @property
    def kind(self) -> str:
        """What it is, in words; empty before it is there."""
        if self.raw is None:
            return "a stream of events" if self.events else ""
        if not self.raw:
            return "nothing"
        if self.is_json:
            return json_kind(self.value)
        return "a web page" if is_web_page(self.raw) else "text that is not JSON"

    def begins(self, answer: Answer) -> None:
        """Take the status and headers."""
        named = {name.lower(): value for name, value in answer.headers.items()}
        self.content_type, self.location = named.get("content-type", ""), named.get("location", "")
        self.status = answer.status

    def receive_raw(self, raw: bytes, after: float) -> None:
        """Take the body, where the reply is not a stream. Without effect once there is an outcome."""
        is_json, value = json_value(raw)
        with self._lock:
            if self.open:
                self.is_json, self.value, self.first_after = is_json, value, after
                self.body = value if isinstance(value, dict) else None
                self.raw = raw


def json_value(raw: bytes) -> tuple[bool, Any]:
    """Whether the bytes are JSON, and its value."""
    try:
        return True, read_json(raw)
    except ValueError:
        return False, None


def json_kind(value: Any) -> str:
    """The kind of a JSON value, in words."""
    kinds = {str: "a JSON string", dict: "a JSON object", list: "a JSON list", bool: "true or false"}
    return "null" if value is None else kinds.get(type(value), "a number")


def is_web_page(raw: bytes) -> bool:
    """Whether it looks like HTML, whatever its Content-Type says."""
    return raw[:2000].lstrip()[:1] == b"<"
