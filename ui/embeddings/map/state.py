"""What a tab remembers of a run's map: how it is drawn, what was clicked, lassoed, searched, left out."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from services.embeddings.records import Algorithm, Floats, Ints
from services.errors import PlaygroundError
from ui.embeddings.view import Shown
from ui.session import remembered

MOST_MAPS = 4
MOST_UNDO = 5
MOST_STEPS = 20
"""Ways back from narrowing."""
MOST_DRAWN = 100_000
"""Points on the map unless more are asked for."""

Mask = npt.NDArray[np.bool_]


class ColourBy(StrEnum):
    """What a point's colour says."""

    LABEL = "Label"
    CLUSTER = "Cluster"
    LENGTH = "Length of the text"
    DISTORTION = "Distortion here"
    SCORE = "Nearness to a query"
    NOTHING = "Nothing"

    @property
    def spelled(self) -> str:
        """As one chooses it."""
        return "One colour" if self is ColourBy.NOTHING else f"Colour by {self[0].lower()}{self[1:]}"


class Origin(StrEnum):
    """How texts were chosen."""

    LASSO = "lasso"
    TABLE = "table"
    CLICK = "click"
    SEARCH = "search"


@dataclass(frozen=True)
class Query:
    """A text that the others were compared with."""

    text: str
    scores: Floats
    """(texts,): cosine similarity; NaN without a usable vector."""


@dataclass(frozen=True)
class Selection:
    """Texts that were chosen together."""

    indices: Ints
    origin: Origin
    dims: int
    """Of the picture on which it was made."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """What stood on the map when it was drawn last: what a click or a lasso is about."""

    coordinates: Floats
    """(texts, 2 or 3)"""
    indices: Ints
    """Of the texts, in the order of the points that the browser has."""
    visible: Mask
    """(texts,): those that are neither left out nor without a place; drawn or, of very many, not."""


@dataclass
class MapOfRun:
    """One run's map."""

    algorithm: Algorithm
    dims: int
    colour: ColourBy
    chosen: dict[int, Algorithm] = field(default_factory=dict)
    """By dimensions, the layout that was shown last: the way back finds it."""
    missing: Algorithm | None = None
    """What is wanted and not made, so that PCA is shown in its place."""
    colour_before: ColourBy | None = None
    """Before a query gave the colours."""
    label_order: tuple[str, ...] = ()
    """Labels by the places of their colours: another label takes nobody's."""
    clusters: int | None = None
    """How many; None: as many as the vectors suggest."""
    most_drawn: int = MOST_DRAWN
    words: str = ""
    """Searched for; those that hold it are ringed."""
    asks: str = ""
    """The text whose vector is being asked for, to compare the others with it; empty for none."""
    query: Query | None = None
    picked: int | None = None
    k: int = 10
    """True neighbours of what was clicked."""
    selection: Selection | None = None
    chosen_by: tuple[Origin, ...] = (Origin.CLICK, Origin.LASSO, Origin.SEARCH)
    """What stands beside the map, the newest first."""
    chosen_elsewhere: int = 0
    """Counts selections that the table did not make: its own marks are over then."""
    let_go: int = 0
    """Counts the ends of selections, and those that the lasso did not make: what it holds is over then."""
    kept_only: list[Mask] = field(default_factory=list)
    """What is left on the map, step by step; empty: everything."""
    drawn: Drawn | None = None
    past_labels: list[Mapping[int, str]] = field(default_factory=list)
    """What each change that was made here has changed, as it was before; the last one last."""
    trouble: PlaygroundError | None = None
    """Why the search asked for nothing."""
    failed: PlaygroundError | None = None
    """Why a layout was not begun."""
    labelling: PlaygroundError | None = None
    """Why the labels stayed as they were."""
    told: str = ""
    """What the last labelling did."""
    labellings: int = 0
    """Counts them: the field for the next is empty."""

    def pick(self, index: int | None) -> None:
        """Let that text be the one in focus, or none."""
        self.picked = index
        self._is_newest(Origin.CLICK)
        self.labelling, self.told = None, ""

    def select(self, indices: Ints | None, origin: Origin = Origin.LASSO) -> None:
        """Let these be the selection; none for nothing."""
        self.selection = None if indices is None or not len(indices) else Selection(indices, origin, self.dims)
        self._is_newest(Origin.LASSO)
        self.chosen_elsewhere += origin is not Origin.TABLE
        self.let_go += self.selection is None or origin is not Origin.LASSO
        self.labelling, self.told = None, ""

    def leave(self, mask: Mask) -> None:
        """Show only these from now on."""
        self.kept_only.append(mask)
        del self.kept_only[:-MOST_STEPS]
        self.select(None)
        if self.picked is not None and not mask[self.picked]:
            self.picked = None

    def step_back(self) -> None:
        """Show what was shown before the last narrowing."""
        del self.kept_only[-1:]

    def show_all(self) -> None:
        """Show everything again."""
        self.kept_only.clear()

    def turn(self, dims: int) -> None:
        """Show it in so many dimensions, in the layout that was shown there last."""
        self.chosen[self.dims] = self.missing or self.algorithm
        self.dims, self.algorithm, self.missing = dims, self.chosen.get(dims, self.chosen[self.dims]), None

    def ask(self, query: Query) -> None:
        """Colour by it."""
        if self.colour is not ColourBy.SCORE:
            self.colour_before = self.colour
        self.query, self.colour = query, ColourBy.SCORE
        self._is_newest(Origin.SEARCH)

    def seek(self, words: str) -> None:
        """Let texts with these words stand out."""
        self.words = words
        self._is_newest(Origin.SEARCH)

    def _is_newest(self, origin: Origin) -> None:
        self.chosen_by = (origin, *(one for one in self.chosen_by if one is not origin))

    def forget_query(self) -> None:
        """Have the colours that were there before, and wait for no other query."""
        if self.colour is ColourBy.SCORE:
            self.colour = self.colour_before or ColourBy.NOTHING
        self.query, self.asks = None, ""

    @property
    def sought(self) -> str:
        """The words that texts are to hold; none where they were asked for in meaning."""
        words = self.words.strip()
        return "" if self.query is not None and self.query.text == words else words

    def note_labels(self, before: Mapping[int, str]) -> None:
        """Remember labels as they were, for a way back."""
        self.past_labels.append(before)
        del self.past_labels[:-MOST_UNDO]

    def shown_of(self, count: int) -> Mask:
        """(count,): what is left on the map."""
        return self.kept_only[-1] if self.kept_only else np.ones(count, dtype=np.bool_)


@dataclass
class _Maps:
    by_run: "OrderedDict[tuple[str, str, str], MapOfRun]" = field(default_factory=OrderedDict)


def known_map(shown: Shown) -> MapOfRun | None:
    """This tab's map of that run, where it drew one."""
    return remembered(_Maps).by_run.get(_key(shown))


def new_map(shown: Shown, algorithm: Algorithm, dims: int) -> MapOfRun:
    """Begin this tab's map of that run."""
    maps = remembered(_Maps).by_run
    labelled = bool(shown.texts.labels) and any(shown.texts.labels or ())
    maps[_key(shown)] = MapOfRun(algorithm, dims, ColourBy.LABEL if labelled else ColourBy.NOTHING)
    while len(maps) > MOST_MAPS:
        maps.popitem(last=False)
    return maps[_key(shown)]


def _key(shown: Shown) -> tuple[str, str, str]:
    return shown.owner, shown.dataset.id, shown.run.key
