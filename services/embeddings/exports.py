"""A run taken away as files: Parquet, CSV, and what TensorBoard's projector loads."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from services.embeddings.records import Floats, Layout, Run, Texts
from services.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa

MOST_WRITTEN_OUT = 10_000_000
"""Numbers of all vectors that are written as decimal text: some 110 MB of it, all in this process's memory."""
_GROUP = 4096
"""Rows of a Parquet file that are packed at once: what is being packed is in memory several times."""
_AXES = "xyz"
_BREAKS = str.maketrans("\t\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029", " " * 11)
"""What would begin another cell or row."""


def parquet_of(
    texts: Texts, run: Run, vectors: Floats, layouts: Sequence[Layout], clusters: Sequence[str] | None = None
) -> bytes:
    """A row a text: id, text, label, cluster, coordinates of each layout, and ``embedding``: float32, null where there is none.

    What made it is in the schema's metadata, under ``brickyard``, as JSON.
    """
    import pyarrow.parquet as pq

    table = _described(texts, layouts, clusters).append_column("embedding", _lists(vectors))
    told = {b"brickyard": json.dumps(_made_by(run, layouts), ensure_ascii=False).encode()}
    into = io.BytesIO()
    # Dictionaries and statistics of vectors are as large as the vectors and find nothing.
    plain = [name for name in table.column_names if name != "embedding"]
    pq.write_table(
        table.replace_schema_metadata(told),
        into,
        row_group_size=_GROUP,
        compression="zstd",
        use_dictionary=plain,
        write_statistics=plain,
    )
    return into.getvalue()


def csv_of(
    texts: Texts,
    vectors: Floats | None,
    layouts: Sequence[Layout],
    clusters: Sequence[str] | None = None,
) -> bytes:
    """The same as CSV in UTF-8; ``embedding`` is a JSON array, empty where there is none. Without it where *vectors* is None.

    Raises BadInput where the vectors are too many for text.
    """
    import pyarrow as pa
    import pyarrow.csv as pc

    table = _described(texts, layouts, clusters)
    if vectors is not None:
        _check_size(vectors)
        usable = _usable(vectors)
        rows = [json.dumps(row.tolist()) if good else "" for row, good in zip(vectors, usable, strict=True)]
        table = table.append_column("embedding", pa.array(rows, pa.string()))
    into = io.BytesIO()
    pc.write_csv(table, into)
    return into.getvalue()


def projector_of(texts: Texts, vectors: Floats, clusters: Sequence[str] | None = None) -> bytes:
    """A zip with ``vectors.tsv`` and ``metadata.tsv`` for TensorBoard's projector; rows without a vector are left out.

    Line breaks and tabs within texts become spaces, since the projector knows no quotes. Raises BadInput where the vectors are
    too many for text, or where there is none.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv as pc

    _check_size(vectors)
    usable = np.flatnonzero(_usable(vectors))
    if not len(usable):
        raise BadInput("No text has a vector, so there is nothing to project.", "Embed the texts first.")
    columns = pa.table([pa.array(vectors[usable, axis]) for axis in range(vectors.shape[1])], _names(vectors.shape[1]))
    numbers = io.BytesIO()
    pc.write_csv(columns, numbers, pc.WriteOptions(include_header=False, delimiter="\t"))
    named: dict[str, Sequence[str]] = {"text": texts.texts}
    named |= {"label": texts.labels} if texts.labels is not None else {}
    named |= {"cluster": clusters} if clusters is not None else {}
    named |= {"id": texts.ids} if texts.ids is not None else {}
    lines = ["\t".join(_cell(column[place]) for column in named.values()) for place in usable.tolist()]
    head = ["\t".join(named)] if len(named) > 1 else []  # a single column is to have no head
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as files:
        files.writestr("vectors.tsv", numbers.getvalue())
        files.writestr("metadata.tsv", "\n".join([*head, *lines]) + "\n")
    return into.getvalue()


def _check_size(vectors: Floats) -> None:
    if vectors.size > MOST_WRITTEN_OUT:
        raise BadInput(
            f"{vectors.shape[0]:,} vectors of {vectors.shape[1]:,} numbers are too many to be written as text.",
            "Take Parquet, which holds them as they are, or a CSV without vectors.",
        )


def _described(texts: Texts, layouts: Sequence[Layout], clusters: Sequence[str] | None) -> "pa.Table":
    import pyarrow as pa

    columns: dict[str, Any] = {}
    if texts.ids is not None:
        columns["id"] = pa.array([_whole(one) for one in texts.ids], pa.string())
    columns["text"] = pa.array([_whole(text) for text in texts.texts], pa.string())
    if texts.labels is not None:
        columns["label"] = pa.array([_whole(label) for label in texts.labels], pa.string())
    if clusters is not None:
        columns["cluster"] = pa.array([_whole(name) for name in clusters], pa.string())
    for layout in layouts:
        for axis in range(layout.dims):
            name = f"{layout.algorithm.value.lower().replace('-', '')}_{layout.dims}d_{_AXES[axis]}"
            columns[name] = pa.array(layout.coordinates[:, axis], from_pandas=True)  # NaN becomes null
    return pa.table(columns)


def _lists(vectors: Floats) -> "pa.Array":
    import numpy as np
    import pyarrow as pa

    # Of any size: lists of a fixed size with a null among them are written by Arrow, but not read back.
    usable = _usable(vectors)
    flat = pa.array(np.ascontiguousarray(vectors if usable.all() else vectors[usable]).reshape(-1))
    ends = np.cumsum(np.where(usable, vectors.shape[1], 0))
    offsets = pa.array(np.concatenate([[0], ends]), pa.int32())
    return pa.ListArray.from_arrays(offsets, flat, mask=pa.array(~usable))


def _usable(vectors: Floats) -> Any:
    import numpy as np

    return np.isfinite(vectors).all(axis=1) if vectors.shape[1] else np.zeros(len(vectors), dtype=bool)


def _made_by(run: Run, layouts: Sequence[Layout]) -> dict[str, Any]:
    asking = run.asking
    made: Mapping[str, Any] = {
        "host": run.host,
        "endpoint": asking.endpoint,
        "version": asking.version,
        "form": asking.form.value,
        "dimensions": run.dimensions,
        "params": dict(asking.document_params),
        "transform": None if asking.transform is None else asking.transform.name,
        "made": run.made.isoformat(),
        "layouts": [
            {"algorithm": one.algorithm.value, "dims": one.dims, "parameters": dict(one.parameters)} for one in layouts
        ],
    }
    return dict(made)


def _names(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def _cell(text: str) -> str:
    return _whole(text).translate(_BREAKS)


def _whole(text: str) -> str:
    """The text without halves of characters, which no file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")
