"""Queries whose right answers are known: what a model finds of them."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from services.embeddings.numbers.estimating import Estimate, mean_of
from services.embeddings.numbers.ranking import rounded, searched
from services.embeddings.numbers.unit import Mask, one_thread, unit, usable
from services.embeddings.records import Floats, Ints


@dataclass(frozen=True)
class QueryRank:
    """How one query went."""

    rank: int | None
    """The place of the best expected text among all, from 1; None where it could not be measured."""
    found: tuple[int, ...]
    """The nearest texts, nearest first: as many as the largest k."""
    tied: int
    """Other texts as near as the best expected one: by how many its place is a matter of their order."""
    unusable: tuple[int, ...]
    """Expected texts that have no usable vector; left out of the figures."""
    problem: str = ""
    """Why there is no rank: a sentence."""


@dataclass(frozen=True)
class RetrievalFigures:
    """What a model finds, over the queries that could be measured."""

    recall: Mapping[int, Estimate]
    """By k: the share of a query's expected texts among its k nearest, mean over queries."""
    mrr: Estimate
    """The mean of 1/rank of the best expected text."""
    queries: tuple[QueryRank, ...]
    """In the order asked."""

    @property
    def measured(self) -> int:
        """How many queries the figures are of."""
        return self.mrr.of


def check_retrieval(
    vectors: Floats, query_vectors: Floats, expected: Sequence[AbstractSet[int]], ks: Sequence[int] = (1, 5, 10)
) -> RetrievalFigures:
    """Every query (q, d) against every text, exactly; equal ones stand in the order of their indices.

    A query without a usable vector, or without an expected text that has one, is reported and left out of the figures.
    """
    one_thread()
    allowed = usable(vectors)
    k = min(max(ks, default=1), int(allowed.sum()))
    directions = unit(query_vectors)
    can = usable(query_vectors)
    answers = [np.array(sorted(one), dtype=np.int64) for one in expected]
    asked = np.array([at for at, one in enumerate(answers) if can[at] and allowed[one].any()], dtype=np.int64)
    ranks = [_left_out(one, bool(can[at]), allowed) for at, one in enumerate(answers)]
    recalls: dict[int, list[float]] = {at: [] for at in ks}
    for part, found, near, _ in searched(vectors, directions[asked], k, allowed):
        for at, row, listed in zip(asked[part], found, near, strict=True):
            answer = answers[at]
            ranks[at] = _ranked(rounded(row), answer[allowed[answer]], answer[~allowed[answer]], listed)
            places = np.isin(listed, answer)
            for size, shares in recalls.items():
                shares.append(float(places[:size].sum() / allowed[answer].sum()))
    return RetrievalFigures(
        {size: mean_of(shares) for size, shares in recalls.items()},
        mean_of([1 / one.rank for one in ranks if one.rank is not None]),
        tuple(ranks),
    )


def better(a: RetrievalFigures, b: RetrievalFigures) -> Estimate:
    """How much larger 1/rank is with b than with a, over the queries both could measure; the same queries in the same order."""
    pairs = [(one.rank, other.rank) for one, other in zip(a.queries, b.queries, strict=True)]
    return mean_of([1 / other - 1 / one for one, other in pairs if one is not None and other is not None])


def _ranked(row: Floats, answer: Ints, unusable: Ints, listed: Ints) -> QueryRank:
    best = row[answer].max()
    first = int(answer[row[answer] == best][0])
    ties = np.flatnonzero(row == best)
    rank = int((row > best).sum() + (ties < first).sum()) + 1
    return QueryRank(rank, tuple(listed.tolist()), int((~np.isin(ties, answer)).sum()), tuple(unusable.tolist()))


def _left_out(answer: Ints, query_usable: bool, allowed: Mask) -> QueryRank:
    if not query_usable:
        problem = "The query has no usable vector."
    elif not len(answer):
        problem = "No text is expected."
    else:
        problem = "None of the expected texts has a usable vector."
    return QueryRank(None, (), 0, tuple(answer[~allowed[answer]].tolist()), problem)
