"""The texts of a selection: read them, narrow the map to them, label them, save them."""

from collections.abc import Mapping

import numpy as np
import streamlit as st

from services.counting import in_words
from services.embeddings.datasets import embedding_store
from services.embeddings.records import Ints, Layout
from services.errors import BadInput, PlaygroundError
from ui.embeddings.map.controls import KEY
from ui.embeddings.map.numbers import clusters_of, words_of_selection
from ui.embeddings.map.rows import TEXT, Known, columns_of, draw_file
from ui.embeddings.map.state import ColourBy, MapOfRun, Origin
from ui.embeddings.tables import cut
from ui.embeddings.view import Shown, forget_texts
from ui.errors import draw_error
from ui.foreign_text import literal
from ui.session import seed, typed_into

MOST_ROWS = 500
"""Drawn; the file has all."""
LONGEST_LABEL = 200
_TALLEST = 320
_ROW = 35


def draw_narrowing(shown: Shown, state: MapOfRun) -> None:
    """What is left on the map where not everything is, and the ways back."""
    if not state.kept_only:
        return
    left = int(state.kept_only[-1].sum())
    with st.container(horizontal=True, vertical_alignment="center", key="embeddings-map-narrowed"):
        st.markdown(
            f":material/filter_alt: **{left:,} of {len(shown.texts):,}** texts are on the map.", width="content"
        )
        if len(state.kept_only) > 1:
            st.button("One step back", key=f"{KEY}.back", icon=":material/undo:", on_click=state.step_back)
        st.button("Show all", key=f"{KEY}.all", icon=":material/filter_alt_off:", on_click=state.show_all)


def draw_selected(shown: Shown, state: MapOfRun, layout: Layout) -> None:
    """The selection with what can be done with it."""
    if state.selection is None:
        return
    indices = state.selection.indices
    with st.container(border=True, key="embeddings-map-selected"):
        _draw_head(shown, state, indices)
        words = st.container()
        _draw_labelling(shown, state, indices)
        _draw_rows(shown, state, layout, indices)
        if len(indices) < len(shown.texts):
            with words:  # last: of many texts it takes a moment
                _draw_words(shown, indices)


def _draw_head(shown: Shown, state: MapOfRun, indices: Ints) -> None:
    texts = in_words(len(indices), "text")
    chosen = "in the lasso" if state.selection and state.selection.origin is Origin.LASSO else "chosen in the table"
    undrawn = _undrawn(state, indices)
    st.markdown(f"**{texts}** {chosen}" + (f", {undrawn:,} of them not drawn" if undrawn else ""))
    mask = np.zeros(len(shown.texts), dtype=np.bool_)
    mask[indices] = True
    rest = state.shown_of(len(shown.texts)) & ~mask
    with st.container(horizontal=True, key="embeddings-map-actions"):
        st.button(
            "Show only these", key=f"{KEY}.only", icon=":material/filter_alt:", on_click=state.leave, args=(mask,)
        )
        st.button(
            "All but these",
            key=f"{KEY}.but",
            icon=":material/filter_alt_off:",
            on_click=state.leave,
            args=(rest,),
            disabled=not rest.any(),
        )
        st.button("Clear", key=f"{KEY}.unselect", icon=":material/close:", on_click=state.select, args=(None,))


def _draw_words(shown: Shown, indices: Ints) -> None:
    if words := words_of_selection(shown, indices):
        st.caption(f"What sets them apart: {literal(words)}")


def _undrawn(state: MapOfRun, indices: Ints) -> int:
    return 0 if state.drawn is None else len(indices) - int(np.isin(indices, state.drawn.indices).sum())


def _draw_rows(shown: Shown, state: MapOfRun, layout: Layout, indices: Ints) -> None:
    known = Known(layout, clusters_of(shown, state.clusters) if state.colour is ColourBy.CLUSTER else None)
    few = columns_of(shown, state, known, indices[:MOST_ROWS])
    st.dataframe(
        {name: cells if name != TEXT else [cut(str(cell)) for cell in cells] for name, cells in few.items()},
        hide_index=True,
        height=min(_TALLEST, _ROW * (len(indices) + 1) + 3),
        column_config={"Text": st.column_config.TextColumn(width="large")},
        alt="The selected texts",
    )
    if len(indices) > MOST_ROWS:
        st.caption(f"The first {MOST_ROWS:,}; the file has all {len(indices):,}.")
    draw_file(shown, state, known, indices, key=f"{KEY}.csv", file_name="selected texts.csv")


def _draw_labelling(shown: Shown, state: MapOfRun, indices: Ints) -> None:
    key = f"{KEY}.label.{state.labellings}"
    form = st.form(f"{KEY}.labelling", border=False)
    with form, st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Label them",
            key=seed(key, ""),
            max_chars=LONGEST_LABEL,
            placeholder="what they have in common",
            autocomplete="off",
        )
        pressed = st.form_submit_button("Write the label", icon=":material/label:", key=f"{KEY}.write")
    if pressed:
        _label(shown, state, indices, typed_into(key).strip())
    labels = shown.texts.labels or ()
    if labels and any(labels[at] for at in indices):
        taken = st.button("Take their labels away", key=f"{KEY}.unlabel", icon=":material/label_off:", type="tertiary")
        if taken:
            _write(shown, state, dict.fromkeys(map(int, indices), ""), f"Took the labels of {len(indices):,} away.")
    if state.labelling is not None:
        draw_error(state.labelling)


def _label(shown: Shown, state: MapOfRun, indices: Ints, label: str) -> None:
    if not label:
        state.labelling = BadInput("There is no label.", "Write what these texts have in common.")
        return
    _write(shown, state, dict.fromkeys(map(int, indices), label), f"Labelled {len(indices):,} “{label}”.")


def draw_told(shown: Shown, state: MapOfRun) -> None:
    """What the last change of labels did, and the way back."""
    if not state.past_labels:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="embeddings-map-told"):
        if state.told:
            st.markdown(f":material/check: {literal(state.told)}", width="content")
        if st.button("Undo the last labelling", key=f"{KEY}.undo", icon=":material/undo:", type="tertiary"):
            _write(shown, state, state.past_labels[-1], "The labels are as they were before.", undoing=True)


def _write(shown: Shown, state: MapOfRun, labels: Mapping[int, str], said: str, *, undoing: bool = False) -> None:
    """Change only these: another tab may have changed others meanwhile."""
    old = shown.texts.labels or ("",) * len(shown.texts)
    before = {index: old[index] for index in labels}
    try:
        embedding_store().put_labels(shown.owner, shown.dataset.id, labels)
    except PlaygroundError as error:
        state.labelling = error
        return
    forget_texts(shown.dataset.id)
    if undoing:
        state.past_labels.pop()
    else:
        state.note_labels(before)
        state.colour = ColourBy.LABEL
    state.labelling, state.told, state.labellings = None, said, state.labellings + 1
    st.rerun()  # all of it: whoever shows the texts has the old labels
