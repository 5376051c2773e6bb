"""Queries with the texts that answer them: pasted, from a file, or the sample's."""

import streamlit as st

from services.embeddings.files import COUNT, sample_queries
from services.embeddings.numbers import MAX_QUERIES, Query, read_queries
from services.errors import BadInput
from ui.embeddings.retrieval.state import RetrievalView
from ui.embeddings.view import Shown
from ui.errors import draw_error
from ui.session import entered, mirror, take_upload

MOST_BYTES = 2_000_000
_KEY = "embeddings.retrieval"
_EXAMPLE = "how do I get my money back?\tid, text or number of the text that answers it"


def draw_queries(shown: Shown, view: RetrievalView) -> list[Query]:
    """Draw the field and what fills it; the queries, none while there are none or they cannot be read."""
    st.text_area(
        "Queries and their answers",
        key=mirror(f"{_KEY}.typed", view.typed),
        on_change=_type,
        args=(view,),
        placeholder=_EXAMPLE,
        height=160,
        help="A line each: the query, a tab, and what answers it: a text's id, the exact text, or its number, from 1. "
        f"Or CSV with the headings query and expected. Up to {MAX_QUERIES:,}.",
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
                on_change=_upload,
                args=(view, view.uploads),
            )
    if view.trouble is not None:
        draw_error(view.trouble)
    if not view.typed.strip():
        return []
    try:
        return read_queries(view.typed, shown.texts)
    except BadInput as error:
        draw_error(error)
        return []


def _type(view: RetrievalView) -> None:
    view.typed, view.trouble = str(entered(f"{_KEY}.typed") or ""), None


def _use_example(view: RetrievalView, example: str) -> None:
    view.typed, view.trouble = example, None


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
        view.typed = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        view.trouble = BadInput(
            "This file is not UTF-8 text.", "Save it as CSV in UTF-8; spreadsheets offer that beside their own format."
        )
