"""Whether queries find the texts that answer them: recall and MRR, for one run or several."""

import streamlit as st

from ui.embeddings.retrieval.checking import draw_check
from ui.embeddings.retrieval.queries import draw_queries
from ui.embeddings.retrieval.results import draw_results
from ui.embeddings.retrieval.state import view_of
from ui.embeddings.view import Shown
from ui.errors import showing_errors

__all__ = ["retrieval_view"]


def retrieval_view(shown: Shown) -> None:
    """Draw the queries, the choice of runs, and what the last check found."""
    st.fragment(_draw)(shown)


def _draw(shown: Shown) -> None:
    view = view_of(shown)
    with showing_errors():
        queries = draw_queries(shown, view)
        draw_check(shown, view, queries)
    with showing_errors():
        draw_results(shown, view)
