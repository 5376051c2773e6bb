"""What the formats of files have in common: columns with names, rows with numbers."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.errors import BadInput

MOST_COLUMNS = 1_000
MOST_EXAMPLE = 80
"""Characters."""


class ColumnKind(StrEnum):
    """What a column of a file holds."""

    TEXT = "text"
    NUMBER = "number"
    """Numbers, dates, or yes and no: labels and ids, but no texts."""
    OTHER = "other"
    """Lists, bytes and the like."""
    EMPTY = "empty"


@dataclass(frozen=True)
class Column:
    """One column of a file."""

    name: str
    """As the file has it; one that is there twice, or empty, with its number."""
    kind: ColumnKind
    filled: int
    """Rows that have something in it."""
    example: str
    """Of its first filled row, cut to MOST_EXAMPLE characters; empty for none, and where it was not looked for."""


class TableFile(ABC):
    """A file that was opened: its columns and the number of its rows are known. Raises BadInput."""

    columns: list[Column]
    count: int
    assumed: str = ""
    """What the file does not say and was assumed, as a sentence."""

    @abstractmethod
    def __init__(self, content: bytes) -> None: ...

    @abstractmethod
    def values(self, names: Sequence[str]) -> dict[str, list[str]]:
        """Of these columns, a text for each row, empty where there is nothing. Raises BadInput."""

    def where(self, place: int) -> str:
        """How a person finds a row again; *place* counts from 0."""
        return f"Row {place + 1:,}"


def check_width(count: int) -> None:
    """Raise BadInput for more columns than anyone chooses from."""
    if count > MOST_COLUMNS:
        raise BadInput(
            f"The file has {count:,} columns; {MOST_COLUMNS:,} are read at most.",
            "Leave out those that are not needed.",
        )


def told_apart(names: Sequence[str]) -> list[str]:
    """The names, without spaces around them; such that each stands for one column."""
    taken: set[str] = set()
    told = []
    for number, name in enumerate(names, start=1):
        shown = name.strip() or f"column {number}"
        while shown in taken:
            shown = f"{shown} ({number})"
        taken.add(shown)
        told.append(shown)
    return told


def column_of_texts(name: str, values: Iterable[str]) -> Column:
    """What a column of a file is that knows only texts: one that has nothing but numbers holds numbers."""
    filled, example, number = 0, "", True
    for value in values:
        if value:
            filled += 1
            example = example or value[:MOST_EXAMPLE]
            number = number and _is_number(value)
    kind = ColumnKind.TEXT if not number else ColumnKind.NUMBER if filled else ColumnKind.EMPTY
    return Column(name, kind, filled, example)


def _is_number(text: str) -> bool:
    """Whether it is a figure, as people write them: “nan” and “infinity”, which Python takes too, are words."""
    if len(text) > 40 or text[-1:].isalpha():
        return False
    try:
        return math.isfinite(float(text.replace(",", "")))
    except ValueError:
        return False
