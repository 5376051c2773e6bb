"""From a reply to one vector for each text asked for, or why there is none. Pure.

The shapes that are met: OpenAI's ``data`` of ``{"index", "embedding"}``; MLflow's ``predictions`` as lists, as records, as one
named list, as columns and data; and whatever of these a transform leaves.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from services.embeddings.records import Floats
from services.errors import PlaygroundError, UnexpectedReply

Found: TypeAlias = "Floats | PlaygroundError"
_MOST_NUMBERS = 16_384
"""Of one vector; the largest models give 4,096, some 12,288."""
_MOST_DIGITS = 9
"""Of a key that counts."""
_MOST_DEPTH = 6
"""Wrappers around the vectors that are opened."""
_VECTOR_KEYS = ("embedding", "embeddings", "vector", "values", "0")
_LIST_KEYS = ("predictions", "data", "embeddings", "outputs", "vectors", "output", "result")
_KEPT = "The other texts are not concerned; the endpoint's logs may say more."


class NotForEmbeddings(UnexpectedReply):
    """What answered has no vectors to give, whatever the text."""


def vectors_in(reply: Any, count: int, name: str) -> list[Found]:
    """What a reply has for each of *count* texts. Raises NotForEmbeddings where there is nothing like a vector in it."""
    rows = _rows(reply, count, 0)
    if rows is None:
        raise NotForEmbeddings(
            f"{name} is not an endpoint for embeddings: its reply has no vectors.",
            "Choose an endpoint whose task is llm/v1/embeddings, or a custom model that returns vectors; a transform can "
            "bring another reply into that shape.",
        )
    if isinstance(rows, dict):
        return [_vector(rows[place], name) if place in rows else _missing(name) for place in range(count)]
    if len(rows) != count:  # to guess whose they are would give texts the vectors of others
        said = f"{name} gave {len(rows):,} vectors for {count:,} texts, and does not say which is whose."
        hint = "Ask for one text at a time (texts in one request: 1), or mend the model or the transform."
        return [UnexpectedReply(said, hint) for _ in range(count)]
    return [_vector(row, name) for row in rows]


def tokens_in(reply: Any) -> int:
    """The tokens that a reply counts; 0 where it does not."""
    usage = reply.get("usage") if isinstance(reply, dict) else None
    counts = [usage.get(key) for key in ("total_tokens", "prompt_tokens")] if isinstance(usage, dict) else []
    return next((count for count in counts if type(count) is int and 0 < count < 1 << 40), 0)


def _missing(name: str) -> PlaygroundError:
    return UnexpectedReply(f"{name} gave no vector for this text.", f"Embed again to ask for it anew. {_KEPT}")


class _Twice:
    """Stands for a place that several vectors claim."""


def _rows(value: Any, count: int, depth: int) -> Sequence[Any] | dict[int, Any] | None:
    """Vectors in the order of the texts, or by place where the reply says it; None where there are none."""
    if depth > _MOST_DEPTH:
        return None
    if isinstance(value, list):
        return _rows_of_list(value, count, depth)
    return _rows_of_object(value, count, depth) if isinstance(value, dict) else None


def _rows_of_list(value: list[Any], count: int, depth: int) -> Sequence[Any] | dict[int, Any] | None:
    if value and all(_is_number(one) for one in value):
        return [value] if count == 1 else None
    if any(isinstance(one, dict) and "index" in one and _cell_of(one) is not None for one in value):
        return _by_index(value)
    if len(value) == 1 and isinstance(value[0], dict) and _cell_of(value[0]) is None:
        return _rows(value[0], count, depth + 1)  # a model's dict, which MLflow has put into a list
    cells = [_cell_of(one) if isinstance(one, dict) else one if isinstance(one, list) else None for one in value]
    return cells if not value or any(cell is not None for cell in cells) else None


def _rows_of_object(value: Mapping[str, Any], count: int, depth: int) -> Sequence[Any] | dict[int, Any] | None:
    columns, data = value.get("columns"), value.get("data")
    if isinstance(columns, list) and isinstance(data, list):
        return [row[0] if isinstance(row, list) and len(columns) == 1 and row else row for row in data]
    for key in _LIST_KEYS:
        if key in value and (rows := _rows(value[key], count, depth + 1)) is not None:
            return rows
    if count == 1 and (cell := _cell_of(value)) is not None:
        return [cell]
    if len(value) == 1:
        return _rows(next(iter(value.values())), count, depth + 1)
    return None


def _cell_of(record: Mapping[str, Any]) -> Any:
    """What a record has in the place of a vector: under a name for it, under its only one, or as one number a key."""
    if isinstance(record.get("embedding"), str):  # base64; any other text is no vector
        return record["embedding"]
    for key in _VECTOR_KEYS:
        if isinstance(record.get(key), list):
            return record[key]
    if len(record) > 1 and all(map(_is_number, record.values())):
        ordered = (
            sorted(record, key=int)
            if all(key.isdecimal() and len(key) <= _MOST_DIGITS for key in record)
            else list(record)
        )
        return [record[key] for key in ordered]
    only = next(iter(record.values())) if len(record) == 1 else None
    flat = isinstance(only, list) and all(_is_number(one) for one in only)
    return only if flat else None


def _by_index(items: list[Any]) -> dict[int, Any]:
    found: dict[int, Any] = {}
    for item in items:
        place = item.get("index") if isinstance(item, dict) else None
        if type(place) is int:  # a bool is none
            found[place] = _Twice() if place in found else _cell_of(item)
    return found


def _is_number(value: Any) -> bool:
    return type(value) is float or type(value) is int


def _vector(cell: Any, name: str) -> Found:
    """The cell as float32, or what is wrong with it."""
    if isinstance(cell, _Twice):
        return UnexpectedReply(f"{name} gave two vectors for this text.", f"Embed again to ask for it anew. {_KEPT}")
    if isinstance(cell, list) and len(cell) == 1 and isinstance(cell[0], list):
        cell = cell[0]
    try:
        vector = _decoded(cell) if isinstance(cell, str) else _plain(cell)
    except (ValueError, TypeError, OverflowError):  # ragged, not base64, a number beyond all types
        vector = None
    if vector is None or vector.ndim != 1:
        return UnexpectedReply(f"{name} gave something for this text that is no list of numbers.", _KEPT)
    if not vector.size:
        return UnexpectedReply(f"{name} gave a vector without numbers for this text.", _KEPT)
    if vector.size > _MOST_NUMBERS:
        said = f"{name} gave a vector of {vector.size:,} numbers for this text; {_MOST_NUMBERS:,} is the most."
        return UnexpectedReply(said, _KEPT)
    if not np.isfinite(vector).all():
        return UnexpectedReply(f"The vector of this text holds NaN or infinity, says {name}.", _KEPT)
    return vector


def _plain(cell: Any) -> Floats | None:
    numbers = np.asarray(cell) if isinstance(cell, list) else None
    if numbers is None or (numbers.dtype.kind not in "fiu" and numbers.size):
        return None
    with np.errstate(over="ignore"):  # found as infinity
        return numbers.astype(np.float32)


def _decoded(text: str) -> Floats | None:
    """OpenAI's base64: 32-bit floats, the lowest byte first."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return np.frombuffer(raw, dtype="<f4").astype(np.float32) if len(raw) % 4 == 0 else None
