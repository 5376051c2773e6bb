"""Both runs as maps, one turned onto the other; a click or a lasso on either shows the same texts on both."""

import numpy as np
import numpy.typing as npt
import streamlit as st

from services.embeddings.numbers import align, sample
from services.embeddings.records import Algorithm, Floats, Ints, Layout
from ui.components.embedding_map import LegendEntry, MapPoints, MapSeen, embedding_map
from ui.embeddings.compare.state import CompareView, Pair
from ui.embeddings.map.colours import by_groups
from ui.embeddings.map.numbers import faithfulness_of, made_layout
from ui.embeddings.map.words import spell_overlap
from ui.embeddings.numbers import computed, layout_stamp
from ui.embeddings.tables import draw_table
from ui.embeddings.view import Shown
from ui.foreign_text import literal
from ui.session import entered, mirror

MOST_DRAWN = 50_000
"""Points on each of the two maps."""
MOST_TEXTS = 2_000
"""The browser gets a text for each point up to so many."""
HEIGHT = 420
_KEY = "embeddings.compare"

Colours = tuple[npt.NDArray[np.uint8], tuple[LegendEntry, ...]]


def draw_maps(pair: Pair, view: CompareView) -> None:
    """Draw both, and what is selected on them. Raises StateTrouble."""
    st.header("The same texts on both maps", anchor=False)
    both = _both(pair)
    view.algorithm = view.algorithm if view.algorithm in both else Algorithm.PCA
    if len(both) > 1:
        st.segmented_control(
            "Layout",
            list(both),
            key=mirror(f"{_KEY}.layout", view.algorithm),
            required=True,
            on_change=_choose_layout,
            args=(view,),
        )
    a, b = both[view.algorithm]
    coordinates = computed(
        ("aligned", *pair.stamp, layout_stamp(a), layout_stamp(b)),
        "Turning one map onto the other",
        lambda: align(a.coordinates, b.coordinates),
    )
    drawn = _drawn(pair)
    colours = _colours(pair, drawn)
    left, right = st.columns(2, gap="small")
    with left:
        _draw_map(pair.a, pair.a_name, a, a.coordinates, drawn, colours, view, "a")
    with right:
        _draw_map(pair.b, pair.b_name, b, coordinates, drawn, colours, view, "b")
    _draw_notes(pair, view, drawn, len(both))


def _both(pair: Pair) -> dict[Algorithm, tuple[Layout, Layout]]:
    """The layouts that both runs have."""
    found = {}
    for algorithm in Algorithm:
        a, b = made_layout(pair.a, algorithm, 2), made_layout(pair.b, algorithm, 2)
        if a is not None and b is not None:
            found[algorithm] = (a, b)
    return found


def _drawn(pair: Pair) -> Ints:
    there = np.flatnonzero(pair.a.usable() | pair.b.usable())
    return there[sample(len(there), MOST_DRAWN)]


def _colours(pair: Pair, drawn: Ints) -> Colours:
    """One class for each label; one for all where there are none."""
    colours = by_groups(pair.a.texts.labels or ())
    if not colours.names:
        return np.zeros(len(drawn), np.uint8), ()
    return colours.classes[drawn], colours.legend(drawn)


def _draw_map(
    run: Shown,
    name: str,
    layout: Layout,
    coordinates: Floats,
    drawn: Ints,
    colours: Colours,
    view: CompareView,
    side: str,
) -> None:
    st.markdown(f"**{literal(name)}**")
    place_of = np.full(len(run.texts), -1)
    place_of[drawn] = np.arange(len(drawn))
    selected = [] if view.selected is None else [int(at) for at in place_of[view.selected] if at >= 0]
    focus = None if view.picked is None or place_of[view.picked] < 0 else int(place_of[view.picked])
    texts = [run.texts.texts[at] for at in drawn] if len(drawn) <= MOST_TEXTS else None
    embedding_map(
        MapPoints(coordinates[drawn], colours[0], texts),
        key=f"{_KEY}.map-{side}",
        label=f"Map of {len(drawn):,} texts by {name}, {layout.algorithm}; the table of movers below lists them",
        legend=colours[1],
        marked=selected,
        dimmed=bool(selected),
        focus=focus,
        notes={} if focus is None or view.picked is None else {focus: run.texts.texts[view.picked][:200]},
        height=HEIGHT,
        on_pick=lambda seen: _pick(view, drawn, seen),
        on_select=lambda seen: _select(view, coordinates, seen),
    )
    st.caption(f"{spell_overlap(faithfulness_of(run, layout))}.")


def _draw_notes(pair: Pair, view: CompareView, drawn: Ints, layouts: int) -> None:
    there = int((pair.a.usable() | pair.b.usable()).sum())
    some = f"{len(drawn):,} of {there:,} texts are drawn, at random. " if len(drawn) < there else ""
    more = "" if layouts > 1 else " Where both runs have a LocalMAP or t-SNE map, those can be compared, too."
    st.caption(
        f"{some}The second map is turned, mirrored and scaled onto the first (Procrustes), so that what stands elsewhere has "
        f"moved.{more} Click a point, or lasso some, and both maps show the same texts."
    )
    if view.selected is None:
        return
    places = [int(at) for at in view.selected]
    with st.container(horizontal=True, vertical_alignment="center", key=f"{_KEY}-selection"):
        st.markdown(f"**{len(places):,} selected**", width="content")
        st.button("Clear", key=f"{_KEY}.clear", on_click=_clear, args=(view,), type="tertiary", icon=":material/close:")
    columns: dict[str, list[object]] = {"Text": [pair.a.texts.texts[at] for at in places]}
    if pair.a.texts.labels is not None:
        columns["Label"] = [pair.a.texts.labels[at] for at in places]
    columns["#"] = [at + 1 for at in places]
    draw_table(columns, key=f"{_KEY}.selected", file_name="selected.csv", alt="The selected texts")


def _pick(view: CompareView, drawn: Ints, seen: MapSeen) -> None:
    view.picked = int(drawn[seen.picked]) if seen.picked is not None and seen.picked < len(drawn) else None


def _select(view: CompareView, coordinates: Floats, seen: MapSeen) -> None:
    inside = seen.within(coordinates)
    view.selected = inside if len(inside) else None


def _clear(view: CompareView) -> None:
    view.selected = None


def _choose_layout(view: CompareView) -> None:
    view.algorithm = Algorithm(str(entered(f"{_KEY}.layout")))
