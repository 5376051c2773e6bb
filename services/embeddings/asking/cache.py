"""Vectors that were paid for once, so that they are not paid for again: by owner, host, asking, what is sent beside, and text."""

import functools
import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from services.embeddings.asking.bodies import params_of
from services.embeddings.records import Asking, Floats, Purpose
from services.settings import Settings
from services.state_file import MOST_IN_MEMORY, PAGE_BYTES, Kept, StateFile, StateTrouble

Part = TypeVar("Part")
MOST_BYTES = 4 << 30
"""On the disk."""
KEPT = Kept(
    what="kept vectors",
    file="vectors.sqlite3",
    schema=1,
    tables="""
CREATE TABLE vector (number INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL UNIQUE, numbers BLOB NOT NULL) STRICT;
""",
    most_on_disk=MOST_BYTES,
)
_KEYS_AT_ONCE = 500
_VECTORS_AT_ONCE = 2_000
"""In one transaction."""
_FULL, _SHARE = 0.9, 10
"""From this share of the room on, this part of the vectors goes; the oldest."""


class VectorCache:
    """Everybody's vectors; *owner* says whose, and nobody meets another's: not even to learn that they are here.

    Texts are not kept, only what cannot be turned back into them. Methods may be called from any thread and raise StateTrouble
    where the file cannot be read or written.
    """

    def __init__(self, folder: Path | None, kept: Kept = KEPT) -> None:
        """*folder* is made where it is missing; None, or one that cannot be written, keeps all of it in memory."""
        self._file = StateFile(folder, kept)
        self._most_bytes = MOST_IN_MEMORY if self._file.why_in_memory else kept.most_on_disk

    def get_many(
        self, owner: str, host: str, asking: Asking, purpose: Purpose, texts: Sequence[str]
    ) -> dict[str, Floats]:
        """By text; without those that are not here, or are of another length than most."""
        by_key = dict(zip(_keys(owner, host, asking, purpose, texts), texts, strict=True))
        found: dict[str, Floats] = {}
        with self._file.transaction() as connection:
            for keys in _parts(by_key, _KEYS_AT_ONCE):
                marks = ",".join("?" * len(keys))
                query = f"SELECT key, numbers FROM vector WHERE key IN ({marks})"  # noqa: S608 - question marks only
                for key, numbers in connection.execute(query, keys):
                    vector = _vector(numbers)
                    if vector is not None:
                        found[by_key[key]] = vector
        usual = Counter(vector.size for vector in found.values()).most_common(1)
        return {text: vector for text, vector in found.items() if vector.size == usual[0][0]}

    def count_many(self, owner: str, host: str, asking: Asking, purpose: Purpose, texts: Sequence[str]) -> int:
        """How many of *texts*, which are all different, are here. Only keys are looked at: 100,000 take well below a second."""
        there = 0
        with self._file.transaction() as connection:
            for keys in _parts(_keys(owner, host, asking, purpose, texts), _KEYS_AT_ONCE):
                marks = ",".join("?" * len(keys))
                query = f"SELECT count(*) FROM vector WHERE key IN ({marks})"  # noqa: S608 - question marks only
                there += connection.execute(query, keys).fetchone()[0]
        return there

    def put_many(self, owner: str, host: str, asking: Asking, purpose: Purpose, vectors: Mapping[str, Floats]) -> None:
        """Keep them; the oldest of all go where there is no room."""
        for texts in _parts(vectors, _VECTORS_AT_ONCE):
            keys = _keys(owner, host, asking, purpose, texts)
            rows = [(key, _numbers(vectors[text])) for key, text in zip(keys, texts, strict=True)]
            with self._file.transaction() as connection:
                self._make_room(connection, sum(len(numbers) for _, numbers in rows))
                connection.executemany("INSERT OR REPLACE INTO vector (key, numbers) VALUES (?, ?)", rows)

    def _make_room(self, connection: sqlite3.Connection, more: int) -> None:
        while self._used(connection) + more * 1.5 > self._most_bytes * _FULL:  # pages are not filled to their end
            first, last = connection.execute("SELECT min(number), max(number) FROM vector").fetchone()
            if first is None:
                return
            connection.execute("DELETE FROM vector WHERE number <= ?", (first + (last - first) // _SHARE,))

    def _used(self, connection: sqlite3.Connection) -> int:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        free = connection.execute("PRAGMA freelist_count").fetchone()[0]
        return int(pages - free) * PAGE_BYTES


class CacheOfOne:
    """The cache for one embedding. A trouble with it is remembered, and embedding goes on without."""

    def __init__(self, cache: VectorCache | None, owner: str, host: str, asking: Asking, purpose: Purpose) -> None:
        self._cache = cache
        self._key = owner, host, asking, purpose
        self.trouble: StateTrouble | None = None

    @property
    def keeps(self) -> bool:
        """Whether what arrives is kept for another time."""
        return self._cache is not None and self.trouble is None

    def get(self, texts: Sequence[str]) -> dict[str, Floats]:
        """What is here of them."""
        if self._cache is None or self.trouble is not None:
            return {}
        try:
            return self._cache.get_many(*self._key, texts)
        except StateTrouble as trouble:
            self.trouble = trouble
            return {}

    def put(self, vectors: Mapping[str, Floats]) -> None:
        """Keep them."""
        if self._cache is None or self.trouble is not None or not vectors:
            return
        try:
            self._cache.put_many(*self._key, vectors)
        except StateTrouble as trouble:
            self.trouble = trouble


@functools.lru_cache(maxsize=64)
def _cache_in(folder: Path | None) -> VectorCache:
    return VectorCache(folder)


def vector_cache() -> VectorCache:
    """This Brickyard's own, where its settings say; the same one each time."""
    return _cache_in(Settings.from_environment().state)


def _keys(owner: str, host: str, asking: Asking, purpose: Purpose, texts: Iterable[str]) -> Iterator[bytes]:
    """Of each text. What is sent beside it counts, not what for: where that is the same, so is the vector."""
    said = json.dumps([owner, host, asking.key, dict(params_of(asking, purpose))], sort_keys=True)
    before = hashlib.sha256(hashlib.sha256(said.encode()).digest())
    for text in texts:
        whole = before.copy()
        whole.update(text.encode())
        yield whole.digest()


def _numbers(vector: Floats) -> bytes:
    return vector.astype("<f4", copy=False).tobytes()


def _vector(numbers: bytes) -> Floats | None:
    if not numbers or len(numbers) % 4:
        return None
    vector = np.frombuffer(numbers, dtype="<f4").astype(np.float32, copy=False)
    return vector if np.isfinite(vector).all() else None


def _parts(keys: Iterable[Part], size: int) -> Iterator[list[Part]]:
    remaining = iter(keys)
    while part := list(islice(remaining, size)):
        yield part
