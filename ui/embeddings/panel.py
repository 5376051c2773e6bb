"""Where texts and endpoint are chosen: one line as soon as there is a run to be looked at."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from services.counting import in_words
from services.embeddings.asking import embedding_runs
from services.embeddings.datasets import embedding_store
from services.embeddings.records import Dataset
from ui.address import embeddings_in_address
from ui.embeddings.adding import add_button
from ui.embeddings.view import EmbeddingsTab, EmbeddingsView
from ui.foreign_text import literal
from ui.session import entered, kept, owner, remembered, reseed

KEY = "embeddings.panel"


@contextmanager
def panel(dataset: Dataset | None) -> Iterator[bool]:
    """Draw it; whether it is open: what is in it is drawn then only."""
    is_open = panel_is_open(dataset)
    # Each time: under another label it is another widget to Streamlit, which begins folded.
    reseed(KEY, is_open)
    with st.container(horizontal=True, vertical_alignment="center", key="embeddings-panel"):
        with st.expander(_label(dataset), key=KEY, on_change=_note):
            yield is_open
        if not is_open:
            st.button("Embed with another model", key="embeddings.another", on_click=_open)
            add_button()


def panel_is_open(dataset: Dataset | None) -> bool:
    """As the person wants it; else open until there are vectors, while some are made, and where that could not begin."""
    wish = remembered(EmbeddingsTab).wish
    if wish is not None:
        return wish
    if dataset is None or dataset.id in kept(EmbeddingsView).errors:
        return True
    if any(job.running for job in embedding_runs().jobs_of(owner(), dataset.id)):
        return True
    return not any(run.dimensions for run in embedding_store().list_runs(owner(), dataset.id))


def _open() -> None:
    remembered(EmbeddingsTab).wish = True


def _note() -> None:
    remembered(EmbeddingsTab).wish = bool(entered(KEY))


def _label(dataset: Dataset | None) -> str:
    if dataset is None:
        return "Texts and endpoint"
    runs = [run for run in embedding_store().list_runs(owner(), dataset.id) if run.dimensions]
    last = embeddings_in_address("run") or kept(EmbeddingsView).runs.get(dataset.id)
    shown = [run for run in runs if run.key == last] or runs
    parts = [dataset.name, in_words(dataset.count, "text"), *(run.asking.endpoint for run in shown[:1])]
    return " · ".join(map(literal, parts))
