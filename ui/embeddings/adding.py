"""Add texts: a sample, pasted lines, a file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import streamlit as st

from services.counting import in_words
from services.embeddings.datasets import embedding_store
from services.embeddings.files import count_lines, read_lines, sample_texts
from services.embeddings.records import Dataset, Texts
from services.errors import PlaygroundError
from ui.embeddings.file_choice import ReadFile, column_choice, draw_refusal, file_choice, read_chosen
from ui.embeddings.view import hold_texts
from ui.session import entered, mirror, owner, remembered, take_upload, typed_into

PASTE, NAME, SOURCE = "embeddings.paste", "embeddings.name", "embeddings.source"


class Source(StrEnum):
    """Where texts come from."""

    SAMPLE = "Sample"
    PASTE = "Paste lines"
    FILE = "File"


@dataclass
class Adding:
    """The panel of this tab."""

    open: bool = False
    source: Source = Source.SAMPLE
    pasted: str = ""
    count: int = 0
    """Texts in it."""
    names: dict[Source, str] = field(default_factory=dict)
    """What was typed for the texts of each source."""
    file: ReadFile | None = None
    added: int = 0
    """How often texts were added: each button, and each uploader, is good for once."""
    made: str = ""
    """The dataset that was added, to be shown."""
    error: PlaygroundError | None = None
    errors: dict[str, PlaygroundError] = field(default_factory=dict)
    """Of a dataset, why it was not renamed or deleted."""


def adding_is_open(datasets: Sequence[Dataset]) -> bool:
    """Whether the panel is to be drawn."""
    return remembered(Adding).open or not datasets


def add_button() -> None:
    """The button that opens the panel."""
    adding = remembered(Adding)
    st.button(
        "Add texts",
        key="embeddings.add",
        icon=":material/add:",
        on_click=_open,
        args=(adding, True),
        disabled=adding.open,
    )


def draw_adding(datasets: Sequence[Dataset]) -> None:
    """Draw the panel."""
    adding = remembered(Adding)
    names = [one.name for one in datasets]
    if not datasets:
        st.markdown(
            "See what an embedding model makes of your texts: which it takes for alike, and which model does it better."
        )
    with st.container(border=True, key="embeddings-adding"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.header("Add texts", anchor=False)
            if datasets:
                st.button(
                    "Close", key="embeddings.close", icon=":material/close:", type="tertiary",
                    on_click=_open, args=(adding, False),
                )  # fmt: skip
        st.segmented_control(
            "Where from",
            list(Source),
            key=mirror(SOURCE, adding.source),
            required=True,
            on_change=_choose_source,
            args=(adding,),
            label_visibility="collapsed",
        )
        _PANELS[adding.source](adding, names)
        if adding.error is not None:
            draw_refusal(adding.error)


def _open(adding: Adding, is_open: bool) -> None:
    adding.open, adding.error = is_open, None


def _choose_source(adding: Adding) -> None:
    chosen = entered(SOURCE)
    if isinstance(chosen, Source):
        adding.source, adding.error = chosen, None


def _sample(adding: Adding, names: Sequence[str]) -> None:
    st.markdown(
        "Several hundred short texts in Korean and English, written for this page and labelled by topic. "
        "A good start: you know beforehand which of them belong together."
    )
    if _button(adding, "Use the sample"):
        _keep(adding, _free("Sample texts", names), sample_texts, "the sample")


def _paste(adding: Adding, names: Sequence[str]) -> None:
    st.text_area(
        "One text a line",
        key=mirror(PASTE, adding.pasted),
        height=200,
        on_change=_take_in,
        args=(adding,),
        placeholder="The invoice is wrong.\nWhere is my parcel?\n…",
    )
    _name(adding, "Pasted texts")
    if adding.count:
        st.caption(f"{in_words(adding.count, 'text')}; blank lines are left out")
    if _button(adding, "Use these texts"):
        pasted = typed_into(PASTE)
        _keep(adding, _chosen_name(names, "Pasted texts"), lambda: read_lines(pasted), "pasted")


def _file(adding: Adding, names: Sequence[str]) -> None:
    uploader = f"embeddings.file-{adding.added}"
    file = file_choice(uploader, adding.file)
    if file is not adding.file:
        adding.file, adding.error = file, None
    if file is None or file.error is not None:
        return
    columns = column_choice(file)
    _name(adding, file.name)
    if _button(adding, "Use these texts", disabled=columns is None) and columns is not None:
        source = f"{file.name}, column {columns.text}"
        _keep(
            adding,
            _chosen_name(names, file.name),
            lambda: read_chosen(uploader, file, columns),
            source,
            upload=uploader,
        )


_PANELS: dict[Source, Callable[[Adding, Sequence[str]], None]] = {
    Source.SAMPLE: _sample,
    Source.PASTE: _paste,
    Source.FILE: _file,
}


def _name(adding: Adding, otherwise: str) -> None:
    mirror(NAME, adding.names.get(adding.source, ""))
    st.text_input(
        "Name", key=NAME, max_chars=100, placeholder=otherwise, on_change=_take_in, args=(adding,), autocomplete="off"
    )


def _take_in(adding: Adding) -> None:
    """Remember what is typed: a widget forgets it when its page is left."""
    adding.names[adding.source] = typed_into(NAME)
    if adding.source is Source.PASTE and typed_into(PASTE) != adding.pasted:
        adding.pasted = typed_into(PASTE)
        adding.count = count_lines(adding.pasted)


def _button(adding: Adding, label: str, *, disabled: bool = False) -> bool:
    # Good for once: a second click on the same one finds it used.
    return st.button(
        label, key=f"embeddings.use-{adding.added}", type="primary", icon=":material/check:", disabled=disabled
    )


def _chosen_name(names: Sequence[str], otherwise: str) -> str:
    return typed_into(NAME).strip() or _free(otherwise, names)


def _free(name: str, names: Sequence[str]) -> str:
    """That name, with a number where it is taken."""
    taken, number, free = set(names), 2, name
    while free in taken:
        free, number = f"{name} {number}", number + 1
    return free


def _keep(adding: Adding, name: str, read: Callable[[], Texts], source: str, *, upload: str = "") -> None:
    """Keep the texts and show them. *upload*: the uploader whose file is not needed any more then."""
    with st.spinner("Reading and keeping the texts", show_time=True):
        # No call of Streamlit's in here: a second click would end the script there, and what was made would not be shown.
        try:
            texts = read()
            made = embedding_store().put_dataset(owner(), name, texts, source)
        except PlaygroundError as error:
            adding.error = error
            return
        adding.added, adding.made = adding.added + 1, made.id
        adding.open, adding.error, adding.file, adding.pasted, adding.count = False, None, None, "", 0
        adding.names.clear()
        hold_texts(made.id, texts)
        if upload:
            take_upload(upload)
    st.rerun()
