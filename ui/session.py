"""What is remembered, for whom: the only user of ``st.session_state``.

A **visit** is one browser, known by its cookie (and by the forwarded identity, behind a proxy that says who browses). It
outlives a reload and is shared by the browser's tabs: the connection, the conversations. A **tab** is one Streamlit session:
which conversation it shows. Widgets mirror these objects; they are never the memory.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar, runtime_checkable
from weakref import WeakKeyDictionary

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from services.errors import PlaygroundError
from services.settings import Settings
from services.visitors import COOKIE, is_alone, is_visitor, new_visitor, owner_of
from services.workspace import Door, Identity, Workspace
from ui.conversation import Conversation
from ui.endpoint_cache import EndpointCache

View = TypeVar("View")

KEPT_VISITS = 1_000
KEPT_SECONDS = 12 * 3600
SWEEP_SECONDS = 600
KEPT_CONVERSATIONS = 20
KEPT_WORKSPACES = 8


@runtime_checkable
class Watching(Protocol):
    """A kept object that asks a workspace by itself."""

    def let_go(self, of: Workspace) -> None:
        """Ask that workspace no more: its token is to be forgotten."""


@dataclass
class Visit:
    """One browser's memory."""

    door: Door | None = None
    """Chosen by the person; None: the first that is there."""
    local_user: str = "admin"
    profile: str | None = None
    as_app: bool = False
    """In a Databricks App: act as the app even where the visitor's token is there."""
    typed: Workspace | None = None
    opened: "OrderedDict[tuple[str, ...], Workspace]" = field(default_factory=OrderedDict)
    """The last workspaces that were made for this visit, by what they were made of; tokens as hashes."""
    identities: WeakKeyDictionary[Workspace, Identity] = field(default_factory=WeakKeyDictionary)
    refused: WeakKeyDictionary[Workspace, tuple[float, PlaygroundError]] = field(default_factory=WeakKeyDictionary)
    """When a workspace last did not say who we are, and why not."""
    choices: int = 0
    """How often a door was chosen: a slow connection must not undo a later choice."""
    endpoints: WeakKeyDictionary[Workspace, EndpointCache] = field(default_factory=WeakKeyDictionary)
    conversations: "OrderedDict[str, Conversation]" = field(default_factory=OrderedDict)
    views: dict[type, object] = field(default_factory=dict)
    """What pages keep for this browser, by kind: see kept()."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def conversation(self, name: str | None) -> Conversation:
        """That conversation, or a new one where the name is unknown."""
        with self.lock:
            found = self.conversations.get(name or "")
            if found is None:
                self._make_room()
                found = Conversation()
                self.conversations[found.name] = found
            self.conversations.move_to_end(found.name)
            return found

    def held(self) -> list[Conversation]:
        """Those in which something was said or waits to be, the last used first."""
        with self.lock:
            return [one for one in reversed(self.conversations.values()) if one.turns or one.pending]

    def forget_token(self) -> None:
        """Let go of the typed token, and end what runs with it."""
        with self.lock:
            for one in self.conversations.values():
                one.stop()
            if self.typed is not None:
                self.forget(self.typed)
            self.typed = None
            self.door = None if self.door is Door.SESSION else self.door

    def forget(self, workspace: Workspace) -> None:
        """End what watches that workspace, and let go of what signs in there."""
        with self.lock:
            for view in self.views.values():
                if isinstance(view, Watching):
                    view.let_go(workspace)
            workspace.forget()

    def _make_room(self) -> None:
        while len(self.conversations) >= KEPT_CONVERSATIONS:
            empty = (name for name, one in self.conversations.items() if not (one.turns or one.pending))
            self.conversations.pop(next(empty, next(iter(self.conversations)))).stop()


@dataclass
class Tab:
    """One Streamlit session's memory."""

    visitor: str = field(default_factory=new_visitor)
    """Stands in for the cookie where there is none."""
    conversation: str | None = None
    starting: str | None = None
    """The conversation that a starter question on the home page will begin, or has begun."""


class _Visits:
    """All visits of this process, the longest idle ones forgotten first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._visits: OrderedDict[tuple[str, str], tuple[float, Visit]] = OrderedDict()
        self._broom: threading.Thread | None = None

    def of(self, key: tuple[str, str]) -> Visit:
        now = time.monotonic()
        with self._lock:
            if self._broom is None:
                self._broom = threading.Thread(target=self._sweep, name="forget idle visits", daemon=True)
                self._broom.start()
            _, visit = self._visits.pop(key, (now, None))
            self._visits[key] = (now, visit or Visit())
            self._forget_idle(now)
            return self._visits[key][1]

    def _sweep(self) -> None:
        """A token must go when its time has come, also where nobody visits any more."""
        while True:
            time.sleep(SWEEP_SECONDS)
            with self._lock:
                self._forget_idle(time.monotonic())

    def _forget_idle(self, now: float) -> None:
        while self._visits and (
            len(self._visits) > KEPT_VISITS or now - next(iter(self._visits.values()))[0] > KEPT_SECONDS
        ):
            _, (_, idle) = self._visits.popitem(last=False)
            idle.forget_token()


_visits = _Visits()


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


def endpoints_in_address() -> list[str]:
    """The endpoints that a link asks for."""
    return st.query_params.get_all("endpoint")


def show_endpoints_in_address(names: list[str]) -> None:
    """Let the address name the endpoints, so that it can be sent to a colleague."""
    if st.query_params.get_all("endpoint") != names:
        st.query_params["endpoint"] = names


def scope_in_address() -> str:
    """The secret scope that the address names; empty for none."""
    return st.query_params.get("scope") or ""


def show_scope_in_address(name: str) -> None:
    """Open that secret scope, or none where *name* is empty."""
    if name:
        st.query_params["scope"] = name
    else:
        st.query_params.pop("scope", None)


def transform_in_address() -> str:
    """The saved transform that the address names; empty for none."""
    return st.query_params.get("transform") or ""


def take_sample_from_address() -> bool:
    """Whether a link brings a body along as the sample. It does so once: the address says it no more."""
    return st.query_params.pop("sample", None) is not None


def show_transform_in_address(name: str) -> None:
    """Let the address name that saved transform, or none where *name* is empty."""
    if name and st.query_params.get("transform") != name:
        st.query_params["transform"] = name
    elif not name:
        st.query_params.pop("transform", None)


def embeddings_in_address(of: str) -> str:
    """What the address of the Embeddings page names: *of* is ``dataset``, ``run`` or ``stage``. Empty for nothing."""
    return st.query_params.get(of) or ""


def show_embeddings_in_address(**shown: str) -> None:
    """Let that address name these; empty for none. What is not given stays."""
    for of, name in shown.items():
        if not name:
            st.query_params.pop(of, None)
        elif st.query_params.get(of) != name:
            st.query_params[of] = name
