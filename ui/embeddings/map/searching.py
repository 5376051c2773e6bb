"""Searching on the map: what holds the words, at once; what is nearest in meaning, by embedding them."""

import numpy as np
import streamlit as st

from services.embeddings.numbers import nearest
from services.embeddings.records import Floats
from services.errors import PlaygroundError, UnexpectedReply
from ui.embeddings.asking import ask_again, look_for_query
from ui.embeddings.finding import texts_with
from ui.embeddings.map.state import MapOfRun, Query
from ui.embeddings.view import Shown
from ui.errors import draw_error
from ui.foreign_text import literal
from ui.session import mirror, typed_into

KEY = "embeddings.map.search"
MOST_RANKED = 20
LOOK_SECONDS = 0.5
"""How often it is looked for what was asked."""


def draw_search(shown: Shown, state: MapOfRun) -> None:
    """The field, how many were found, and the way to what is nearest in meaning; what is found stands below."""
    st.text_input(
        "Search",
        key=mirror(KEY, state.words),
        type="search",
        live=True,
        label_visibility="collapsed",
        placeholder="Search: words, or a question",
        on_change=_search,
        args=(state,),
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="embeddings-map-search"):
        st.button(
            "Nearest in meaning",
            key=f"{KEY}.nearest",
            icon=":material/near_me:",
            disabled=not state.words.strip(),
            help="Embeds what you wrote with the endpoint of this run, colours all texts by their similarity to it, and ranks "
            "them. One request.",
            on_click=_begin,
            args=(state,),
        )
        if state.query is not None and st.button(
            "Forget the query", key=f"{KEY}.forget", type="tertiary", on_click=state.forget_query
        ):
            st.rerun()  # all of it: the choice of colours stands outside of what is drawn here
    if state.sought:
        _draw_count(shown, state)
    if state.asks:
        st.fragment(_look, run_every=LOOK_SECONDS)(shown, state)
    if state.trouble is not None:
        draw_error(state.trouble)


def _draw_count(shown: Shown, state: MapOfRun) -> None:
    found = texts_with(shown, state.sought)
    hidden = int((~state.shown_of(len(shown.texts))[found]).sum())
    said = f"{len(found):,} of {len(shown.texts):,} hold “{literal(state.sought)}”"
    st.caption(said + (f", {hidden:,} of them left out of the map." if hidden else "."), width="content")


def _search(state: MapOfRun) -> None:
    state.seek(typed_into(KEY))


def _same_size(shown: Shown, query: Floats) -> None:
    """What serves at the endpoint may be another model by now."""
    if query.shape[1] != shown.vectors.shape[1]:
        raise UnexpectedReply(
            f"The endpoint gives {query.shape[1]:,} numbers a text now, and these vectors have {shown.vectors.shape[1]:,}.",
            "Embed the texts again with the same endpoint: another model serves there by now.",
        )


def _begin(state: MapOfRun) -> None:
    state.asks, state.trouble = state.words.strip(), None
    ask_again([state.asks])


def _look(shown: Shown, state: MapOfRun) -> None:
    """Take what was asked for when it is there. No script waits for it, so that what is clicked meanwhile is not lost."""
    if not state.asks:
        return
    try:
        came = look_for_query(shown, state.asks)
        if came is None:
            return
        text, state.asks = state.asks, ""  # before all that can go wrong: else each look would ask, and pay, anew
        query = came()
        _same_size(shown, query)
        state.ask(_compared(shown, text, query))
    except PlaygroundError as error:
        state.asks, state.trouble = "", error
    st.rerun()  # what stands above, the colours among it, was drawn before


def _compared(shown: Shown, text: str, query: Floats) -> Query:
    found = nearest(shown.vectors, query, len(shown.texts))
    scores = np.full(len(shown.texts), np.nan, dtype=np.float32)
    known = found.indices[0] >= 0
    scores[found.indices[0][known]] = found.similarities[0][known]
    return Query(text, scores)
