"""Which far pairs LocalMAP pushes apart in its third phase: those that are near in the picture. Compiled, once a machine.

pacmap draws of all points until one is near enough, and pays for those that are not: the smaller the nearness, the more. Here
what falls outside a point's surroundings, cells of a grid, is passed over at once: how many draws that are is a random number
of its own. The distribution is the same, as a test compares. A point with nobody near keeps its pairs; pacmap would never end.
"""

import math
from typing import Any

import numba
import numpy as np

DRAWS = 100
"""Of all points, before a pair stays as it was: pacmap's number."""
_MOST_CELLS = 250_000


def near_far_pairs(positions: Any, neighbours: Any, before: Any, nearby: float, seed: int) -> Any:
    """(points x pairs, 2) int32: of each point as many others as it has in *before*, which is of the same shape.

    They are random ones at most *nearby* away in *positions* (points, 2 or 3) float32, none twice, and none that the point has
    in *neighbours* (points x neighbours, 2) int32. Where DRAWS draws find none, it is the one before.
    """
    if not np.isfinite(positions).all():
        return before  # it ran away; whoever looks at its end will say so
    count, dims = positions.shape
    low = positions.min(axis=0)
    most = round(_MOST_CELLS ** (1 / dims))
    sides = np.minimum((positions.max(axis=0) - low) / nearby, most - 1).astype(np.int64) + 1
    # What is beyond the last cell is in it: what is near stays in cells beside one another. Around all of them, empty ones.
    cells = np.minimum(((positions - low) / nearby).astype(np.int64), sides - 1) + 1
    numbers = np.ravel_multi_index(tuple(cells.T), tuple(sides + 2))
    order = np.argsort(numbers, kind="stable").astype(np.int32)
    begin_of = np.append(0, np.cumsum(np.bincount(numbers, minlength=int(np.prod(sides + 2)))))
    strides = np.append(np.cumprod((sides + 2)[:0:-1])[::-1], 1)
    rows = np.zeros(1, dtype=np.int64)  # the surroundings are runs of three cells, this far from the point's own
    for stride in strides[:-1]:
        rows = (rows[:, None] + stride * np.array([-1, 0, 1])).ravel()
    begins = begin_of[numbers[:, None] + rows - 1]
    sizes = begin_of[numbers[:, None] + rows + 2] - begins
    own = np.ascontiguousarray(neighbours[:, 1].reshape(count, -1))
    others = np.ascontiguousarray(before[:, 1].reshape(count, -1))
    pairs = before.copy()
    pairs[:, 1] = _drawn(positions, positions[order], own, others, order, begins, sizes, nearby, seed).ravel()
    return pairs


@numba.njit("b1(i4, i4[:,::1], i4, i4)", nogil=True, cache=True)
def _has(found: int, others: Any, point: int, until: int) -> bool:
    for at in range(until):  # noqa: SIM110 - compiled: no generators
        if others[point, at] == found:
            return True
    return False


@numba.njit("b1(f4[:,::1], i4, f4[:,::1], i8, f8)", nogil=True, cache=True)
def _are_near(positions: Any, point: int, others: Any, other: int, nearby: float) -> bool:
    square = 0.0
    for axis in range(positions.shape[1]):
        square += (positions[point, axis] - others[other, axis]) ** 2
    return square <= nearby * nearby


@numba.njit("i8(i8[:,::1], i8[:,::1], i4, i8)", nogil=True, cache=True)
def _place(begins: Any, sizes: Any, point: int, at: int) -> int:
    run = 0
    while at >= sizes[point, run]:
        at -= sizes[point, run]
        run += 1
    return begins[point, run] + at  # type: ignore[no-any-return]


@numba.njit(
    "i4[:,::1](f4[:,::1], f4[:,::1], i4[:,::1], i4[:,::1], i4[::1], i8[:,::1], i8[:,::1], f8, i8)",
    nogil=True,
    cache=True,
)
def _drawn(
    positions: Any,
    ordered: Any,
    own: Any,
    before: Any,
    order: Any,
    begins: Any,
    sizes: Any,
    nearby: float,
    seed: int,
) -> Any:
    """*ordered* are the positions in *order*, cell by cell; the runs *begins* and *sizes* (points, runs) are places in it."""
    np.random.seed(seed)  # of a generator of numba's own
    count, pairs = before.shape
    others = before.copy()
    for point in range(count):
        around = sizes[point].sum()
        outside = math.log1p(-around / count) if around < count else 0.0
        taken = 0  # the first pairs are new, those after them stay
        for pair in range(pairs):
            left = DRAWS
            while left > 0:
                if outside:  # draws until one falls into the surroundings
                    left -= min(DRAWS, int(math.log(1 - np.random.random()) / outside))
                left -= 1
                if left < 0:
                    break
                place = _place(begins, sizes, point, np.random.randint(around))
                if not _are_near(positions, point, ordered, place, nearby):
                    continue
                found = order[place]
                if (
                    found != point
                    and not _has(found, own, point, own.shape[1])
                    and not _has(found, others, point, taken)
                ):
                    others[point, pair] = others[point, taken]
                    others[point, taken] = found
                    taken += 1
                    break
    return others
