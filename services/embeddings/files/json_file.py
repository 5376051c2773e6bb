"""JSON Lines, and JSON lists: of objects, whose keys are the columns, or of plain texts."""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec

from services.embeddings.files.table_file import MOST_EXAMPLE, Column, ColumnKind, TableFile, check_width
from services.embeddings.files.text_encoding import decoded
from services.embeddings.limits import MOST_TEXTS
from services.errors import BadInput
from services.foreign_json import MAX_DEPTH, deeper_than

ONLY = "text"
"""Name of the column where there are no objects, but texts."""
_MOST_LIST_CHARACTERS = 20_000_000
"""Of a JSON list, all of which is held, in many times its size of memory."""
_MOST_LINE = 4_000_000
"""Characters of a line, while which is read nobody else is served: the longest text in escapes, and what stands beside it."""
_MOST_COMMAS = 10 * MOST_TEXTS
"""Of a list that is parted in one go, which holds all others up and takes 80 bytes an entry: two million are 0.2 s."""
_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")
_PROBLEMS = {
    "Expecting value": "a value is missing, or a text has no quotes",
    "Expecting property name enclosed in double quotes": "a key in double quotes is missing",
    "Expecting ',' delimiter": "a comma is missing",
    "Expecting ':' delimiter": "a colon is missing",
    "Extra data": "something follows its end",
    "Unterminated string starting at": "a text is opened and never closed",
    "Invalid control character at": "a line break or a tab stands in a text",
}
"""Python's words, in ours."""


