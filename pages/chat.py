"""Chat: choose endpoints, hold a conversation with them."""

import streamlit as st

from services.workspace import Workspace
from ui.answers import draw_turns
from ui.banner import banner
from ui.connecting import workspace
from ui.conversation import Conversation
from ui.endpoint_picker import endpoint_picker
from ui.errors import showing_errors
from ui.parameters import NOT_SENT, parameters_form
from ui.request_preview import request_preview
from ui.session import conversation, seed, show_in_address
from ui.starters import starter_buttons

EMPTY = "Ask something below. The answer streams in; under it you find what was sent, what came back, and the same call as code."


def settings(here: Workspace, shown: Conversation) -> None:
    shown.endpoints = endpoint_picker(here, shown.endpoints, key="chat.endpoints")
    system_key = seed(f"chat.{shown.name}.system", shown.system)
    shown.system = st.text_area("System prompt", placeholder=NOT_SENT, height=80, key=system_key)
    shown.parameters = parameters_form(shown.parameters, key=f"chat.{shown.name}")
    request_preview(shown)


def title(shown: Conversation) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", key="chat-tools"):
        st.header("Chat", width="stretch")
        if shown.turns:
            st.button("Clear", key="chat-clear", on_click=shown.clear, icon=":material/delete_sweep:")
        elif shown.cleared:
            st.button(
                f"Undo clear ({len(shown.cleared)} turns)", key="chat-undo", on_click=shown.undo, icon=":material/undo:"
            )


def transcript(here: Workspace, shown: Conversation) -> None:
    if not shown.turns:
        st.info(EMPTY, icon=":material/chat:")
        if shown.endpoints and (question := starter_buttons()):
            shown.ask(here, question)
            st.rerun()
    stop = st.bottom.empty()
    if shown.running:
        stop.button(
            "Stop",
            key="chat-stop",
            on_click=shown.stop,
            icon=":material/stop_circle:",
            shortcut="Esc",
            help="End the request itself",
        )
    draw_turns(shown)
    stop.empty()


top = st.container()
shown = conversation()
show_in_address(shown)
with showing_errors():
    here = workspace()
    banner(here)
    with st.sidebar, showing_errors():
        settings(here, shown)
    # submit_mode closes the input for the run that a prompt began; *busy* for one that finds an answer still growing.
    busy = shown.running
    if prompt := st.chat_input(
        "Ask the endpoint", key="chat-prompt", submit_mode="disable", disabled=busy or not shown.endpoints
    ):
        shown.ask(here, prompt)
    with top:
        title(shown)
    transcript(here, shown)
    if busy:
        st.rerun()
