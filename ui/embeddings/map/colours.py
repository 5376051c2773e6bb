"""What the points' colours say: classes for the drawing, with their legend or their scale."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.embeddings.records import Floats, Ints, Layout
from ui.components.embedding_map import PALETTE, UNKNOWN, LegendEntry, Scale
from ui.embeddings.map.numbers import MOST_NAMED, clusters_of, distortion_of
from ui.embeddings.map.state import ColourBy, MapOfRun
from ui.embeddings.view import Shown

MOST_CLASSES = len(PALETTE)
"""Colours that are told apart; what is beyond shares the last one."""
_LONGEST_NAME = 60

Classes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Colouring:
    """A colour for each text."""

    classes: Classes
    """(texts,): place in the legend, or on the scale; UNKNOWN where there is nothing to say."""
    names: tuple[str, ...] = ()
    """Of the classes, where they are groups."""
    rest: bool = False
    """Whether the last of them is what has no class of its own."""
    scale: Scale | None = None
    note: str = ""
    """What is to be said beside the map."""

    def legend(self, drawn: Ints) -> tuple[LegendEntry, ...]:
        """The groups, with how many of the drawn points each has."""
        counts = np.bincount(self.classes[drawn], minlength=256)
        last = len(self.names) - 1
        return tuple(
            LegendEntry(name, int(counts[place]), self.rest and place == last) for place, name in enumerate(self.names)
        )


def colouring(shown: Shown, state: MapOfRun, layout: Layout | None) -> Colouring:
    """The colours that were chosen; *layout* is None while the picture moves. Raises PlaygroundError."""
    by: dict[ColourBy, Callable[[], Colouring]] = {
        ColourBy.LABEL: lambda: _by_label(shown, state),
        ColourBy.CLUSTER: lambda: _by_cluster(shown, state),
        ColourBy.LENGTH: lambda: _by_length(shown),
        ColourBy.DISTORTION: lambda: _by_distortion(shown, layout),
        ColourBy.SCORE: lambda: _by_score(shown, state),
        ColourBy.NOTHING: lambda: _plain(shown, ""),
    }
    return by[state.colour]()


def by_groups(groups: Sequence[str], known: Sequence[str] = ()) -> Colouring:
    """The largest groups each with a class of its own, the others with one together.

    “” is no group: UNKNOWN. Groups that are *known* come first, in their order.
    """
    ranked = ranked_groups(groups, known)
    own = ranked if len(ranked) <= MOST_CLASSES else ranked[: MOST_CLASSES - 1]
    places = {name: place for place, name in enumerate(own)} | {"": UNKNOWN}
    found = np.fromiter((places.get(name, len(own)) for name in groups), np.uint8, len(groups))
    others = len(ranked) - len(own)
    names = (*map(_short, own), *((f"{others:,} other labels",) if others else ()))
    return Colouring(found, names, rest=others > 0)


def ranked_groups(groups: Sequence[str], known: Sequence[str] = ()) -> list[str]:
    """The groups by their size, the largest first; but the *known* before the others, in their order."""
    counts = Counter(groups)
    counts.pop("", None)
    places = {name: place for place, name in enumerate(known)}
    return sorted({*counts, *known}, key=lambda name: (places.get(name, len(places)), -counts[name], name))


def _by_label(shown: Shown, state: MapOfRun) -> Colouring:
    labels = shown.texts.labels or ()
    if not any(labels):
        return _plain(shown, "These texts have no labels: lasso some and label them, or colour by cluster.")
    known = [name for name in state.label_order if name in set(labels)] if _overfull(state) else state.label_order
    state.label_order = tuple(ranked_groups(labels, known)[:MOST_CLASSES])
    return by_groups(labels, known)


def _overfull(state: MapOfRun) -> bool:
    """Whether no colour is left for another label: those that nothing has any more give theirs back."""
    return len(state.label_order) >= MOST_CLASSES


def _by_cluster(shown: Shown, state: MapOfRun) -> Colouring:
    named = clusters_of(shown, state.clusters)
    if not named.names:
        return _plain(shown, "There are too few usable vectors for clusters.")
    found, count = named.clusters.labels, len(named.names)
    own = count if count <= MOST_CLASSES else MOST_CLASSES - 1
    classes = np.where(found < 0, UNKNOWN, np.minimum(found, own)).astype(np.uint8)
    names = (*map(_short, named.names[:own]), *((f"{count - own:,} smaller clusters",) if count > own else ()))
    part = f"Named by {MOST_NAMED:,} texts, chosen at random." if len(shown.texts) > MOST_NAMED else ""
    return Colouring(classes, names, rest=count > own, note=part)


def _by_length(shown: Shown) -> Colouring:
    lengths = np.fromiter(map(len, shown.texts.texts), np.float32, len(shown.texts))
    scale = _scale(lengths, "Characters", upper=99)
    beyond = int((lengths > scale.high).sum())
    note = f"{beyond:,} longer than {scale.high:,.0f} characters have the colour of its end." if beyond else ""
    return Colouring(scale.classes(lengths), scale=scale, note=note)


def _by_distortion(shown: Shown, layout: Layout | None) -> Colouring:
    if layout is None:
        return _plain(shown, "It is measured when the layout is done.")
    values, scale = distortion_of(shown, layout), Scale(0.0, 1.0, "Strangers among those near it here")
    note = "0: the points around it are its true neighbours. 1: none of them is."
    if (np.isnan(values) & shown.usable()).any():
        note += " The grey ones were not measured."
    return Colouring(scale.classes(values), scale=scale, note=note)


def _by_score(shown: Shown, state: MapOfRun) -> Colouring:
    if state.query is None:
        return _plain(shown, "Write a text into the search and choose “Nearest in meaning” to colour by it.")
    scale = _scale(state.query.scores, "Similarity to the query", upper=100)
    return Colouring(scale.classes(state.query.scores), scale=scale)


def _plain(shown: Shown, note: str) -> Colouring:
    return Colouring(np.zeros(len(shown.texts), np.uint8), note=note)


def _scale(values: Floats, title: str, *, upper: float) -> Scale:
    """From the lowest value up to that percentile: single far values must not take the colours from all others."""
    finite = values[np.isfinite(values)]
    low, high = (float(one) for one in np.percentile(finite, [0, upper])) if len(finite) else (0.0, 1.0)
    return Scale(low, high, title)


def _short(name: str) -> str:
    line = " ".join(name.split())
    return line if len(line) <= _LONGEST_NAME else f"{line[:_LONGEST_NAME]}…"
