"""The JSON beside the form: the body that is sent, to be read and written."""

import streamlit as st

from ui.endpoint_setup.echoes import put_in, show
from ui.errors import draw_error
from ui.invoke.sheet import MOST_EDITED, Sheet
from ui.session import typed_into

BEGINNING = 2_000
"""Characters that are shown of a body that is too large to be edited here."""
_MONOSPACED = (
    "<style>[class*='st-key-invoke-twin'] textarea {font-family: 'Source Code Pro', ui-monospace, monospace;}</style>"
)
"""A text area has no setting for it."""


def draw_twin(sheet: Sheet) -> None:
    """Draw the JSON. What is typed becomes the body, or stays as it is with the reason."""
    key, text = f"invoke.{sheet.number}.json", sheet.shown_text
    st.html(_MONOSPACED)
    if len(text) > MOST_EDITED:
        _draw_large(sheet, text)
        return
    with st.container(key=f"invoke-twin-{sheet.number}"):
        st.text_area(
            "The same as JSON",
            key=show(key, text),
            height=min(620, max(220, 26 * text.count("\n") + 60)),
            on_change=_edit,
            args=(sheet, key),
            help="The body that is sent. Change it here or in the form: the one follows the other.",
        )
    if sheet.wrong is not None:
        draw_error(sheet.wrong)
        st.button(
            "Drop this edit",
            key=f"invoke.{sheet.number}.drop",
            on_click=sheet.drop_edit,
            icon=":material/undo:",
        )


def _draw_large(sheet: Sheet, text: str) -> None:
    st.markdown("**The same as JSON**")
    st.code(text[:BEGINNING], language="json", wrap_lines=True, height=320)
    st.caption(f"The beginning of {len(text):,} characters: too many to be edited here. All of it is sent.")
    if sheet.wrong is not None:
        draw_error(sheet.wrong)
    st.button(
        "Empty it", key=f"invoke.{sheet.number}.empty", on_click=sheet.change, args=({},), icon=":material/delete:"
    )


def _edit(sheet: Sheet, key: str) -> None:
    if put_in(key):
        sheet.edit(typed_into(key))
