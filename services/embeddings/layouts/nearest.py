"""Nearest neighbours of every point, in steps that can be watched and cancelled. Used in the worker's process only.

By faiss. Up to 10,000 points exactly. Above, the points are in lists, each around a centre, and a few of them are looked through
for each (50,000 x 100, one thread: 1.6 s of CPU for 0.98 of the 15 nearest of vectors on 60 subjects, and 0.7 where each of
10,000 sentences has four that are nearly the same); or its graph index, where most must be found (5 s; 0.97 and 0.93).
"""

from typing import Any

import numpy as np

from services.embeddings.layouts.arranging import Stage, Tell
from services.embeddings.records import Floats, Ints

EXACT_UP_TO = 10_000
_LINKS = 32
_MOST_LISTS, _IN_EACH, _LOOKED_THROUGH = 256, 200, 6
_CENTRED_ON = 60
"""Points for each list that its centre is found with, in so many rounds."""
_ROUNDS = 6
_ADDED_AT_ONCE = 500
_ASKED_AT_ONCE = 2_048
"""With 1,000 the exact search takes more than twice the CPU."""
_SHARE_OF_BUILDING = 0.6
"""What building the graph takes of it all. The lists are there at once."""


def nearest(vectors: Floats, k: int, tell: Tell, *, roughly: bool = False) -> tuple[Ints, Floats]:
    """Indices and Euclidean distances, both (points, k), of each point's nearest others, nearest first.

    Above EXACT_UP_TO points some others are overlooked; *roughly*, more.
    """
    import faiss

    faiss.omp_set_num_threads(1)  # with more the index, and so the picture, is another one each time
    count = len(vectors)
    index, before = None, 0.0
    if count > EXACT_UP_TO:
        index, before = (_lists(vectors, tell), 0.0) if roughly else (_graph(vectors, tell), _SHARE_OF_BUILDING)
    indices: Ints = np.empty((count, k), dtype=np.int64)
    distances: Floats = np.empty((count, k), dtype=np.float32)
    for begin in range(0, count, _ASKED_AT_ONCE):
        tell(Stage.NEIGHBOURS, before + (1 - before) * begin / count)
        asked = vectors[begin : begin + _ASKED_AT_ONCE]
        squares, found = _exact(asked, vectors, k + 1) if index is None else index.search(asked, k + 1)
        missing = (found < 0).any(axis=1)  # the index has corners that a search does not get out of
        if missing.any():
            squares[missing], found[missing] = _exact(asked[missing], vectors, k + 1)
        end = begin + len(asked)
        indices[begin:end], distances[begin:end] = _without_self(found, squares, np.arange(begin, end))
    return indices, distances


def _exact(asked: Floats, vectors: Floats, k: int) -> tuple[Any, Any]:
    import faiss

    squares, found = faiss.knn(asked, vectors, k)
    return squares, found


def _lists(vectors: Floats, tell: Tell) -> Any:
    import faiss

    tell(Stage.NEIGHBOURS, 0.0)
    centres = faiss.IndexFlatL2(vectors.shape[1])
    index = faiss.IndexIVFFlat(centres, vectors.shape[1], min(_MOST_LISTS, len(vectors) // _IN_EACH))
    index.cp.niter, index.cp.max_points_per_centroid = _ROUNDS, _CENTRED_ON
    index.train(vectors)
    index.nprobe = _LOOKED_THROUGH
    for begin in range(0, len(vectors), _ASKED_AT_ONCE):
        tell(Stage.NEIGHBOURS, 0.0)
        index.add(vectors[begin : begin + _ASKED_AT_ONCE])
    return index


def _graph(vectors: Floats, tell: Tell) -> Any:
    import faiss

    index = faiss.IndexHNSWFlat(vectors.shape[1], _LINKS)
    for begin in range(0, len(vectors), _ADDED_AT_ONCE):
        tell(Stage.NEIGHBOURS, _SHARE_OF_BUILDING * begin / len(vectors))
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
