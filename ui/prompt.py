"""The box for the next prompt. What was typed is kept from the click on, whatever happens to the run that follows."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from services.readiness import Readiness
from ui.conversation import Conversation
from ui.markdown_blocks import safe
from ui.session import show_in_address, typed_into

KEY = "chat-prompt"
PLACEHOLDER = "Ask the endpoint"


def prompt_box(slot: DeltaGenerator, shown: Conversation, *, closed: bool, why: Readiness | None = None) -> None:
    """Draw it into *slot*; *why* nobody can be asked stands in it.

    A prompt that is sent off becomes the conversation's pending one, before the next run begins.

    It closes by itself for the run that a prompt began, and opens at its end; for a run that finds an answer still growing,
    after a reload for example, draw it first with ``closed_box``.

    Not ``submit_mode="stop"``: Streamlit ends the script in the same way for that button and for a dropped websocket, so an
    answer would either not survive the one or not heed the other. Stop is a button of its own.
    """
    placeholder = f"Closed: {why.kind.value}" if why else PLACEHOLDER
    slot.chat_input(placeholder, key=KEY, submit_mode="disable", disabled=closed, on_submit=_keep, args=(shown,))


def closed_box(slot: DeltaGenerator) -> None:
    """Draw a box that takes nothing."""
    slot.chat_input(PLACEHOLDER, key=f"{KEY}-closed", disabled=True)


def _keep(shown: Conversation) -> None:
    shown.pending = typed_into(KEY)
    show_in_address(shown)  # the run that follows asks it, so it must be a run of this conversation


def draw_pending(shown: Conversation) -> None:
    """Draw a prompt that could not be asked yet. Each run tries; a click on “Send now” makes one."""
    if shown.pending:
        st.chat_message("user").markdown(safe(shown.pending))
        until = "it goes out when it can be answered" if shown.endpoints else "choose an endpoint, and it goes out"
        st.warning(f"Not sent yet: {until}.", icon=":material/schedule:")
        with st.container(horizontal=True):
            if shown.endpoints:
                st.button("Send now", key="chat-send-now", icon=":material/send:")
            st.button("Discard", key="chat-discard", on_click=_discard, args=(shown,))


def _discard(shown: Conversation) -> None:
    shown.pending = None
