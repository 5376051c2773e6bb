"""How long a layout takes: constants that were measured, corrected by what this process has seen."""

import math
from dataclasses import dataclass

from services.embeddings.layouts.arranging import REDUCED, Stage
from services.embeddings.layouts.nearest import EXACT_UP_TO
from services.embeddings.layouts.tsne import GRID_FROM
from services.embeddings.records import Algorithm

START_SECONDS = {Algorithm.LOCALMAP: 1.0, Algorithm.TSNE: 3.0}
"""A new worker, until its libraries are there."""
COMPILE_SECONDS = 6.0
"""More, where numba has to compile LocalMAP's loops: once a machine."""
SURE = 0.05
"""Share of a stage from which on its own pace says when it ends."""
_LATE = 0.25
"""Of a stage that should be over and says nothing: how much of its time until now it is given more."""


@dataclass(frozen=True)
class Expected:
    """Seconds of each stage."""

    starting: float
    neighbours: float
    arranging: float
    compiling: float = 0.0

    @property
    def work(self) -> float:
        """Without the start."""
        return self.neighbours + self.arranging

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.starting + self.compiling + self.work


class Pace:
    """What this process has seen of layouts, any thread's."""

    def __init__(self) -> None:
        self._corrections: dict[Algorithm, float] = {}

    def expected(
        self,
        count: int,
        dimensions: int,
        algorithm: Algorithm,
        dims: int,
        before: tuple[float, float],
    ) -> Expected:
        """For a layout that begins now; *before* its work come these seconds of starting, and of compiling."""
        correction = self._corrections.get(algorithm, 1.0)
        neighbours, arranging = (_tsne if algorithm is Algorithm.TSNE else _localmap)(count, dimensions, dims)
        starting, compiling = before
        return Expected(starting, neighbours * correction, arranging * correction, compiling)

    def learn(self, algorithm: Algorithm, foreseen: Expected, took: float) -> None:
        """A layout that was foreseen to take ``foreseen.work`` took *took* seconds, its start left out."""
        before = self._corrections.get(algorithm, 1.0)
        self._corrections[algorithm] = min(max(before * took / foreseen.work, 0.2), 10.0)


def longest_silence(foreseen: Expected, algorithm: Algorithm, *, made: bool) -> float:
    """Seconds that all of it and another start take; *made* says whether this worker has made such a layout before.

    Before that, compiling counts: whether numba takes what it kept, for this processor and this version, it alone knows.
    """
    compiling = COMPILE_SECONDS if algorithm is Algorithm.LOCALMAP and not made else 0.0
    return foreseen.starting + compiling + foreseen.work + START_SECONDS[algorithm]


def left(foreseen: Expected, stage: Stage, done: float, spent: float) -> float:
    """Seconds until the end, when *done* of a stage is over after *spent* seconds."""
    of_stage = {
        Stage.STARTING: foreseen.starting,
        Stage.COMPILING: foreseen.compiling,
        Stage.NEIGHBOURS: foreseen.neighbours,
        Stage.ARRANGING: foreseen.arranging,
    }
    later = {
        Stage.STARTING: foreseen.compiling + foreseen.work,
        Stage.COMPILING: foreseen.work,
        Stage.NEIGHBOURS: foreseen.arranging,
        Stage.ARRANGING: 0.0,
    }[stage]
    late = spent * _LATE
    rest = spent * (1 - done) / done if done >= SURE else max(of_stage[stage] - spent, late)
    return rest + later


def _localmap(count: int, dimensions: int, dims: int) -> tuple[float, float]:
    axis = 0.7 * (dims - 2)
    pairs = 4e-6 * count + _reduced(count, dimensions)
    wide = _wide(min(dimensions, REDUCED))
    found = _exact(count) if count <= EXACT_UP_TO else 8e-6 * count + 6e-10 * count * count
    return found * wide + pairs, 6e-5 * count * (1 + count / 200_000) * (1 + axis)


def _tsne(count: int, dimensions: int, dims: int) -> tuple[float, float]:
    exactly = count <= EXACT_UP_TO
    found = (_exact(count) if exactly else 1e-4 * count * (1 + count / 100_000)) * _wide(dimensions)
    found += _reduced(count, dimensions)
    if dims == 2 and count >= GRID_FROM:
        return found, 45 + 8e-4 * count
    return found, 2.6e-3 * count * (1 + count / 8_000) * (1 + 1.1 * (dims - 2))


def _reduced(count: int, dimensions: int) -> float:
    return 2e-8 * count * dimensions * math.sqrt(dimensions / 384)


def _exact(count: int) -> float:
    return 5e-9 * count * count


def _wide(dimensions: int) -> float:
    return math.pow(dimensions / 100, 0.7)
