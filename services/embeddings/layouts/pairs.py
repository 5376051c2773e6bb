"""Which pairs LocalMAP pulls together and pushes apart, drawn as pacmap draws them. Compiled, once a machine.

In its third phase LocalMAP pushes apart far pairs that are near in the picture. pacmap draws of all points until one is near
enough, and pays for those that are not: the smaller the nearness, the more. Here what falls outside a point's surroundings,
cells of a grid, is passed over at once: how many of the draws fall into them is a random number of its own. The distributions
are the same, as a test compares. A point with nobody near keeps its pairs; pacmap would never end.
"""

from typing import Any

import numba
import numpy as np

from services.embeddings.records import Floats, Ints

DRAWS = 100
"""Of all points, before a pair stays as it was: pacmap's number."""
OF_EACH = (10, 5, 20)
"""Near, middle and far pairs of a point: pacmap's numbers."""
_OUT_OF = 6
"""Random points, the second nearest of which is a middle pair."""
_MOST_CELLS = 250_000
_HIGH = np.uint64(32)
_WHOLE = 2.0**32


def numbers(count: int) -> tuple[int, int, int]:
    """How many near, middle and far pairs each of *count* points has: where these are few, less of all."""
    if sum(OF_EACH) < count:
        return OF_EACH
    near = 2 * count / 7
    return int(near), int(near / 2), int(2 * near)


def near_pairs(found: Ints, distances: Floats, most: int) -> Any:
    """(points, most) int32: those of *found* (points, candidates) that are nearest for the density where both are."""
    density = np.maximum(distances[:, 3:6].mean(axis=1), np.float32(1e-10))
    scaled = distances**2 / density[:, None] / density[found]
    nearest = np.argsort(scaled, axis=1, kind="stable")[:, :most]
    return np.ascontiguousarray(np.take_along_axis(found, nearest, axis=1), dtype=np.int32)


def near_far_pairs(positions: Floats, near: Any, before: Any, nearby: float, seed: int) -> Any:
    """(points, pairs) int32: of each point as many others as it has in *before*, which is of the same shape.

    They are random ones at most *nearby* away in *positions* (points, 2 or 3) float32, of those drawn none twice, and none that
    the point has in *near* (points, pairs) int32. Where DRAWS draws find none, it is the one before, which may have been drawn
    for another pair, as in pacmap.
    """
    if not np.isfinite(positions).all():
        return before  # it ran away; whoever looks at its end will say so
    dims = positions.shape[1]
    low = positions.min(axis=0)
    most = round(_MOST_CELLS ** (1 / dims))
    sides = np.minimum((positions.max(axis=0) - low) / nearby, most - 1).astype(np.int64) + 1
    # What is beyond the last cell is in it: what is near stays in cells beside one another. Around all of them, empty ones.
    cells = np.minimum(((positions - low) / nearby).astype(np.int64), sides - 1) + 1
    own = np.ravel_multi_index(tuple(cells.T), tuple(sides + 2))
    order = np.argsort(own, kind="stable").astype(np.int32)
    held = np.bincount(own, minlength=int(np.prod(sides + 2)))
    strides = np.append(np.cumprod((sides + 2)[:0:-1])[::-1], 1)
    rows = np.zeros(1, dtype=np.int64)  # the surroundings are runs of three cells, this far from the point's own
    for stride in strides[:-1]:
        rows = (rows[:, None] + stride * np.array([-1, 0, 1])).ravel()
    return _drawn(
        positions, near, before, order, np.flatnonzero(held), np.append(0, np.cumsum(held)), rows, nearby**2, seed
    )


@numba.njit("u8(i8)", nogil=True, cache=True)
def _begun(seed: int) -> Any:
    """The first state of random numbers: SplitMix64's last steps, so that seeds side by side have nothing in common."""
    state = np.uint64(seed) + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


@numba.njit("u8(u8)", nogil=True, cache=True)
def _next(state: Any) -> Any:
    """The next one: Knuth's linear congruence, of which the high half is used. numba's own numbers take four times as long."""
    return state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)


@numba.njit("i8(u8, i8)", nogil=True, cache=True)
def _below(state: Any, bound: int) -> int:
    return np.int64(((state >> _HIGH) * np.uint64(bound)) >> _HIGH)  # type: ignore[return-value]


@numba.njit("b1(i8, i4[:,::1], i8, i8)", nogil=True, cache=True)
def _has(found: int, others: Any, point: int, until: int) -> bool:
    for at in range(until):  # noqa: SIM110 - compiled: no generators
        if others[point, at] == found:
            return True
    return False


@numba.njit("f4(f4[:,::1], i8, f4[:,::1], i8)", nogil=True, cache=True, fastmath={"reassoc", "contract"})
def _square(some: Any, one: int, others: Any, other: int) -> Any:
    """The squared distance."""
    total = np.float32(0)
    for axis in range(some.shape[1]):
        by = some[one, axis] - others[other, axis]
        total += by * by
    return total


