"""The tables of datasets, runs and layouts, and which files their rows name."""

from dataclasses import dataclass

from services.state_file import Kept

KEPT = Kept(
    what="datasets and vectors",
    file="embeddings.sqlite3",
    schema=1,
    tables="""
CREATE TABLE dataset (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL, source TEXT NOT NULL,
    made REAL NOT NULL, texts TEXT NOT NULL, labels TEXT NOT NULL, bytes INTEGER NOT NULL
) STRICT;
CREATE TABLE run (
    dataset TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE, key TEXT NOT NULL, body TEXT NOT NULL,
    made REAL NOT NULL, dimensions INTEGER NOT NULL, vectors TEXT NOT NULL, bytes INTEGER NOT NULL,
    PRIMARY KEY (dataset, key)
) STRICT;
CREATE TABLE layout (
    dataset TEXT NOT NULL, run TEXT NOT NULL, algorithm TEXT NOT NULL, dims INTEGER NOT NULL, body TEXT NOT NULL,
    coordinates TEXT NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (dataset, run, algorithm, dims),
    FOREIGN KEY (dataset, run) REFERENCES run (dataset, key) ON DELETE CASCADE
) STRICT;
CREATE INDEX dataset_of ON dataset (owner)
""",
)


@dataclass(frozen=True)
class TextsRecord:
    """Which files hold a dataset's texts."""

    count: int
    texts: str
    labels: str
    """Empty where it has none."""


@dataclass(frozen=True)
class VectorsRecord:
    """Which file holds a run's vectors."""

    count: int
    dimensions: int
    vectors: str


@dataclass(frozen=True)
class LayoutRecord:
    """Which file holds a layout's coordinates."""

    count: int
    body: str
    """JSON: how it was made."""
    coordinates: str
