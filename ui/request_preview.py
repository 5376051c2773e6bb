"""What the next prompt will send: the body, before it leaves."""

import streamlit as st

from services.chat import preview
from ui.conversation import Conversation
from ui.errors import showing_errors
from ui.foreign_text import literal


def request_preview(shown: Conversation) -> None:
    """Draw the next request's body. Always on the page: it also loads the highlighter before the first answer needs it."""
    with st.expander("Next request", key="chat.preview", expanded=True), showing_errors():
        st.code(preview(shown.next_requests()[0]), language="json", wrap_lines=True)
        if shown.transform is not None and not shown.transform.gone:
            st.caption(f"Before transform_input of {literal(shown.transform.label)}, which runs when you send.")
