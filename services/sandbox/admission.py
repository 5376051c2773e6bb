"""Who may run a transform now: so many at once, so many of one user's, and among those who wait each user in turn."""

import contextlib
import threading
from collections import Counter, deque
from collections.abc import Iterator


class Admission:
    """A number of places. Its methods may be called from any thread."""

    def __init__(self, places: int, *, of_one_user: int, patience_seconds: float) -> None:
        self._free = places
        self._of_one_user = of_one_user
        self._patience = patience_seconds
        self._lock = threading.Lock()
        self._running: Counter[str] = Counter()
        self._waiting: dict[str, deque[threading.Event]] = {}
        """By user, in the order in which their turn comes."""

    @contextlib.contextmanager
    def place(self, user: str) -> Iterator[bool]:
        """True with a place, as long as the block lasts; False where none became free in time."""
        admitted = self._enter(user)
        try:
            yield admitted
        finally:
            if admitted:
                self._leave(user)

    def _enter(self, user: str) -> bool:
        turn = threading.Event()
        with self._lock:
            self._waiting.setdefault(user, deque()).append(turn)
            self._admit()
        if turn.wait(self._patience):
            return True
        with self._lock:
            if turn.is_set():  # between the end of the patience and here
                return True
            self._waiting[user].remove(turn)
            if not self._waiting[user]:
                del self._waiting[user]
            return False

    def _leave(self, user: str) -> None:
        with self._lock:
            self._free += 1
            self._running[user] -= 1
            if not self._running[user]:
                del self._running[user]
            self._admit()

    def _admit(self) -> None:
        """Give the free places to those whose turn it is."""
        for user in list(self._waiting) * self._of_one_user:
            if self._free and user in self._waiting and self._running[user] < self._of_one_user:
                turns = self._waiting.pop(user)
                self._free -= 1
                self._running[user] += 1
                turns.popleft().set()
                if turns:
                    self._waiting[user] = turns  # behind the others
