"""The highest of many similarities, row by row. Equal ones come in the order of their indices, so that the answer is one."""

from collections.abc import Iterator

import numpy as np

from services.embeddings.numbers.unit import ABSENT, Mask, lengths, similarities
from services.embeddings.records import Floats, Ints

DECIMALS = 6
"""Similarities are told apart to here: float32 computes that of equal vectors differently from place to place beyond."""
AT_ONCE = 12_000_000
"""Similarities held at once: 48 MB."""
CROWDED = 8
"""A row with so many times k candidates has ties at its end, and is worked on alone."""


def searched(
    vectors: Floats, directions: Floats, k: int, allowed: Mask, leave_out: Ints | None = None
) -> Iterator[tuple[slice, Floats, Ints, Floats]]:
    """Block by block of the directions (q, d): which, all their similarities (b, n), their k highest's (b, k) places and values.

    *allowed* vectors are usable and more than *k* by one where one is left out. *leave_out* as ``neighbours.nearest`` has it.
    """
    long = lengths(vectors)
    size = max(1, AT_ONCE // max(1, len(vectors)))
    for start in range(0, len(directions), size):
        part = slice(start, min(start + size, len(directions)))
        found = similarities(directions[part], vectors, long, allowed)
        if leave_out is not None:
            own = np.flatnonzero(leave_out[part] >= 0)
            found[own, leave_out[part][own]] = ABSENT
        yield part, found, *highest(found, k)


def highest(found: Floats, k: int) -> tuple[Ints, Floats]:
    """The places (b, k) of the k highest in each row, highest first, and their values. Each row has k that are not ABSENT."""
    if k == 0 or found.size == 0:
        return np.zeros((len(found), k), dtype=np.int64), np.zeros((len(found), k), dtype=np.float32)
    least = _surely_among(found, k) - 10.0**-DECIMALS
    candidates = found >= np.maximum(least, -1.5)[:, None]
    counts = candidates.sum(axis=1)
    crowded = np.flatnonzero(counts > CROWDED * k)
    candidates[crowded] = False
    rows, places = np.nonzero(candidates)
    for row in crowded:
        kept = _highest_of_one(found[row], k)
        rows, places = np.append(rows, np.full(k, row)), np.append(places, kept)
    values = rounded(found[rows, places])
    order = np.lexsort((places, -values, rows))
    counts[crowded] = k
    starts = np.cumsum(counts) - counts
    taken = order[starts[:, None] + np.arange(k)]
    return places[taken].astype(np.int64), values[taken]


def rounded(found: Floats) -> Floats:
    """As similarities are told apart, and as they are shown: within -1 and 1."""
    return np.clip(np.round(found, DECIMALS), -1, 1)


def _surely_among(found: Floats, k: int) -> Floats:
    """For each row a bar that at least k reach and few others: the k-th highest of the highest of its groups.

    A partition of the groups' maxima costs a third of one of the row.
    """
    group = min(64, found.shape[1] // (4 * k))
    whole = found.shape[1] - found.shape[1] % max(1, group)
    tops = found if group < 2 else found[:, :whole].reshape(len(found), -1, group).max(axis=2)
    at = tops.shape[1] - k
    bar: Floats = np.partition(tops, at, axis=1)[:, at]
    return bar


def _highest_of_one(row: Floats, k: int) -> Ints:
    values = rounded(np.where(row < -1.5, np.nan, row))
    bar = np.partition(np.nan_to_num(values, nan=-2), len(row) - k)[len(row) - k]
    above, at = np.flatnonzero(values > bar), np.flatnonzero(values == bar)
    return np.append(above, at[: k - len(above)])
