"""LocalMAP (Wang and others 2025, doi.org/10.1609/aaai.v39i20.35436), by pacmap. Used in the worker's process only.

``LocalMAP.fit`` shows nothing until its end and cannot be cancelled. So its steps are taken from here, each by pacmap's own
function and in fit's order, as a test compares bit for bit. Two come from elsewhere: the neighbours, which pacmap allows for, and
the far pairs that are near (``far_pairs``): the same draws, quicker.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from services.embeddings.layouts.arranging import REDUCED, Stage, Tell
from services.embeddings.layouts.nearest import nearest
from services.embeddings.numbers import principal_components
from services.embeddings.records import Floats

NEIGHBOURS = 10
ITERATIONS = (100, 100, 250)
NEARBY = 7.0
"""How near in the picture a far pair must be for LocalMAP to push it apart in the third phase.

The authors' default of 10 leaves more texts beside strangers (10,000 sentences by MiniLM: trustworthiness 0.84 and 15 % of
the neighbours kept, against 0.96 and 33 % at 7); at 5 and below groups fall apart (500 sentences: 0.83 against 0.93).
"""
_CANDIDATES = 50
_FIRST_MID_NEAR = 1000.0
_BEGIN_SCALE = 0.01
_RESAMPLED_EVERY = 10


def localmap(vectors: Floats, dims: int, seed: int, tell: Tell) -> tuple[Floats, Mapping[str, Any]]:
    """Arrange unit vectors that are all different, 15 at least."""
    points = principal_components(vectors, np.arange(len(vectors)), REDUCED)
    tell(Stage.STARTING, 0.0, points[:, :dims])
    import faiss  # noqa: F401 - pacmap's libraries first: what is left of its import is its compiling
    import numba  # noqa: F401
    import sklearn.decomposition  # noqa: F401

    tell(Stage.COMPILING, 0.0)
    import pacmap

    from services.embeddings.layouts import far_pairs

    mapped = pacmap.LocalMAP(
        dims, NEIGHBOURS, random_state=seed, num_iters=ITERATIONS, low_dist_thres=NEARBY, apply_pca=False
    )
    mapped.decide_num_pairs(len(points))
    mapped.pair_neighbors = neighbour_pairs(points, mapped.n_neighbors, tell)
    mapped.sample_pairs(points, False)
    coordinates = arrange(points, dims, mapped, tell, NEARBY, far_pairs.near_far_pairs)
    return coordinates, {
        "library": "pacmap",
        "version": pacmap.__version__,
        "neighbours": mapped.n_neighbors,
        "mid_near_pairs": mapped.n_MN,
        "further_pairs": mapped.n_FP,
        "low_dist_thres": NEARBY,
        "pacmap's_own_low_dist_thres": 10,
        "iterations": sum(ITERATIONS),
        "init": "PCA",
        "reduced_to": points.shape[1],
    }


def neighbour_pairs(points: Floats, neighbours: int, tell: Tell) -> Any:
    """(points x neighbours, 2): of the nearest candidates those that are nearest for the density where they are."""
    from pacmap.pacmap import sample_neighbors_pair, scale_dist

    indices, distances = nearest(points, min(neighbours + _CANDIDATES, len(points) - 1), tell)
    found = indices.astype(np.int32)
    density = np.maximum(distances[:, 3:6].mean(axis=1), np.float32(1e-10))
    return sample_neighbors_pair(points, scale_dist(distances, density, found), found, neighbours)


def arrange(points: Floats, dims: int, mapped: Any, tell: Tell, nearby: float, resample: Callable[..., Any]) -> Floats:
    """Move the points, from their PCA on, as the pairs of *mapped* pull and push.

    *resample* is ``near_far_pairs``, or something that takes and gives the same.
    """
    from pacmap import pacmap as steps

    positions = np.ascontiguousarray(_BEGIN_SCALE * points[:, :dims])
    mean, spread = np.zeros_like(positions), np.zeros_like(positions)
    near, middle, far = mapped.pair_neighbors, mapped.pair_MN, mapped.pair_FP
    total, local_after = sum(ITERATIONS), sum(ITERATIONS[:2])
    for iteration in range(total):
        tell(Stage.ARRANGING, iteration / total, positions)
        local = iteration > local_after
        middle_weight, *others = steps.find_weight(_FIRST_MID_NEAR, iteration, num_iters=ITERATIONS)
        weights = (others[0], middle_weight, others[1])
        gradient = (
            steps.pacmap_grad_nearby_recip_sqrt(positions, near, middle, far, *weights, nearby / 2)
            if local
            else steps.pacmap_grad(positions, near, middle, far, *weights)
        )
        steps.update_embedding_adam(positions, gradient, mean, spread, 0.9, 0.999, mapped.lr, iteration)
        if local and iteration % _RESAMPLED_EVERY == 0:
            far = resample(positions, near, far, nearby, mapped.random_state + iteration)
    return positions
