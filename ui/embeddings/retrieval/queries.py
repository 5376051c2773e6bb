"""Queries with the texts that answer them: pasted, from a file, or the sample's."""

import streamlit as st

from services.counting import in_words
from services.embeddings.files import COUNT, MAX_QUERIES, QueriesRead, Query, look_through_queries, sample_queries
from services.errors import BadInput
from ui.embeddings.file_choice import draw_refusal
from ui.embeddings.retrieval.state import RetrievalView
from ui.embeddings.view import Shown
from ui.foreign_text import literal
from ui.session import entered, mirror, take_upload

MOST_BYTES = 2_000_000
_KEY = "embeddings.retrieval"
MOST_BEFORE = 5
"""Contents of the field that can be put back."""
MOST_TOLD = 5
"""Lines that cannot be read, which are told one by one."""
_EXAMPLE = 'query,expected\nhow do I get my money back?,3\n"tea, or coffee?",12|15'


def draw_queries(shown: Shown, view: RetrievalView) -> list[Query]:
    """Draw the field and what fills it; the queries, none while there are none or they cannot be read."""
    st.text_area(
        "Queries and their answers",
        key=mirror(f"{_KEY}.typed", view.typed),
        on_change=_type,
        args=(view,),
        placeholder=_EXAMPLE,
        height=160,
    )
    st.caption(
        f"CSV with the headings `query` and `expected`, or a line each with a tab between the two. Up to {MAX_QUERIES:,}. "
        "Expected is a text's number (the # of each table here), its id, or the text itself; a | stands between several."
    )
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"{_KEY}-fill"):
        example = sample_queries(shown.texts)
        if example:
            st.button(
                f"Use {COUNT} example queries", key=f"{_KEY}.example", on_click=_use_example, args=(view, example),
                icon=":material/lightbulb:",
            )  # fmt: skip
        with st.popover("From a file", icon=":material/upload_file:"):
            st.file_uploader(
                "CSV with the headings query and expected, or lines with a tab between them",
                type=["csv", "tsv", "txt"],
                key=f"{_KEY}.file-{view.uploads}",
                max_upload_size=25,
                on_change=_upload,
                args=(view, view.uploads),
            )
        if view.before:
            st.button(
                "Put back what was here", key=f"{_KEY}.back-{view.puts}", on_click=_put_back, args=(view, view.puts),
                icon=":material/undo:",
            )  # fmt: skip
    if view.trouble is not None:
        draw_refusal(view.trouble)
    if not view.typed.strip():
        return []
    try:
        read = look_through_queries(view.typed, shown.texts)
    except BadInput as error:
        draw_refusal(error)
        return []
    _draw_refused(read)
    return list(read.queries)


def _draw_refused(read: QueriesRead) -> None:
    """The first in full, the next ones in a line each; they do not keep the others from being checked."""
    if not read.refused:
        return
    draw_refusal(read.refused[0])
    for problem in read.refused[1:MOST_TOLD]:
        st.caption(literal(problem.message))
    more = len(read.refused) - MOST_TOLD
    if more > 0:
        st.caption(f"And {in_words(more, 'line')} more.")
    if read.queries:
        st.caption("The other one can be checked meanwhile." if len(read.queries) == 1 else
                   f"The other {len(read.queries):,} can be checked meanwhile.")  # fmt: skip


def _type(view: RetrievalView) -> None:
    view.typed, view.trouble = str(entered(f"{_KEY}.typed") or ""), None


def _use_example(view: RetrievalView, example: str) -> None:
    view.trouble = None
    _replace(view, example)


def _replace(view: RetrievalView, by: str) -> None:
    """Have *by* in the field; what stood there can be put back."""
    if view.typed.strip() and view.typed != by:
        view.before = (*view.before, view.typed)[-MOST_BEFORE:]
    view.typed = by


def _put_back(view: RetrievalView, number: int) -> None:
    """The last one that was replaced; what it replaces in turn comes back after all others."""
    if number == view.puts and view.before:
        view.puts += 1
        *rest, last = view.before
        view.before = (view.typed, *rest) if view.typed.strip() else tuple(rest)
        view.typed, view.trouble = last, None


def _upload(view: RetrievalView, number: int) -> None:
    content = take_upload(f"{_KEY}.file-{number}")
    view.uploads += 1
    view.trouble = None
    if len(content) > MOST_BYTES:
        view.trouble = BadInput(
            f"This file has {len(content) / 1e6:.1f} MB; {MAX_QUERIES:,} queries need less than {MOST_BYTES // 1_000_000}.",
            "Keep the queries and their answers only, and upload it again.",
        )
        return
    try:
        _replace(view, content.decode("utf-8-sig").replace("\r\n", "\n"))
    except UnicodeDecodeError:
        view.trouble = BadInput(
            "This file is not UTF-8 text.", "Save it as CSV in UTF-8; spreadsheets offer that beside their own format."
        )
