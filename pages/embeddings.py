"""Embeddings: texts in, an endpoint's vectors, and what can be seen in them."""

from collections.abc import Sequence

import streamlit as st

from services.embeddings.records import Dataset
from services.workspace import Workspace
from ui.banner import banner
from ui.connecting import workspace
from ui.embeddings.model import model_choice
from ui.embeddings.panel import panel
from ui.embeddings.running import embed_button, running
from ui.embeddings.runs import shown_run
from ui.embeddings.stages import stages
from ui.embeddings.texts import chosen_texts, kept_texts, texts_choice
from ui.errors import showing_errors


def model(here: Workspace, dataset: Dataset) -> None:
    choice = model_choice(here, dataset)
    if choice is not None:
        embed_button(here, dataset, choice)


def texts_and_model(here: Workspace, datasets: Sequence[Dataset], dataset: Dataset | None) -> None:
    texts_card, model_card = st.columns(2, border=True)
    with texts_card, showing_errors():
        texts_choice(datasets, dataset)
    with model_card, showing_errors():
        if dataset is not None:
            model(here, dataset)


def vectors(here: Workspace, dataset: Dataset) -> None:
    running(here, dataset)
    shown = shown_run(here, dataset)
    if shown is not None:
        stages(shown)


def one_dataset(here: Workspace, datasets: Sequence[Dataset]) -> None:
    dataset = chosen_texts(datasets)
    with panel(dataset) as is_open:
        if is_open:
            texts_and_model(here, datasets, dataset)
    if dataset is not None:
        vectors(here, dataset)


st.title("Embeddings")
with showing_errors():
    here = workspace()
    banner(here)
    datasets = kept_texts()
    if datasets:
        one_dataset(here, datasets)
