"""Fields of an invocation's form: what one holds, how it is typed, and what is wrong with what was typed. Pure.

What is typed and is no value of its kind stays in the body as the text that it is, and is told at its field: the form never
loses it, and the JSON beside the form shows what would be sent.
"""

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from services.errors import BadInput
from services.typed_json import any_value

_WHOLE = re.compile(r"[+-]?\d{1,40}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_LONGEST_NUMBER = 400
_LONG = 2**63


class Kind(StrEnum):
    """What a field holds; the value is for people."""

    TEXT = "text"
    LONG_TEXT = "text of several lines"
    WHOLE = "whole number"
    NUMBER = "number"
    SWITCH = "true or false"
    TIME = "date and time"
    BYTES = "bytes in base64"
    TEXTS = "list of texts"
    LINES = "one text a line"
    CHOICE = "one of several texts"
    JSON = "JSON"


TEXTUAL = frozenset({Kind.TEXT, Kind.LONG_TEXT, Kind.TIME, Kind.BYTES, Kind.CHOICE})


@dataclass(frozen=True)
class Field:
    """One input, parameter or column."""

    name: str
    """As the body has it. Of others: draw it as such."""
    kind: Kind = Kind.JSON
    required: bool = False
    says: str = ""
    """The model's own word for its type: "long", "array of double"; empty: the kind's."""
    default: Any = None
    """What the model takes where nothing is sent; None where that is not told."""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    outer: str = ""
    """Of JSON: “array” or “object”, where only that is right."""
    one_or_many: bool = False
    """Whether a text alone and a list of texts are both right."""
    of: "Field | None" = None
    """Of an array: what each of its values is."""
    help: str = ""

    @property
    def type(self) -> str:
        """Its type in words."""
        return self.says or self.kind.value


def text_of(field: Field, value: Any) -> str:
    """The value as it is typed; empty for none."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if field.kind in TEXTUAL or (value.strip() and _parsed(field, value) is None):
        return value
    return json.dumps(value, ensure_ascii=False)  # a text that would be taken for something else, or for nothing


def value_of(field: Field, typed: str) -> Any:
    """What was typed, as a value; None for nothing. What is no value of that kind stays the text that it is."""
    if field.kind in TEXTUAL:
        return typed or None
    if not typed.strip():
        return None
    found = _parsed(field, typed.strip())
    return typed if found is None else found


def _parsed(field: Field, typed: str) -> Any:
    """The value that is meant; None where it is none."""
    if field.kind is Kind.WHOLE:
        return int(typed) if _WHOLE.fullmatch(typed) else None
    if field.kind is Kind.NUMBER:
        return _number(typed)
    try:
        return any_value(typed)
    except BadInput:
        return None


def _number(typed: str) -> float | int | None:
    if _WHOLE.fullmatch(typed):
        return int(typed)
    number = float(typed) if len(typed) <= _LONGEST_NUMBER and _NUMBER.fullmatch(typed) else math.nan
    return number if math.isfinite(number) else None


def wrong_with(field: Field, value: Any) -> str:
    """What is wrong with the value at its field, as a sentence; empty for nothing. None counts as not there."""
    if value is None:
        return f"{field.name} is needed." if field.required else ""
    both = field.one_or_many and (isinstance(value, str) or not _texts(field, value))
    said = "" if both else _CHECKS[field.kind](field, value)
    return f"{field.name}: {said}" if said else ""


def _text(_field: Field, value: Any) -> str:
    return "" if isinstance(value, str) else "this is not a text."


def _choice(field: Field, value: Any) -> str:
    return "" if value in field.choices else f"this is none of {', '.join(field.choices)}."


def _whole(field: Field, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        return "this is not a whole number."
    return _bounds(field, value) if -_LONG <= value < _LONG else "this number is too large for 64 bits."


def _decimal(field: Field, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return "this is not a number."
    return _bounds(field, value)


def _bounds(field: Field, value: float) -> str:
    if field.minimum is not None and value < field.minimum:
        return f"this is less than {field.minimum:g}."
    if field.maximum is not None and value > field.maximum:
        return f"this is more than {field.maximum:g}."
    return ""


def _switch(_field: Field, value: Any) -> str:
    return "" if isinstance(value, bool) else "this is neither true nor false."


def _time(_field: Field, value: Any) -> str:
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return "this is not a date and time such as 2026-01-31T12:00:00."
    return ""


def _bytes(_field: Field, value: Any) -> str:
    try:
        base64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error):
        return "this is not base64, such as aGVsbG8=."
    return ""


def _texts(_field: Field, value: Any) -> str:
    fits = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return "" if fits else 'this is not a list of texts such as ["."].'


def _json(field: Field, value: Any) -> str:
    wanted = {"array": list, "object": dict}.get(field.outer)
    if wanted is not None and not isinstance(value, wanted):
        return f"this is not a JSON {field.outer}{_slip(value)}."
    if field.of is not None and isinstance(value, list):
        inner = field.of
        first = next(((place, said) for place, one in enumerate(value) if (said := wrong_inside(inner, one))), None)
        return f"value {first[0] + 1}: {first[1]}" if first else ""
    return ""


def wrong_inside(field: Field, value: Any) -> str:
    """The same for a value of a list, where null is no way of leaving it out."""
    return "null is nothing that it takes." if value is None else _CHECKS[field.kind](field, value)


def _slip(typed: Any) -> str:
    """Where a text that was meant as JSON stops to be it."""
    if not isinstance(typed, str):
        return ""
    try:
        any_value(typed)
    except BadInput as wrong:
        return f" ({wrong.message.removeprefix('This is not JSON: ').rstrip('.')}: {wrong.hint.rstrip('.')})"
    return ""


_CHECKS: Mapping[Kind, Callable[[Field, Any], str]] = {
    Kind.TEXT: _text,
    Kind.LONG_TEXT: _text,
    Kind.CHOICE: _choice,
    Kind.WHOLE: _whole,
    Kind.NUMBER: _decimal,
    Kind.SWITCH: _switch,
    Kind.TIME: _time,
    Kind.BYTES: _bytes,
    Kind.TEXTS: _texts,
    Kind.LINES: _texts,
    Kind.JSON: _json,
}
