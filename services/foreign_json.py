"""JSON that others sent: read so that whatever is made of it can be sent on, written and drawn. Pure."""

import json
import re
from collections.abc import Iterable
from typing import Any

import msgspec

MAX_DEPTH = 200
"""Levels. Python's own limit is near 1,000, and what writes or draws a value needs several calls a level."""
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")


def read_json(text: str | bytes) -> Any:
    """The value; half characters in its texts, which JSON lets pass and UTF-8 does not, are replaced by ``?``.

    Raises ValueError for what is no JSON, for more than MAX_DEPTH levels, and for numbers of thousands of digits.
    """
    try:
        content = text.encode() if isinstance(text, str) else text
        value = msgspec.json.decode(content)  # seven times as fast, and the same value wherever it gives one
    except (msgspec.MsgspecError, UnicodeError):  # it takes no half characters, no NaN, no other encoding
        return _by_json(text)
    except RecursionError as deep:
        raise ValueError("nested too deep") from deep
    opened = content.count(b"[") + content.count(b"{")  # no value is deeper; to walk through a large one takes a while
    if opened > MAX_DEPTH and deeper_than(MAX_DEPTH, value):
        raise ValueError("nested too deep")
    return value


def _by_json(text: str | bytes) -> Any:
    said = text.decode(json.detect_encoding(text), errors="replace") if isinstance(text, bytes) else text
    try:
        value = json.loads(said)
    except RecursionError as deep:
        raise ValueError("nested too deep") from deep
    if deeper_than(MAX_DEPTH, value):
        raise ValueError("nested too deep")
    return _whole_characters(value) if _SURROGATE.search(said) else value


def as_dict(value: Any) -> dict[str, Any]:
    """The object; an empty one where it is something else."""
    return value if isinstance(value, dict) else {}


def as_dicts(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; none where it is something else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def as_list(value: Any) -> list[Any]:
    """The list; an empty one where it is something else."""
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """The text; an empty one where it is something else."""
    return value if isinstance(value, str) else ""


def deeper_than(most: int, value: Any) -> bool:
    """Whether there are more than *most* lists and objects inside each other."""
    containers = (dict, list)  # not a union, which would be made anew for each of a reply's hundred thousand numbers
    level = [value] if isinstance(value, containers) else []
    depth = 0
    while level and depth <= most:
        depth += 1
        level = [inner for outer in level for inner in _parts(outer) if isinstance(inner, containers)]
    return depth > most


def _parts(outer: Any) -> Iterable[Any]:
    return outer.values() if isinstance(outer, dict) else outer


def _whole_characters(value: Any) -> Any:
    written = json.dumps(value, ensure_ascii=False)
    replaced = written.encode("utf-8", errors="replace").decode()
    return value if replaced == written else json.loads(replaced)
