"""The text that was clicked, and its true neighbours."""

import numpy as np
import streamlit as st

from services.embeddings.records import Floats, Ints
from ui.embeddings.finding import texts_with
from ui.embeddings.map.controls import KEY
from ui.embeddings.map.numbers import clusters_of, neighbours_of
from ui.embeddings.map.searching import MOST_RANKED
from ui.embeddings.map.state import ColourBy, MapOfRun
from ui.embeddings.tables import cut
from ui.embeddings.view import Shown
from ui.foreign_text import literal
from ui.session import entered, mirror

MOST_DRAWN = 600
"""Characters of a text beside the map; the others open."""
MOST_OPENED = 20_000
_LONGEST_ROW = 60
FIRST_NEIGHBOURS = 10
"""Listed at once."""
NEAREST = 15
"""Of a point, how many around it on the map count as near it."""


_FROM_THE_LEFT = """<style>[class*='st-key-embeddings-map-list'] button {text-align: left; justify-content: flex-start;}
[class*='st-key-embeddings-map-list'] button p {text-align: left;}</style>"""


def draw_picked(shown: Shown, state: MapOfRun) -> None:
    """The text in focus with what is known of it; how to get one where there is none."""
    st.html(_FROM_THE_LEFT)
    if state.picked is None:
        if state.query is None and state.selection is None and not state.sought:
            st.caption(
                ":material/touch_app: Click a point to read its text and see its true neighbours. Draw a lasso around points to "
                "read, narrow, label or save them."
            )
        return
    index = state.picked
    with st.container(border=True, key="embeddings-map-picked"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"**Text {index + 1:,}**", width="content")
            st.button(
                "Clear",
                key=f"{KEY}.unpick",
                icon=":material/close:",
                type="tertiary",
                on_click=state.pick,
                args=(None,),
            )
        _draw_text(shown.texts.texts[index])
        st.caption(_facts(shown, state, index))
        if not shown.usable()[index]:
            st.info("It has no usable vector, so it has no neighbours.", icon=":material/block:")
            return
        _draw_neighbours(shown, state, index)


def draw_ranking(shown: Shown, state: MapOfRun) -> None:
    """What is nearest to the query, best first."""
    if state.query is None:
        return
    scores = state.query.scores
    order = np.argsort(-np.nan_to_num(scores, nan=-2.0), kind="stable")
    best = [int(at) for at in order[:MOST_RANKED] if not np.isnan(scores[at])]
    with st.container(border=True, key="embeddings-map-ranking"):
        st.markdown(f"**Nearest to** “{literal(cut(state.query.text, 120))}”")
        with st.container(gap=None, key="embeddings-map-list-ranked"):
            for at in best:
                _row(shown, state, at, float(scores[at]), key="ranked")


def draw_hits(shown: Shown, state: MapOfRun) -> None:
    """The first of the texts that hold what is searched for, those on the map before the others."""
    if not state.sought:
        return
    found = texts_with(shown, state.sought)
    if not len(found):
        return
    visible = state.shown_of(len(shown.texts))[found]
    first = np.concatenate([found[visible], found[~visible]])[:MOST_RANKED]
    with st.container(border=True, key="embeddings-map-hits"):
        st.markdown(f"**Texts with** “{literal(cut(state.sought, 120))}”")
        with st.container(gap=None, key="embeddings-map-list-hits"):
            for at in first:
                _row(shown, state, int(at), None, key="hit")
        if len(found) > len(first):
            st.caption(f"And {len(found) - len(first):,} more: the table below has them all.")