@numba.njit("i4[:,::1](i4[:,::1], i8, i8)", nogil=True, cache=True)
def far_pairs(near: Any, most: int, seed: int) -> Any:
    """(points, most) int32: of each point random others that are not among its *near* ones, none twice."""
    count, state = near.shape[0], _begun(seed)
    far = np.empty((count, most), dtype=np.int32)
    for point in range(count):
        taken = 0
        while taken < most:
            state = _next(state)
            found = _below(state, count)
            if found != point and not _has(found, near, point, near.shape[1]) and not _has(found, far, point, taken):
                far[point, taken] = found
                taken += 1
    return far


@numba.njit("i4[:,::1](f4[:,::1], i8, i8)", nogil=True, cache=True)
def middle_pairs(points: Any, most: int, seed: int) -> Any:
    """(points, most) int32: of each point the second nearest of random others, none twice."""
    count, state = points.shape[0], _begun(seed)
    middle, tried = np.empty((count, most), dtype=np.int32), np.empty((1, _OUT_OF), dtype=np.int32)
    for point in range(count):
        for pair in range(most):
            nearest, second, least, next_least, drawn = 0, 0, np.float32(np.inf), np.float32(np.inf), 0
            while drawn < _OUT_OF:
                state = _next(state)
                found = _below(state, count)
                if found == point or _has(found, middle, point, pair) or _has(found, tried, 0, drawn):
                    continue
                tried[0, drawn] = found
                drawn += 1
                square = _square(points, point, points, found)
                if square < least:
                    nearest, second, least, next_least = found, nearest, square, least
                elif square < next_least:
                    second, next_least = found, square
            middle[point, pair] = second
    return middle


@numba.njit("i8(u8[::1], f8)", nogil=True, cache=True)
def _hits(chances: Any, share: float) -> int:
    """Write the chances, of 2**32, that no more than 0, 1, 2 ... of DRAWS draws are of this share of the points.

    Returns how many there are: more hits than that do not happen. (Above a share of 0.999 the first chances are no longer
    numbers of 64 bits; then all the draws are hits.)
    """
    odds = share / (1 - share) if share < 1 else 0.0
    exactly = (1 - share) ** DRAWS
    total = 0.0
    for hits in range(DRAWS):
        total += exactly
        chances[hits] = np.uint64(min(total, 1.0) * _WHOLE)
        if chances[hits] >= np.uint64(_WHOLE - 1):
            return hits
        exactly *= odds * (DRAWS - hits) / (hits + 1)
    return DRAWS


@numba.njit("i8(f4[:,::1], i4[::1], f4[:,::1], i4[::1], i8[::1], i8[::1])", nogil=True, cache=True)
def _gathered(around: Any, names: Any, positions: Any, order: Any, begin_of: Any, middles: Any) -> int:
    """Write the points of those cells and of the two beside each, side by side to be quick to reach; how many they are."""
    size = 0
    for middle in middles:
        for place in range(begin_of[middle - 1], begin_of[middle + 2]):
            names[size] = order[place]
            around[size] = positions[order[place]]
            size += 1
    return size


@numba.njit(
    "i4[:,::1](f4[:,::1], i4[:,::1], i4[:,::1], i4[::1], i8[::1], i8[::1], i8[::1], f8, i8)", nogil=True, cache=True
)
def _drawn(
    positions: Any,
    near: Any,
    before: Any,
    order: Any,
    cells: Any,
    begin_of: Any,
    rows: Any,
    most_square: float,
    seed: int,
) -> Any:
    """*order* are the points cell by cell; those of a cell are there from its *begin_of* to the next one's."""
    count, pairs = before.shape
    dims, others, state = positions.shape[1], before.copy(), _begun(seed)
    around, names = np.empty((count, dims), dtype=np.float32), np.empty(count, dtype=np.int32)
    chances = np.empty(DRAWS, dtype=np.uint64)
    for cell in cells:
        size = _gathered(around, names, positions, order, begin_of, cell + rows)
        most_hits = _hits(chances, size / count)
        for place in range(begin_of[cell], begin_of[cell + 1]):
            point = order[place]
            taken = 0  # the first pairs are new, those after them stay
            for pair in range(pairs):
                state = _next(state)
                hits = 0
                while hits < most_hits and (state >> _HIGH) >= chances[hits]:
                    hits += 1
                while hits > 0:
                    hits -= 1
                    state = _next(state)
                    at = _below(state, size)
                    if _square(positions, point, around, at) > most_square:
                        continue
                    found = names[at]
                    if found == point or _has(found, near, point, near.shape[1]) or _has(found, others, point, taken):
                        continue
                    others[point, pair] = others[point, taken]
                    others[point, taken] = found
                    taken += 1
                    break
    return others
