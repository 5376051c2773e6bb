"""Keep a secret's value out of an error that a server has made of it. Pure."""

import base64
import html
import json
import re
from collections.abc import Collection, Iterator
from urllib.parse import quote, unquote

from services.errors import PlaygroundError, RawReply

PIECE = 8
"""Characters: a text that has as many in a row from the value counts as repeating it. Servers cut what they repeat."""
_WITHHELD = "(the server's words are not shown: they repeat the value)"
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


def without_value(error: PlaygroundError, value: str | bytes, *, name: str) -> PlaygroundError:
    """The same error without the server's words, where they repeat any piece of *value* as it is or encoded.

    *name* is what was to be kept, as the person knows it.
    """
    message, hint, raw = error.message, error.hint, error.raw
    forms = set(_forms(value))
    if _repeats(
        "\n".join([message, hint, raw.body if raw else ""]), forms
    ):  # seldom: so all are looked at at once first
        raw = raw and RawReply(raw.status, _WITHHELD if _repeats(raw.body, forms) else raw.body)
        message = f"The workspace did not keep {name} {_WITHHELD}." if _repeats(message, forms) else message
        hint = "Look whether it was kept, then try again." if _repeats(hint, forms) else hint
    kept = type(error)(message, hint, side=error.side, raw=raw, retry_after=error.retry_after)
    kept.unsure = error.unsure
    return kept


def _repeats(text: str, forms: Collection[str]) -> bool:
    """Whether the text has a piece of one of them. The text is short, a value may be long: so its pieces are looked up."""
    texts = {text, html.unescape(text), unquote(text), _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)}
    pieces = {one[start : start + PIECE] for one in texts for start in range(len(one) - PIECE + 1)}
    return any(
        any(form[start : start + PIECE] in pieces for start in range(len(form) - PIECE + 1))
        if len(form) >= PIECE
        else any(form in one for one in texts)
        for form in forms
    )


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
