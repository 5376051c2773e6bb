"""What is drawn of a picture: which points, in which colours, what is ringed, which lines."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.embeddings.numbers import sample
from services.embeddings.records import Floats, Ints
from ui.components.embedding_map import HIDDEN, MapPoints, MapSeen, embedding_map
from ui.embeddings.finding import texts_with
from ui.embeddings.map.colours import Colouring
from ui.embeddings.map.numbers import neighbours_of
from ui.embeddings.map.state import Drawn, MapOfRun, Origin
from ui.embeddings.numbers import computed
from ui.embeddings.view import Shown

MOST_TEXTS = 2_000
"""The browser gets a text for each point up to so many; of more, those of the points that are spoken of."""
HEIGHT = 640
"""Pixels at most: where the window is low, the map is about half of it."""
_LONGEST_NOTE = 200


@dataclass(frozen=True)
class Emphasis:
    """Which points stand out, as texts."""

    ringed: Ints
    lines: tuple[tuple[int, int], ...]
    dimmed: bool


def what_is_drawn(shown: Shown, state: MapOfRun, coordinates: Floats) -> Drawn:
    """Every point that has a place and is not left out; of very many, a random part in which each label has its share.

    Up to that many, points that are left out are hidden only: the browser has them already.
    """
    visible = state.shown_of(len(shown.texts)) & np.isfinite(coordinates).all(axis=1)
    if len(shown.texts) <= state.most_drawn:
        return Drawn(coordinates, np.arange(len(shown.texts)), visible)
    indices = np.flatnonzero(visible)
    if len(indices) > state.most_drawn:
        indices = indices[_part(shown, state, indices)]
    return Drawn(coordinates, indices, visible)


def _part(shown: Shown, state: MapOfRun, indices: Ints) -> Ints:
    """Chosen once: a click, or another label, does not change which points are drawn."""
    of = ("drawn", shown.dataset.id, shown.run.key, state.most_drawn, hash(indices.tobytes()))

    def work() -> Ints:
        labels = shown.texts.labels
        strata = [labels[at] for at in indices] if labels else None
        return sample(len(indices), state.most_drawn, strata=strata)

    return computed(of, "", work)


def draw_picture(
    shown: Shown, state: MapOfRun, coordinates: Floats, colours: Colouring, caption: str, key: str
) -> None:
    """Draw the map. What is done with it is in *state* before the next run begins."""
    state.drawn = drawn = what_is_drawn(shown, state, coordinates)
    seen = drawn.visible[drawn.indices]
    classes = np.where(seen, colours.classes[drawn.indices], HIDDEN).astype(np.uint8)
    places = np.full(len(shown.texts), -1)
    places[drawn.indices[seen]] = np.flatnonzero(seen)
    stands_out = _emphasis(shown, state)
    count = int(drawn.visible.sum())
    caption += f", {count:,} of {len(shown.texts):,} texts" if state.kept_only else ""
    embedding_map(
        MapPoints(coordinates[drawn.indices], classes, _texts(shown, drawn)),
        key=key,
        label=f"Map of {int(seen.sum()):,} texts. {caption}",
        legend=colours.legend(drawn.indices[seen]),
        scale=colours.scale,
        marked=[int(at) for at in places[stands_out.ringed] if at >= 0],
        lines=[(int(places[a]), int(places[b])) for a, b in stands_out.lines if min(places[a], places[b]) >= 0],
        dimmed=stands_out.dimmed,
        focus=_place(places, state.picked),
        notes=_notes(shown, state, stands_out, places),
        caption=caption,
        height=HEIGHT,
        let_go=state.let_go,
        on_pick=lambda found: _pick(state, found),
        on_select=lambda found: _select(state, found),
    )


def _emphasis(shown: Shown, state: MapOfRun) -> Emphasis:
    """What was searched for; else what was selected; else the neighbours of what was clicked.

    A lasso that was drawn on this very map stands out there by itself.
    """
    nobody = np.zeros(0, dtype=np.int64)
    near = neighbours_of(shown, state.picked, state.k)[0] if state.picked is not None else nobody
    lines = tuple((state.picked, int(at)) for at in near if at >= 0) if state.picked is not None else ()
    if state.sought:
        return Emphasis(texts_with(shown, state.sought), lines, dimmed=True)
    chosen = state.selection
    if chosen is not None and (chosen.origin is not Origin.LASSO or chosen.dims != state.dims):
        return Emphasis(chosen.indices, lines, dimmed=True)
    return Emphasis(near[near >= 0], lines, dimmed=False)


def _texts(shown: Shown, drawn: Drawn) -> Sequence[str] | None:
    return [shown.texts.texts[at] for at in drawn.indices] if len(drawn.indices) <= MOST_TEXTS else None


def _notes(shown: Shown, state: MapOfRun, stands_out: Emphasis, places: Ints) -> dict[int, str]:
    """Texts of the points that are spoken of, where the browser has not all of them."""
    spoken_of = [*([state.picked] if state.picked is not None else []), *(b for _, b in stands_out.lines)]
    few = len(places) <= MOST_TEXTS
    return (
        {} if few else {int(places[at]): shown.texts.texts[at][:_LONGEST_NOTE] for at in spoken_of if places[at] >= 0}
    )


def _place(places: Ints, index: int | None) -> int | None:
    return int(places[index]) if index is not None and places[index] >= 0 else None


def _pick(state: MapOfRun, found: MapSeen) -> None:
    on_map = state.drawn
    known = on_map is not None and found.picked is not None and found.picked < len(on_map.indices)
    state.pick(int(on_map.indices[found.picked]) if known and on_map and found.picked is not None else None)


def _select(state: MapOfRun, found: MapSeen) -> None:
    """A lasso holds every text that has its place in it: of very many, also those that are not drawn."""
    if state.drawn is None:
        return
    inside = found.within(state.drawn.coordinates)
    state.select(inside[state.drawn.visible[inside]])
