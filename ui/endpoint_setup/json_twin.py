"""The JSON beside the form: the same draft, to be read and written."""

import streamlit as st

from services.endpoint_setup import path_text
from ui.endpoint_setup.draft import Draft
from ui.endpoint_setup.echoes import put_in, show
from ui.endpoint_setup.field_widgets import Sheet
from ui.errors import draw_error
from ui.foreign_text import code
from ui.session import typed_into

KEY = "setup.json"
_MONOSPACED = "<style>.st-key-setup-json textarea {font-family: 'Source Code Pro', ui-monospace, monospace;}</style>"
"""A text area has no setting for it."""


def json_twin(sheet: Sheet) -> None:
    """Draw the JSON of the draft. What is typed becomes the draft, or stays as it is with the reason."""
    draft = sheet.draft
    st.html(_MONOSPACED)
    st.text_area(
        "The same as JSON",
        key=show(KEY, draft.shown_text),
        height=520,
        on_change=_edit,
        args=(draft,),
        disabled=sheet.sending,
        help="The body that is sent. Change it here or in the form: the one follows the other.",
    )
    if draft.wrong is not None:
        draw_error(draft.wrong)
        st.button("Drop this edit", key="setup.drop", on_click=draft.drop_edit, icon=":material/undo:")
    if draft.taken_out:
        places = ", ".join(code(path_text(path)) for path in draft.taken_out)
        st.warning(
            f"A key in the clear stood at {places}. It was taken out, and is kept nowhere: store it as a secret and choose it.",
            icon=":material/key_off:",
        )


def _edit(draft: Draft) -> None:
    if put_in(KEY):
        draft.edit(typed_into(KEY))
