"""What a reply says, apart from its JSON: texts, a table, vectors. Pure; whatever it cannot name, the raw reply shows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.counting import in_words
from services.foreign_json import read_json

MOST_SHOWN = 500
"""Texts or rows that are drawn; the raw reply has all."""


@dataclass(frozen=True)
class Predictions:
    """The parts of a reply that are worth showing by themselves. Texts of others."""

    texts: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = field(default=())
    """Cells: texts, numbers, true or false; what is deeper as JSON."""
    note: str = ""
    """What a person should know, such as how long vectors are."""
    count: int = 0
    """How many there are, shown or not."""


def predictions_in(reply: Any) -> Predictions | None:
    """What the whole reply says; None where it has no form that is known."""
    if not isinstance(reply, dict):
        return _of(reply) if isinstance(reply, str | list) else None
    choices = reply.get("choices")
    if isinstance(choices, list):
        texts = [text for one in choices if (text := _choice(one)) is not None]
        return Predictions(tuple(texts), count=len(texts)) if texts else None
    if isinstance(reply.get("data"), list) and _vectors(reply["data"]):
        return _embeddings(reply["data"])
    return _of(reply["predictions"]) if "predictions" in reply else None


def text_in_events(events: Sequence[str]) -> str:
    """What the events of a stream say so far, joined: deltas of a chat, texts of completions, texts of a model's own."""
    pieces: list[str] = []
    for data in events:
        try:
            value = read_json(data)
        except ValueError:
            continue
        pieces += _pieces(value)
    return "".join(pieces)


def _pieces(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if not isinstance(value, dict):
        return []
    choices = value.get("choices")
    if isinstance(choices, list):
        return [text for one in choices[:1] if (text := _choice(one))]
    return _pieces(value.get("predictions")) if isinstance(value.get("predictions"), str) else []


def _choice(choice: Any) -> str | None:
    if not isinstance(choice, dict):
        return None
    message = choice.get("message") or choice.get("delta")
    said = message.get("content") if isinstance(message, dict) else choice.get("text")
    return said if isinstance(said, str) else None


def _vectors(data: list[Any]) -> bool:
    return bool(data) and all(isinstance(one, dict) and "embedding" in one for one in data)


def _embeddings(data: list[Any]) -> Predictions:
    lengths = {len(one["embedding"]) for one in data if isinstance(one["embedding"], list)}
    dimensions = f" of {next(iter(lengths)):,} dimensions" if len(lengths) == 1 else ""
    rows = tuple((place + 1, _cell(one["embedding"])) for place, one in enumerate(data[:MOST_SHOWN]))
    return Predictions(
        columns=("text", "vector"), rows=rows, note=f"{in_words(len(data), 'vector')}{dimensions}", count=len(data)
    )


def _of(found: Any) -> Predictions | None:
    if isinstance(found, str):
        return Predictions((found,), count=1)
    if not isinstance(found, list):
        return _of_records([found]) if isinstance(found, dict) else None
    if not found:
        return Predictions(note="It predicted nothing: an empty list.")
    if all(isinstance(one, str) for one in found):
        return Predictions(tuple(found[:MOST_SHOWN]), count=len(found))
    if all(isinstance(one, dict) for one in found):
        return _of_records(found)
    return Predictions(
        columns=("row", "prediction"),
        rows=tuple((place + 1, _cell(one)) for place, one in enumerate(found[:MOST_SHOWN])),
        count=len(found),
    )


def _of_records(found: Sequence[Mapping[str, Any]]) -> Predictions:
    shown = found[:MOST_SHOWN]
    names = tuple(dict.fromkeys(str(name) for one in shown for name in one))
    rows = tuple(tuple(_cell(one.get(name)) for name in names) for one in shown)
    return Predictions(columns=names, rows=rows, count=len(found))


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    text = json.dumps(value[:8] if isinstance(value, list) else value, ensure_ascii=False)
    return f"{text[:200].rstrip(']')}, …" if isinstance(value, list) and len(value) > 8 else text[:400]
