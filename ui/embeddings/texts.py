"""Choose the texts that are looked at; rename and delete them."""

from collections.abc import Sequence

import streamlit as st

from services.counting import in_words
from services.embeddings.asking import embedding_runs
from services.embeddings.datasets import embedding_store
from services.embeddings.layouts import cancel_makings
from services.embeddings.records import Dataset
from services.errors import BadInput, PlaygroundError
from ui.address import embeddings_in_address, show_embeddings_in_address
from ui.clock import day_and_clock
from ui.embeddings.adding import Adding, add_button, adding_is_open, draw_adding
from ui.embeddings.file_choice import draw_refusal
from ui.embeddings.view import EmbeddingsTab, EmbeddingsView, distinct, forget_texts
from ui.foreign_text import code, literal
from ui.session import entered, kept, mirror_choice, owner, remembered, reseed, seed, typed_into

KEY, TOOLS = "embeddings.dataset", "embeddings.texts-tools"


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


def chosen_texts(datasets: Sequence[Dataset]) -> Dataset | None:
    """Those that are looked at: the address says it, so that a reload and another tab's choice do not matter.

    None where it names some that are not here.
    """
    view, known = kept(EmbeddingsView), {one.id: one for one in datasets}
    last = view.dataset if view.dataset in known else datasets[0].id
    chosen = known.get(embeddings_in_address("dataset") or last)
    if chosen is not None:
        view.dataset = chosen.id
        show_embeddings_in_address(dataset=chosen.id)
    return chosen


def texts_choice(datasets: Sequence[Dataset], chosen: Dataset | None) -> None:
    """Draw the choice, what is known of *chosen*, and what can be done with it."""
    labels = distinct({one.id: one.name for one in datasets})
    mirror_choice(KEY, chosen.id if chosen else None, labels)
    st.selectbox(
        "Texts",
        list(labels),
        index=0 if chosen else None,  # one that is chosen cannot be emptied
        key=KEY,
        format_func=lambda one: labels.get(one, str(one)),
        placeholder="Choose some",
        on_change=_choose,
        args=(tuple(labels),),
    )
    if chosen is None:
        _draw_unknown("Choose others.")
        add_button()
        return
    _draw_facts(chosen)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="embeddings-texts-tools"):
        add_button()
        with st.popover(
            "Rename or delete", icon=":material/edit:", type="tertiary", key=seed(TOOLS, False), on_change="rerun"
        ):
            _renaming(chosen)
            if st.button(
                ":red[Delete these texts]",
                key="embeddings.delete",
                icon=":material/delete:",
                on_click=_close_tools,  # else they stay open above the question
            ):
                _delete(chosen)
    if error := remembered(Adding).errors.get(chosen.id):
        draw_refusal(error)


def _draw_unknown(step: str) -> None:
    st.warning(
        f"The address names texts that are not here: they were deleted, or are somebody else's. **Next:** {step}",
        icon=":material/search_off:",
    )


def _draw_facts(dataset: Dataset) -> None:
    added = f"added {day_and_clock(int(dataset.made.timestamp() * 1000))[:10]}"
    facts = [in_words(dataset.count, "text"), literal(dataset.source), "labelled" if dataset.labelled else "", added]
    reason = embedding_store().why_in_memory
    stay = "" if reason else "  \nKept on the machine Brickyard runs on, until you delete them."
    st.caption(" · ".join(fact for fact in facts if fact) + stay)
    if reason:
        st.caption(f":material/warning: {literal(reason)}")


def _choose(known: Sequence[str]) -> None:
    chosen = entered(KEY)
    if chosen in known:  # else it is the label of what was renamed meanwhile
        remembered(EmbeddingsTab).wish = None
        show_embeddings_in_address(dataset=str(chosen), run="")


def _renaming(dataset: Dataset) -> None:
    # Its default, not what is seeded: what is seeded is told once, maybe before the browser has drawn the closed popover.
    key = f"embeddings.{dataset.id}.name-{hash(dataset.name)}"
    st.text_input("Name", dataset.name, key=key, max_chars=100, autocomplete="off")
    st.button("Rename", key="embeddings.rename", on_click=_rename, args=(dataset, key))


def _rename(dataset: Dataset, key: str) -> None:
    errors = remembered(Adding).errors
    errors.pop(dataset.id, None)
    name = typed_into(key).strip()
    if not name:
        errors[dataset.id] = BadInput("Texts need a name.", "Type one.")
        return
    try:
        embedding_store().rename_dataset(owner(), dataset.id, name)
    except PlaygroundError as error:
        errors[dataset.id] = error
        return
    _close_tools()


def _close_tools() -> None:
    reseed(TOOLS, False)


@st.dialog("Delete these texts?")
def _delete(dataset: Dataset) -> None:
    st.markdown(
        f"{code(dataset.name)}: {dataset.count:,} texts, with everything that was embedded from them, will be gone "
        "from this machine. What an endpoint was asked for is not asked for again if you add them once more."
    )
    with st.container(horizontal=True):
        if st.button(
            ":red[Delete]",
            key="embeddings.delete-sure",
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
        embedding_runs().discard(owner(), dataset.id)
        cancel_makings(owner(), dataset.id)
        embedding_store().delete_dataset(owner(), dataset.id)
    except PlaygroundError as error:
        errors[dataset.id] = error
        return
    forget_texts(dataset.id)
    show_embeddings_in_address(dataset="", run="")
