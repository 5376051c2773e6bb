"""Home: where am I, what is there, and a question that one click asks."""

import streamlit as st

from services.endpoints import Endpoint
from services.readiness import can_sleep, readiness_of
from services.workspace import Workspace
from ui.banner import banner
from ui.connecting import endpoints, partner, workspace
from ui.endpoints.list import endpoint_list
from ui.errors import showing_errors
from ui.foreign_text import code
from ui.list_age import list_age
from ui.navigation import go_to, link_to
from ui.readiness import readiness
from ui.session import open_conversation, starting_conversation
from ui.starters import starter_buttons
from ui.transform_picker import begin_with_attached

NONE_READY = "No chat endpoint is ready in this workspace. Set one up, or use the local workspace."
NOT_YOURS = "You may see this workspace's chat endpoints, but not call one: ask an owner for CAN QUERY, or set one up."


def ask(here: Workspace, endpoint: Endpoint, question: str) -> None:
    begun = starting_conversation()
    if not begun.turns:  # else this is a second click, before the browser has left the page
        begun.endpoints = [endpoint.name]
        begun.held_with = partner(here)
        begin_with_attached(here, begun)
        begun.ask(here, question, {endpoint.name: readiness(here, endpoint)})
    open_conversation(begun.name)
    go_to("chat")


def starters(here: Workspace, found: list[Endpoint]) -> None:
    ready = [endpoint for endpoint in found if endpoint.chats and endpoint.ready]
    chats = sorted((one for one in ready if readiness_of(one).may_send), key=can_sleep)
    if not chats:
        st.info(NOT_YOURS if ready else NONE_READY, icon=":material/lock:" if ready else ":material/bedtime:")
        link_to("endpoint_setup", "Set up an endpoint")
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
    st.header("Ask something")
    starters(here, found)
    if any(one.embeds for one in found):
        link_to("embeddings", "See what an embedding model does to texts")
    st.header("Endpoints")
    endpoint_list(found)
    list_age(here, key="home")
