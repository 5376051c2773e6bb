"""Whose neighbours are looked for: a text of the dataset, or a new query that is embedded in each run that is shown."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from services.counting import in_words
from services.embeddings.records import Floats
from services.errors import PlaygroundError
from ui.embeddings.asking import ask_again, embed_queries
from ui.embeddings.finding import texts_with
from ui.embeddings.neighbours.state import Asked, NeighboursView, Subject
from ui.embeddings.other_runs import names_of
from ui.embeddings.tables import cut
from ui.embeddings.view import Shown
from ui.errors import draw_error
from ui.foreign_text import literal
from ui.session import entered, mirror

MOST_HITS = 200
_KEY = "embeddings.neighbours"


@dataclass(frozen=True)
class Looked:
    """What is looked for, in each run that has a vector for it."""

    vectors: dict[str, Floats]
    """(1, dimensions), by the run's key."""
    own: int | None
    """Its own place among the texts, to be left out; None for a query."""


def draw_subject(shown: Shown, runs: Sequence[Shown], view: NeighboursView) -> Looked | None:
    """Draw the choice; None while there is nothing to look for."""
    st.segmented_control(
        "Neighbours of",
        list(Subject),
        key=mirror(f"{_KEY}.subject", view.subject),
        required=True,
        on_change=_choose_subject,
        args=(view,),
    )
    if view.subject is Subject.QUERY:
        return _query(shown, runs, view)
    chosen = draw_text_choice(shown, view, key=_KEY)
    return Looked({one.run.key: np.asarray(one.vectors[chosen : chosen + 1]) for one in runs}, chosen)


def draw_text_choice(shown: Shown, view: NeighboursView, *, key: str) -> int:
    """Draw a search and the choice among what it finds; the place of the chosen text."""
    if view.chosen is None or view.chosen >= len(shown.texts):
        view.chosen = int(np.argmax(shown.usable()))
    search, choice = st.columns([2, 3])
    search.text_input(
        "Find a text",
        key=mirror(f"{key}.search", view.search),
        on_change=_search,
        args=(shown, view, f"{key}.search"),
        placeholder="part of it, or its id",
        icon=":material/search:",
    )
    hits = found(shown, view.search)
    options = hits[:MOST_HITS] if view.chosen in hits[:MOST_HITS] else [view.chosen, *hits[:MOST_HITS]]
    choice.selectbox(
        "Text",
        options,
        key=mirror(f"{key}.text", view.chosen),
        format_func=lambda place: f"#{place + 1} {cut(shown.texts.texts[place], 90)}",
        on_change=_pick_option,
        args=(view, f"{key}.text"),
    )
    if view.search.strip():
        more = f"; the first {MOST_HITS} can be chosen" if len(hits) > MOST_HITS else ""
        st.caption(f"{in_words(len(hits), 'text')} with “{literal(view.search)}”{more}." if hits
                   else f"No text has “{literal(view.search)}” in it.")  # fmt: skip
    return view.chosen


def found(shown: Shown, search: str) -> list[int]:
    """Places of the texts that have it in them, whatever the case, or that have it as their id; all for nothing."""
    wanted = search.strip().casefold()
    if not wanted:
        return list(range(len(shown.texts)))
    named = (place for place, name in enumerate(shown.texts.ids or ()) if name.casefold() == wanted)
    return sorted({*texts_with(shown, search).tolist(), *named})


def choose_text(view: NeighboursView, place: int) -> None:
    """Look for that text's neighbours from now on; for callbacks."""
    view.subject, view.chosen = Subject.TEXT, place


def _query(shown: Shown, runs: Sequence[Shown], view: NeighboursView) -> Looked | None:
    names = names_of(shown)
    st.text_input(
        "Query",
        key=mirror(f"{_KEY}.query", view.typed),
        on_change=_ask,
        args=(view,),
        placeholder="a question or a phrase; Enter looks for the texts nearest to it",
        icon=":material/search:",
    )
    asked = view.asked
    if asked is None:
        to = ", ".join(literal(names[one.run.key]) for one in runs)
        st.caption(f"Enter embeds it, as a query, through {to}: one request each.")
        return None
    for one in runs:
        _embed(asked, one)
    failed = [one for one in runs if one.run.key in asked.errors]
    for one in failed:
        if len(runs) > 1:
            st.caption(f"Through {literal(names[one.run.key])}:")
        draw_error(asked.errors[one.run.key])
    if failed:
        st.button("Ask again", key=f"{_KEY}.again", on_click=_again, args=(view, asked), icon=":material/refresh:")
    if shown.run.key not in asked.vectors:
        return None
    return Looked(dict(asked.vectors), None)


def _embed(asked: Asked, run: Shown) -> None:
    """Have the query's vector, or why there is none. Asks once: what came is noted before anything is drawn of it."""
    key = run.run.key
    if key in asked.vectors or key in asked.errors:
        return
    try:
        asked.vectors[key] = embed_queries(run, [asked.text])
    except PlaygroundError as error:
        asked.errors[key] = error


def _ask(view: NeighboursView) -> None:
    view.typed = str(entered(f"{_KEY}.query") or "")
    view.asked = Asked(view.typed.strip()) if view.typed.strip() else None
    ask_again([view.typed.strip()])


def _again(view: NeighboursView, asked: Asked) -> None:
    if view.asked is asked:  # a second click finds another one
        ask_again([asked.text])
        view.asked = replace(asked, errors={})


def _search(shown: Shown, view: NeighboursView, key: str) -> None:
    view.search = str(entered(key) or "")
    hits = found(shown, view.search) if view.search.strip() else []
    if hits and view.chosen not in hits:
        view.chosen = hits[0]  # what is found first is meant, until another one is chosen


def _pick_option(view: NeighboursView, key: str) -> None:
    place = entered(key)
    if isinstance(place, int):
        view.chosen = place


def _choose_subject(view: NeighboursView) -> None:
    view.subject = Subject(str(entered(f"{_KEY}.subject")))
