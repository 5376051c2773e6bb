"""Texts and queries from files and from what is pasted, and the sample."""

from services.embeddings.files.queries import MAX_QUERIES, QueriesRead, Query, look_through_queries
from services.embeddings.files.reading import (
    FILE_ENDINGS,
    Column,
    ColumnKind,
    columns_of_file,
    count_lines,
    how_read,
    read_file,
    read_lines,
)
from services.embeddings.files.sample import sample_texts
from services.embeddings.files.sample_queries import COUNT, sample_queries

__all__ = [
    "COUNT",
    "FILE_ENDINGS",
    "MAX_QUERIES",
    "Column",
    "ColumnKind",
    "QueriesRead",
    "Query",
    "columns_of_file",
    "count_lines",
    "how_read",
    "look_through_queries",
    "read_file",
    "read_lines",
    "sample_queries",
    "sample_texts",
]
