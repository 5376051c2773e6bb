"""Keep a secret's value out of an error that a server has made of it. Pure."""

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote

from services.errors import PlaygroundError, RawReply

PIECE = 8
"""Characters: a text that has as many in a row from the value counts as repeating it. Servers cut what they repeat."""
_WITHHELD = "(the server's words are not shown: they repeat the value)"


def without_value(error: PlaygroundError, value: str | bytes, *, name: str) -> PlaygroundError:
    """The same error without the server's words, where they repeat any piece of *value* as it is or encoded.

    *name* is what was to be kept, as the person knows it.
    """
    pieces = {form[start : start + PIECE] for form in _forms(value) for start in range(max(1, len(form) - PIECE + 1))}
    message, hint = error.message, error.hint
    if _repeats(message, pieces):
        message = f"The workspace did not keep {name} {_WITHHELD}."
    if _repeats(hint, pieces):
        hint = "Look whether it was kept, then try again."
    kept = type(error)(message, hint, side=error.side, retry_after=error.retry_after)
    if error.raw is not None:
        kept.raw = RawReply(error.raw.status, _WITHHELD if _repeats(error.raw.body, pieces) else error.raw.body)
    return kept


def _repeats(text: str, pieces: set[str]) -> bool:
    lengths = {len(piece) for piece in pieces}
    return any(text[start : start + length] in pieces for length in lengths for start in range(len(text) - length + 1))


def _forms(value: str | bytes) -> Iterator[str]:
    """The value in the ways in which a server could repeat it."""
    content = value.encode() if isinstance(value, str) else value
    text = content.decode("utf-8", errors="replace")
    escaped = json.dumps(text)[1:-1]
    forms = [text, " ".join(text.split()), escaped, json.dumps(text, ensure_ascii=False)[1:-1]]
    forms += [json.dumps(escaped)[1:-1], quote(text, safe=""), content.hex()]
    for shift in range(3):  # within a longer text its base64 depends on where it begins
        encoded = base64.b64encode(b"\0" * shift + content).decode().rstrip("=")
        inside = encoded[-(-shift * 8 // 6) : len(encoded) - (1 if (shift + len(content)) % 3 else 0)]
        forms += [inside, inside.replace("+", "-").replace("/", "_")]
    yield from filter(None, forms)
