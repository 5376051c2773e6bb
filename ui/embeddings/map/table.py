"""The map as a table: everything that can be seen and chosen there can be read and chosen here."""

from collections.abc import Mapping

import numpy as np
import streamlit as st

from services.embeddings.records import Ints, Layout
from ui.embeddings.finding import texts_with
from ui.embeddings.map.controls import KEY
from ui.embeddings.map.numbers import clusters_of, distortion_of
from ui.embeddings.map.rows import DISTORTION, LABEL, LENGTH, NUMBER, SIMILARITY, TEXT, Known, columns_of, draw_file
from ui.embeddings.map.state import MapOfRun, Origin
from ui.embeddings.tables import cut
from ui.embeddings.view import Shown
from ui.session import entered, seed

MOST_ROWS = 2_000
"""In the browser at once."""
_ORDERS = (NUMBER, TEXT, LABEL, LENGTH, DISTORTION, SIMILARITY)


def draw_table_twin(shown: Shown, state: MapOfRun, layout: Layout) -> None:
    """Every text, sorted and searched; those that are chosen are ringed on the map."""
    twin = st.expander(_headline(shown, state), icon=":material/table:", key=f"{KEY}.twin", on_change="rerun")
    if not twin.open:
        return
    with twin:
        known = Known(layout, clusters_of(shown, state.clusters), distortion_of(shown, layout))
        indices = _found(shown, state)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            order = st.selectbox("Sort by", _ORDERS, key=seed(f"{KEY}.order", NUMBER), width=180)
            last = st.toggle("Largest first", key=f"{KEY}.descending")
        indices = _sorted(shown, state, known, indices, order or NUMBER, descending=last)
        _draw_rows(shown, state, known, _part(indices))
        name = f"{shown.run.asking.endpoint} map.csv"
        draw_file(shown, state, known, indices, key=f"{KEY}.twin-csv", file_name=name)


def _headline(shown: Shown, state: MapOfRun) -> str:
    if state.kept_only:
        return f"Table of what is left on the map: {int(state.kept_only[-1].sum()):,} of {len(shown.texts):,} texts"
    return "Table of the text" if len(shown.texts) == 1 else f"Table of all {len(shown.texts):,} texts"


def _found(shown: Shown, state: MapOfRun) -> Ints:
    """What is left on the map, and holds what is searched for; points without a place too."""
    visible = np.flatnonzero(state.shown_of(len(shown.texts)))
    if not state.sought:
        return visible
    found = np.intersect1d(visible, texts_with(shown, state.sought))
    st.caption(f"{len(found):,} that hold what is searched for above.")
    return found


def _sorted(shown: Shown, state: MapOfRun, known: Known, indices: Ints, order: str, *, descending: bool) -> Ints:
    """Sorted by one column; texts of which it is not known come last."""
    texts = shown.texts
    if order in (TEXT, LABEL):
        words = texts.texts if order == TEXT else texts.labels or ("",) * len(texts)
        return np.array(sorted(indices, key=lambda at: words[at].casefold(), reverse=descending), dtype=np.int64)
    values = {
        NUMBER: np.arange(len(texts), dtype=np.float64),
        LENGTH: np.fromiter(map(len, texts.texts), np.float64, len(texts)),
        DISTORTION: known.distortion,
        SIMILARITY: state.query.scores if state.query else None,
    }[order]
    if values is None:
        st.caption("There is no query to be similar to: search for the nearest in meaning first.")
        return indices
    chosen = values[indices]
    return indices[np.argsort(-chosen if descending else chosen, kind="stable")]


def _part(indices: Ints) -> Ints:
    if len(indices) <= MOST_ROWS:
        return indices
    parts = -(-len(indices) // MOST_ROWS)
    part = st.number_input(f"Part, of {parts}", 1, parts, None, key=seed(f"{KEY}.part.{parts}", 1), step=1, width=160)
    begin = ((part or 1) - 1) * MOST_ROWS
    st.caption(f"Rows {begin + 1:,} to {min(len(indices), begin + MOST_ROWS):,} of {len(indices):,}.")
    return indices[begin : begin + MOST_ROWS]


def _draw_rows(shown: Shown, state: MapOfRun, known: Known, indices: Ints) -> None:
    if not len(indices):
        st.info("No text fits.", icon=":material/search_off:")
        return
    columns = columns_of(shown, state, known, indices)
    columns[TEXT] = [cut(str(text)) for text in columns[TEXT]]
    config = {
        TEXT: st.column_config.TextColumn(width="large"),
        **{name: st.column_config.NumberColumn(format="%.3f") for name in ("x", "y", "z", DISTORTION, SIMILARITY)},
    }
    # Another key for other rows: a row's place is all that the browser tells.
    key = f"{KEY}.rows.{state.chosen_elsewhere}.{hash(indices.tobytes())}"
    st.dataframe(
        columns,
        hide_index=True,
        height=420,
        key=key,
        on_select=lambda: _choose(state, key, indices),
        selection_mode="multi-row",
        column_config=config,
        alt="All texts of the map; the chosen rows are ringed there",
    )
    st.caption("Choose rows to ring them on the map, and to narrow, label or save them.")


def _choose(state: MapOfRun, key: str, indices: Ints) -> None:
    told = entered(key)
    rows = told.get("selection", {}).get("rows", []) if isinstance(told, Mapping) else []
    chosen = [int(indices[row]) for row in rows if isinstance(row, int) and 0 <= row < len(indices)]
    state.select(np.array(sorted(chosen), dtype=np.int64), Origin.TABLE)
    if len(chosen) == 1:
        state.pick(chosen[0])
