"""Searching on the map: what holds the words, at once; what is nearest in meaning, by embedding them."""

import numpy as np
import streamlit as st

from services.embeddings.numbers import nearest
from services.embeddings.records import Floats, Ints
from services.errors import PlaygroundError, UnexpectedReply
from ui.embeddings.asking import embed_queries
from ui.embeddings.map.state import MapOfRun, Query
from ui.embeddings.numbers import computed
from ui.embeddings.view import Shown
from ui.foreign_text import literal
from ui.session import mirror, typed_into

KEY = "embeddings.map.search"
MOST_RANKED = 20


def texts_with(shown: Shown, words: str) -> Ints:
    """The texts that hold these words as they stand, whatever the case."""
    sought = words.strip().casefold()

    def work() -> Ints:
        texts = shown.texts.texts
        return np.fromiter((at for at, text in enumerate(texts) if sought in text.casefold()), np.int64)

    return computed(("texts with", shown.dataset.id, len(shown.texts), sought), "", work)


def draw_search(shown: Shown, state: MapOfRun) -> None:
    """The field, how many were found, and the way to what is nearest in meaning. Within a row of controls."""
    st.text_input(
        "Search",
        key=mirror(KEY, state.words),
        type="search",
        live=True,
        label_visibility="collapsed",
        placeholder="Search: words, or a question",
        on_change=_search,
        args=(state,),
        width=340,
    )
    asked = st.button(
        "Nearest in meaning",
        key=f"{KEY}.nearest",
        icon=":material/near_me:",
        disabled=not state.words.strip(),
        help="Embeds what you wrote with the endpoint of this run, colours all texts by their similarity to it, and ranks "
        "them. One request.",
    )
    if state.query is not None:
        st.button("Forget the query", key=f"{KEY}.forget", type="tertiary", on_click=state.forget_query)
    if state.sought:
        _draw_count(shown, state)
    if asked and state.words.strip():
        _ask(shown, state)


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


def _ask(shown: Shown, state: MapOfRun) -> None:
    """Once for the click: what comes of it is remembered, and a rerun finds it."""
    text, state.trouble = state.words.strip(), None
    try:
        query = embed_queries(shown, [text])
        _same_size(shown, query)
    except PlaygroundError as error:
        state.trouble = error
        return
    found = nearest(shown.vectors, query, len(shown.texts))
    scores = np.full(len(shown.texts), np.nan, dtype=np.float32)
    known = found.indices[0] >= 0
    scores[found.indices[0][known]] = found.similarities[0][known]
    state.ask(Query(text, scores))
    st.rerun()  # what stands above, the colours among it, was drawn before
