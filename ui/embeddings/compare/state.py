"""What the comparison remembers of a dataset, for this tab."""

from collections.abc import Hashable
from dataclasses import dataclass

from services.embeddings.records import Algorithm, Ints
from ui.embeddings.numbers import stamp
from ui.embeddings.tab_views import tab_view
from ui.embeddings.view import Shown


@dataclass(frozen=True, eq=False)
class Pair:
    """Two runs of the same texts, and what they are called."""

    a: Shown
    b: Shown
    a_name: str
    b_name: str

    @property
    def stamp(self) -> tuple[Hashable, ...]:
        """Stands for both runs' vectors."""
        return stamp(self.a.owner, self.a.run), stamp(self.b.owner, self.b.run)


@dataclass
class CompareView:
    """Of one dataset."""

    other: str = ""
    """The key of the run that the shown one is compared with."""
    k: int = 10
    algorithm: Algorithm = Algorithm.PCA
    picked: int | None = None
    """The text in focus, on both maps and below."""
    selected: Ints | None = None
    """Those inside the last lasso, on whichever map it was drawn."""


def view_of(shown: Shown) -> CompareView:
    """What this tab has chosen in that dataset."""
    return tab_view(CompareView, shown)
