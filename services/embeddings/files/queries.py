"""Queries and their right answers, as people write them down."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.embeddings.records import Texts
from services.errors import BadInput

MAX_QUERIES = 2_000
MOST_CELL = 100_000
"""Characters of a query, or of what is expected. Below what the csv module takes unless told otherwise (131,072), so that the
limit is this one whatever else in the process has told it."""
SHOWN = 60
"""Characters of a text that a message repeats."""
HOW = (
    "Name each expected text by its id, by the text itself, or by its row number, counted from 1; "
    "put | between several, and a tab between query and expected."
)


@dataclass(frozen=True)
class Query:
    """What is looked for, and which texts answer it."""

    text: str
    expected: frozenset[int]


@dataclass(frozen=True)
class QueriesRead:
    """What could be read, and what could not."""

    queries: tuple[Query, ...]
    refused: tuple[BadInput, ...]
    """One for each line that cannot be read, in their order."""


def look_through_queries(given: str | Sequence[Mapping[str, str]], texts: Texts) -> QueriesRead:
    """Queries as pasted (a line each: query, tab, expected; or CSV with the headings query and expected) or as rows of a file.

    What is expected is looked for among ids first, then among texts (all that are equal), then as a row number from 1.
    Raises BadInput for none at all, for more than MAX_QUERIES, and for what is no table of queries.
    """
    read = list(_lines(given) if isinstance(given, str) else _rows(given))
    if not read:
        raise BadInput("There are no queries.", hint=HOW)
    if len(read) > MAX_QUERIES:
        raise BadInput(
            f"{len(read):,} queries are more than the {MAX_QUERIES:,} that fit.", hint="Take a part of them."
        )
    names = _Names(texts)
    queries, refused = [], []
    for place, query, expected in read:
        try:
            said, answer = _checked(place, query, expected)
            queries.append(Query(said, names.found(answer, place)))
        except BadInput as problem:
            refused.append(problem)
    return QueriesRead(tuple(queries), tuple(refused))


def _lines(pasted: str) -> Iterator[tuple[str, object, object]]:
    lines = pasted.lstrip("\ufeff").replace("\r\n", "\n").split("\n")
    heading = next((line for line in lines if line.strip()), "")
    for separator in ",;":
        if sorted(cell.strip(' "').lower() for cell in heading.split(separator)) == ["expected", "query"]:
            yield from _rows(_csv_rows("\n".join(lines).strip(), separator))
            return
    for number, line in enumerate(lines, 1):
        if not line.strip() or [cell.strip().lower() for cell in line.split("\t")] == ["query", "expected"]:
            continue
        query, tab, expected = line.partition("\t")
        yield f"Line {number}", query, expected if tab else None


def _csv_rows(table: str, separator: str) -> list[Mapping[str, str]]:
    rows: list[Mapping[str, str]] = []
    try:
        for row in csv.DictReader(io.StringIO(table), delimiter=separator):
            if any(len(str(cell)) > MOST_CELL for cell in row.values()):
                raise _too_long(f"Query {len(rows) + 1}")
            rows.append(row)
    except csv.Error as problem:
        if "field limit" in str(problem):
            raise _too_long(f"Query {len(rows) + 1}") from None
        raise BadInput(f"These lines are no CSV: {problem}.", hint=HOW) from None
    return rows


def _too_long(what: str) -> BadInput:
    return BadInput(
        f"{what} has more than {MOST_CELL:,} characters.",
        "Look for a quote that is never closed, or name a text by its id.",
    )


def _rows(rows: Sequence[Mapping[str, str]]) -> Iterator[tuple[str, object, object]]:
    for number, row in enumerate(rows, 1):
        cells = {str(name).strip().lower(): cell for name, cell in row.items()}
        if "query" not in cells or "expected" not in cells:
            raise BadInput("The columns query and expected are needed, and one is not there.", hint=HOW)
        yield f"Query {number}", cells["query"], cells["expected"]


def _checked(place: str, query: object, expected: object) -> tuple[str, str]:
    """Both, without the spaces around them. Raises BadInput."""
    said, answer = ("" if cell is None else str(cell).strip() for cell in (query, expected))
    if max(len(said), len(answer)) > MOST_CELL:
        raise _too_long(place)
    if not said:
        raise BadInput(f"{place} has no query.", hint=HOW)
    if not answer:
        raise BadInput(f"{place} says nothing of what is expected.", hint=HOW)
    return said, answer


class _Names:
    """By which names the texts of a dataset are called."""

    def __init__(self, texts: Texts) -> None:
        self.count = len(texts)
        self.by_id = _places(texts.ids or ())
        self.by_text = _places(texts.texts)

    def found(self, expected: str, place: str) -> frozenset[int]:
        whole = self._one(expected)  # a text may have a | in it
        if whole:
            return whole
        answer: set[int] = set()
        for part in filter(None, (part.strip() for part in expected.split("|"))):
            named = self._one(part)
            if not named:
                said = part if len(part) <= SHOWN else f"{part[:SHOWN]}…"
                raise BadInput(f"{place}: “{said}” is no id, no text and no row number of this dataset.", hint=HOW)
            answer |= named
        if not answer:
            raise BadInput(f"{place} says nothing of what is expected.", hint=HOW)
        return frozenset(answer)

    def _one(self, name: str) -> frozenset[int]:
        called = self.by_id.get(name) or self.by_text.get(name)
        if called:
            return frozenset(called)
        if name.isascii() and name.isdigit() and len(name) < 10 and 1 <= int(name) <= self.count:
            return frozenset([int(name) - 1])
        return frozenset()


def _places(names: Sequence[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name.strip(), []).append(place)
    places.pop("", None)
    return places
