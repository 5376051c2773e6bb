"""Neighbour layouts: pictures in which texts that are alike stand together, made in a process of their own."""

import atexit
import functools
from pathlib import Path

from services.embeddings.layouts.arranging import FEWEST, Stage
from services.embeddings.layouts.job import LayoutJob, Order
from services.embeddings.layouts.kept import Making, Makings, PictureKey
from services.embeddings.layouts.turns import Turns
from services.embeddings.records import Algorithm
from services.errors import BadInput
from services.settings import Settings

__all__ = [
    "FEWEST",
    "LayoutJob",
    "Making",
    "PictureKey",
    "Stage",
    "begin_layout",
    "begin_making",
    "cancel_makings",
    "estimate",
    "forget_making",
    "last_making",
    "making_of",
]


def estimate(count: int, dimensions: int, algorithm: Algorithm, dims: int) -> float:
    """Seconds that a layout begun now would take, the start of its process among them, others before it not."""
    turns = _turns()
    return turns.pace.expected(count, dimensions, algorithm, dims, turns.before_work(algorithm)).seconds


def begin_layout(
    vectors_path: Path, count: int, dimensions: int, algorithm: Algorithm, dims: int, *, seed: int = 0, owner: str = ""
) -> LayoutJob:
    """Lay out the vectors, (count, dimensions) in a ``.npy`` file, in 2 or 3 *dims*; or let it wait its turn.

    The same vectors and seed give the same picture. Raises BadInput for fewer than FEWEST texts, and PlaygroundError where too
    many wait, of *owner* or of all; of vectors that turn out to be too few, or unreadable, the job tells.
    """
    if algorithm is Algorithm.PCA or dims not in (2, 3):
        raise BadInput(
            f"There is no such layout: {algorithm} in {dims} dimensions.", "Choose 2 or 3, LocalMAP or t-SNE."
        )
    if count < FEWEST:
        raise BadInput(
            f"A neighbour layout needs {FEWEST} texts; here are {count}.", "Look at PCA, or take more texts."
        )
    return _turns().begin(Order(vectors_path, count, dimensions, algorithm, dims, seed, owner))


def begin_making(key: PictureKey, count: int, dimensions: int) -> Making:
    """Begin that layout of vectors in the store, (count, dimensions), and keep it there when it is done.

    One that is under way is returned, not doubled. Raises PlaygroundError.
    """
    return _makings().begin(
        key, lambda path: begin_layout(path, count, dimensions, key.algorithm, key.dims, owner=key.owner)
    )


def making_of(owner: str, dataset: str, run: str) -> Making | None:
    """The layout of that run that is under way, if there is one."""
    return _makings().running(owner, dataset, run)


def last_making(key: PictureKey) -> Making | None:
    """The last one of that picture, under way or over."""
    return _makings().of(key)


def forget_making(making: Making) -> None:
    """What came of it was seen: ``last_making`` answers None. One that is under way stays."""
    _makings().forget(making.key)


def cancel_makings(owner: str, dataset: str, run: str | None = None) -> None:
    """End the layouts under way of a run that is to be deleted; of all the dataset's runs where none is named."""
    _makings().cancel(owner, dataset, run)


@functools.cache
def _turns() -> Turns:
    """Of this process. Nothing is started yet."""
    turns = Turns(Settings.from_environment().state)
    atexit.register(turns.stop)
    return turns


@functools.cache
def _makings() -> Makings:
    """Of this process."""
    return Makings()
