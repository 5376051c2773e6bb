"""What the retrieval check remembers of a dataset, for this browser."""

from collections.abc import Hashable
from dataclasses import dataclass, field

from services.embeddings.numbers import Query, RetrievalFigures
from services.errors import PlaygroundError
from ui.embeddings.bounded import Bounded
from ui.embeddings.view import Shown
from ui.session import kept

KEPT_DATASETS = 8


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

    @property
    def left(self) -> list[str]:
        """Keys of the runs that were not asked yet."""
        return [key for key in self.runs if key not in self.figures and key not in self.errors]


@dataclass
class RetrievalView:
    """Of one dataset."""

    typed: str = ""
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


@dataclass
class _Views:
    by_dataset: Bounded[RetrievalView] = field(default_factory=lambda: Bounded(KEPT_DATASETS))


def view_of(shown: Shown) -> RetrievalView:
    """What is remembered of that dataset."""
    return kept(_Views).by_dataset.get((shown.owner, shown.dataset.id), RetrievalView)
