"""Token counts read from a reply as it passes: the `usage` of a whole one, or the last that a stream shows."""

import json
import re
from typing import Any

# In JSON a quote inside a text is escaped, so what matches here is a name and not something a model said.
USAGE = re.compile(rb'"usage"\s*:\s*(?=\{)')
MAX_LINE = 64 * 1024
MAX_USAGE = 8 * 1024


class UsageReader:
    """Reads a reply piece by piece. The counts are None while none was seen; a stream's are cumulative, so the last holds."""

    def __init__(self) -> None:
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None
        self._tail = b""

    @property
    def total(self) -> int:
        """Tokens in and out, as far as they are known."""
        return (self.input_tokens or 0) + (self.output_tokens or 0)

    def feed(self, piece: bytes) -> None:
        """Read the next piece, however the reply was cut."""
        text = self._tail + piece
        lines, newline, rest = text.rpartition(b"\n")
        if newline:
            self._read(lines)
        if len(rest) > MAX_LINE:
            self._read(rest)
            rest = rest[-MAX_USAGE:]
        self._tail = rest

    def finish(self) -> None:
        """Read what is left when the reply is over."""
        self._read(self._tail)
        self._tail = b""

    def _read(self, text: bytes) -> None:
        if b'"usage"' not in text:
            return
        for match in USAGE.finditer(text):
            usage = _object_at(text, match.end())
            self.input_tokens = _count(usage, "prompt_tokens", "input_tokens", self.input_tokens)
            self.output_tokens = _count(usage, "completion_tokens", "output_tokens", self.output_tokens)


def _object_at(text: bytes, start: int) -> dict[str, Any]:
    try:
        found, _ = json.JSONDecoder().raw_decode(text[start : start + MAX_USAGE].decode(errors="replace"))
    except (json.JSONDecodeError, RecursionError):  # cut off, or no JSON at all: then it says nothing
        return {}
    return found if isinstance(found, dict) else {}


def _count(usage: dict[str, Any], name: str, other: str, known: int | None) -> int | None:
    value = usage.get(name, usage.get(other))
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else known
