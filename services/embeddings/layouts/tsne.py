"""t-SNE, by openTSNE. Used in the worker's process only."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from services.embeddings.layouts.arranging import Stage, Tell
from services.embeddings.layouts.nearest import nearest
from services.embeddings.numbers import principal_components
from services.embeddings.records import Floats

PERPLEXITY = 30
EXAGGERATED, ITERATIONS = 250, 500
EXAGGERATION = 12
GRID_FROM = 10_000
"""Points, from which on interpolation on a grid is faster than a tree; openTSNE has none for 3 dimensions."""
_LOOKED_AT_EVERY = 2
_PHASES = ((0, EXAGGERATED, EXAGGERATION, 0.5), (EXAGGERATED, ITERATIONS, 1, 0.8))
"""Iterations before it, of it, exaggeration, momentum: openTSNE's own defaults."""
_BEGIN_SPREAD = 1e-4


def tsne(vectors: Floats, dims: int, seed: int, tell: Tell) -> tuple[Floats, Mapping[str, Any]]:
    """Arrange unit vectors that are all different, 15 at least."""
    begin = principal_components(vectors, np.arange(len(vectors)), dims)
    tell(Stage.STARTING, 0.0, begin)
    import openTSNE
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    count = len(vectors)
    perplexity = min(PERPLEXITY, (count - 1) / 3)
    index = PrecomputedNeighbors(*nearest(vectors, min(count - 1, int(3 * perplexity)), tell))
    tell(Stage.ARRANGING, 0.0)
    affinities = PerplexityBasedNN(perplexity=perplexity, knn_index=index, n_jobs=1)
    method = "fft" if dims == 2 and count >= GRID_FROM else "bh"
    begin = begin * (_BEGIN_SPREAD / max(float(begin[:, 0].std()), 1e-30))
    picture = openTSNE.TSNEEmbedding(
        begin.astype(np.float64), affinities, negative_gradient_method=method, n_jobs=1, random_state=seed
    )
    for before, iterations, exaggeration, momentum in _PHASES:
        picture = picture.optimize(
            iterations, exaggeration=exaggeration, momentum=momentum,
            callbacks=_watch(tell, before), callbacks_every_iters=_LOOKED_AT_EVERY,
        )  # fmt: skip
    return np.asarray(picture, dtype=np.float32), {
        "library": "openTSNE",
        "version": openTSNE.__version__,
        "perplexity": perplexity,
        "exaggeration": EXAGGERATION,
        "iterations": EXAGGERATED + ITERATIONS,
        "gradient": {"fft": "interpolation", "bh": "Barnes-Hut"}[method],
        "init": "PCA",
    }


def _watch(tell: Tell, before: int) -> Callable[[int, float, Any], bool]:
    """openTSNE calls it every few iterations, and ends where it is answered with True. What it raises passes through."""

    def watch(iteration: int, _error: float, positions: Any) -> bool:
        done = (before + iteration) / (EXAGGERATED + ITERATIONS)
        tell(Stage.ARRANGING, done, np.asarray(positions, dtype=np.float32))
        return False

    return watch
