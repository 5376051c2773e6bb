"""Choose the texts that are looked at; rename and delete them."""

from collections.abc import Sequence

import streamlit as st

from services.embeddings.asking import embedding_runs
from services.embeddings.datasets import embedding_store
from services.embeddings.records import Dataset
from services.errors import PlaygroundError
from ui.clock import day_and_clock
from ui.embeddings.adding import Adding, add_button, adding_is_open, draw_adding
from ui.embeddings.view import EmbeddingsView, distinct, forget_texts
from ui.errors import draw_error
from ui.foreign_text import code, literal
from ui.session import (
    embeddings_in_address,
    entered,
    kept,
    mirror,
    owner,
    remembered,
    seed,
    show_embeddings_in_address,
    typed_into,
)

KEY = "embeddings.dataset"


def kept_texts() -> list[Dataset]:
    """Those that are kept, and the panel for new ones where it is open or there are none. Raises StateTrouble."""
    adding = remembered(Adding)
    if adding.made:
        show_embeddings_in_address(dataset=adding.made, run="")
        adding.made = ""
    datasets = embedding_store().list_datasets(owner())
    if not datasets and embeddings_in_address("dataset"):
        _draw_unknown("Add some of your own.")
    if adding_is_open(datasets):
        draw_adding(datasets)
    return datasets


def texts_choice(datasets: Sequence[Dataset]) -> Dataset | None:
    """Draw the choice; the address says what is chosen, so that a reload and another tab's choice do not matter."""
    view, known = kept(EmbeddingsView), {one.id: one for one in datasets}
    last = view.dataset if view.dataset in known else datasets[0].id
    asked = embeddings_in_address("dataset") or last
    labels = distinct({one.id: one.name for one in datasets})
    mirror(KEY, asked if asked in known else None)
    st.selectbox(
        "Texts",
        list(known),
        index=0 if asked in known else None,  # one that is chosen cannot be emptied
        key=KEY,
        format_func=lambda one: labels[one],
        placeholder="Choose some",
        on_change=_choose,
    )
    chosen = known.get(asked)
    if chosen is None:
        _draw_unknown("Choose others.")
        add_button()
        return None
    view.dataset = chosen.id
    show_embeddings_in_address(dataset=chosen.id)
    _draw_facts(chosen)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="embeddings-texts-tools"):
        add_button()
        with st.popover("Rename or delete", icon=":material/edit:", type="tertiary"):
            _renaming(chosen)
            if st.button(":red[Delete these texts]", key="embeddings.delete", icon=":material/delete:"):
                _delete(chosen)
    if error := remembered(Adding).errors.get(chosen.id):
        draw_error(error)
    return chosen


def _draw_unknown(step: str) -> None:
    st.warning(
        f"The address names texts that are not here: they were deleted, or are somebody else's. **Next:** {step}",
        icon=":material/search_off:",
    )


def _draw_facts(dataset: Dataset) -> None:
    texts = "1 text" if dataset.count == 1 else f"{dataset.count:,} texts"
    added = f"added {day_and_clock(int(dataset.made.timestamp() * 1000))[:10]}"
    facts = [texts, literal(dataset.source), "labelled" if dataset.labelled else "", added]
    reason = embedding_store().why_in_memory
    stay = "" if reason else "  \nKept on the machine Brickyard runs on, until you delete them."
    st.caption(" · ".join(fact for fact in facts if fact) + stay)
    if reason:
        st.caption(f":material/warning: {literal(reason)}")


def _choose() -> None:
    chosen = entered(KEY)
    if isinstance(chosen, str):
        show_embeddings_in_address(dataset=chosen, run="")


def _renaming(dataset: Dataset) -> None:
    key = f"embeddings.{dataset.id}.name"
    seed(key, dataset.name)
    st.text_input("Name", key=key, max_chars=100, autocomplete="off")
    st.button("Rename", key="embeddings.rename", on_click=_rename, args=(dataset, key))


def _rename(dataset: Dataset, key: str) -> None:
    errors = remembered(Adding).errors
    errors.pop(dataset.id, None)
    try:
        embedding_store().rename_dataset(owner(), dataset.id, typed_into(key).strip())
    except PlaygroundError as error:
        errors[dataset.id] = error


@st.dialog("Delete these texts?")
def _delete(dataset: Dataset) -> None:
    st.markdown(
        f"{code(dataset.name)}: {dataset.count:,} texts, with everything that was embedded from them, will be gone "
        "from this machine. What an endpoint was asked for is not asked for again if you add them once more."
    )
    with st.container(horizontal=True):
        if st.button(
            "Delete",
            key="embeddings.delete-sure",
            type="primary",
            icon=":material/delete:",
            on_click=_delete_now,
            args=(dataset,),
        ):
            st.rerun()
        if st.button("Keep them", key="embeddings.delete-not"):
            st.rerun()


def _delete_now(dataset: Dataset) -> None:
    errors = remembered(Adding).errors
    errors.pop(dataset.id, None)
    try:
        _end_jobs(dataset)
        embedding_store().delete_dataset(owner(), dataset.id)
    except PlaygroundError as error:
        errors[dataset.id] = error
        return
    forget_texts(dataset.id)
    show_embeddings_in_address(dataset="", run="")


def _end_jobs(dataset: Dataset) -> None:
    for job in embedding_runs().jobs_of(owner(), dataset.id):
        job.stop()
