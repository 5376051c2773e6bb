"""LocalMAP (Wang and others 2025, doi.org/10.1609/aaai.v39i20.35436), as pacmap does it. Used in the worker's process only.

pacmap's own ``LocalMAP.fit`` shows nothing until its end and cannot be cancelled. Here its pairs and its steps are our own loops,
which are quicker (10,000 sentences by MiniLM: 1.5 s of CPU instead of 3.6, 50,000 vectors 6 s instead of 20); tests compare both
with pacmap's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.embeddings.layouts.arranging import REDUCED, Stage, Tell
from services.embeddings.layouts.nearest import nearest
from services.embeddings.numbers import principal_components
from services.embeddings.records import Floats

ITERATIONS, ITERATIONS_OF_MANY = (100, 100, 250), (50, 50, 250)
"""Of each phase. pacmap's are the first ones; of many points a shorter beginning gives as good a picture (50,000 on 60 subjects:
trustworthiness 0.997 both times; 50,000 of which each has four that are nearly the same: 0.969 instead of 0.972)."""
MANY = 10_000
"""Points, above which they are many."""
NEARBY = 7.0
"""How near in the picture a far pair must be for LocalMAP to push it apart in the third phase.

The authors' default of 10 leaves more texts beside strangers (10,000 sentences by MiniLM: trustworthiness 0.84 and 15 % of
the neighbours kept, against 0.96 and 33 % at 7); at 5 and below groups fall apart (500 sentences: 0.83 against 0.93).
"""
_CANDIDATES = 20
"""More than near pairs are needed, to choose from; with pacmap's 50 the pictures are no better."""
_BEGIN_SCALE = 0.01
_RESAMPLED_EVERY = 10


@dataclass(frozen=True)
class Pairs:
    """Of each point others, (points, so many) int32."""

    near: Any
    middle: Any
    far: Any


Resample = Callable[[Floats, Any, Any, float, int], Any]
"""``near_far_pairs``, or something that takes and gives the same."""


def localmap(vectors: Floats, dims: int, seed: int, tell: Tell) -> tuple[Floats, Mapping[str, Any]]:
    """Arrange unit vectors that are all different, 15 at least."""
    points = principal_components(vectors, np.arange(len(vectors)), REDUCED)
    tell(Stage.STARTING, 0.0, points[:, :dims])
    import faiss  # noqa: F401 - the libraries first: what is left is our loops' compiling
    import numba

    tell(Stage.COMPILING, 0.0)
    from services.embeddings.layouts import steps  # noqa: F401 - compiled now
    from services.embeddings.layouts.pairs import near_far_pairs

    pairs = drawn(points, seed, tell)
    coordinates = arrange(points[:, :dims], pairs, tell, near_far_pairs, seed=seed)
    return coordinates, {
        "library": "Brickyard, by numba",
        "version": numba.__version__,
        "neighbours": pairs.near.shape[1],
        "mid_near_pairs": pairs.middle.shape[1],
        "further_pairs": pairs.far.shape[1],
        "low_dist_thres": NEARBY,
        "pacmap's_own_low_dist_thres": 10,
        "iterations": iterations(len(points)),
        "init": "PCA",
        "reduced_to": points.shape[1],
    }


def iterations(count: int) -> tuple[int, int, int]:
    """How many steps each phase has."""
    return ITERATIONS_OF_MANY if count > MANY else ITERATIONS


def drawn(points: Floats, seed: int, tell: Tell) -> Pairs:
    """What it begins with."""
    from services.embeddings.layouts import pairs

    near, middle, far = pairs.numbers(len(points))
    found = nearest(points, min(near + _CANDIDATES, len(points) - 1), tell, roughly=True)
    nearest_ones = pairs.near_pairs(*found, near)
    return Pairs(nearest_ones, pairs.middle_pairs(points, middle, seed), pairs.far_pairs(nearest_ones, far, seed))


def arrange(
    begin: Floats, pairs: Pairs, tell: Tell, resample: Resample, *, nearby: float = NEARBY, seed: int = 0
) -> Floats:
    """Move the points, from *begin* (points, dims) on, as their pairs pull and push."""
    from services.embeddings.layouts.steps import Steps, weights

    steps = Steps(_BEGIN_SCALE * begin)
    far = pairs.far
    phases = iterations(len(begin))
    total, local_after = sum(phases), sum(phases[:2])
    for iteration in range(total):
        tell(Stage.ARRANGING, iteration / total, steps.positions)
        local = iteration > local_after
        steps.step(pairs.near, pairs.middle, far, weights(iteration, phases), nearby / 2 if local else 0.0)
        if local and iteration % _RESAMPLED_EVERY == 0:
            far = resample(steps.positions, pairs.near, far, nearby, seed + iteration)
    return steps.positions
