"""Enter a secret: its key, and its value typed or from a file. The value leaves once, and is nowhere afterwards."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from weakref import ReferenceType, ref

import streamlit as st

from services.errors import BadInput, PlaygroundError
from services.secret_scopes import (
    MAX_VALUE,
    Secret,
    SecretReference,
    checked_key,
    checked_scope,
    checked_value,
    create_secret_scope,
    put_secret,
)
from services.workspace import Workspace
from ui.clock import day_and_clock
from ui.errors import draw_error
from ui.foreign_text import code
from ui.secret_scope_lists import KnownScopes, known_scopes
from ui.session import seed, take, take_upload, typed_into, uploaded

TYPED, FROM_FILE = "Typed", "From a file"
NEW_SCOPE = "A new scope"
"""No scope can have this name: it has spaces."""
MOST_MEGABYTES = 1
"""Of an upload; what a secret takes is less, and has a sentence of ours."""
WAITS_SECONDS = 30.0
"""A value that was taken longer ago is not sent any more: its page was left before it could be."""


@dataclass
class SecretEntry:
    """One form for a secret: what it shows, what was entered between the click and its use, and how that ended."""

    prefix: str
    """Of its widgets' keys."""
    into: str = ""
    """The scope that it is drawn for, or NEW_SCOPE."""
    of: ReferenceType[Workspace] | None = field(default=None, repr=False)
    """The workspace that it is drawn for: another tab may have gone through another door since."""
    there: frozenset[str] = frozenset()
    """The keys of that scope, without regard to case."""
    told: str = ""
    """The one of them of which the form says that it will be replaced."""
    taken: int = 0
    """How many values were taken: a second click on the button of an earlier one counts for nothing."""
    scope: str = ""
    key: str = ""
    value: str | bytes = field(default="", repr=False)
    waiting: bool = False
    taken_at: float = 0.0
    said: str = ""
    """What was done, in Markdown."""
    stored: SecretReference | None = None
    """Where, until somebody has made use of it."""
    created: str = ""
    """A new scope that is there now, until somebody has made use of it; also where its key was refused."""
    error: PlaygroundError | None = None

    def take(self, taken: int) -> None:
        """Take the value out of its widget; for the callback. What cannot be sent stays in it, and *error* says why.

        *taken* is what it was when the button was drawn.
        """
        if self.waiting or taken != self.taken:
            return
        self.error = None
        from_file = typed_into(f"{self.prefix}.how") == FROM_FILE
        widget = self.widget("file" if from_file else "value")
        try:
            self.scope, self.key = self._checked_names()
            checked_value((uploaded(widget) or b"") if from_file else typed_into(widget))
        except BadInput as wrong:
            self.error = wrong
            return
        self.value = take_upload(widget) if from_file else take(widget)
        self.taken += 1
        self.taken_at = time.monotonic()
        self.waiting = True

    def widget(self, name: str) -> str:
        """The key of one of its fields: new ones for each value that is taken, so that nothing is left in them."""
        return f"{self.prefix}.{name}.{self.taken}"

    def hand_over(self) -> str | bytes:
        """The value, once."""
        value, self.value, self.waiting = self.value, "", False
        return value

    def drop_what_is_late(self, workspace: Workspace) -> None:
        """Let go of a value that was entered for another workspace, or long ago. *error* says so."""
        elsewhere = self.of is None or self.of() is not workspace
        if elsewhere or time.monotonic() - self.taken_at > WAITS_SECONDS:
            self.hand_over()
            why = "another workspace was connected meanwhile" if elsewhere else "the page was left before it could be"
            self.error = BadInput(f"Nothing was stored: {why}.", "Look where you are, then enter the value again.")

    def _checked_names(self) -> tuple[str, str]:
        if typed_into(f"{self.prefix}.into") not in ("", self.into):
            raise BadInput(
                "The scope was changed just now, so nothing was sent.", "Look at the form, then store again."
            )
        new = self.into == NEW_SCOPE
        scope = checked_scope(typed_into(self.widget("new-scope")).strip()) if new else self.into
        key = typed_into(self.widget("key-name")).strip()
        if key.casefold() not in self.there:
            checked_key(key)
        elif self.told != key.casefold():
            raise BadInput(
                f"There is a key {key} in this scope already, so nothing was sent.",
                "Store it once more to replace its value, or choose another name.",
            )
        return scope, key


