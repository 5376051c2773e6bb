"""Saving a draft under a name, its versions, and what is done with a saved one."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from services.endpoints import Endpoint
from services.errors import PlaygroundError
from services.transforms import LOCAL, checked_name, file_name, library
from services.workspace import Workspace
from ui.confirmation import confirmed_by_name
from ui.errors import draw_error, showing_errors
from ui.foreign_text import code, literal
from ui.session import owner, reseed, seed, typed_into
from ui.transform_picker import endpoint_place
from ui.transforms.choice import show
from ui.transforms.diff import draw_source_difference
from ui.transforms.drafts import Draft, drafts, is_saved, put_text, tab


def saving(draft: Draft) -> None:
    """Draw the name, Save, and the rest. A refusal is drawn here until the next click."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = seed(f"transforms.name-{draft.id}", draft.name)
        st.text_input("Name", key=key, width=260, placeholder="Such as: Be concise", max_chars=80)
        st.button(
            "Save",
            key="transforms.save",
            on_click=_try,
            args=(draft, partial(_save, draft, key)),
            icon=":material/save:",
        )
        st.download_button(
            "Export .py",
            draft.source,
            file_name(draft.name or draft.title),
            "text/x-python",
            key="transforms.export",
            on_click="ignore",
            icon=":material/download:",
        )
        if draft.name:
            _draw_saved(draft, key)
        else:
            with st.popover("Discard", icon=":material/delete:"):
                st.markdown("It is not saved: its text will be gone.")
                st.button(":red[Discard it]", key="transforms.discard", on_click=_discard, args=(draft,))
    st.caption(_stands(draft))
    if draft.refusal_to_keep is not None:
        draw_error(draft.refusal_to_keep)


def _stands(draft: Draft) -> str:
    if not draft.name:
        stands = "This draft is not saved. It stays here while this Brickyard runs, also when you leave the page."
    elif draft.unsaved:
        stands = f"The source was changed since version {draft.version}. Saving makes the next version."
    else:
        stands = f"The source is saved as version {draft.version}."
    why = library().why_in_memory
    return f"{stands} {literal(why)}".strip()


def _draw_saved(draft: Draft, key: str) -> None:
    if st.button("Versions", key="transforms.versions", icon=":material/history:"):
        _versions(draft)
    if st.button("Delete", key="transforms.delete", icon=":material/delete:"):
        _delete(draft)
    typed = typed_into(key).strip()
    if typed and typed != draft.name:
        rename = partial(_rename, draft, key)
        st.button(
            "Rename", key="transforms.rename", on_click=_try, args=(draft, rename), icon=":material/edit:",
            help="Give it the name that is typed; its versions and attachments stay. Save makes a second one of that name.",
        )  # fmt: skip


def _try(draft: Draft, change: Callable[[], str]) -> None:
    """Do it, and say what came of it."""
    _say_nothing(draft)
    try:
        tab().said = change()
    except PlaygroundError as refusal:
        draft.refusal_to_keep = refusal


def _try_place(draft: Draft, change: Callable[[], str]) -> None:
    """The same, said where one attaches."""
    _say_nothing(draft)
    try:
        tab().said_of_place = change()
    except PlaygroundError as refusal:
        draft.refusal_to_attach = refusal


def _say_nothing(draft: Draft) -> None:
    draft.refusal_to_keep = draft.refusal_to_attach = None
    tab().said = tab().said_of_place = ""


def _save(draft: Draft, key: str) -> str:
    name = checked_name(typed_into(key).strip() or draft.name)
    found = library().save(owner(), name, draft.source, new=name != draft.name)
    if draft.name and found.name != draft.name:
        copy = drafts().copy(draft)
        put_text(draft, source=draft.saved or draft.source)  # the one it was made from is as it was
        draft = copy
    is_saved(draft, found)
    reseed(f"transforms.name-{draft.id}", draft.name)
    show(draft)
    return f"Saved as {code(found.name)}, version {found.version}."


