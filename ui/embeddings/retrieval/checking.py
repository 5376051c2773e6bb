"""Embed the queries in each chosen run and look what they find. A click sends once."""

import math
from collections.abc import Sequence

import streamlit as st

from services.counting import in_words
from services.embeddings.files import Query
from services.embeddings.numbers import check_retrieval
from services.embeddings.records import Run
from services.errors import PlaygroundError
from ui.embeddings.asking import ask_again, embed_queries
from ui.embeddings.numbers import stamp
from ui.embeddings.other_runs import as_shown, names_of, others
from ui.embeddings.retrieval.state import Check, RetrievalView
from ui.embeddings.view import Shown
from ui.foreign_text import literal
from ui.session import entered, mirror_choice

KS = (1, 5, 10)
POLL_SECONDS = 1.0
FEW = 3
"""Runs that are checked unless others are chosen."""
_KEY = "embeddings.retrieval"


def draw_check(shown: Shown, view: RetrievalView, queries: Sequence[Query]) -> None:
    """Draw the choice of runs, what a check will send, and the button; and do what was clicked."""
    there = [shown.run, *others(shown)]
    names = names_of(shown)
    keys = [run.key for run in there]
    chosen = keys[:FEW] if view.runs is None else [key for key in view.runs if key in keys]
    if len(there) > 1:
        st.multiselect(
            "Runs",
            keys,
            key=mirror_choice(f"{_KEY}.runs", chosen, names),
            format_func=lambda key: names[key],
            on_change=_choose,
            args=(view,),
        )
    asked = [run for run in there if run.key in chosen]
    if queries and asked:
        st.caption(_cost(len(queries), asked, names))
    st.button(
        "Check",
        key=f"{_KEY}.check-{view.clicks}",
        type="primary",
        on_click=_begin,
        args=(view, tuple(queries), tuple(chosen), view.clicks),
        disabled=not (queries and asked),
        icon=":material/fact_check:",
    )
    if view.check is not None:
        for run in [run for run in there if run.key in view.check.left]:
            with view.check.claim(run.key) as mine:
                if mine:
                    _run(as_shown(shown, run), view.check)
        if view.check.asking:
            st.fragment(_wait, run_every=POLL_SECONDS)(view.check)


def _cost(count: int, runs: Sequence[Run], names: dict[str, str]) -> str:
    """What a check will send, for Markdown."""
    parts = []
    for run in runs:
        requests = math.ceil(count / run.asking.batch)
        parts.append(f"{in_words(requests, 'request')} to {literal(names[run.key])}")
    queries = in_words(count, "query", "queries")
    return f"{queries}: {', '.join(parts)} at most; those asked before come from the cache."


def _begin(view: RetrievalView, queries: tuple[Query, ...], runs: tuple[str, ...], click: int) -> None:
    if click == view.clicks:
        view.clicks += 1
        ask_again([query.text for query in queries])
        view.check = Check(queries, runs)


def _wait(check: Check) -> None:
    """Tell that another tab asks, and draw everything anew when it is over."""
    if not check.asking:
        st.rerun()
    st.caption("Another tab of this browser is asking these queries; what comes of it is shown here, too.")


def _run(run: Shown, check: Check) -> None:
    key = run.run.key
    try:
        vectors = embed_queries(run, [query.text for query in check.queries])
    except PlaygroundError as error:
        check.errors[key] = error
        return
    with st.spinner(f"Looking through {len(run.texts):,} texts", show_time=True):
        found = check_retrieval(run.vectors, vectors, [query.expected for query in check.queries], KS)
        check.stamps[key] = stamp(run.owner, run.run)  # inside the spinner: its end is where a click ends the script
        check.figures[key] = found


def _choose(view: RetrievalView) -> None:
    chosen = entered(f"{_KEY}.runs")
    view.runs = tuple(str(key) for key in chosen) if isinstance(chosen, list | tuple) else ()
