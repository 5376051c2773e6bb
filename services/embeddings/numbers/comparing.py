"""Two models on the same texts: where they agree, what moved, which separates labels better."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from services.embeddings.numbers.aligning import align
from services.embeddings.numbers.describing import Similarities, random_similarities
from services.embeddings.numbers.estimating import Estimate, mean_of
from services.embeddings.numbers.neighbours import nearest_of
from services.embeddings.numbers.projection import NOTHING
from services.embeddings.numbers.sampling import codes as codes_of
from services.embeddings.numbers.sampling import sample as random_sample
from services.embeddings.numbers.taking_turns import in_turn
from services.embeddings.numbers.unit import Doubles, Mask, one_thread, unit, unit_blocks, usable
from services.embeddings.records import Floats, Ints

__all__ = ["Comparison", "LabelAgreement", "Mover", "align", "compare"]

MOST_MOVERS = 200
CKA_ON = 10_000
"""Texts that the CKA is measured on."""
FEW_LABELLED = 20
"""Below so many, an interval by resampling promises more than it knows."""


@dataclass(frozen=True)
class Mover:
    """One text whose neighbours are others with the other model."""

    index: int
    overlap: float
    """0 to 1: the share of its k nearest that both models see."""
    only_a: tuple[int, ...]
    """Neighbours that only the first model sees, nearest first."""
    only_b: tuple[int, ...]


@dataclass(frozen=True)
class LabelAgreement:
    """How well each model keeps texts of one label together: the share of a text's k neighbours that have its own label."""

    a: Estimate
    b: Estimate
    difference: Estimate
    """b - a, over the same texts: its interval is narrower than those of a and b let expect."""
    chance: float
    """What a model that knows nothing would reach."""
    left_out: int
    """Of the texts looked at: those without a label, with a label no other has, or whose neighbours all have none."""

    def sentence(self, a: str = "A", b: str = "B") -> str:
        """For people. *a* and *b* are the models' names, and make it foreign text."""
        if self.difference.of < FEW_LABELLED:
            return (
                f"Only {self.difference.of} texts have labels that can be looked at: too few to tell the models apart."
            )
        figures = f"{self.b.value:.2f} against {self.a.value:.2f}"
        better, worse = (b, a) if self.difference.value > 0 else (a, b)
        if better == a:
            figures = f"{self.a.value:.2f} against {self.b.value:.2f}"
        if not self.difference.told_apart:
            return f"No difference between {a} and {b} can be told: {self.a.value:.2f} and {self.b.value:.2f}, {self._apart()}."
        return f"{better} separates the labels better than {worse}: {figures}, {self._apart()}."

    def _apart(self) -> str:
        found = self.difference
        turned = -1 if found.value < 0 else 1
        low, high = sorted((turned * found.low, turned * found.high))
        return f"difference {abs(found.value):.2f} ({low:.2f} to {high:.2f})"


@dataclass(frozen=True)
class Comparison:
    """What two models make of the same texts."""

    k: int
    """Neighbours that were compared: as asked, or as many as there are."""
    of: int
    """Texts that both models have a usable vector for: only these are compared, and found."""
    indices: Ints
    """(looked at,) Those whose neighbours were compared, ascending: all, or a random sample."""
    overlaps: Floats
    """(looked at,) For each, the share of its k nearest that both models see; 0 to 1."""
    overlap: Estimate
    """Their mean; NaN where there is none."""
    chance: float
    """The overlap of two models that have nothing in common."""
    movers: tuple[Mover, ...]
    """Least overlap first, at most MOST_MOVERS; not those that kept every neighbour."""
    cka: float
    """Linear CKA (Kornblith 2019), 0 to 1: 1 where one model's vectors are the other's, turned. NaN where all are equal."""
    cka_on: int
    """How many texts that was measured on: all, or a random sample."""
    similarities_a: Similarities
    """Of random pairs. The levels of two models do not compare: a threshold of one means nothing to the other."""
    similarities_b: Similarities
    labels: LabelAgreement | None
    """None where there are no labels to look at."""

    @property
    def looked_at(self) -> int:
        """How many texts' neighbours were compared."""
        return len(self.indices)


