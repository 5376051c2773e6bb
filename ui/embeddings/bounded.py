"""A memory for results that are dear to make, which keeps the last few."""

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

import numpy as np

Kept = TypeVar("Kept")
_SMALL = 64
"""Bytes, about, of whatever has no size of its own."""


class Bounded(Generic[Kept]):
    """The last *most* things that were asked for, by what they were made of; and of *most_bytes* together, where that is given.

    What alone is larger than that is made, and not kept.
    """

    def __init__(self, most: int, most_bytes: int | None = None) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[Hashable, tuple[Kept, int]] = OrderedDict()
        self._lock = threading.Lock()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._kept

    def get(self, key: Hashable, make: Callable[[], Kept]) -> Kept:
        """That thing; made at its first use, and again once it was forgotten. What *make* raises is not kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
        made = make()  # outside the lock: it may take long, and other tabs want theirs
        size = 0 if self._most_bytes is None else size_of(made)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = (made, size)
                self._bytes += size
            self._kept.move_to_end(key)
            found = self._kept[key][0]
            while len(self._kept) > self._most or (self._most_bytes is not None and self._bytes > self._most_bytes):
                self._drop(next(iter(self._kept)))
            return found

    def put(self, key: Hashable, one: Kept) -> None:
        """Have *one* there from now on, in the place of what was."""
        with self._lock:
            if key in self._kept:
                self._drop(key)
        self.get(key, lambda: one)

    def forget(self, those: Callable[[Kept], bool]) -> None:
        """Let go of *those*."""
        with self._lock:
            for key in [key for key, (one, _) in self._kept.items() if those(one)]:
                self._drop(key)

    def _drop(self, key: Hashable) -> None:
        self._bytes -= self._kept.pop(key)[1]


def size_of(thing: object) -> int:
    """Bytes that it takes in memory, about: arrays and texts, however deep in records, tuples and dictionaries."""
    if isinstance(thing, np.ndarray):
        return int(thing.nbytes) + _SMALL
    if isinstance(thing, str):
        return len(thing) + _SMALL
    if dataclasses.is_dataclass(thing):
        return sum(size_of(getattr(thing, field.name)) for field in dataclasses.fields(thing)) + _SMALL
    if isinstance(thing, Mapping):
        return sum(size_of(key) + size_of(one) for key, one in thing.items()) + _SMALL
    if isinstance(thing, tuple | list | set | frozenset):
        return sum(map(size_of, thing)) + _SMALL
    return _SMALL
