"""Which transform is shown: the saved ones and the drafts; a new one from a starter or from a file."""

from pathlib import Path

import streamlit as st

from services.errors import PlaygroundError
from services.transforms import STARTERS, Starter, library, read_source
from services.transforms.library import MOST_NAME
from ui.address import show_transform_in_address, transform_in_address
from ui.errors import draw_error
from ui.foreign_text import code
from ui.session import mirror, owner, remembered, reseed, seed, take_upload, typed_into, uploaded_name
from ui.transforms.drafts import Draft, begin, drafts, open_saved, put_text, tab

_SHOWN = "transforms.shown"
_IMPORT = "transforms.importing"


class _TransformImport:
    """The uploader: a new one for each file, or the same file would be taken at each run."""

    def __init__(self) -> None:
        self.number = 0
        self.refusal: PlaygroundError | None = None

    @property
    def key(self) -> str:
        """The uploader's."""
        return f"transforms.import-{self.number}"


def transform_choice() -> Draft:
    """Draw the choice; the draft that is shown. Raises StateTrouble."""
    names = library().names(owner())
    drafts().without(names)
    draft = _shown(names)
    labels = {_option(one): one.name or one.title for one in drafts().open.values()}
    options = [*(_saved(name) for name in names), *(option for option in labels if option.startswith("draft:"))]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Transform",
            options,
            key=mirror(_SHOWN, _option(draft)),
            format_func=lambda option: labels.get(option) or option.removeprefix("saved:"),
            on_change=_choose,
            width=360,
        )
        with st.popover("New", icon=":material/add:"):
            _draw_starters()
        with st.popover("Import", icon=":material/upload_file:", key=_IMPORT, on_change="rerun"):
            _draw_import()
    if (refusal := tab().refusal) is not None:
        draw_error(refusal)
    show_transform_in_address(draft.name)
    return draft


def _option(draft: Draft) -> str:
    """Its place in the list: its label must not change while it is there."""
    return _saved(draft.name) if draft.name else f"draft:{draft.id}"


def _saved(name: str) -> str:
    return f"saved:{name}"


def _shown(names: list[str]) -> Draft:
    """What a new address names; else what this tab shows; else what was shown last, or saved last; else a new one."""
    here, linked = tab(), transform_in_address()
    draft = drafts().open.get(here.shown)
    if linked in names and linked != here.linked:
        draft = _opened(linked) or draft
    if draft is None and not drafts().open and names:
        draft = _opened(library().last_saved(owner()) or names[0])
    if draft is None:
        draft = next(reversed(drafts().open.values())) if drafts().open else begin(STARTERS[0])
    here.linked = draft.name
    drafts().open.move_to_end(draft.id)
    here.follows(draft)
    return draft


def _choose() -> None:
    option = typed_into(_SHOWN)
    if option.startswith("saved:"):
        if found := _opened(option.removeprefix("saved:")):
            show(found)
    elif found := drafts().open.get(option.removeprefix("draft:")):
        show(found)


def _opened(name: str) -> Draft | None:
    """That saved transform; None, with the reason noted, where it cannot be opened."""
    try:
        return open_saved(name)
    except PlaygroundError as refusal:
        tab().refusal = refusal
        return None


def show(draft: Draft) -> None:
    """Show that draft in this tab, and let the address name it."""
    here = tab()
    here.shows(draft)
    here.said = here.said_of_place = ""
    here.linked, here.refusal = draft.name, None
    show_transform_in_address(draft.name)


def _draw_starters() -> None:
    st.button(
        "Empty", key="transforms.start-empty", on_click=_start, args=(None,), icon=":material/draft:", type="tertiary"
    )
    for number, starter in enumerate(STARTERS):
        st.button(starter.title, key=f"transforms.start-{number}", on_click=_start, args=(starter,), type="tertiary")
        st.caption(f"{starter.does} For {starter.takes.value}.")


def _start(starter: Starter | None) -> None:
    try:
        show(begin(starter))
    except PlaygroundError as refusal:
        tab().refusal = refusal


def _draw_import() -> None:
    taking = remembered(_TransformImport)
    st.file_uploader("A .py file", type="py", key=taking.key, max_upload_size=1, on_change=_import, args=(taking,))
    st.caption("It is read as text. It runs in the sandbox only, and only when you say so.")
    if taking.refusal is not None:
        draw_error(taking.refusal)


def _import(taking: _TransformImport) -> None:
    name = Path(uploaded_name(taking.key)).stem[:MOST_NAME]
    content = take_upload(taking.key)
    taking.number += 1
    try:
        source = read_source(content)
        draft = drafts().new()
    except PlaygroundError as refusal:
        taking.refusal = refusal
        return
    taking.refusal = None
    put_text(draft, source=source)
    show(draft)
    seed(f"transforms.name-{draft.id}", name)
    reseed(_IMPORT, False)  # what came of it is said above the editor
    tab().refill = True
    tab().said = f"The file is {code(draft.title)} now, with its name below. **Next:** press Save to keep it."
