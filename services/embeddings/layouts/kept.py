"""Layouts under way in this process: begun once, found again by any tab of their owner, kept in the store when done."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from services.background import in_background
from services.embeddings.datasets import embedding_store
from services.embeddings.layouts.job import LayoutJob
from services.embeddings.records import Algorithm, Layout
from services.errors import PlaygroundError

MOST = 50
"""Of those that are over."""


@dataclass(frozen=True)
class PictureKey:
    """Which picture of which vectors."""

    owner: str
    dataset: str
    run: str
    algorithm: Algorithm
    dims: int


@dataclass(frozen=True, eq=False)
class Making:
    """One layout under way, or over."""

    key: PictureKey
    job: LayoutJob
    kept: "Future[None]"
    """Done as soon as the layout is in the store, or there will be none."""

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.kept.done()

    @property
    def layout(self) -> Layout | None:
        """What came of it."""
        return self.job.layout

    @property
    def error(self) -> PlaygroundError | None:
        """Why it failed, or could not be kept."""
        if self.job.error is not None:
            return self.job.error
        failure = self.kept.exception() if self.kept.done() else None
        if failure is None or isinstance(failure, PlaygroundError):
            return failure
        raise failure  # a bug stays loud


class Makings:
    """Those of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: OrderedDict[PictureKey, Making] = OrderedDict()

    def begin(self, key: PictureKey, lay_out: Callable[[Path], LayoutJob]) -> Making:
        """Begin that picture, by *lay_out* of its vectors' file; the one under way where there is one. Raises PlaygroundError."""
        with self._lock:
            before = self._made.get(key)
            if before is not None and not before.over:
                return before
            path = embedding_store().vectors_path(key.owner, key.dataset, key.run)
            job = lay_out(path)
            making = Making(key, job, in_background(lambda: _keep(key, path, job), f"keep the {key.algorithm} layout"))
            self._made[key] = making
            self._made.move_to_end(key)
            self._forget_old()
            return making

    def of(self, key: PictureKey) -> Making | None:
        """The last one of that picture, under way or over."""
        with self._lock:
            return self._made.get(key)

    def running(self, owner: str, dataset: str, run: str) -> Making | None:
        """The one begun last of those vectors, as long as it is under way."""
        return next(iter(reversed(self._under_way(owner, dataset, run))), None)

    def forget(self, key: PictureKey) -> None:
        """What came of it was seen. One that is under way stays."""
        with self._lock:
            if key in self._made and self._made[key].over:
                del self._made[key]

    def cancel(self, owner: str, dataset: str, run: str | None) -> None:
        """End what is under way of those vectors, or of all of the dataset's, since they are to be deleted."""
        for making in self._under_way(owner, dataset, run):
            making.job.cancel()

    def _under_way(self, owner: str, dataset: str, run: str | None) -> list[Making]:
        with self._lock:
            return [
                one
                for key, one in self._made.items()
                if (key.owner, key.dataset) == (owner, dataset) and run in (None, key.run) and not one.over
            ]

    def _forget_old(self) -> None:
        over = [key for key, one in self._made.items() if one.over]
        for key in over[: max(0, len(over) - MOST)]:
            del self._made[key]


def _keep(key: PictureKey, path: Path, job: LayoutJob) -> None:
    """Whoever began it may have left the page: the layout is kept all the same. Raises StateTrouble."""
    job.wait()
    if job.layout is not None:
        embedding_store().put_layout(key.owner, key.dataset, key.run, job.layout, made_of=path)
