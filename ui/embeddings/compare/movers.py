"""The texts whose neighbours changed most, and one text's neighbours in both runs."""

import streamlit as st

from services.embeddings.numbers import Comparison, Mover
from ui.embeddings.compare.state import CompareView, Pair
from ui.embeddings.map.numbers import neighbours_of
from ui.embeddings.tables import cut, draw_table
from ui.embeddings.view import Shown
from ui.foreign_text import literal

_KEY = "embeddings.compare"
_TEXT_WIDTH = 210
"""Pixels: so that all three texts of a row are in sight."""


def draw_movers(pair: Pair, found: Comparison, view: CompareView) -> None:
    """Draw the table, then the text in focus."""
    st.header("Texts that moved most", anchor=False)
    if found.movers:
        _draw_table(pair, found, view)
    elif found.looked_at:
        st.caption(
            f"None: each of the {found.looked_at:,} texts that were looked at has the same {found.k} nearest in both."
        )
    else:
        st.caption("There are too few texts with a vector in both runs.")
    if view.picked is not None and view.picked < len(pair.a.texts):
        _draw_lists(pair, found.k, view.picked)


def _draw_table(pair: Pair, found: Comparison, view: CompareView) -> None:
    texts, labels = pair.a.texts.texts, pair.a.texts.labels
    movers = found.movers
    columns: dict[str, list[object]] = {
        f"Same of {found.k}": [_shared(found, mover) for mover in movers],
        "Text": [texts[mover.index] for mover in movers],
        f"Nearest only in {pair.a_name}": [_first(texts, mover.only_a) for mover in movers],
        f"Nearest only in {pair.b_name}": [_first(texts, mover.only_b) for mover in movers],
    }
    if labels is not None:
        columns["Label"] = [labels[mover.index] for mover in movers]
    columns["#"] = [mover.index + 1 for mover in movers]
    draw_table(
        columns,
        key=f"{_KEY}.movers-{pair.b.run.key}-{found.k}",
        file_name="movers.csv",
        alt="Texts whose neighbours changed most, least overlap first",
        widths=dict.fromkeys(list(columns)[1:4], _TEXT_WIDTH),
        on_pick=lambda row: _pick(view, movers[row].index),
    )
    st.caption("Choose a row to see that text's neighbours side by side, and where it stands on both maps.")


def _draw_lists(pair: Pair, k: int, place: int) -> None:
    st.markdown(f"**Neighbours of #{place + 1}**: {literal(cut(pair.a.texts.texts[place]))}")
    a, b = _near(pair.a, place, k), _near(pair.b, place, k)
    for column, run, name, own, other, side in zip(
        st.columns(2, gap="small"), (pair.a, pair.b), (pair.a_name, pair.b_name), (a, b), (b, a), "ab", strict=True
    ):
        with column:
            st.markdown(literal(name))
            if not own:
                st.caption("It has no usable vector here.")
            else:
                _draw_list(run, own, list(other), side)


def _near(run: Shown, place: int, k: int) -> dict[int, float]:
    """Its neighbours, nearest first, with their similarities."""
    indices, similarities = neighbours_of(run, place, k)
    return {int(at): float(near) for at, near in zip(indices, similarities, strict=True) if at >= 0}


def _draw_list(run: Shown, own: dict[int, float], other: list[int], side: str) -> None:
    columns: dict[str, list[object]] = {
        "Similarity": list(own.values()),
        "Text": [run.texts.texts[at] for at in own],
        "Rank in the other": [other.index(at) + 1 if at in other else None for at in own],
    }
    if run.texts.labels is not None:
        columns["Label"] = [run.texts.labels[at] for at in own]
    columns["#"] = [at + 1 for at in own]
    draw_table(
        columns, key=f"{_KEY}.near-{side}", file_name=f"neighbours_{side}.csv", alt="Its nearest texts, nearest first"
    )


def _shared(found: Comparison, mover: Mover) -> int:
    return round(mover.overlap * found.k)


def _first(texts: tuple[str, ...], places: tuple[int, ...]) -> str:
    return texts[places[0]] if places else ""


def _pick(view: CompareView, place: int) -> None:
    view.picked = place
