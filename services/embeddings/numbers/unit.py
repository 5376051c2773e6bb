"""Vectors as directions: which can be compared, how alike they are, their moments. In blocks, so that memory stays bounded.

Vectors may be memory-mapped. One whose length float32 cannot hold (NaN, infinite, or 0) has no direction and is not usable.
"""

import functools
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from services.embeddings.records import Floats, Ints

Mask = npt.NDArray[np.bool_]
Doubles = npt.NDArray[np.float64]

BLOCK = 4_096
"""Rows that are worked on at once: of 1,024 dimensions they are 16 MB."""
MULTIPLIED = 2 * BLOCK
"""Rows that are multiplied with each other at once: with fewer, it takes longer for each."""
IN_CACHE = 256
"""Rows that stay in the processor's cache from one operation to the next: of 1,024 dimensions they are 1 MB."""

ABSENT = np.float32(-2)
"""Stands for a similarity that is not to be found; real ones are at least -1."""


@functools.cache
def one_thread() -> None:
    """From here on, linear algebra of this process uses the thread that asks for it, and no other.

    OpenBLAS lets one caller at a time have its threads while the others spin: three people at once then take twice the CPU
    and a fifth longer than with a thread each (2 cores, 100 queries or a covariance at 100,000 x 384). For the process and
    for good, since its setting has no other scope: to set it and to set it back races with the next person.
    """
    import scipy.linalg  # noqa: F401 - has a BLAS of its own, which must be there to be told
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, user_api="blas")


def usable(vectors: Floats) -> Mask:
    """(n,) Whether a vector can be compared: finite, and not zero."""
    return lengths(vectors) > 0


def lengths(vectors: Floats) -> Floats:
    """(n,) Euclidean lengths; 0 for what is not usable."""
    found = np.zeros(len(vectors), dtype=np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        for start, block in blocks(vectors):
            found[start : start + len(block)] = np.sqrt(np.vecdot(block, block))
    found[~np.isfinite(found)] = 0
    return found


def blocks(vectors: Floats, size: int = BLOCK) -> Iterator[tuple[int, Floats]]:
    """Each block's first row, and its rows as float32."""
    for start in range(0, len(vectors), size):
        yield start, np.asarray(vectors[start : start + size], dtype=np.float32)


def unit(vectors: Floats, indices: Ints | slice = slice(None)) -> Floats:
    """Those at *indices*, or all, at length 1 and in memory; NaN for what is not usable."""
    rows = np.asarray(vectors[indices], dtype=np.float32)
    long = lengths(rows)
    shorten = np.divide(np.float32(1), long, where=long > 0, out=np.full_like(long, np.nan))
    with np.errstate(over="ignore", invalid="ignore"):
        directions: Floats = rows * shorten[:, None]
    return directions


def unit_blocks(vectors: Floats, rows: Ints, size: int = BLOCK) -> Iterator[tuple[Ints, Floats]]:
    """The usable ones of *rows* (ascending), block by block: which they are, and their directions."""
    for start in range(0, len(rows), size):
        some = rows[start : start + size]
        in_one_piece = some[-1] - some[0] == len(some) - 1  # which saves fetching them one by one
        yield some, unit(vectors, slice(some[0], some[-1] + 1) if in_one_piece else some)


def similarities(directions: Floats, vectors: Floats, long: Floats, allowed: Mask) -> Floats:
    """(q, n) Cosine similarities of directions (q, d), to vectors of lengths *long*; ABSENT where a vector is not allowed.

    Every allowed vector is usable. A direction of NaN gives NaN.
    """
    found = np.empty((len(directions), len(vectors)), dtype=np.float32)
    shorten = 1 / np.where(allowed, long, 1)
    with np.errstate(over="ignore", invalid="ignore"):
        for start, block in blocks(vectors):
            part = found[:, start : start + len(block)]
            np.matmul(directions, block.T, out=part)
            part *= shorten[start : start + len(block)]
    found[:, ~allowed] = ABSENT
    return found


def moments(vectors: Floats, rows: Ints) -> tuple[Doubles, Doubles]:
    """Mean (d,) and covariance (d, d) of the directions of *rows*, which are usable and at least one."""
    size = vectors.shape[1]
    # Near the mean, so that float32 loses nothing that matters in the products.
    centre = unit(vectors, rows[:256]).mean(axis=0)
    total, products = np.zeros(size), np.zeros((size, size))
    multiplied = np.empty((min(MULTIPLIED, len(rows)), size), dtype=np.float32)
    for start in range(0, len(rows), MULTIPLIED):
        some = rows[start : start + MULTIPLIED]
        for done, (_, block) in enumerate(unit_blocks(vectors, some, IN_CACHE)):
            part = np.subtract(block, centre, out=multiplied[done * IN_CACHE :][: len(block)])
            total += part.sum(axis=0)
        near = multiplied[: len(some)]
        products += near.T @ near
    rest = total / len(rows)
    return centre + rest, products / len(rows) - np.outer(rest, rest)
