"""Parquet: its own description is read first, then only the columns that were chosen, in parts that are bounded."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from services.embeddings.files.table_file import MOST_EXAMPLE, Column, ColumnKind, TableFile, check_width
from services.embeddings.limits import MOST_CHARACTERS, MOST_TEXTS
from services.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa

_MOST_UNPACKED = 1_000_000_000
"""Bytes of the chosen columns, as the file says them."""
_ROWS_AT_ONCE = 250
_EXAMPLE_ROWS = 20
_MOST_EXAMPLES = 50
"""Columns of which an example is read."""


class ParquetFile(TableFile):
    """The rows of a Parquet file."""

    def __init__(self, content: bytes) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._content = pa.py_buffer(content)
        try:
            file = pq.ParquetFile(pa.BufferReader(self._content))
            self._describe(file.schema_arrow, file.metadata)
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:  # half a letter is a ValueError
            raise _broken(error) from error

    def _describe(self, schema: "pa.Schema", meta: Any) -> None:
        check_width(len(schema.names))
        if meta.num_rows > MOST_TEXTS:
            raise BadInput(
                f"The file has {meta.num_rows:,} rows; {MOST_TEXTS:,} are what fits.", "Take a sample of it first."
            )
        if len(set(schema.names)) < len(schema.names):
            raise BadInput("Two columns of the file have the same name.", "Rename one of them.")
        self._unpacked, nulls = _sizes(meta, set(schema.names))
        self.count = meta.num_rows
        kinds = {field.name: _kind(field.type) for field in schema}
        self.columns = []
        simple = [name for name, kind in kinds.items() if kind is not ColumnKind.OTHER][:_MOST_EXAMPLES]
        examples = self._examples([name for name in simple if self._unpacked.get(name, 0) <= _MOST_UNPACKED])
        for name, kind in kinds.items():
            filled = self.count - nulls.get(name, 0)
            self.columns.append(Column(name, kind if filled else ColumnKind.EMPTY, filled, examples.get(name, "")))

    def values(self, names: Sequence[str]) -> dict[str, list[str]]:
        if sum(self._unpacked.get(name, 0) for name in names) > _MOST_UNPACKED:
            raise BadInput(
                f"These columns have more than {_MOST_UNPACKED // 1_000_000_000} GB unpacked.",
                "Take a sample of the rows first.",
            )
        found: dict[str, list[str]] = {name: [] for name in names}
        size = 0
        for part in self._parts(names, _ROWS_AT_ONCE):
            for name, values in part.items():
                found[name] += values
                size += sum(map(len, values))
            if size > MOST_CHARACTERS:
                raise _too_long()
        return found

    def _examples(self, names: Sequence[str]) -> dict[str, str]:
        first = next(self._parts(names, _EXAMPLE_ROWS), {}) if names and self.count else {}
        return {name: next((value for value in values if value), "")[:MOST_EXAMPLE] for name, values in first.items()}

    def _parts(self, names: Sequence[str], rows: int) -> Iterator[dict[str, list[str]]]:
        """So many rows at once. Texts stay beside the dictionary they stand in, in which a long one is there once however
        often a small file repeats it."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            file = pq.ParquetFile(pa.BufferReader(self._content), read_dictionary=list(names))
            for batch in file.iter_batches(rows, columns=list(names), use_threads=False):
                yield {name: _texts(batch.column(name)) for name in names}
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:  # half a letter is a ValueError
            raise _broken(error) from error


def _sizes(meta: Any, names: set[str]) -> tuple[dict[str, int], dict[str, int]]:
    """Bytes when unpacked, and how many are null where the file says it, by column."""
    unpacked, nulls = dict[str, int](), dict[str, int]()
    for group in map(meta.row_group, range(meta.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            path = column.path_in_schema
            name = path if path in names else path.split(".")[0]  # of a nested one, its parts
            unpacked[name] = unpacked.get(name, 0) + column.total_uncompressed_size
            if column.statistics is not None and column.statistics.has_null_count:
                nulls[name] = nulls.get(name, 0) + column.statistics.null_count
    return unpacked, nulls


def _kind(type_: "pa.DataType") -> ColumnKind:
    import pyarrow.types as is_

    if is_.is_dictionary(type_):
        return _kind(type_.value_type)
    if is_.is_string(type_) or is_.is_large_string(type_) or is_.is_string_view(type_):
        return ColumnKind.TEXT
    if is_.is_null(type_):
        return ColumnKind.EMPTY
    plain = (is_.is_boolean, is_.is_integer, is_.is_floating, is_.is_decimal, is_.is_temporal)
    return ColumnKind.NUMBER if any(one(type_) for one in plain) else ColumnKind.OTHER


def _texts(column: "pa.Array") -> list[str]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        lengths = pc.binary_length(column.dictionary) if _kind(column.type) is ColumnKind.TEXT else None
        if (
            lengths is not None and (pc.sum(lengths.take(column.indices)).as_py() or 0) > MOST_CHARACTERS
        ):  # a megabyte each
            raise _too_long()
        column = column.dictionary_decode()
    try:
        values = column.to_pylist()
    except (OverflowError, ValueError):  # a date beyond Python's, as some write for “never”: Arrow knows them all
        values = column.cast(pa.string()).to_pylist()
    return ["" if value is None else str(value) for value in values]


def _too_long() -> BadInput:
    return BadInput(
        f"These columns have more than {MOST_CHARACTERS // 1_000_000} million characters.",
        "Take a sample of the rows first.",
    )


def _broken(error: Exception) -> BadInput:
    said = " ".join(str(error).split())[:200]
    cut = "footer" in said or "magic bytes" in said
    return BadInput(
        "The file cannot be read as Parquet: it was cut off, or is something else."
        if cut
        else f"The file cannot be read as Parquet: it is damaged ({said}).",
        "Download or write it again, to its end; or choose CSV.",
    )
