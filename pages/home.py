"""Home: where am I, what is there, and a question that one click asks."""

import streamlit as st

from services.endpoints import Endpoint
from services.workspace import Workspace
from ui.banner import banner
from ui.connecting import endpoints, partner, refresh_endpoints, workspace
from ui.endpoint_list import endpoint_list
from ui.errors import showing_errors
from ui.foreign_text import code
from ui.navigation import go_to, link_to
from ui.session import open_conversation, starting_conversation
from ui.starters import starter_buttons


def ask(here: Workspace, endpoint: Endpoint, question: str) -> None:
    begun = starting_conversation()
    if not begun.turns:  # else this is a second click, before the browser has left the page
        begun.endpoints = [endpoint.name]
        begun.held_with = partner(here)
        begun.ask(here, question)
    open_conversation(begun.name)
    go_to("chat")


def starters(here: Workspace, found: list[Endpoint]) -> None:
    chats = [endpoint for endpoint in found if endpoint.chats and endpoint.ready]
    if not chats:
        st.info(
            "No chat endpoint is ready in this workspace. Create one on its Serving page, or use the local workspace.",
            icon=":material/bedtime:",
        )
        link_to("connection", "Choose another workspace")
        return
    st.markdown(f"One click sends a question to {code(chats[0].name)} and streams its answer.")
    if question := starter_buttons():
        ask(here, chats[0], question)


st.title("Brickyard")
st.markdown("A playground for Databricks model serving: try an endpoint, see what was sent, take the code home.")
with showing_errors():
    here = workspace()
    banner(here)
    found = endpoints(here)
    st.subheader("Ask something")
    starters(here, found)
    st.subheader("Endpoints")
    endpoint_list(found)
    st.button("Refresh", key="home-refresh", on_click=refresh_endpoints, icon=":material/refresh:")
