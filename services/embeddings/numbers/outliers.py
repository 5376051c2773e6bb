"""Texts that stand alone: least like even those that are nearest to them."""

from dataclasses import dataclass

import numpy as np

from services.embeddings.numbers.ranking import highest, searched
from services.embeddings.numbers.sampling import sample
from services.embeddings.numbers.taking_turns import in_turn
from services.embeddings.numbers.unit import Mask, one_thread, unit, unit_blocks, usable
from services.embeddings.records import Floats, Ints

EACH_WITH_EACH = 20_000
"""Texts whose neighbours are all searched while a person waits: 5 s."""
CANDIDATES = 3_000
"""Texts whose neighbours are searched where there are more."""
REFERENCE = 4_000
"""Random texts that the rough look goes by: with one in 23 it met three in four of the fifty loneliest of 9,000 sentences."""
ROUGH_K = 3


@dataclass(frozen=True)
class Outlier:
    """A text that stands alone."""

    index: int
    similarity: float
    """The mean of its similarities to its k nearest: the lower, the more alone."""


@dataclass(frozen=True)
class Outliers:
    """The texts that stand most alone, loneliest first."""

    outliers: tuple[Outlier, ...]
    k: int
    """Neighbours whose similarity was averaged: as asked, or as many as there are."""
    looked_at: int
    """Whose neighbours were searched, among all. Fewer than *of*: the loneliest by a rough look, the rest left out."""
    of: int
    """How many have a usable vector."""


@in_turn
def outliers(
    vectors: Floats, *, k: int = 15, most: int = 50, seed: int = 0, each_with_each: int = EACH_WITH_EACH
) -> Outliers:
    """The texts least like their k nearest.

    Beyond *each_with_each* texts only 3,000 are looked at in full: those least like the nearest of 4,000 random ones.
    """
    one_thread()
    allowed = usable(vectors)
    rows = np.flatnonzero(allowed)
    k = max(0, min(k, len(rows) - 1))
    if k == 0:
        return Outliers((), k, 0, len(rows))
    candidates = rows if len(rows) <= each_with_each else _loneliest_roughly(vectors, rows, seed)
    found = _mean_similarities(vectors, candidates, k, allowed)
    order = np.argsort(found, kind="stable")[:most]
    listed = tuple(Outlier(int(candidates[at]), float(found[at])) for at in order)
    return Outliers(listed, k, len(candidates), len(rows))


def _mean_similarities(vectors: Floats, rows: Ints, k: int, allowed: Mask) -> Floats:
    found = np.zeros(len(rows), dtype=np.float32)
    at = 0
    for some, directions in unit_blocks(vectors, rows):
        for part, _, _, values in searched(vectors, directions, k, allowed, some):
            found[at : at + len(values)] = values.mean(axis=1)
            at += part.stop - part.start
    return found


def _loneliest_roughly(vectors: Floats, rows: Ints, seed: int) -> Ints:
    """Those least like the nearest of some random texts; ascending."""
    chosen = rows[sample(len(rows), REFERENCE, seed=seed)]
    reference = unit(vectors, chosen)
    found = np.zeros(len(vectors), dtype=np.float32)
    for some, directions in unit_blocks(vectors, rows):
        similar = directions @ reference.T
        similar[some[:, None] == chosen] = -2  # a text is no neighbour of its own
        found[some] = highest(similar, ROUGH_K)[1].mean(axis=1)
    return np.sort(rows[np.argsort(found[rows], kind="stable")[:CANDIDATES]])
