"""Which points a lasso holds."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from services.embeddings.records import Floats, Ints


def within(coordinates: Floats, polygon: Sequence[tuple[float, float]]) -> Ints:
    """The indices, ascending, of the points (n, 2) inside. Even-odd: where a lasso crosses itself, it has holes.

    What lies on the line is inside. None for fewer than three corners; a point or corner that is not finite counts for nothing.
    """
    corners = [(x, y) for x, y in polygon if np.isfinite(x) and np.isfinite(y)]
    if len(corners) < 3:
        return np.zeros(0, dtype=np.int64)
    x, y = np.asarray(coordinates, dtype=np.float64).T
    order = np.argsort(y, kind="stable")  # a side then concerns one piece of the points
    order = order[np.isfinite(x[order]) & np.isfinite(y[order])]
    x, y = x[order], y[order]
    inside, on_line = np.zeros(len(order), dtype=np.bool_), np.zeros(len(order), dtype=np.bool_)
    for one, other in pairwise([*corners, corners[0]]):
        (x1, y1), (x2, y2) = sorted((one, other), key=lambda corner: corner[1])
        beside = slice(np.searchsorted(y, y1, side="left"), np.searchsorted(y, y2, side="right"))
        side = (x2 - x1) * (y[beside] - y1) - (x[beside] - x1) * (y2 - y1)
        between = (x[beside] >= min(x1, x2)) & (x[beside] <= max(x1, x2))
        on_line[beside] |= (side == 0) & between
        # The upper end belongs to the next side, so that a ray through a corner crosses once.
        inside[beside] ^= (side > 0) & (y[beside] < y2)
    return np.sort(order[inside | on_line]).astype(np.int64)
