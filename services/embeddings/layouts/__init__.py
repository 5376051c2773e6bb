"""Neighbour layouts: pictures in which texts that are alike stand together, made in a process of their own."""

import atexit
import functools
from pathlib import Path

from services.embeddings.layouts.arranging import FEWEST, Stage
from services.embeddings.layouts.job import LayoutJob, Order
from services.embeddings.layouts.turns import Turns
from services.embeddings.records import Algorithm
from services.errors import BadInput
from services.settings import Settings

__all__ = ["FEWEST", "LayoutJob", "Stage", "begin_layout", "estimate"]


def estimate(count: int, dimensions: int, algorithm: Algorithm, dims: int) -> float:
    """Seconds that a layout begun now would take, the start of its process among them, others before it not."""
    turns = _turns()
    return turns.pace.expected(count, dimensions, algorithm, dims, turns.start_seconds(algorithm)).seconds


def begin_layout(
    vectors_path: Path, count: int, dimensions: int, algorithm: Algorithm, dims: int, *, seed: int = 0
) -> LayoutJob:
    """Lay out the vectors, (count, dimensions) in a ``.npy`` file, in 2 or 3 *dims*; or let it wait its turn.

    The same vectors and seed give the same picture. Raises BadInput for fewer than FEWEST texts; of vectors that turn out to
    be too few, or unreadable, the job tells.
    """
    if algorithm is Algorithm.PCA or dims not in (2, 3):
        raise BadInput(
            f"There is no such layout: {algorithm} in {dims} dimensions.", "Choose 2 or 3, LocalMAP or t-SNE."
        )
    if count < FEWEST:
        raise BadInput(
            f"A neighbour layout needs {FEWEST} texts; here are {count}.", "Look at PCA, or take more texts."
        )
    return _turns().begin(Order(vectors_path, count, dimensions, algorithm, dims, seed))


@functools.cache
def _turns() -> Turns:
    """Of this process. Nothing is started yet."""
    turns = Turns(Settings.from_environment().state)
    atexit.register(turns.stop)
    return turns
