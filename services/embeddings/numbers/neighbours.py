"""The texts nearest to a text or a query, by cosine similarity, exact."""

import numpy as np

from services.embeddings.numbers.near_duplicates import NearDuplicates, Pair, near_duplicates
from services.embeddings.numbers.outliers import Outlier, Outliers, outliers
from services.embeddings.numbers.ranking import rounded, searched
from services.embeddings.numbers.unit import Mask, one_thread, unit, usable
from services.embeddings.records import Floats, Ints, Nearest

__all__ = [
    "NearDuplicates", "Outlier", "Outliers", "Pair", "near_duplicates", "nearest", "nearest_of", "outliers", "similarity_matrix",
]  # fmt: skip


def nearest(vectors: Floats, queries: Floats, k: int, *, leave_out: Ints | None = None) -> Nearest:
    """The k texts nearest to each query (q, d). *leave_out*: a row for each query that is not to be found, -1 for none.

    A query that is not usable finds -1 with NaN. Fewer than *k* columns where there are not so many texts.
    """
    return nearest_of(vectors, queries, k, usable(vectors), leave_out=leave_out)


def nearest_of(vectors: Floats, queries: Floats, k: int, allowed: Mask, *, leave_out: Ints | None = None) -> Nearest:
    """``nearest`` among those of *vectors* that are *allowed* (n,), which are usable."""
    one_thread()
    k = max(0, min(k, int(allowed.sum()) - (leave_out is not None)))
    directions = unit(queries)
    asked = np.flatnonzero(np.isfinite(directions[:, :1]).all(axis=1)) if vectors.shape[1] else np.zeros(0, dtype=int)
    indices = np.full((len(queries), k), -1, dtype=np.int64)
    values = np.full((len(queries), k), np.nan, dtype=np.float32)
    own = None if leave_out is None else leave_out[asked]
    for part, _, places, similar in searched(vectors, directions[asked], k, allowed, own):
        indices[asked[part]], values[asked[part]] = places, similar
    return Nearest(indices, values)


def similarity_matrix(vectors: Floats, indices: Ints) -> Floats:
    """(m, m) similarities of the texts at *indices* to each other; NaN in rows and columns without a usable vector."""
    directions = unit(vectors, np.asarray(indices, dtype=np.int64))
    return rounded(directions @ directions.T)
