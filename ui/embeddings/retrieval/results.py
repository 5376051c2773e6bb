"""What a check found: the figures of each run, which run is better, and each query."""

import math
from collections.abc import Sequence
from enum import StrEnum

import streamlit as st

from services.counting import in_words
from services.embeddings.numbers import QueryRank, RetrievalFigures, better
from ui.embeddings.numbers import stamp
from ui.embeddings.other_runs import names_of
from ui.embeddings.retrieval.checking import KS
from ui.embeddings.retrieval.state import Check, RetrievalView
from ui.embeddings.tables import cut, draw_table
from ui.embeddings.view import Shown
from ui.errors import draw_error
from ui.foreign_text import literal
from ui.session import entered, mirror

_KEY = "embeddings.retrieval"
_TEXT_WIDTH = 230
"""Pixels: so that a query, its rank and what was found are in sight together."""


class Listed(StrEnum):
    """Which queries are listed."""

    ALL = "All queries"
    NOT_FIRST = "Not found first"
    FAILED = f"Not among the {KS[-1]} nearest"


def draw_results(shown: Shown, view: RetrievalView) -> None:
    """Draw what the last check found in the runs that are still as they were."""
    check = view.check
    if check is None:
        if view.typed.strip():
            return
        st.info(
            "Write down what people will look for, and which text should answer it: the check says how often a model finds it.",
            icon=":material/fact_check:",
        )
        return
    names = names_of(shown)
    for key, error in check.errors.items():
        st.caption(f"Through {literal(names.get(key, 'a run that is gone'))}:")
        draw_error(error)
    stamps = {run.key: stamp(shown.owner, run) for run in shown.runs}
    found = {key: figures for key, figures in check.figures.items() if stamps.get(key) == check.stamps[key]}
    for key in [key for key in check.figures if key not in found and key in names]:
        st.caption(f"The vectors of {literal(names[key])} are others since: check again.")
    if found:
        _draw_figures(found, names)
        _draw_queries(shown, view, check, found, names)


def _draw_figures(found: dict[str, RetrievalFigures], names: dict[str, str]) -> None:
    st.markdown("**How often the answer is found**")
    for key, one in found.items():
        st.markdown(_said(literal(names[key]), one))
    columns: dict[str, list[object]] = {
        "Model": [names[key] for key in found],
        "Found first": [_found_first(one) for one in found.values()],
    }
    for k in KS:
        columns[f"Recall@{k}"] = [one.recall[k].value for one in found.values()]
    columns |= {
        "MRR": [one.mrr.value for one in found.values()],
        "MRR from": [one.mrr.low for one in found.values()],
        "to": [one.mrr.high for one in found.values()],
        "Queries": [one.measured for one in found.values()],
    }
    draw_table(columns, key=f"{_KEY}.figures", file_name="retrieval.csv", decimals=2, alt="Recall and MRR of each run")
    for sentence in _verdicts(found, names):
        st.markdown(sentence)
    st.caption(
        "Found first: the share of queries whose nearest text is one of the expected. Recall@k: the share of a query's expected "
        "texts that are among the k nearest; with two of them recall@1 is a half at best. MRR: the mean of 1/rank of the best "
        "of them; from and to: where 95 of 100 such sets of queries would lie."
    )


def _said(name: str, found: RetrievalFigures) -> str:
    if not found.measured:
        return f"- {name}: no query could be measured; the list says why."
    ranks = [one.rank for one in found.queries if one.rank is not None]
    of = in_words(found.measured, "query", "queries")
    near = sum(rank <= KS[-1] for rank in ranks)
    return (
        f"- {name}: of {of}, **{ranks.count(1):,}** found an answer first, and **{near:,}** among the {KS[-1]} nearest."
    )


def _found_first(found: RetrievalFigures) -> float:
    return sum(one.rank == 1 for one in found.queries) / found.measured if found.measured else math.nan


def _verdicts(found: dict[str, RetrievalFigures], names: dict[str, str]) -> list[str]:
    """The best run against each other one, in Markdown."""
    measured = [key for key, one in found.items() if one.measured]
    if len(measured) < 2:
        return []
    best = max(measured, key=lambda key: found[key].mrr.value)
    return [_verdict(found[key], found[best], names[key], names[best]) for key in measured if key != best]


def _verdict(other: RetrievalFigures, best: RetrievalFigures, other_name: str, best_name: str) -> str:
    gain = better(other, best)
    a, b = literal(best_name), literal(other_name)
    if math.isnan(gain.value):
        return f"{a} and {b} have no query in common that could be measured."
    sure = "" if math.isnan(gain.low) else f" ({gain.low:+.2f} to {gain.high:+.2f})"
    if gain.told_apart:
        return f":material/check_circle: **{a} finds the answers higher up than {b}**: MRR {gain.value:+.2f}{sure}."
    queries = in_words(gain.of, "query", "queries")
    if gain.value == gain.low == gain.high == 0:
        return f"{a} and {b} find every answer in the same place, over {queries}."
    return f"{a} and {b} cannot be told apart by {queries}: MRR {gain.value:+.2f}{sure}. More queries may tell."


def _draw_queries(
    shown: Shown, view: RetrievalView, check: Check, found: dict[str, RetrievalFigures], names: dict[str, str]
) -> None:
    listed = next((one for one in Listed if one == view.shown), Listed.ALL)
    st.segmented_control(
        "List", list(Listed), key=mirror(f"{_KEY}.listed", listed), required=True, on_change=_list, args=(view,)
    )
    places = [at for at in range(len(check.queries)) if _is_listed(listed, [one.queries[at] for one in found.values()])]
    if not places:
        st.caption("There are none.")
        return
    texts = shown.texts.texts
    columns: dict[str, Sequence[object]] = {"Query": [check.queries[at].text for at in places]}
    for key, figures in found.items():
        columns[f"Rank in {names[key]}"] = [figures.queries[at].rank for at in places]
    columns["Expected"] = [_expected(texts, check.queries[at].expected) for at in places]
    for key, figures in found.items():
        columns[f"First in {names[key]}"] = [_first(texts, figures.queries[at]) for at in places]
    draw_table(
        columns,
        key=f"{_KEY}.queries-{listed.name}",
        file_name="queries.csv",
        alt="Each query, and its answer's rank",
        widths={name: _TEXT_WIDTH for name in columns if not name.startswith("Rank in")},
    )
    for key, figures in found.items():
        for at in places:
            if figures.queries[at].problem:
                what = literal(cut(check.queries[at].text, 80))
                st.caption(f"{literal(names[key])}, “{what}”: {literal(figures.queries[at].problem)}")


def _first(texts: Sequence[str], rank: QueryRank) -> str:
    return texts[rank.found[0]] if rank.found else rank.problem


def _is_listed(listed: Listed, ranks: Sequence[QueryRank]) -> bool:
    """Whether it is so in at least one of the runs."""
    if listed is Listed.ALL:
        return True
    beyond = 1 if listed is Listed.NOT_FIRST else KS[-1]
    return any(one.rank is None or one.rank > beyond for one in ranks)


def _expected(texts: Sequence[str], places: frozenset[int]) -> str:
    first = min(places, default=None)
    more = f" (and {len(places) - 1} more)" if len(places) > 1 else ""
    return "" if first is None else f"{texts[first]}{more}"


def _list(view: RetrievalView) -> None:
    view.shown = str(entered(f"{_KEY}.listed"))
