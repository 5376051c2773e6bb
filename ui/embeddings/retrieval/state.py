"""What the retrieval check remembers of a dataset, for this tab."""

import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from services.embeddings.files import Query
from services.embeddings.numbers import RetrievalFigures
from services.errors import PlaygroundError
from ui.embeddings.tab_views import tab_view
from ui.embeddings.view import Shown


@dataclass
class Check:
    """One check: the queries as they were, and what came of them in each run."""

    queries: tuple[Query, ...]
    runs: tuple[str, ...]
    """Keys of those that are to be checked."""
    figures: dict[str, RetrievalFigures] = field(default_factory=dict)
    errors: dict[str, PlaygroundError] = field(default_factory=dict)
    stamps: dict[str, Hashable] = field(default_factory=dict)
    """Of the vectors that were checked."""
    _asking: set[str] = field(default_factory=set, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def left(self) -> list[str]:
        """Keys of the runs that were not asked yet."""
        return [key for key in self.runs if key not in self.figures and key not in self.errors]

    @property
    def asking(self) -> bool:
        """Whether a script is at it: this tab's, or another one's that shows the same check."""
        return bool(self._asking)

    @contextmanager
    def claim(self, key: str) -> Iterator[bool]:
        """Whether that run is left, and is this script's to ask: nobody else's until then."""
        with self._lock:
            mine = key in self.left and key not in self._asking
            self._asking |= {key} if mine else set()
        try:
            yield mine
        finally:
            if mine:  # also where a click elsewhere ends the script: the next one goes on
                self._asking.discard(key)


@dataclass
class RetrievalView:
    """Of one dataset."""

    typed: str = ""
    before: tuple[str, ...] = ()
    """What stood there before examples or a file took its place, the last one last."""
    puts: int = 0
    """How often something was put back: each button is good for one."""
    runs: tuple[str, ...] | None = None
    """Keys of the chosen runs; None for the first few."""
    clicks: int = 0
    """How often “Check” was clicked: each button is good for one."""
    uploads: int = 0
    trouble: PlaygroundError | None = None
    """Why the last file was not taken."""
    check: Check | None = None
    shown: str = ""
    """Which of the queries are listed."""


def view_of(shown: Shown) -> RetrievalView:
    """What this tab has chosen in that dataset."""
    return tab_view(RetrievalView, shown)
