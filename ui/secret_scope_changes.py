"""Changes of secret scopes that need no value: asked for by a click, made once, with an outcome that stays to be read."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from weakref import ReferenceType, ref

import streamlit as st

from services.errors import BadInput, PlaygroundError
from services.workspace import Workspace
from ui.address import show_scope_in_address
from ui.errors import draw_error
from ui.secret_scope_lists import KnownScopes, known_scopes

WAITS_SECONDS = 30.0
"""A change that was asked for longer ago is not made any more: the page was left before it could be."""


@dataclass(frozen=True)
class Change:
    """One change."""

    place: str
    """Of the page, where its outcome is told."""
    scope: str
    make: Callable[[], None] = field(repr=False)
    said: str
    """What was done, in Markdown."""
    writes: bool = False
    """Whether its outcome shows if one may write to the scope."""
    opens: str | None = None
    """The scope that is to be opened after it; empty for the list of all."""


@dataclass
class SecretChanges:
    """The changes of this tab: the one that is to be made, and how the last one ended."""

    asked: int = 0
    """How many were asked for. A click on a button that was drawn before the last one counts for nothing."""
    waiting: Change | None = None
    last: Change | None = None
    error: PlaygroundError | None = None
    armed: tuple[str, str] = ("", "")
    """What asks for confirmation at the moment: a kind and a name."""
    opens: str | None = None
    asked_at: float = 0.0
    of: ReferenceType[Workspace] | None = None
    """The workspace that the page was drawn for last."""

    def ask(self, asked: int, change: Change) -> None:
        """Let it be made in the coming run; for callbacks. *asked* is what it was when the button was drawn."""
        if self.waiting is None and asked == self.asked:
            self.asked += 1
            self.waiting, self.asked_at = change, time.monotonic()

    def arm(self, kind: str, name: str) -> None:
        """Ask for confirmation of that; for callbacks. Empty for of nothing."""
        self.armed = (kind, name)
        self.last = self.error = None

    def carry_out(self, workspace: Workspace) -> None:
        """Make the change that was asked for, if any: once, whatever is clicked meanwhile.

        One that was asked for in another workspace, by a page of before, or long ago is dropped, and that is said.
        """
        self._drop_what_is_late(workspace)
        if self.waiting is None:
            return
        known = known_scopes(workspace)
        with st.spinner("Asking the workspace for the change", show_time=True):
            # No call of Streamlit's in here: a second click would end the script there, and its outcome would be lost.
            self._make(known)

    def open_what_was_made(self) -> None:
        """Show the scope that the last change is about, or the list where it is gone."""
        if self.opens is not None:
            show_scope_in_address(self.opens)
            self.opens = None

    def draw_outcome(self, place: str, scope: str = "") -> None:
        """Tell how the last change ended, if it was asked for there, and for that scope where one is given."""
        if self.last is None or self.last.place != place or scope not in ("", self.last.scope):
            return
        if self.error is not None:
            draw_error(self.error)
        else:
            st.success(self.last.said, icon=":material/check_circle:")

    def _drop_what_is_late(self, workspace: Workspace) -> None:
        elsewhere = self.of is not None and self.of() is not workspace
        late = elsewhere or time.monotonic() - self.asked_at > WAITS_SECONDS
        if elsewhere:  # buttons of the page that showed the other one count for nothing
            self.asked, self.last, self.error, self.armed = self.asked + 1, None, None, ("", "")
        self.of = ref(workspace)
        if self.waiting is not None and late:
            why = "another workspace was connected meanwhile" if elsewhere else "the page was left before it could be"
            self.last, self.waiting, self.armed = self.waiting, None, ("", "")
            self.error = BadInput(f"Nothing was changed: {why}.", "Look where you are, then ask for it again.")

    def _make(self, known: KnownScopes) -> None:
        if self.waiting is None:
            return
        self.last, self.waiting = self.waiting, None
        try:
            self.last.make()
        except PlaygroundError as error:
            self.error = error
        else:
            self.error, self.armed, self.opens = None, ("", ""), self.last.opens
        if self.last.writes:
            known.write_tried(self.last.scope, self.error)
        else:
            known.changed(self.last.scope)
