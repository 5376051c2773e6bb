"""What is remembered of one browser, and of all of them: plain objects, which know nothing of Streamlit."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable
from weakref import WeakKeyDictionary

from services.errors import PlaygroundError
from services.workspace import Door, Identity, Workspace
from ui.conversation import Conversation
from ui.endpoint_cache import EndpointCache

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


class Visits:
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
