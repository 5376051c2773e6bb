"""Layouts of what is shown: their keys, for the service that makes and keeps them."""

from services.embeddings import layouts
from services.embeddings.layouts import Making, PictureKey, forget_making
from services.embeddings.records import Algorithm
from ui.embeddings.view import Shown

__all__ = ["Making", "begin_making", "forget_making", "last_making", "making_of"]


def begin_making(shown: Shown, algorithm: Algorithm, dims: int) -> Making:
    """Begin that layout; one under way is returned, not doubled. Raises PlaygroundError."""
    count, dimensions = shown.vectors.shape
    return layouts.begin_making(_key(shown, algorithm, dims), count, dimensions)


def making_of(shown: Shown) -> Making | None:
    """The layout of this run that is under way, if there is one."""
    return layouts.making_of(shown.owner, shown.dataset.id, shown.run.key)


def last_making(shown: Shown, algorithm: Algorithm, dims: int) -> Making | None:
    """The last one of that picture, under way or over."""
    return layouts.last_making(_key(shown, algorithm, dims))


def _key(shown: Shown, algorithm: Algorithm, dims: int) -> PictureKey:
    return PictureKey(shown.owner, shown.dataset.id, shown.run.key, algorithm, dims)