def _draw_neighbours(shown: Shown, state: MapOfRun, index: int) -> None:
    most = min(50, int(shown.usable().sum()) - 1)
    if most < 1:
        st.caption("There is no other text with a usable vector.")
        return
    if most > 5:
        st.slider(
            "True neighbours",
            5,
            most,
            key=mirror(f"{KEY}.k", min(state.k, most)),
            on_change=_choose_k,
            args=(state,),
        )
    indices, similarities = neighbours_of(shown, index, min(state.k, most))
    near = _near_on_map(state, index, max(NEAREST, len(indices)))
    found = [(int(at), float(one)) for at, one in zip(indices, similarities, strict=True) if at >= 0]
    kept = sum(at in near for at, _ in found)
    st.caption(
        f"The {len(found)} most alike by their vectors: {kept} are near it in the picture too (:material/check:), "
        f"{len(found) - kept} are far away there (:material/north_east:)."
    )
    with st.container(gap=None, key="embeddings-map-list-neighbours"):
        for at, similarity in found[:FIRST_NEIGHBOURS]:
            _neighbour(shown, state, at, similarity, near)
        if len(found) > FIRST_NEIGHBOURS:
            with st.expander(f"{len(found) - FIRST_NEIGHBOURS:,} more"):
                for at, similarity in found[FIRST_NEIGHBOURS:]:
                    _neighbour(shown, state, at, similarity, near)


def _neighbour(shown: Shown, state: MapOfRun, at: int, similarity: float, near: set[int]) -> None:
    icon = ":material/check:" if at in near else ":material/north_east:"
    _row(shown, state, at, similarity, key="neighbour", icon=icon)


def _row(
    shown: Shown, state: MapOfRun, at: int, similarity: float | None, *, key: str, icon: str | None = None
) -> None:
    said = "" if similarity is None else f"**{similarity:.2f}** "
    st.button(
        said + (literal(cut(shown.texts.texts[at], _LONGEST_ROW)) or "*(an empty text)*"),
        key=f"{KEY}.{key}.{at}",
        icon=icon,
        type="tertiary",
        on_click=state.pick,
        args=(at,),
    )


def _draw_text(text: str) -> None:
    st.markdown(literal(text) or "*(an empty text)*")
    if len(" ".join(text.split())) > MOST_DRAWN:
        with st.expander(f"All of it: {len(text):,} characters"):
            st.code(text[:MOST_OPENED], language=None, wrap_lines=True, height=300)
            if len(text) > MOST_OPENED:
                st.caption(f"The first {MOST_OPENED:,} characters.")


def _facts(shown: Shown, state: MapOfRun, index: int) -> str:
    facts = []
    if shown.texts.labels and shown.texts.labels[index]:
        facts.append(f"Label {literal(shown.texts.labels[index])}")
    if state.colour is ColourBy.CLUSTER:
        named = clusters_of(shown, state.clusters)
        place = int(named.clusters.labels[index])
        facts += [f"Cluster {literal(named.names[place])}"] if place >= 0 else []
    if shown.texts.ids:
        facts.append(f"ID {literal(shown.texts.ids[index])}")
    if state.query is not None and not np.isnan(state.query.scores[index]):
        facts.append(f"{state.query.scores[index]:.2f} to the query")
    facts.append(f"{len(shown.texts.texts[index]):,} characters")
    if state.drawn is not None and index not in state.drawn.indices:
        facts.append("not drawn")
    elif state.drawn is not None and not state.drawn.visible[index]:
        facts.append("left out of the map")
    return " · ".join(facts)


def _near_on_map(state: MapOfRun, index: int, count: int) -> set[int]:
    """The points that stand nearest to it in the picture."""
    if state.drawn is None:
        return set()
    return set(_nearest_places(state.drawn.coordinates, index, count).tolist())


def _nearest_places(coordinates: Floats, index: int, count: int) -> Ints:
    distances = np.square(coordinates - coordinates[index]).sum(axis=1)
    distances[index] = np.nan
    order: Ints = np.argsort(distances, kind="stable")[:count]  # NaN is last
    known: Ints = order[np.isfinite(distances[order])]
    return known


def _choose_k(state: MapOfRun) -> None:
    chosen = entered(f"{KEY}.k")
    state.k = chosen if isinstance(chosen, int) else state.k
