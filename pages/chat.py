"""Chat: choose endpoints, hold a conversation with them."""

import streamlit as st

from services.workspace import Workspace
from ui.answers import draw_turns
from ui.banner import banner
from ui.connecting import partner, workspace
from ui.conversation import Conversation
from ui.conversation_picker import conversation_picker
from ui.endpoint_picker import endpoint_picker
from ui.errors import showing_errors
from ui.parameters import NOT_SENT, parameters_form
from ui.prompt import closed_box, draw_pending, prompt_box
from ui.request_preview import request_preview
from ui.session import conversation, new_conversation, seed, show_in_address
from ui.starters import starter_buttons

EMPTY = "Ask something below. The answer streams in; under it you find what was sent, what came back, and the same call as code."


def settings(here: Workspace, shown: Conversation) -> None:
    conversation_picker(shown)
    shown.endpoints = endpoint_picker(here, shown)
    system_key = seed(f"chat.{shown.name}.system", shown.system)
    shown.system = st.text_area("System prompt", placeholder=NOT_SENT, height=80, key=system_key)
    shown.parameters = parameters_form(shown.parameters, key=f"chat.{shown.name}")
    request_preview(shown)


def title(shown: Conversation) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", key="chat-tools"):
        st.title("Chat", width="stretch")
        if shown.turns:
            st.button("New", key="chat-new", on_click=new_conversation, icon=":material/add:")
            st.button("Clear", key="chat-clear", on_click=shown.clear, icon=":material/delete_sweep:")


def empty(here: Workspace, shown: Conversation) -> None:
    if shown.cleared:
        undo = f"Undo clear ({len(shown.cleared)} turns)"
        st.button(undo, key="chat-undo", on_click=shown.undo, icon=":material/undo:")
    st.info(EMPTY, icon=":material/chat:")
    if shown.endpoints and (question := starter_buttons()):
        shown.held_with = partner(here)
        shown.ask(here, question)
        st.rerun()


def transcript(shown: Conversation) -> None:
    if shown.running:
        icon = ":material/stop_circle:"
        stop.button(
            "Stop", key="chat-stop", on_click=shown.stop, icon=icon, shortcut="Esc", help="End the request itself"
        )
    draw_turns(shown)
    stop.empty()


top, stop, box = st.container(), st.bottom.empty(), st.bottom.empty()
busy = closed = False
shown = conversation()
show_in_address(shown)
with showing_errors():
    here = workspace()
    banner(here)
    elsewhere = shown.held_with not in (None, partner(here))
    with st.sidebar, showing_errors():
        settings(here, shown)
    busy, closed = shown.running, elsewhere or not shown.endpoints
    if busy:
        closed_box(box)
    else:
        prompt_box(box, shown, closed=closed)
    if shown.pending and shown.endpoints and not elsewhere:
        shown.held_with = partner(here)
        shown.ask(here, shown.pending)
    if elsewhere:
        st.info("This conversation was held in another workspace or as somebody else: “New” begins one here.")
    elif not shown.turns:
        empty(here, shown)
with top:
    title(shown)
transcript(shown)
draw_pending(shown)
if busy:
    prompt_box(box, shown, closed=closed)