class JsonFile(TableFile):
    """The objects of a file, a row each; a key that is not in one is empty there."""

    def __init__(self, content: bytes) -> None:
        text, encoding = decoded(content)
        self._text = text.lstrip()
        self._is_list = self._text.startswith("[")
        if self._is_list and len(self._text) > _MOST_LIST_CHARACTERS:
            raise BadInput(
                f"A JSON list of more than {_MOST_LIST_CHARACTERS // 1_000_000} MB is not read.",
                "Write it as JSON Lines: an object on each line.",
            )
        self.assumed = f"The file was read with its letters as {encoding}." if encoding else ""
        self._list = _read_list(self._text) if self._is_list else []
        self.count, self.columns = self._look()

    def values(self, names: Sequence[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {name: [] for name in names}
        for where, row in self._rows():
            for name, values in found.items():
                values.append(_written(row.get(name), name, where))
        return found

    def where(self, place: int) -> str:
        return f"Entry {place + 1:,}"

    def _look(self) -> tuple[int, list[Column]]:
        count, kinds = 0, dict[str, set[ColumnKind]]()
        filled, examples = dict[str, int](), dict[str, str]()
        for _, row in self._rows():
            count += 1
            check_width(len(row))
            for name, value in row.items():
                kind = _kind(value)
                kinds.setdefault(name, set()).add(kind)
                if kind is not ColumnKind.EMPTY:
                    filled[name] = filled.get(name, 0) + 1
                    if name not in examples:
                        examples[name] = _shown(value)
            check_width(len(kinds))
        return count, [
            Column(name, _of_all(found), filled.get(name, 0), examples.get(name, "")) for name, found in kinds.items()
        ]

    def _rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Where each one stands, and its values by key. Raises BadInput."""
        for number, (where, value) in enumerate(self._entries(), start=1):
            if number > MOST_TEXTS:
                raise BadInput(
                    f"The file has more than {MOST_TEXTS:,} rows, which is what fits.", "Take a sample of it first."
                )
            if isinstance(value, str):
                value = {ONLY: value}
            if not isinstance(value, dict):
                raise BadInput(f"{where} is no JSON object.", 'Each is to be one, such as {"text": "Good morning"}.')
            yield where, value if all(map(str.isascii, value)) else {_whole(name): of for name, of in value.items()}

    def _entries(self) -> Iterator[tuple[str, Any]]:
        if self._is_list:
            yield from ((f"Entry {number:,}", value) for number, value in enumerate(self._list, start=1))
            return
        start, number = 0, 0
        while start < len(self._text):  # not split: that would be all of it once more
            end = self._text.find("\n", start)
            end = len(self._text) if end < 0 else end
            if end - start > _MOST_LINE:
                raise BadInput(
                    f"Line {number + 1:,} has more than {_MOST_LINE // 1_000_000} million characters.",
                    "Write an object on each line, and leave out what is no text.",
                )
            line, start, number = self._text[start:end].strip(), end + 1, number + 1
            if line:
                yield f"Line {number:,}", _read(line, f"Line {number:,}")


def _read_list(text: str) -> list[Any]:
    """The entries of the list that *text* is; of more than MOST_TEXTS, one more. Each is read by itself: others are served
    between two of them. Raises BadInput."""
    if text.count(",") < _MOST_COMMAS:
        try:
            return list(islice(_quick_entries_of(text), MOST_TEXTS + 1))
        except (msgspec.MsgspecError, RecursionError):  # it takes no NaN, no half characters, and tells less of a fault
            pass
    try:
        return list(islice(_entries_of(text), MOST_TEXTS + 1))
    except (ValueError, RecursionError) as error:
        raise _no_json("The file", error) from error


def _quick_entries_of(text: str) -> Iterator[Any]:
    """Three times as fast as json, with the list parted first. Raises MsgspecError, and RecursionError for what is too deep."""
    parts = msgspec.json.decode(text, type=list[msgspec.Raw])
    parts.reverse()
    while parts:
        part = bytes(parts.pop())  # so none is kept beside its value
        yield _not_too_deep(msgspec.json.decode(part), part.count(b"[") + part.count(b"{"))


def _entries_of(text: str) -> Iterator[Any]:
    """The same, as json reads them. Raises what json.loads does, at the same place, and RecursionError."""
    at = _after_space(text, 1)
    more = text[at : at + 1] != "]"
    while more:
        value, end = _DECODER.raw_decode(text, at)
        yield _not_too_deep(value, text.count("[", at, end) + text.count("{", at, end))
        at = _after_space(text, end)
        more = text[at : at + 1] == ","
        at = _after_space(text, at + 1) if more else at
    if text[at : at + 1] != "]":
        raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
    at = _after_space(text, at + 1)
    if at < len(text):
        raise json.JSONDecodeError("Extra data", text, at)


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _not_too_deep(value: Any, opened: int) -> Any:
    """The value, which json.dumps can write. *opened*: the most lists and objects that can be in it. Raises RecursionError."""
    if opened > MAX_DEPTH and deeper_than(MAX_DEPTH, value):  # to walk through all that vectors hold takes a while
        raise RecursionError
    return value


def _read(text: str, where: str) -> Any:
    try:
        return _not_too_deep(json.loads(text), text.count("[") + text.count("{"))
    except (ValueError, RecursionError) as error:
        raise _no_json(where, error) from error


def _no_json(where: str, error: Exception) -> BadInput:
    said = ""
    if isinstance(error, json.JSONDecodeError):
        said = f": {_PROBLEMS.get(error.msg, error.msg)}, at character {error.colno:,}"
    elif isinstance(error, RecursionError):
        said = f": it is nested more than {MAX_DEPTH} levels deep"
    return BadInput(
        f"{where} cannot be read as JSON{said}.", "One JSON object on each line, or one list of objects, can be read."
    )


def _kind(value: Any) -> ColumnKind:
    if value is None or value == "":
        return ColumnKind.EMPTY
    if isinstance(value, str):
        return ColumnKind.TEXT
    return ColumnKind.NUMBER if isinstance(value, bool | int | float) else ColumnKind.OTHER


def _of_all(kinds: set[ColumnKind]) -> ColumnKind:
    """What a column is that has values of these kinds: a number among texts is a text."""
    for kind in (ColumnKind.OTHER, ColumnKind.TEXT, ColumnKind.NUMBER):
        if kind in kinds:
            return kind
    return ColumnKind.EMPTY


def _shown(value: Any) -> str:
    written = value if isinstance(value, str) else json.dumps(value)
    return _whole(written[:MOST_EXAMPLE])


def _whole(text: str) -> str:
    """The text without halves of characters, which nothing can draw."""
    return text.encode(errors="replace").decode()


def _written(value: Any, name: str, where: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise BadInput(f"{where} has a list or an object as “{name}”.", "Choose another column, or write a text there.")
