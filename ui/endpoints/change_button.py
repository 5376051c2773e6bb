"""A button that changes an endpoint, and the same change as code."""

from collections.abc import Callable, Sequence

import streamlit as st

from services.endpoints import Change
from services.errors import PlaygroundError
from services.snippets import Snippet
from services.snippets.endpoints import endpoint_snippets
from services.workspace import Workspace
from ui.endpoints.view import EndpointView
from ui.errors import draw_error
from ui.foreign_text import literal
from ui.snippet_list import draw_snippets


def change_button(
    label: str,
    make: Callable[[], Change],
    *,
    of: Workspace,
    view: EndpointView,
    done: str,
    key: str,
    disabled: bool = False,
    icon: str | None = None,
    quiet: bool = False,
) -> None:
    """Draw the button; when it is pressed, send what *make* returns, once, and run the page again with *done* said on top.

    A refusal is drawn here, until the next change: below the button, so that nothing moves between a mouse's down and up.
    *make* may ask the workspace, and raise PlaygroundError.
    """
    kind = "tertiary" if quiet else "primary"
    pressed = st.button(label, key=f"{key}-{view.sends}", disabled=disabled, icon=icon, type=kind)  # type: ignore[arg-type]
    if pressed and not disabled:
        with st.spinner("Sending the change", show_time=True):
            try:
                view.send(of, make, done)
            except PlaygroundError as refusal:
                view.refused, view.refusal = key, refusal
        st.rerun()
    if view.refused == key and view.refusal is not None:
        draw_error(view.refusal)


def change_code(make: Callable[[], Change], *, key: str, label: str = "The same as code") -> None:
    """Draw the change as code, folded away. Nothing where there is no change to make yet."""
    snippets = _snippets(make)
    if snippets:
        with st.expander(label, icon=":material/code:"):
            draw_snippets(snippets, key=key)


def _snippets(make: Callable[[], Change]) -> Sequence[Snippet]:
    try:
        return endpoint_snippets(make())
    except PlaygroundError:
        return ()  # the button says why


def draw_reason(reason: str) -> None:
    """Say why something is switched off; nothing for no reason."""
    if reason:
        st.info(literal(reason), icon=":material/lock:")
