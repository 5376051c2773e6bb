"""The box for the next prompt. What was typed is kept from the click on, whatever happens to the run that follows."""

import streamlit as st

from ui.conversation import Conversation
from ui.markdown_blocks import safe
from ui.session import typed_into

KEY = "chat-prompt"


def prompt_box(shown: Conversation, *, closed: bool) -> None:
    """Draw it. A prompt that is sent off becomes the conversation's pending one, before the next run begins.

    Not ``submit_mode="stop"``: Streamlit ends the script in the same way for that button and for a dropped websocket, so an
    answer would either not survive the one or not heed the other. Stop is a button of its own.
    """
    st.chat_input("Ask the endpoint", key=KEY, submit_mode="disable", disabled=closed, on_submit=_keep, args=(shown,))


def _keep(shown: Conversation) -> None:
    shown.pending = typed_into(KEY)


def draw_pending(shown: Conversation) -> None:
    """Draw a prompt that could not be asked yet."""
    if shown.pending:
        st.chat_message("user").markdown(safe(shown.pending))
        st.warning("Not sent yet: it goes out when the workspace answers.", icon=":material/schedule:")
        st.button("Discard", key="chat-discard", on_click=_discard, args=(shown,))


def _discard(shown: Conversation) -> None:
    shown.pending = None
