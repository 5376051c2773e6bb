"""What the endpoint page remembers: of one endpoint, what was asked about it, what is being edited, and what was done."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from weakref import ReferenceType, ref

import streamlit as st

from services.endpoints import Change, EndpointDetail, get_endpoint_detail, send_change
from services.errors import PlaygroundError
from services.workspace import Workspace
from ui.connecting import endpoint_cache
from ui.foreign_text import literal

KEPT_SECONDS = 20.0
"""How long an answer about the endpoint is shown before it is asked for again."""

Answer = TypeVar("Answer")


@dataclass
class EndpointView:
    """One tab's memory of the endpoint that it shows."""

    name: str = ""
    done: str = ""
    """What was done, to be said once; Markdown."""
    sends: int = 0
    """How many changes were begun: it is in the keys of the buttons, so that a double click presses two different ones."""
    saved: int = 0
    """How many changes went through: it is in the keys of fields, which then begin with what is there now."""
    gone: bool = False
    """Whether it was deleted here."""
    refused: str = ""
    """The key of the button whose change was refused last."""
    refusal: PlaygroundError | None = None
    """Why; it is shown until the next change, or until everything is asked for again."""
    drafts: dict[str, Any] = field(default_factory=dict)
    """What is being edited, by part of the page."""
    _of: ReferenceType[Workspace] | None = None
    _answers: dict[str, tuple[float, Any]] = field(default_factory=dict)

    def shows(self, of: Workspace, name: str) -> None:
        """Begin anew where it is another endpoint, or another workspace's."""
        if self._of is None or self._of() is not of or self.name != name or self.gone:
            self._of, self.name, self.done, self.gone = ref(of), name, "", False
            self.sends, self.saved = self.sends + 1, self.saved + 1
            self.refresh()
            self.drafts.clear()

    def detail(self, of: Workspace) -> EndpointDetail:
        """The endpoint, as it was a moment ago. Raises PlaygroundError."""
        known = self._answers.get("detail")
        seconds = 0.0 if known and known[1].endpoint.updating else KEPT_SECONDS  # its end must not be missed
        return self.answer(
            "detail", f"Asking for {literal(self.name)}", lambda: get_endpoint_detail(of, self.name), seconds
        )

    def answer(self, what: str, waiting: str, ask: Callable[[], Answer], seconds: float = KEPT_SECONDS) -> Answer:
        """What *ask* returned, at most so many seconds ago. Failures are not kept."""
        at, known = self._answers.get(what, (float("-inf"), None))
        if time.monotonic() - at <= seconds:
            kept: Answer = known
            return kept
        with st.spinner(waiting, show_time=True):
            found = ask()
            self._answers[what] = (time.monotonic(), found)
        return found

    def asked_at(self, what: str = "detail") -> float:
        """When that answer came, seconds since the epoch; now, where there is none."""
        at = self._answers.get(what, (time.monotonic(), None))[0]
        return time.time() - (time.monotonic() - at)

    def refresh(self) -> None:
        """Ask for everything again at its next use."""
        self._answers.clear()
        self.refused, self.refusal = "", None

    def take_done(self) -> str:
        """What was done, once."""
        said, self.done = self.done, ""
        return said

    def send(self, of: Workspace, make: Callable[[], Change], done: str) -> None:
        """Send a change, once. Raises PlaygroundError; then everything typed is still there.

        Nothing of Streamlit is called between the count and the end: a second click cannot come in between.
        """
        self.sends += 1
        cache = endpoint_cache(of)
        change = make()
        try:
            send_change(of, change)
        finally:
            self.refresh()  # also after a failure: the change may have been made all the same
            cache.outdated()
        self.saved += 1
        self.done = done
