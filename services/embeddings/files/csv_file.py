"""CSV: texts between commas, semicolons, tabs or bars. Read with Python's own reader: it takes every value for the text that it
is, and says in which row something is wrong, which readers that guess types do not."""

import contextlib
import csv
import itertools
import json
from collections.abc import Iterator, Sequence

from services.counting import in_words
from services.embeddings.files.table_file import Column, ColumnKind, TableFile, check_width, column_of_texts, told_apart
from services.embeddings.files.text_encoding import decoded
from services.embeddings.limits import MOST_TEXT_BYTES, MOST_TEXTS
from services.errors import BadInput

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_NONE = "\x1f"
"""Delimiter of a file that has one column: no text has it."""
_MOST_FIELD = 2 * MOST_TEXT_BYTES
"""Characters after which a value is not read to its end: a quote that is never closed makes one of the rest of the file."""
_MOST_LINE = 20_000_000
"""Characters; also of a row, which may have several lines."""
_LOOKED_AT = 200_000
"""Characters, from which the delimiter is told."""


class CsvFile(TableFile):
    """The header and rows of a CSV file. Blank lines are no rows."""

    def __init__(self, content: bytes) -> None:
        self._text, encoding = decoded(content)
        _check_not_json(self._text)
        self._delimiter = _delimiter(self._text)
        header = next(self._rows(), [])
        check_width(len(header))
        self._names = told_apart(header)
        self.count, self.columns = self._look()
        between = _DELIMITERS.get(self._delimiter, "")
        said = [f"its letters as {encoding}"] if encoding else []
        said += [f"{between} between its columns"] if between and between != "commas" else []
        self.assumed = f"The file was read with {' and '.join(said)}." if said else ""

    def values(self, names: Sequence[str]) -> dict[str, list[str]]:
        places = [self._names.index(name) for name in names]
        found: list[list[str]] = [[] for _ in names]
        for row in self._whole_rows():
            for values, place in zip(found, places, strict=True):
                values.append(row[place])
        return dict(zip(names, found, strict=True))

    def where(self, place: int) -> str:
        return f"Row {place + 1:,} below the header"

    def _look(self) -> tuple[int, list[Column]]:
        """Rows and columns; a part of the file at a time, so that only one part is in memory as values."""
        count, columns = 0, [column_of_texts(name, ()) for name in self._names]
        rows = self._whole_rows()
        while part := list(itertools.islice(rows, 4096)):
            count += len(part)
            looked = [
                column_of_texts(name, values) for name, values in zip(self._names, zip(*part, strict=True), strict=True)
            ]
            columns = [_together(*both) for both in zip(columns, looked, strict=True)]
        return count, columns

    def _whole_rows(self) -> Iterator[list[str]]:
        """The rows below the header, each as wide as that. Raises BadInput."""
        width = len(self._names)
        for number, row in enumerate(itertools.islice(self._rows(), 1, None), start=1):
            if len(row) != width:
                raise _uneven(number, len(row), width)
            if number > MOST_TEXTS:
                raise BadInput(
                    f"The file has more than {MOST_TEXTS:,} rows, which is what fits.", "Take a sample of it first."
                )
            yield row

    def _rows(self) -> Iterator[list[str]]:
        csv.field_size_limit(_MOST_FIELD)  # of the process; 131,072 otherwise, and a text may be longer
        number = size = 0

        def lines() -> Iterator[str]:
            nonlocal size
            for line in _lines(self._text):
                size += len(line)
                if size > _MOST_LINE:  # quotes let a row go on over any number of them
                    raise _endless(number)
                yield line

        try:
            for row in csv.reader(lines(), delimiter=self._delimiter, strict=True):
                size = 0
                if row:
                    yield row
                    number += 1
        except csv.Error as error:
            raise _broken(number, error) from error


def _lines(text: str) -> Iterator[str]:
    """The lines with their ends, one at a time: a copy of all of them would be four bytes a character."""
    end = "\n" if "\n" in text else "\r"
    start = 0
    while start < len(text):
        after = text.find(end, start) + 1 or len(text)
        if after - start > _MOST_LINE:
            raise BadInput(f"A line has more than {_MOST_LINE // 1_000_000} million characters.", "Is it a CSV file?")
        yield text[start:after]
        start = after


def _together(before: Column, more: Column) -> Column:
    """What two parts of one column are."""
    kinds = {before.kind, more.kind} - {ColumnKind.EMPTY} or {ColumnKind.EMPTY}
    kind = ColumnKind.TEXT if ColumnKind.TEXT in kinds else kinds.pop()
    return Column(before.name, kind, before.filled + more.filled, before.example or more.example)


def _delimiter(text: str) -> str:
    """The one by which most rows are as wide as the header; _NONE where none of them stands in the header."""
    head = text[:_LOOKED_AT]
    scores = {delimiter: _fits(head, delimiter, cut=len(head) < len(text)) for delimiter in _DELIMITERS}
    best = max(scores, key=lambda delimiter: scores[delimiter])
    return best if scores[best] > (0.0, 0) else _NONE


def _fits(head: str, delimiter: str, *, cut: bool) -> tuple[float, int]:
    """Share of rows that are as wide as the header, and how wide that is; (0, 0) for a single column."""
    rows: list[list[str]] = []
    with contextlib.suppress(csv.Error):  # which row, and why, is said when the whole file is read
        rows.extend(row for row in csv.reader(_lines(head), delimiter=delimiter) if row)
    below = rows[1:-1] if cut else rows[1:]
    if not rows or len(rows[0]) < 2:
        return 0.0, 0
    width = len(rows[0])
    return (sum(len(row) == width for row in below) + 1) / (len(below) + 1), width


def _check_not_json(text: str) -> None:
    first = text.lstrip()[:1]
    if first not in ("{", "["):
        return
    line = text.lstrip().partition("\n")[0].strip()
    with contextlib.suppress(ValueError, RecursionError):
        if line not in ("{", "["):
            json.loads(line)
        raise BadInput(
            "The file's name says CSV, and it is JSON.", "Let its name end in .jsonl, or in .json for a list."
        )


def _uneven(number: int, has: int, width: int) -> BadInput:
    return BadInput(
        f"Row {number:,} below the header has {in_words(has, 'value')}, and the header names {width:,}.",
        "Put quotes around texts that hold a delimiter or a line break, then choose the file again.",
    )


def _endless(number: int) -> BadInput:
    where = f"Row {number:,} below the header" if number else "The header"
    return BadInput(
        f"{where} has more than {_MOST_LINE // 1_000_000} million characters.",
        "Look there for a quote that is never closed; is it a CSV file?",
    )


def _broken(number: int, error: csv.Error) -> BadInput:
    where = f"Row {number:,} below the header" if number else "The header"
    if "field limit" in str(error):
        return BadInput(
            f"{where} has a value of more than {_MOST_FIELD // 1_000_000} million characters.",
            "Look there for a quote that is never closed, or cut the text into parts.",
        )
    if "end of data" in str(error):
        return BadInput(
            f"{where} opens a quote that is never closed.", "Close it, or write a quote inside a text twice."
        )
    return BadInput(
        f"{where} cannot be read as CSV ({error}).", "Put the whole text in quotes, and write a quote inside it twice."
    )
