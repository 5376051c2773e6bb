"""Layouts under way in this process: begun once, found again by any tab of their owner, kept in the store when done."""

import threading
import time
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from services.background import in_background
from services.embeddings.datasets import embedding_store
from services.embeddings.layouts import LayoutJob, begin_layout
from services.embeddings.records import Algorithm, Layout
from services.errors import PlaygroundError
from ui.embeddings.view import Shown

MOST = 50
LOOK_SECONDS = 0.25
"""How often the keeper looks whether a job is over; pages look for themselves."""


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


class _UnderWay:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: OrderedDict[PictureKey, Making] = OrderedDict()

    def begin(self, shown: Shown, key: PictureKey) -> Making:
        with self._lock:
            before = self._made.get(key)
            if before is not None and not before.over:
                return before
            path = embedding_store().vectors_path(key.owner, key.dataset, key.run)
            count, dimensions = shown.vectors.shape
            job = begin_layout(path, count, dimensions, key.algorithm, key.dims)
            making = Making(key, job, in_background(lambda: _keep(key, path, job), f"keep the {key.algorithm} layout"))
            self._made[key] = making
            self._forget_old()
            return making

    def of(self, key: PictureKey) -> Making | None:
        with self._lock:
            return self._made.get(key)

    def running(self, owner: str, dataset: str, run: str) -> Making | None:
        with self._lock:
            found = [
                one for key, one in self._made.items() if (key.owner, key.dataset, key.run) == (owner, dataset, run)
            ]
        return next((one for one in reversed(found) if not one.over), None)

    def forget(self, key: PictureKey) -> None:
        with self._lock:
            if key in self._made and self._made[key].over:
                del self._made[key]

    def _forget_old(self) -> None:
        for key in [key for key, one in self._made.items() if one.over][: max(0, len(self._made) - MOST)]:
            del self._made[key]


_under_way = _UnderWay()


def picture_key(shown: Shown, algorithm: Algorithm, dims: int) -> PictureKey:
    """Which picture that is."""
    return PictureKey(shown.owner, shown.dataset.id, shown.run.key, algorithm, dims)


def begin_making(shown: Shown, algorithm: Algorithm, dims: int) -> Making:
    """Begin that layout; one under way is returned, not doubled. Raises PlaygroundError."""
    return _under_way.begin(shown, picture_key(shown, algorithm, dims))


def making_of(shown: Shown) -> Making | None:
    """The layout of this run that is under way, if there is one."""
    return _under_way.running(shown.owner, shown.dataset.id, shown.run.key)


def last_making(shown: Shown, algorithm: Algorithm, dims: int) -> Making | None:
    """The last one of that picture, under way or over, unless it was forgotten."""
    return _under_way.of(picture_key(shown, algorithm, dims))


def forget_making(making: Making) -> None:
    """What came of it was seen."""
    _under_way.forget(making.key)


def _keep(key: PictureKey, path: Path, job: LayoutJob) -> None:
    """Whoever began it may have left the page: the layout is kept all the same. Raises StateTrouble."""
    while job.running:
        time.sleep(LOOK_SECONDS)
    if job.layout is not None:
        embedding_store().put_layout(key.owner, key.dataset, key.run, job.layout, made_of=path)
