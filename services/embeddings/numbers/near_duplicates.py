"""Pairs of texts that say the same, or nearly."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from services.embeddings.numbers.ranking import DECIMALS, rounded
from services.embeddings.numbers.sampling import sample
from services.embeddings.numbers.taking_turns import in_turn
from services.embeddings.numbers.unit import one_thread, unit, unit_blocks, usable
from services.embeddings.records import Floats, Ints

EACH_WITH_EACH = 20_000
"""Texts whose similarities are all computed while a person waits: 200 million pairs, 3 s."""
BY_BOUND = 100_000
"""Texts that are compared by way of their bounds: 5 billion pairs."""
BOUND = 64
"""Directions that the bound of a similarity goes by."""
SPARSE = 0.001
"""Share of the pairs whose bound reaches the least similarity, up to which the bounds save work."""
TRIED = 1_500
"""Texts on which that share is measured."""
AT_ONCE = 2_000_000
"""Pairs that may be found at once."""
TILE = 512, 4_096
"""Texts whose products are computed at once: small enough for a core's cache."""
CHECKED = 4_096
"""Pairs whose vectors are fetched at once."""


@dataclass(frozen=True)
class Pair:
    """Two texts that are alike."""

    first: int
    second: int
    """The greater index of the two."""
    similarity: float


@dataclass(frozen=True)
class NearDuplicates:
    """Pairs at or above a similarity, most alike first."""

    pairs: tuple[Pair, ...]
    found: int
    """All pairs there are among those looked at; more than *pairs* where there are too many to list."""
    least: float
    looked_at: int
    """How many texts were compared, each with each; fewer than *of* is a random sample."""
    of: int
    """How many have a usable vector."""


@in_turn
def near_duplicates(
    vectors: Floats,
    *,
    least: float = 0.95,
    most: int = 1000,
    seed: int = 0,
    each_with_each: int = EACH_WITH_EACH,
    directions: int = BOUND,
) -> NearDuplicates:
    """Pairs of texts that are at least so alike; the *most* most alike of them, equal ones in the order of their indices.

    Every pair up to *each_with_each* texts. Beyond, every pair up to 100,000 where *least* sets few pairs apart, as it does
    unless it is near what is usual for the model: by bounds that go by so many *directions*. Else, and beyond, a random sample.
    """
    one_thread()
    all_rows = np.flatnonzero(usable(vectors))
    rows, bounds = _looked_at(vectors, all_rows, least, seed, each_with_each, directions)
    kept = _Kept(most)
    for first, second, values in _pairs(bounds, least, each_with_each):
        if bounds.shape[1] != vectors.shape[1]:
            first, second, values = _checked(vectors, rows, first, second, least)
        kept.add(first, second, values)
    order = np.argsort(-kept.values, kind="stable")
    pairs = tuple(Pair(int(rows[kept.first[at]]), int(rows[kept.second[at]]), float(kept.values[at])) for at in order)
    return NearDuplicates(pairs, kept.found, least, len(rows), len(all_rows))


@dataclass
class _Kept:
    """The *most* most alike pairs so far, in the order of their indices."""

    most: int
    found: int = 0
    first: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    second: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    values: Floats = field(default_factory=lambda: np.zeros(0, dtype=np.float32))

    def add(self, first: Ints, second: Ints, values: Floats) -> None:
        self.found += len(values)
        if len(self.values) == self.most:  # an equal one is no better: it comes later
            better = values > (self.values.min() if self.most else np.inf)
            first, second, values = first[better], second[better], values[better]
        values = np.concatenate([self.values, values])
        kept = _best(values, self.most)
        self.first = np.concatenate([self.first, first])[kept]
        self.second = np.concatenate([self.second, second])[kept]
        self.values = values[kept]


def _best(values: Floats, most: int) -> Ints:
    if len(values) <= most:
        return np.arange(len(values))
    bar = np.partition(values, len(values) - most)[len(values) - most] if most else np.inf
    above, at = np.flatnonzero(values > bar), np.flatnonzero(values == bar)
    return np.sort(np.append(above, at[: most - len(above)]))


def _looked_at(
    vectors: Floats, rows: Ints, least: float, seed: int, each_with_each: int, directions: int
) -> tuple[Ints, Floats]:
    """Which texts, and for each (m, p) numbers whose products bound the similarities: the vectors themselves where few."""
    if len(rows) <= each_with_each:
        return rows, unit(vectors, rows)
    some = unit(vectors, rows[sample(len(rows), TRIED, seed=seed)])
    if vectors.shape[1] > 2 * directions:
        axes = np.linalg.eigh(some.T @ some)[1][:, -directions:]
        tried = _bounds(some, axes)
        if np.mean(tried @ tried.T >= least) - 1 / len(tried) < SPARSE:
            rows = rows[sample(len(rows), BY_BOUND, seed=seed)]
            return rows, np.concatenate([_bounds(block, axes) for _, block in unit_blocks(vectors, rows)])
    rows = rows[sample(len(rows), each_with_each, seed=seed)]
    return rows, unit(vectors, rows)


def _bounds(directions: Floats, axes: Floats) -> Floats:
    """Coordinates along *axes*, and the length of what is left.

    The product of two such rows is at least that of the directions: what is left of two of them adds at most the product of
    its lengths (Cauchy and Schwarz).
    """
    along = directions @ axes
    left = np.sqrt(np.maximum(0, 1 - np.vecdot(along, along)))
    return np.column_stack([along, left])


def _pairs(bounds: Floats, least: float, each_with_each: int) -> Iterator[tuple[Ints, Ints, Floats]]:
    """First and second place, and product, of each pair that reaches *least*; in the order of the places."""
    count = len(bounds)
    size = TILE[0] if count > each_with_each else max(1, AT_ONCE // max(1, count))
    bar = np.float32(least - 2 * 10.0**-DECIMALS)
    for start in range(0, count, size):
        rows = bounds[start : start + size]
        tiles = [_reaching(rows, bounds, start, column, bar) for column in range(start, count, TILE[1])]
        first, second, values = (np.concatenate(parts) for parts in zip(*tiles, strict=True))
        values = rounded(values)
        order = np.argsort(first, kind="stable")
        order = order[values[order] >= np.float32(least)]
        yield first[order] + start, second[order], values[order]


def _reaching(rows: Floats, bounds: Floats, start: int, column: int, bar: np.float32) -> tuple[Ints, Ints, Floats]:
    """Of one tile: row, place and product of what reaches *bar*, and comes after its row."""
    found = rows @ bounds[column : column + TILE[1]].T
    at = np.flatnonzero(found >= bar)
    first, second = np.divmod(at, found.shape[1])
    second += column
    later = second > first + start
    return first[later], second[later], found.ravel()[at[later]]


def _checked(vectors: Floats, rows: Ints, first: Ints, second: Ints, least: float) -> tuple[Ints, Ints, Floats]:
    """Those of the pairs that are so alike in truth."""
    values = np.zeros(len(first), dtype=np.float32)
    for start in range(0, len(first), CHECKED):
        part = slice(start, start + CHECKED)
        values[part] = np.vecdot(unit(vectors, rows[first[part]]), unit(vectors, rows[second[part]]))
    values = rounded(values)
    reached = values >= np.float32(least)
    return first[reached], second[reached], values[reached]
