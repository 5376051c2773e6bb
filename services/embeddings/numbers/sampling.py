"""Fewer texts that stand for all: random, never the first."""

from collections.abc import Sequence

import numpy as np

from services.embeddings.records import Ints


def sample(n: int, most: int, *, strata: Sequence[str] | None = None, seed: int = 0) -> Ints:
    """At most *most* of *n* indices, ascending. With *strata* (n), each stratum has the share it has among all."""
    if n <= most:
        return np.arange(n, dtype=np.int64)
    random = np.random.default_rng(seed)
    if strata is None:
        return np.sort(random.choice(n, max(0, most), replace=False)).astype(np.int64)
    _, stratum = codes(strata)
    sizes = np.bincount(stratum)
    quotas = _quotas(sizes, max(0, most))
    # A shuffle, then by stratum: the first of each stratum are a random choice of it.
    shuffled = random.permutation(n)
    by_stratum = shuffled[np.argsort(stratum[shuffled], kind="stable")]
    starts = np.cumsum(sizes) - sizes
    chosen = [by_stratum[start : start + quota] for start, quota in zip(starts, quotas, strict=True)]
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def codes(labels: Sequence[str]) -> tuple[tuple[str, ...], Ints]:
    """The different labels, sorted, and of each text the place of its own. An array of str would be as wide as the longest."""
    names = tuple(sorted(set(labels)))
    place = {name: at for at, name in enumerate(names)}
    return names, np.fromiter((place[label] for label in labels), dtype=np.int64, count=len(labels))


def _quotas(sizes: Ints, most: int) -> Ints:
    """How many of each stratum: the whole part of its share; what is over goes to the largest remainders."""
    shares = sizes * most
    quotas: Ints = shares // sizes.sum()
    remainders = shares % sizes.sum()
    quotas[np.argsort(-remainders, kind="stable")[: most - quotas.sum()]] += 1
    return quotas
