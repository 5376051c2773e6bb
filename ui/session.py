"""What is remembered, for whom: the only user of ``st.session_state``.

A **visit** is one browser, known by its cookie (and by the forwarded identity, behind a proxy that says who browses). It
outlives a reload and is shared by the browser's tabs: the connection, the conversations. A **tab** is one Streamlit session:
which conversation it shows. Widgets mirror these objects; they are never the memory.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from services.settings import Settings
from services.visitors import COOKIE, is_alone, is_visitor, new_visitor, owner_of
from ui.address import endpoints_in_address
from ui.conversation import Conversation
from ui.visits import Visit, Visits

View = TypeVar("View")


@dataclass
class Tab:
    """One Streamlit session's memory."""

    visitor: str = field(default_factory=new_visitor)
    """Stands in for the cookie where there is none."""
    conversation: str | None = None
    starting: str | None = None
    """The conversation that a starter question on the home page will begin, or has begun."""


_visits = Visits()


def remembered(kind: type[View]) -> View:
    """This tab's object of that kind, made at its first use."""
    key = f"{kind.__module__}.{kind.__qualname__}"
    if key not in st.session_state:
        st.session_state[key] = kind()
    view: View = st.session_state[key]
    return view


def kept(kind: type[View]) -> View:
    """This browser's object of that kind, made at its first use: it outlives a reload, and its tabs share it."""
    here = visit()
    with here.lock:
        view = here.views.setdefault(kind, kind())
    assert isinstance(view, kind)  # noqa: S101 - for the type checker: it was stored under its own type
    return view


def seed(key: str, value: object) -> str:
    """Let the widget with that key begin with *value* when it is drawn for the first time; the key, for the widget.

    A widget whose own default is something else than empty cannot be emptied by a person: so the default stays empty.
    """
    st.session_state.setdefault(key, value)  # not "in", which copies the whole state each time
    return key


def reseed(key: str, value: object) -> str:
    """Let the widget with that key show *value*, whatever it showed before; the key, for the widget."""
    st.session_state[key] = value
    return key


def mirror(key: str, value: object) -> str:
    """Let the widget with that key show *value*, which is remembered elsewhere; the key, for the widget.

    Without effect where it shows it already: what is being typed into a widget survives only where nobody sets its value.
    """
    if key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value
    return key


def mirror_choice(key: str, value: object, labels: Mapping[str, str]) -> str:
    """The same for a choice whose options have *labels*, which may change: a browser goes on showing the one it chose by.

    It also sends that one back, which is no option any more: a callback is to take what is among the options only.
    """
    drawn = f"{key}-labels"
    if st.session_state.get(drawn) == labels:
        return mirror(key, value)
    st.session_state[drawn] = dict(labels)
    return reseed(key, value)


def entered(key: str) -> object:
    """What the widget with that key holds: a text, a number, a choice; None for nothing."""
    found: object = st.session_state.get(key)
    return found


def typed_into(key: str) -> str:
    """What was typed into the widget with that key."""
    return str(st.session_state.get(key, ""))


def take(key: str) -> str:
    """The same, and the widget is empty from then on. For callbacks: before the widget is drawn."""
    typed = typed_into(key)
    st.session_state[key] = ""
    return typed


def uploaded(key: str) -> bytes | None:
    """The file that is in the uploader with that key; None for none."""
    file = st.session_state.get(key)
    return file.getvalue() if isinstance(file, UploadedFile) else None


def uploaded_name(key: str) -> str:
    """What the file in the uploader with that key is called, as its sender says; empty for none."""
    file = st.session_state.get(key)
    return str(file.name) if isinstance(file, UploadedFile) else ""


def uploaded_id(key: str) -> str:
    """Stands for the file in the uploader with that key, another one for each upload; empty for none."""
    file = st.session_state.get(key)
    return str(file.file_id) if isinstance(file, UploadedFile) else ""


def take_upload(key: str) -> bytes:
    """The same, and this server forgets the file. For callbacks; draw the uploader under another key from then on."""
    file = st.session_state.get(key)
    if not isinstance(file, UploadedFile):
        return b""
    content = file.getvalue()
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        # Streamlit itself keeps it until the session ends.
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)
    del st.session_state[key]
    return content


def visit() -> Visit:
    """The memory of the browser that this script runs for."""
    return _visits.of((_visitor(), forwarded_user()))


def owner() -> str:
    """Whose saved transforms these are, as a key: the same person's after a restart, wherever that can be known."""
    return owner_of(_visitor(), forwarded_user(), alone=alone())


def alone() -> bool:
    """Whether one person only uses this server."""
    return is_alone(Settings.from_environment(), st.get_option("server.address"))


def _visitor() -> str:
    cookie = st.context.cookies.get(COOKIE)
    return str(cookie if is_visitor(cookie) else remembered(Tab).visitor)


def forwarded_user() -> str:
    """The stable id of who browses, as the proxy says; empty where no proxy is trusted to."""
    return _forwarded("X-Forwarded-User")


def forwarded_token() -> str:
    """The visitor's own token, as Databricks Apps forwards it. As old as the websocket's handshake."""
    return _forwarded("X-Forwarded-Access-Token")


def _forwarded(header: str) -> str:
    headers: Mapping[str, str] = st.context.headers
    value = headers.get(header) if Settings.from_environment().trust_forwarded_identity else None
    return value if isinstance(value, str) else ""


def conversation() -> Conversation:
    """The conversation that this tab shows: the one in its address, else the one it showed last, else a new one.

    An address that names endpoints and no conversation begins a new one: “chat with it” means that endpoint.
    """
    tab = remembered(Tab)
    linked = bool(endpoints_in_address())  # a link to an endpoint, which an older conversation is not with
    asked = st.query_params.get("chat") or (None if linked else tab.conversation)
    found = visit().conversation(asked)
    tab.conversation = found.name
    if tab.starting == found.name:
        tab.starting = None
    return found


def conversations() -> list[Conversation]:
    """Those of this browser in which something was said or waits to be, the last used first."""
    return visit().held()


def new_conversation() -> None:
    """Let this tab show an empty conversation from now on; the old one stays in the list."""
    remembered(Tab).conversation = None
    st.query_params.pop("chat", None)


def open_conversation(name: str) -> None:
    """Let this tab show that conversation."""
    remembered(Tab).conversation = name
    st.query_params["chat"] = name


def starting_conversation() -> Conversation:
    """The conversation for the home page's next question; the same one until the chat page has shown it."""
    tab = remembered(Tab)
    found = visit().conversation(tab.starting)
    tab.starting = found.name
    return found


def show_in_address(shown: Conversation) -> None:
    """Put the conversation into the address, so that a reload finds it. It opens for this browser only."""
    if st.query_params.get("chat") != shown.name:
        st.query_params["chat"] = shown.name
