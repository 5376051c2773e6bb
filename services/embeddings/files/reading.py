"""Texts from what people have: pasted lines, CSV, Parquet, JSON, JSON Lines and plain text.

Everything that is read stays what it was: “NA”, “null”, “001” and “1e5” are texts. No row is left out, but blank lines: a
row without a text is an empty text, so that rows and texts have the same numbers.
"""

from collections.abc import Sequence
from pathlib import PurePath

from services.embeddings.files.csv_file import CsvFile
from services.embeddings.files.json_file import JsonFile
from services.embeddings.files.lines_file import LinesFile, lines_of
from services.embeddings.files.parquet_file import ParquetFile
from services.embeddings.files.table_file import Column, ColumnKind, TableFile
from services.embeddings.limits import MOST_FILE_BYTES, check_count, check_label, check_text, check_texts
from services.embeddings.records import Texts
from services.errors import BadInput

__all__ = [
    "FILE_ENDINGS",
    "Column",
    "ColumnKind",
    "columns_of_file",
    "count_lines",
    "how_read",
    "read_file",
    "read_lines",
]

_KINDS: dict[str, type[TableFile]] = {
    "csv": CsvFile,
    "tsv": CsvFile,
    "parquet": ParquetFile,
    "jsonl": JsonFile,
    "ndjson": JsonFile,
    "json": JsonFile,
    "txt": LinesFile,
}
FILE_ENDINGS = tuple(_KINDS)
"""What the names of files that can be read end in, without the dot."""
_OTHER_FORMATS = (
    (b"PAR1", "a Parquet file", ("parquet",), "Let its name end in .parquet."),
    (b"PK\x03\x04", "a ZIP archive, as Excel workbooks are", (), "Save the sheet as CSV (UTF-8), or unpack it."),
    (b"\xd0\xcf\x11\xe0", "an old Office document", (), "Save the sheet as CSV (UTF-8)."),
    (b"\x1f\x8b", "compressed with gzip", (), "Unpack it first."),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", (), "Unpack it first."),
    (b"%PDF", "a PDF", (), "Copy its text into a CSV file."),
    (b"SQLite format 3\0", "an SQLite database", (), "Write the table as CSV (UTF-8) first."),
    (b"ARROW1", "an Arrow file", (), "Write it as Parquet first."),
)  # fmt: skip


def read_lines(text: str) -> Texts:
    """A text a line, without the spaces around it; blank lines are none. Raises BadInput."""
    texts = []
    for number, line in lines_of(text):
        check_text(line, f"Line {number:,}")
        texts.append(line)
    check_texts(texts)
    return Texts(tuple(texts))


def count_lines(text: str) -> int:
    """How many texts read_lines finds in it."""
    return len(lines_of(text))


def columns_of_file(name: str, content: bytes) -> list[Column]:
    """What the file offers, in its order. Raises BadInput for a file that cannot be read."""
    file = _open(name, content)
    _check_rows(file)
    return file.columns


def how_read(name: str, content: bytes) -> str:
    """What was assumed where a file does not say it, as a sentence for people; empty for nothing. Raises BadInput."""
    return _open(name, content).assumed


def read_file(
    name: str, content: bytes, *, text_column: str, label_column: str | None = None, id_column: str | None = None
) -> Texts:
    """The texts of that column, a row each, with labels and ids where their columns are said. Numbers among these are written
    as Python writes them. Raises BadInput."""
    file = _open(name, content)
    _check_rows(file)
    _check_columns(file, text_column, [column for column in (label_column, id_column) if column])
    wanted = list(dict.fromkeys(column for column in (text_column, label_column, id_column) if column))
    values = file.values(wanted)
    texts = values[text_column]
    if not any(texts):
        raise BadInput(f"The column “{text_column}” has no text in any row.", "Choose another column.")
    for place, text in enumerate(texts):
        check_text(text, file.where(place))
    check_texts(texts)
    return Texts(
        tuple(texts),
        _beside(file, values, label_column),
        _beside(file, values, id_column),
    )


def _open(name: str, content: bytes) -> TableFile:
    kind = PurePath(name).suffix.lower().removeprefix(".")
    if not content:
        raise BadInput("The file is empty.", "Choose another one.")
    if len(content) > MOST_FILE_BYTES:
        raise BadInput(
            f"The file has {len(content) / 1e6:,.0f} MB; {MOST_FILE_BYTES // 1_000_000} is the most.",
            "Take a sample of its rows first, or leave out the columns that are not needed.",
        )
    what, hint = next(
        ((what, hint) for mark, what, of, hint in _OTHER_FORMATS if content.startswith(mark) and kind not in of),
        ("", ""),
    )
    if kind not in _KINDS:
        raise BadInput(
            f"Files that end in .{kind} cannot be read." if kind else "The file's name does not say what it is.",
            hint or f"It can be one of these: .{', .'.join(FILE_ENDINGS)}. Lines of text can be pasted.",
        )
    if what:
        raise BadInput(f"The name of the file ends in .{kind}, and it is {what}.", hint)
    return _KINDS[kind](content)


def _check_rows(file: TableFile) -> None:
    if file.count == 0:
        raise BadInput(
            "The file has no rows.", "Choose one that has a text in each row below the names of its columns."
        )
    check_count(file.count)


def _check_columns(file: TableFile, text_column: str, others: Sequence[str]) -> None:
    kinds = {column.name: column.kind for column in file.columns}
    for name in (text_column, *others):
        if name not in kinds:
            raise BadInput(f"The file has no column “{name}”.", "Choose one of those it has.")
    texts = [name for name, kind in kinds.items() if kind is ColumnKind.TEXT]
    if kinds[text_column] is not ColumnKind.TEXT:
        said = {
            ColumnKind.NUMBER: "numbers",
            ColumnKind.OTHER: "something else than texts",
            ColumnKind.EMPTY: "nothing",
        }
        raise BadInput(
            f"The column “{text_column}” holds {said[kinds[text_column]]}.",
            f"These hold texts: {_listed(texts)}."
            if texts
            else "No column of this file holds texts: choose another file.",
        )
    for name in others:
        if kinds[name] is ColumnKind.OTHER:
            raise BadInput(
                f"The column “{name}” holds lists or bytes.", "Choose one of texts, numbers, dates or yes and no."
            )


def _listed(names: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(f"“{name[:60]}”" for name in names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


def _beside(file: TableFile, values: dict[str, list[str]], column: str | None) -> tuple[str, ...] | None:
    if not column:
        return None
    for place, value in enumerate(values[column]):
        check_label(value, file.where(place))
    return tuple(values[column])