def store(workspace: Workspace, entry: SecretEntry) -> None:
    """Send what was entered, and its new scope before it. *entry* has the outcome: ``stored`` and ``said``, or ``error``."""
    entry.drop_what_is_late(workspace)
    if not entry.waiting:
        return
    known = known_scopes(workspace)
    with st.spinner("Storing the secret", show_time=True):
        # No call of Streamlit's in here: a second click would end the script there, and its outcome would be lost.
        _store(workspace, entry, known)


def draw_secret_entry(
    workspace: Workspace, entry: SecretEntry, into: str, secrets: Sequence[Secret], *, disabled: bool = False
) -> None:
    """Draw the form for a secret of the scope *into*, whose keys are *secrets*; or of NEW_SCOPE. Not within a st.form."""
    entry.of = ref(workspace)
    there = {secret.key.casefold(): secret for secret in secrets}
    refused = entry.error is not None
    if into == NEW_SCOPE:
        st.text_input(
            "Name of the new scope",
            key=seed(entry.widget("new-scope"), entry.scope if refused else ""),
            placeholder="my-team",
            max_chars=128,
            disabled=disabled,
        )
    name = seed(entry.widget("key-name"), entry.key if refused else "")
    st.text_input("Name of the key", key=name, placeholder="openai-api-key", max_chars=128, disabled=disabled)
    found = there.get(typed_into(name).strip().casefold())
    entry.into, entry.there, entry.told = into, frozenset(there), found.key.casefold() if found else ""
    if found:
        st.warning(
            f"{code(found.key)} is there already, last put {day_and_clock(found.updated_ms)}. Its value will be replaced, "
            "and cannot be brought back.",
            icon=":material/sync_problem:",
        )
    how = st.segmented_control(
        "Its value", [TYPED, FROM_FILE], default=TYPED, key=f"{entry.prefix}.how", required=True, disabled=disabled
    )
    label = "Replace the value" if found else "Store"
    if how == FROM_FILE:
        _draw_upload(entry, disabled=disabled)
        st.button(
            label,
            key=entry.widget("store"),
            type="primary",
            on_click=entry.take,
            args=(entry.taken,),
            disabled=disabled,
        )
    else:
        with st.form(entry.widget("form"), border=False):
            st.text_input(
                "Value",
                key=entry.widget("value"),
                type="password",
                autocomplete="off",
                disabled=disabled,
                help="One line, kept as it is. Take a value of several lines, such as a PEM key, from a file.",
            )
            st.form_submit_button(
                label,
                key=entry.widget("store"),
                type="primary",
                on_click=entry.take,
                args=(entry.taken,),
                disabled=disabled,
            )
    if entry.error is not None:
        draw_error(entry.error)


def _draw_upload(entry: SecretEntry, *, disabled: bool) -> None:
    widget = entry.widget("file")
    st.file_uploader(
        f"A file of at most {MAX_VALUE // 1024} KB", key=widget, max_upload_size=MOST_MEGABYTES, disabled=disabled
    )
    content = uploaded(widget)
    if content is None:
        return
    if content.endswith((b"\n", b"\r")):
        st.warning(
            "The file ends in a newline, which will be part of the value. Most providers refuse an API key with one.",
            icon=":material/keyboard_return:",
        )
    if content.startswith(b"\xef\xbb\xbf"):
        st.warning(
            "The file begins with a byte order mark, which will be part of the value.", icon=":material/warning:"
        )


def _store(workspace: Workspace, entry: SecretEntry, known: KnownScopes) -> None:
    value, entry.said = entry.hand_over(), ""
    made = ""
    try:
        if entry.into == NEW_SCOPE:
            create_secret_scope(workspace, entry.scope)
            known.changed(entry.scope)
            entry.created, made = entry.scope, f"Secret scope {entry.scope} was created. "
        put_secret(workspace, entry.scope, entry.key, value)
    except PlaygroundError as error:
        error.hint = f"{made}The value is not kept here, so enter it again. {error.hint}"
        entry.error = error.with_traceback(None)  # whose frames have the value
        if made or entry.into != NEW_SCOPE:
            known.write_tried(entry.scope, error)
        return
    entry.stored = SecretReference(entry.scope, entry.key)
    entry.said = f"Stored as {code(str(entry.stored))}. The value is not shown or kept here."
    known.write_tried(entry.scope, None)