@in_turn
def compare(
    a: Floats, b: Floats, *, k: int = 10, labels: Sequence[str] | None = None, sample: int = 2000, seed: int = 0
) -> Comparison:
    """Two models' vectors of the same texts (n, d_a), (n, d_b); *labels* (n), empty for none.

    Raises ValueError where they are not of the same number of texts.
    """
    if len(a) != len(b) or (labels is not None and len(labels) != len(a)):
        raise ValueError(f"{len(a)} vectors, {len(b)} vectors, {None if labels is None else len(labels)} labels")
    one_thread()
    allowed = usable(a) & usable(b)
    rows = np.flatnonzero(allowed)
    k = max(0, min(k, len(rows) - 1))
    looked_at = rows[random_sample(len(rows), sample, seed=seed)] if k else rows[:0]
    near_a, near_b = (nearest_of(one, unit(one, looked_at), k, allowed, leave_out=looked_at).indices for one in (a, b))
    overlaps = _in_both(near_a, near_b).mean(axis=1) if k else np.zeros(0)
    measured = rows[random_sample(len(rows), CKA_ON, seed=seed)]
    return Comparison(
        k=k,
        of=len(rows),
        indices=looked_at,
        overlaps=overlaps.astype(np.float32),
        overlap=mean_of(overlaps, seed=seed),
        chance=k / (len(rows) - 1) if k else np.nan,
        movers=_movers(looked_at, overlaps, near_a, near_b),
        cka=_cka(a, b, measured),
        cka_on=len(measured),
        similarities_a=random_similarities(a, rows, seed=seed),
        similarities_b=random_similarities(b, rows, seed=seed),
        labels=None if labels is None else _label_agreement(labels, looked_at, near_a, near_b, allowed, seed),
    )


def _in_both(near: Ints, others: Ints) -> npt.NDArray[np.bool_]:
    """(q, k) Whether each of *near* is among *others* of its row."""
    found: npt.NDArray[np.bool_] = (near[:, :, None] == others[:, None, :]).any(axis=2)
    return found


def _movers(looked_at: Ints, overlaps: npt.NDArray[np.floating[Any]], near_a: Ints, near_b: Ints) -> tuple[Mover, ...]:
    order = np.argsort(overlaps, kind="stable")[:MOST_MOVERS]
    order = order[overlaps[order] < 1]
    shared_a, shared_b = _in_both(near_a[order], near_b[order]), _in_both(near_b[order], near_a[order])
    return tuple(
        Mover(
            int(looked_at[at]),
            float(overlaps[at]),
            tuple(near_a[at][~shared_a[place]].tolist()),
            tuple(near_b[at][~shared_b[place]].tolist()),
        )
        for place, at in enumerate(order)
    )


def _cka(a: Floats, b: Floats, rows: Ints) -> float:
    """Linear CKA by the cross-covariances of the centred directions; all in float64."""
    if not len(rows):
        return np.nan
    mean_a, mean_b = _mean(a, rows), _mean(b, rows)
    products = [np.zeros((one.shape[1], other.shape[1])) for one, other in ((a, b), (a, a), (b, b))]
    for (_, block_a), (_, block_b) in zip(unit_blocks(a, rows), unit_blocks(b, rows), strict=True):
        one, other = block_a - mean_a, block_b - mean_b
        for found, (left, right) in zip(products, ((one, other), (one, one), (other, other)), strict=True):
            found += left.T @ right
    between, within_a, within_b = (float(np.linalg.norm(found)) for found in products)
    # Below float32's rounding of n directions nothing varies.
    if min(within_a, within_b) <= NOTHING * len(rows):
        return np.nan
    return min(1.0, between**2 / (within_a * within_b))


def _mean(vectors: Floats, rows: Ints) -> Doubles:
    total = np.zeros(vectors.shape[1])
    for _, block in unit_blocks(vectors, rows):
        total += block.sum(axis=0, dtype=np.float64)
    mean: Doubles = total / len(rows)
    return mean


def _label_agreement(
    labels: Sequence[str], looked_at: Ints, near_a: Ints, near_b: Ints, allowed: Mask, seed: int
) -> LabelAgreement:
    names, found = codes_of(labels)
    codes = found if "" not in names else found - 1  # the empty one sorts first, and is none
    sizes = np.bincount(codes[allowed & (codes >= 0)], minlength=len(names))
    shares_a, shares_b = _shares(codes, looked_at, near_a), _shares(codes, looked_at, near_b)
    comparable = np.isfinite(shares_a) & np.isfinite(shares_b) & (sizes[codes[looked_at]] > 1)
    shares_a, shares_b = shares_a[comparable], shares_b[comparable]
    own = sizes[codes[looked_at[comparable]]]
    return LabelAgreement(
        a=mean_of(shares_a, seed=seed),
        b=mean_of(shares_b, seed=seed),
        difference=mean_of(shares_b - shares_a, seed=seed),
        chance=float(np.mean((own - 1) / (sizes.sum() - 1))) if len(own) else np.nan,
        left_out=len(looked_at) - len(own),
    )


def _shares(codes: Ints, rows: Ints, near: Ints) -> Doubles:
    """(q,) Of each text's labelled neighbours, how many have its label; NaN where it or all of them have none."""
    theirs = codes[near]
    labelled = (theirs >= 0).sum(axis=1) * (codes[rows] >= 0)
    same = (theirs == codes[rows][:, None]).sum(axis=1)
    return np.where(labelled > 0, same / np.maximum(labelled, 1), np.nan)
