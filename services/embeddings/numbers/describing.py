"""What kind of vectors a model gives: lengths, gaps, repetitions, how many directions they use."""

import hashlib
from dataclasses import dataclass

import numpy as np

from services.embeddings.numbers.projection import NOTHING
from services.embeddings.numbers.sampling import sample
from services.embeddings.numbers.taking_turns import in_turn
from services.embeddings.numbers.unit import Mask, blocks, lengths, moments, one_thread, unit
from services.embeddings.records import Floats, Ints

PAIRS = 5_000
RANKED = 10_000
"""Texts that the effective rank is measured on: the covariance of more is the same to two digits."""


@dataclass(frozen=True)
class Similarities:
    """Cosine similarities of random pairs of texts: what is usual for a model. NaN below two usable vectors."""

    mean: float
    deviation: float
    """Standard deviation."""
    pairs: int
    """How many pairs were looked at."""


@dataclass(frozen=True)
class Description:
    """A run's vectors in figures. NaN where no usable vector is there."""

    count: int
    """Texts."""
    dimensions: int
    missing: int
    """Without a vector, or with one that has a NaN or infinite number in it."""
    zero: int
    """All zeros: these have no direction, and are left out like the missing ones."""
    shortest: float
    """The least Euclidean length; of usable vectors, as the next two."""
    mean_length: float
    longest: float
    duplicates: int
    """Texts whose vector is, to the last bit, that of an earlier text."""
    effective_rank: float
    """How many directions are used evenly: exp of the entropy of the covariance's eigenvalue shares (Roy and Vetterli 2007)."""
    rank_on: int
    """How many texts that was measured on: all usable, or a random sample."""
    similarities: Similarities

    @property
    def usable(self) -> int:
        """Texts whose vector can be compared."""
        return self.count - self.missing - self.zero

    @property
    def unit_length(self) -> bool:
        """Whether all are of length 1, to a thousandth: then dot product and cosine are the same."""
        return self.usable > 0 and self.shortest >= 1 - 1e-3 and self.longest <= 1 + 1e-3


@in_turn
def describe(vectors: Floats, *, seed: int = 0) -> Description:
    """All figures at once."""
    one_thread()
    long = lengths(vectors)
    rows = np.flatnonzero(long > 0)
    there = long[rows].astype(np.float64)
    missing, duplicates = _missing_and_duplicates(vectors, long > 0)
    ranked = rows[sample(len(rows), RANKED, seed=seed)]
    return Description(
        count=len(vectors),
        dimensions=vectors.shape[1],
        missing=missing,
        zero=len(vectors) - missing - len(rows),
        shortest=float(there.min()) if len(rows) else np.nan,
        mean_length=float(there.mean()) if len(rows) else np.nan,
        longest=float(there.max()) if len(rows) else np.nan,
        duplicates=duplicates,
        effective_rank=_effective_rank(vectors, ranked),
        rank_on=len(ranked),
        similarities=random_similarities(vectors, rows, seed=seed),
    )


def random_similarities(vectors: Floats, rows: Ints, *, seed: int = 0) -> Similarities:
    """Of random pairs among *rows*, which are usable; of all pairs where these are few."""
    count = len(rows)
    if count < 2:
        return Similarities(np.nan, np.nan, 0)
    random = np.random.default_rng(seed)
    if count * (count - 1) // 2 <= PAIRS:
        first, second = np.triu_indices(count, 1)
    else:
        first = random.integers(0, count, PAIRS)
        second = (first + random.integers(1, count, PAIRS)) % count
    found = np.vecdot(unit(vectors, rows[first]), unit(vectors, rows[second])).astype(np.float64)
    return Similarities(float(found.mean()), float(found.std()), len(found))


def _effective_rank(vectors: Floats, rows: Ints) -> float:
    if not len(rows):
        return np.nan
    variances = np.linalg.eigvalsh(moments(vectors, rows)[1])
    variances = variances[variances > NOTHING]
    if not len(variances):
        return 0.0  # all are equal: no direction is used
    shares = variances / variances.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _missing_and_duplicates(vectors: Floats, there: Mask) -> tuple[int, int]:
    """How many are not finite; how many usable ones are, to the last bit, an earlier one."""
    seen: set[bytes] = set()
    missing = 0
    for start, block in blocks(vectors):
        few = there[start : start + len(block)]
        missing += int((~np.isfinite(block[~few]).all(axis=1)).sum())
        seen.update(hashlib.blake2b(row.data, digest_size=16).digest() for row in block[few] + np.float32(0))  # no -0
    return missing, int(there.sum()) - len(seen)
