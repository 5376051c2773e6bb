"""Chat: choose endpoints, hold a conversation with them."""

import streamlit as st

from services.readiness import Readiness
from services.workspace import Workspace
from ui.answers import draw_turns
from ui.banner import banner
from ui.connecting import partner, workspace
from ui.conversation import Conversation
from ui.conversation_picker import conversation_picker
from ui.conversation_tools import conversation_tools, undo_clear
from ui.endpoint_picker import endpoint_picker
from ui.errors import showing_errors
from ui.parameters import NOT_SENT, parameters_form
from ui.prompt import closed_box, draw_pending, prompt_box
from ui.readiness import draw_closed, why_closed, woken
from ui.request_preview import request_preview
from ui.session import conversation, seed, show_in_address
from ui.starters import starter_buttons
from ui.transform_picker import chat_transform

EMPTY = "Ask something below. The answer streams in; under it you find what was sent, what came back, and the same call as code."


def settings(here: Workspace, shown: Conversation) -> None:
    conversation_picker(shown)
    known.update(endpoint_picker(here, shown))
    shown.endpoints = list(known)
    with showing_errors():
        chat_transform(here, shown)
    system_key = seed(f"chat.{shown.name}.system", shown.system)
    shown.system = st.text_area("System prompt", placeholder=NOT_SENT, height=80, key=system_key)
    shown.parameters = parameters_form(shown.parameters, key=f"chat.{shown.name}")
    request_preview(shown)


def empty(here: Workspace, shown: Conversation) -> None:
    undo_clear(shown)
    if why or shown.pending:
        return
    st.info(EMPTY, icon=":material/chat:")
    if shown.may_ask and (question := starter_buttons()):
        shown.held_with = partner(here)
        shown.ask(here, question, known)
        st.rerun()


def transcript(shown: Conversation) -> None:
    if shown.running:
        icon = ":material/stop_circle:"
        stop.button(
            "Stop", key="chat-stop", on_click=shown.stop, icon=icon, shortcut="Esc", help="End the request itself"
        )
    answered = draw_turns(shown)
    stop.empty()
    if answered and woken(known):
        st.rerun()


top, stop, reason, box = st.container(), st.bottom.empty(), st.bottom.container(), st.bottom.empty()
busy = closed = False
known: dict[str, Readiness] = {}
why: Readiness | None = None
shown = conversation()
show_in_address(shown)
with showing_errors():
    here = workspace()
    banner(here)
    elsewhere = shown.held_with not in (None, partner(here))
    with st.sidebar, showing_errors():
        settings(here, shown)
    why = why_closed(list(known.values()))
    busy, closed = shown.running, elsewhere or not shown.may_ask or why is not None
    if busy:
        closed_box(box)
    else:
        prompt_box(box, shown, closed=closed, why=why)
    if shown.pending and not closed:
        shown.held_with = partner(here)
        shown.ask(here, shown.pending, known)
    start = st.empty()  # so that the starters of an earlier run go before the answer is waited for
    if elsewhere:
        start.info("This conversation was held in another workspace or as somebody else: “New” begins one here.")
    elif not shown.turns:
        with start.container():
            empty(here, shown)
    if why and not busy:
        with reason:
            draw_closed(why)
with top:
    conversation_tools(shown)
transcript(shown)
draw_pending(shown)
if busy:
    prompt_box(box, shown, closed=closed, why=why)
