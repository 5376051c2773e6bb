"""What is near what: a text's neighbours in every run, similarities, near-duplicates, and texts that stand apart."""

import streamlit as st

from ui.embeddings.neighbours.matrix import draw_matrix
from ui.embeddings.neighbours.nearest import draw_nearest
from ui.embeddings.neighbours.oddities import draw_duplicates, draw_outliers
from ui.embeddings.neighbours.state import NeighboursView, Part, view_of
from ui.embeddings.view import Shown
from ui.errors import showing_errors
from ui.session import entered, mirror

__all__ = ["neighbours_view"]

_DRAWN = {
    Part.NEAREST: draw_nearest,
    Part.MATRIX: draw_matrix,
    Part.DUPLICATES: draw_duplicates,
    Part.OUTLIERS: draw_outliers,
}


def neighbours_view(shown: Shown) -> None:
    """Draw the part that is chosen; the others cost nothing meanwhile."""
    st.fragment(_draw)(shown)


def _draw(shown: Shown) -> None:
    view = view_of(shown)
    st.segmented_control(
        "Show",
        list(Part),
        key=mirror("embeddings.neighbours.part", view.part),
        required=True,
        on_change=_choose,
        args=(view,),
        label_visibility="collapsed",
    )
    with showing_errors():
        if not shown.usable().any():
            st.info("No text of this run has a vector that can be compared. Health says why.", icon=":material/info:")
            return
        _DRAWN[view.part](shown, view)


def _choose(view: NeighboursView) -> None:
    view.part = Part(str(entered("embeddings.neighbours.part")))
