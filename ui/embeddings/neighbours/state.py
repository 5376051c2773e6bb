"""What the neighbours view remembers of a dataset, for this tab."""

from dataclasses import dataclass, field
from enum import StrEnum

from services.embeddings.records import Floats
from services.errors import PlaygroundError
from ui.embeddings.tab_views import tab_view
from ui.embeddings.view import Shown


class Part(StrEnum):
    """What can be looked at."""

    NEAREST = "Nearest texts"
    MATRIX = "Similarity matrix"
    DUPLICATES = "Near-duplicates"
    OUTLIERS = "Outliers"


class Subject(StrEnum):
    """Whose neighbours are looked for."""

    TEXT = "A text of the dataset"
    QUERY = "A new query"


class Choice(StrEnum):
    """Which texts the matrix is of."""

    NEAREST = "A text and its nearest"
    FOUND = "Texts with a word"
    LABEL = "A label"
    SELECTION = "The selection on the map"
    RANDOM = "Drawn at random"


@dataclass
class Asked:
    """One query, and what came of it in each run: it is sent once to each, whatever is drawn again."""

    text: str
    vectors: dict[str, Floats] = field(default_factory=dict)
    """(1, dimensions), by the run's key."""
    errors: dict[str, PlaygroundError] = field(default_factory=dict)


@dataclass
class NeighboursView:
    """Of one dataset."""

    part: Part = Part.NEAREST
    subject: Subject = Subject.TEXT
    search: str = ""
    chosen: int | None = None
    """Place of the text, from 0; None for the first one with a vector."""
    typed: str = ""
    asked: Asked | None = None
    many: int = 10
    beside: tuple[str, ...] | None = None
    """Keys of the runs that are shown beside; None for the first few."""
    least: float = 0.95
    choice: Choice = Choice.NEAREST
    word: str = ""
    label: str | None = None
    matrix_many: int = 30


def view_of(shown: Shown) -> NeighboursView:
    """What this tab has chosen in that dataset."""
    return tab_view(NeighboursView, shown)
