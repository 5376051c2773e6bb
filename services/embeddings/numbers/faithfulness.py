"""How far a picture can be believed: whether those that stand together in it are alike."""

from collections.abc import Iterator

import numpy as np

from services.embeddings.numbers.ranking import DECIMALS, searched
from services.embeddings.numbers.sampling import sample as random_sample
from services.embeddings.numbers.taking_turns import in_turn
from services.embeddings.numbers.unit import one_thread, unit_blocks, usable
from services.embeddings.records import Faithfulness, Floats, Ints

TOLERANCE = 10.0**-DECIMALS
"""Texts whose similarities differ by less are equally near: a picture is not blamed for its choice among them."""

WORK = 200_000_000
"""Similarities that a picture's distortion may cost."""


@in_turn
def faithfulness(
    vectors: Floats, coordinates: Floats, *, k: int = 15, sample: int = 500, seed: int = 0
) -> Faithfulness:
    """Measured on *sample* random texts against all others; NaN in both figures below 3 texts.

    *k* is less where the texts are fewer than twice as many: trustworthiness means nothing there.
    """
    drawn = _drawn(vectors, coordinates)
    k = max(0, min(k, (len(drawn) - 1) // 2))
    looked_at = drawn[random_sample(len(drawn), sample, seed=seed)]
    if k == 0:
        return Faithfulness(np.nan, np.nan, k, len(looked_at), len(drawn))
    penalty, kept = 0.0, 0
    for _, found, near, values in _seen(vectors, coordinates, drawn, looked_at, k):
        similar = np.take_along_axis(found, near, axis=1)
        kept += int((similar >= values[:, -1:] - TOLERANCE).sum())
        for row, bars in zip(found, similar + TOLERANCE, strict=True):
            nearer = [int(np.count_nonzero(row > bar)) for bar in bars]  # a sixth of the time of sorting the row
            penalty += sum(max(0, number + 1 - k) for number in nearer)
    count, places = len(drawn), k * len(looked_at)
    worst = places * (2 * count - 3 * k - 1) / 2
    return Faithfulness(1 - penalty / worst, kept / places, k, len(looked_at), count)


@in_turn
def distortion(vectors: Floats, coordinates: Floats, *, k: int = 15, most: int = 10_000, seed: int = 0) -> Floats:
    """For each text (n,), the share of its k nearest in the picture that are not among its true nearest.

    0 is faithful, 1 is not at all; NaN where it was not measured: no usable vector, no place, or not in the random sample.
    That is of *most* texts, and of fewer where 200 million similarities (4 s) do not reach for so many: 2,000 of 100,000.
    """
    drawn = _drawn(vectors, coordinates)
    k = max(0, min(k, len(drawn) - 1))
    measured = np.full(len(vectors), np.nan, dtype=np.float32)
    if k == 0:
        return measured
    looked_at = drawn[random_sample(len(drawn), min(most, WORK // len(drawn)), seed=seed)]
    for rows, found, near, values in _seen(vectors, coordinates, drawn, looked_at, k):
        similar = np.take_along_axis(found, near, axis=1)
        measured[rows] = (similar < values[:, -1:] - TOLERANCE).mean(axis=1)
    return measured


def _drawn(vectors: Floats, coordinates: Floats) -> Ints:
    """Texts that have both a usable vector and a place."""
    one_thread()
    return np.flatnonzero(usable(vectors) & np.isfinite(coordinates).all(axis=1))


def _seen(
    vectors: Floats, coordinates: Floats, drawn: Ints, looked_at: Ints, k: int
) -> Iterator[tuple[Ints, Floats, Ints, Floats]]:
    """Block by block of the texts looked at: which, their similarities to all, their k nearest in the picture, the k highest."""
    from scipy.spatial import KDTree

    tree = KDTree(coordinates[drawn])
    allowed = np.zeros(len(vectors), dtype=np.bool_)
    allowed[drawn] = True
    for some, directions in unit_blocks(vectors, looked_at):
        for part, found, _, values in searched(vectors, directions, k, allowed, some):
            rows = some[part]
            near = drawn[tree.query(coordinates[rows], k + 1)[1]]
            yield rows, found, _without(near, rows), values


def _without(near: Ints, own: Ints) -> Ints:
    """Each row without its own text; without its last, where so many stand at one place that its own is not among them."""
    others = near != own[:, None]
    others[others.all(axis=1), -1] = False
    kept: Ints = near[others].reshape(len(near), -1)
    return kept
