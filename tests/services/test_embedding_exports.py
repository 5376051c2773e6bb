"""A run as files: what is read back from them is what was in them."""

import csv
import io
import json
import zipfile
from datetime import UTC, datetime

import numpy as np
import pyarrow.parquet as pq
import pytest

from services.embeddings.exports import csv_of, parquet_of, projector_of
from services.embeddings.records import Algorithm, Asking, Layout, Progress, Run, RunState, Texts
from services.errors import BadInput

TEXTS = Texts(
    ('=1+1, "quoted"', "two\nlines\tand a tab", "", "half \ud800 a character", "벽돌"), ("a", "b", "", "a", "b")
)
VECTORS = np.array([[1, 0], [0.1, 0.2], [np.nan, np.nan], [3, 4], [0, 1e-9]], dtype=np.float32)
PICTURE = Layout(VECTORS * 2, Algorithm.LOCALMAP, {"seed": 3})
RUN = Run(
    "key", "data", "https://host", Asking("minilm", document_params={"task": "x"}), RunState.COMPLETE,
    datetime(2026, 1, 2, tzinfo=UTC), 2, Progress(5),
)  # fmt: skip
CLUSTERS = ["wall", "wall", "", "clay", "clay"]
WHOLE = [text.encode("utf-8", "replace").decode() for text in TEXTS.texts]


def test_parquet_holds_the_vectors_as_they_are_and_says_what_made_them():
    read = pq.read_table(io.BytesIO(parquet_of(TEXTS, RUN, VECTORS, [PICTURE], CLUSTERS)))
    assert read.column_names == ["text", "label", "cluster", "localmap_2d_x", "localmap_2d_y", "embedding"]
    assert read["text"].to_pylist() == WHOLE
    assert read["cluster"].to_pylist() == CLUSTERS
    assert [None if one is None else np.float32(one).tolist() for one in read["embedding"].to_pylist()] == [
        None if np.isnan(row).any() else row.tolist() for row in VECTORS
    ]
    assert read["localmap_2d_y"].to_pylist()[2] is None
    told = json.loads(read.schema.metadata[b"brickyard"])
    assert (told["endpoint"], told["host"], told["params"]) == ("minilm", "https://host", {"task": "x"})
    assert told["layouts"] == [{"algorithm": "LocalMAP", "dims": 2, "parameters": {"seed": 3}}]


def test_a_csv_survives_quotes_line_breaks_and_other_scripts():
    rows = list(csv.DictReader(io.StringIO(csv_of(TEXTS, VECTORS, [PICTURE]).decode(), newline="")))
    assert [row["text"] for row in rows] == WHOLE
    assert [json.loads(row["embedding"]) if row["embedding"] else None for row in rows][1:3] == [
        VECTORS[1].tolist(),
        None,
    ]
    assert "embedding" not in csv_of(TEXTS, None, []).decode()


def test_the_projectors_two_files_have_as_many_rows_and_no_cell_begins_another():
    with zipfile.ZipFile(io.BytesIO(projector_of(TEXTS, VECTORS, CLUSTERS))) as files:
        numbers = files.read("vectors.tsv").decode().splitlines()
        head, *named = files.read("metadata.tsv").decode().removesuffix("\n").split("\n")
    read = np.array([[float(cell) for cell in line.split("\t")] for line in numbers], dtype=np.float32)
    assert np.array_equal(read, VECTORS[[0, 1, 3, 4]])
    assert head.split("\t") == ["text", "label", "cluster"]
    assert [line.split("\t")[0] for line in named] == [WHOLE[0], "two lines and a tab", WHOLE[3], WHOLE[4]]
    with zipfile.ZipFile(io.BytesIO(projector_of(Texts(("one", "two")), np.eye(2, dtype=np.float32)))) as files:
        assert files.read("metadata.tsv") == b"one\ntwo\n", "a single column has no head there"


def test_what_cannot_be_written_is_told():
    nothing = np.full((5, 0), np.nan, dtype=np.float32)
    with pytest.raises(BadInput, match="No text has a vector"):
        projector_of(TEXTS, nothing)
    assert pq.read_table(io.BytesIO(parquet_of(TEXTS, RUN, nothing, [])))["embedding"].to_pylist() == [None] * 5
    huge = np.broadcast_to(np.float32(0), (20_000, 1024))
    for write in (lambda: csv_of(Texts(("x",) * 20_000), huge, []), lambda: projector_of(Texts(("x",) * 20_000), huge)):
        with pytest.raises(BadInput, match="too many to be written as text"):
            write()