def _rename(draft: Draft, key: str) -> str:
    before, name = draft.name, typed_into(key).strip()
    library().rename(owner(), before, name)
    draft.name = draft.title = library().get(owner(), name).name
    show(draft)
    return f"{code(before)} is called {code(draft.name)} now."


def _discard(draft: Draft) -> None:
    drafts().open.pop(draft.id, None)
    tab().shown = ""


@st.dialog("Delete a transform")
def _delete(draft: Draft) -> None:
    with showing_errors():
        places = library().places(owner(), draft.name)
        where = ", ".join(code(place.name) for place in places)
        attached = f" It is attached to {where}: calls there run without it." if where else ""
        lost = f"{code(draft.name)} will be gone with its versions.{attached}"
        if confirmed_by_name(draft.name, lost, key="transforms-delete"):
            library().delete(owner(), draft.name)
            tab().said = f"{code(draft.name)} is deleted."
            _discard(draft)
            st.rerun()


@st.dialog("Versions", width="large")
def _versions(draft: Draft) -> None:
    with showing_errors():
        found = library().versions(owner(), draft.name)
        labels = {one.number: f"Version {one.number}, {one.saved_at:%Y-%m-%d %H:%M} UTC" for one in found}
        number = st.selectbox("Version", list(labels), format_func=lambda one: labels[one], key="transforms-version")
        source = library().get(owner(), draft.name, number).source
        draw_source_difference(source, draft.source, label=f"From version {number} to what is in the editor")
        st.code(source, language="python", line_numbers=True, height=260)
        st.caption("What is in the editor now comes back with Ctrl+Z in it.")
        # Never disabled: once it was pressed both are the same, a disabled button was not pressed, and the dialog would stay.
        if st.button(
            "Put it into the editor", key="transforms-version-open", on_click=_put_back, args=(draft, number, source)
        ):
            st.rerun()


def _put_back(draft: Draft, number: int, source: str) -> None:
    put_text(draft, source=source)
    tab().said = f"The editor holds version {number} again. Ctrl+Z in it brings back what was there."


def attaching(here: Workspace, endpoint: Endpoint, draft: Draft) -> None:
    """Draw what the transform is attached to, and the button for that endpoint."""
    if not draft.name:
        st.caption("A saved transform can be attached to an endpoint: then its calls run through it.")
        return
    place, places = endpoint_place(here, endpoint.name), library().places(owner(), draft.name)
    with st.container(horizontal=True, vertical_alignment="center"):
        if place in places:
            change = partial(_detach, here, endpoint.name)
            st.button(
                f"Detach from {literal(endpoint.name)}",
                key="transforms.detach", on_click=_try_place, args=(draft, change), icon=":material/link_off:",
            )  # fmt: skip
        else:
            change = partial(_attach, here, endpoint.name, draft.name)
            st.button(
                f"Attach to {literal(endpoint.name)}",
                key="transforms.attach", on_click=_try_place, args=(draft, change), icon=":material/attach_file:",
                help="Chat and Invoke choose it by themselves for this endpoint, always its latest saved version",
            )  # fmt: skip
        if places:
            named = ", ".join(
                f"{code(one.name)} ({'local workspace' if one.workspace == LOCAL else code(one.workspace)})"
                for one in places
            )
            behind = " Calls there run what was saved last, not yet what is in the editor." if draft.unsaved else ""
            st.caption(f"It is attached to {named}.{behind}")
    if tab().said_of_place:
        st.success(tab().said_of_place, icon=":material/check_circle:")
    if draft.refusal_to_attach is not None:
        draw_error(draft.refusal_to_attach)


def _attach(here: Workspace, endpoint: str, name: str) -> str:
    library().attach(owner(), endpoint_place(here, endpoint), name)
    return f"{code(name)} is attached to {code(endpoint)}."


def _detach(here: Workspace, endpoint: str) -> str:
    library().detach(owner(), endpoint_place(here, endpoint))
    return f"Nothing is attached to {code(endpoint)} any more."
