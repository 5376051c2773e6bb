"""Nearest neighbours of every point, in steps that can be watched and cancelled. Used in the worker's process only.

faiss, because pacmap needs it anyway. Its graph index beats the exact search from 10,000 points on (50,000 x 100, one thread:
5.7 s of CPU against 8.5) at a recall of 0.98; below, exact is as fast.
"""

from typing import Any

import numpy as np

from services.embeddings.layouts.arranging import Stage, Tell
from services.embeddings.records import Floats, Ints

EXACT_UP_TO = 10_000
_LINKS = 32
_ADDED_AT_ONCE = 500
_ASKED_AT_ONCE = 1_000


def nearest(vectors: Floats, k: int, tell: Tell) -> tuple[Ints, Floats]:
    """Indices and Euclidean distances, both (points, k), of each point's nearest others, nearest first."""
    import faiss

    faiss.omp_set_num_threads(1)  # with more the graph, and so the picture, is another one each time
    count = len(vectors)
    index = _graph(vectors, tell) if count > EXACT_UP_TO else None
    indices: Ints = np.empty((count, k), dtype=np.int64)
    distances: Floats = np.empty((count, k), dtype=np.float32)
    before = 0.0 if index is None else 0.6  # what building the graph takes of it all
    for begin in range(0, count, _ASKED_AT_ONCE):
        tell(Stage.NEIGHBOURS, before + (1 - before) * begin / count)
        asked = vectors[begin : begin + _ASKED_AT_ONCE]
        squares, found = _exact(asked, vectors, k + 1) if index is None else index.search(asked, k + 1)
        missing = (found < 0).any(axis=1)  # the graph has corners that a search does not get out of
        if missing.any():
            squares[missing], found[missing] = _exact(asked[missing], vectors, k + 1)
        end = begin + len(asked)
        indices[begin:end], distances[begin:end] = _without_self(found, squares, np.arange(begin, end))
    return indices, distances


def _exact(asked: Floats, vectors: Floats, k: int) -> tuple[Any, Any]:
    import faiss

    squares, found = faiss.knn(asked, vectors, k)
    return squares, found


def _graph(vectors: Floats, tell: Tell) -> Any:
    import faiss

    index = faiss.IndexHNSWFlat(vectors.shape[1], _LINKS)
    for begin in range(0, len(vectors), _ADDED_AT_ONCE):
        tell(Stage.NEIGHBOURS, 0.6 * begin / len(vectors))
        index.add(vectors[begin : begin + _ADDED_AT_ONCE])
    return index


def _without_self(found: Any, squares: Any, own: Ints) -> tuple[Any, Any]:
    """Leave each point out of its own neighbours; the farthest, where rounding has put others before all of it."""
    k = found.shape[1] - 1
    itself = found == own[:, None]
    itself[~itself.any(axis=1), -1] = True
    rows = np.arange(len(found))[:, None]
    others = np.argsort(itself, axis=1, kind="stable")[:, :k]
    return found[rows, others], np.sqrt(np.maximum(squares[rows, others], 0))
