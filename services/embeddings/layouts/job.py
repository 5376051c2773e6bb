"""One layout under way, or over. Read by pages, written by the thread that talks with the worker."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.embeddings.layouts.arranging import Stage
from services.embeddings.layouts.pace import Expected, left
from services.embeddings.records import Algorithm, Floats, Layout
from services.errors import PlaygroundError


@dataclass(frozen=True)
class Order:
    """What is to be laid out, and how."""

    vectors: Path
    count: int
    dimensions: int
    algorithm: Algorithm
    dims: int
    seed: int
    owner: str = ""
    """Who asked for it."""


class LayoutJob:
    """Begun by ``begin_layout``."""

    def __init__(self, order: Order, changed: Callable[[], None]) -> None:
        """*changed* is called when it was cancelled."""
        self.order = order
        self.running = True
        """Whether something may still come of it; so also while it waits."""
        self.cancelled = False
        self.frame: tuple[int, Floats] | None = None
        """The newest coordinates (texts, dims) and their number, from 1; the first ones are the PCA it begins with."""
        self.layout: Layout | None = None
        self.error: PlaygroundError | None = None
        self._changed = changed
        self._lock = threading.Lock()
        self._ends = threading.Event()
        self._expected: Expected | None = None
        self._began: float | None = None
        self._ended: float | None = None
        self._stage = Stage.STARTING
        self._done = 0.0
        self._stage_began = 0.0
        self.started_work = 0.0
        """When its own work began, its libraries being there; of time.monotonic(). 0 before that."""
        self._share = 0.0

    @property
    def waiting(self) -> bool:
        """Whether others are before it."""
        return self.running and self._began is None

    @property
    def stage(self) -> Stage:
        """What it is at, once it waits no more."""
        return self._stage

    @property
    def seconds(self) -> float:
        """Since its turn came, or that it took; 0 while it waits."""
        if self._began is None:
            return 0.0
        return (self._ended or time.monotonic()) - self._began

    @property
    def left_seconds(self) -> float | None:
        """Until its end, by its own pace as soon as it has one; None while it waits."""
        if not self.running:
            return 0.0
        if self._expected is None:
            return None
        return left(self._expected, self._stage, self._done, time.monotonic() - self._stage_began)

    @property
    def share(self) -> float:
        """How much of its time is over, 0 to 1; never less than it has said before."""
        rest, spent = self.left_seconds, self.seconds
        if rest is not None and rest + spent > 0:
            self._share = max(self._share, spent / (spent + rest))
        return self._share

    def wait(self) -> None:
        """Until nothing more will come of it."""
        self._ends.wait()

    def cancel(self) -> None:
        """End it now; without effect when it is over. The worker is free within a second."""
        with self._lock:
            if self.running:
                self.cancelled = True
                self._over()
        self._changed()

    def begins(self, expected: Expected) -> None:
        """Its turn has come."""
        self._expected = expected
        self._began = self._stage_began = time.monotonic()

    def goes_on(self, stage: Stage, done: float, frame: Floats | None) -> None:
        """What the worker says of it: *done* is the share of that stage."""
        if stage is not self._stage:
            if not self.started_work and stage in (Stage.NEIGHBOURS, Stage.ARRANGING):
                self.started_work = time.monotonic()
            self._stage, self._stage_began = stage, time.monotonic()
        self._done = done
        if frame is not None and self.running:
            self.frame = ((self.frame[0] if self.frame else 0) + 1, frame)

    def succeeds(self, coordinates: Floats, parameters: Mapping[str, Any]) -> None:
        """It is whole. Without effect on one that was cancelled."""
        with self._lock:
            if self.running:
                said = {**parameters, "seconds": round(self.seconds, 2)}
                self.layout = Layout(coordinates, self.order.algorithm, said)
                self.frame = ((self.frame[0] if self.frame else 0) + 1, coordinates)
                self._over()

    def fails(self, error: PlaygroundError) -> None:
        """There will be none. Without effect on one that is over."""
        with self._lock:
            if self.running:
                self.error = error
                self._over()

    def _over(self) -> None:
        self._ended = time.monotonic()
        self.running = False  # last: readers take no lock, and look at it first
        self._ends.set()
