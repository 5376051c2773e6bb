"""Choose the chat endpoints of a conversation."""

import streamlit as st

from services.endpoints import Endpoint
from services.readiness import Readiness, ReadinessKind, readiness_of
from services.workspace import Workspace
from ui.connecting import endpoints, endpoints_with
from ui.conversation import Conversation
from ui.foreign_text import code
from ui.list_age import list_age
from ui.readiness import draw_states, readiness
from ui.session import endpoints_in_address, seed, show_endpoints_in_address

MOST = 4


def endpoint_picker(workspace: Workspace, shown: Conversation) -> dict[str, Readiness]:
    """Draw the choice, and what a call of each will meet, by its name. Several answer side by side."""
    wanted = shown.endpoints or endpoints_in_address()
    # A prompt that waits need not wait for a list.
    listed = endpoints(workspace, any_age=True) if shown.pending else endpoints_with(workspace, wanted)
    found = {endpoint.name: endpoint for endpoint in listed if endpoint.chats}
    unknown = [name for name in wanted if name not in found]
    start = [name for name in wanted if name in found][:MOST] or _first(found)
    key = f"chat.{shown.name}.endpoints"
    names = st.multiselect(
        "Endpoints",
        list(found),
        key=seed(key, start),
        max_selections=MOST,
        format_func=lambda name: _label(found[name]),
        placeholder="Choose a chat endpoint",
        help="With several, all of them answer, side by side.",
    )
    if unknown:
        names_left_out = ", ".join(code(name) for name in unknown[:MOST])
        st.warning(f"Not a chat endpoint of this workspace, so left out: {names_left_out}", icon=":material/warning:")
    if not found:
        st.info("No chat endpoint here. The connection page leads to another workspace.", icon=":material/bedtime:")
    chosen = [found[name] for name in names]
    draw_states(workspace, chosen, busy=shown.running or bool(shown.pending))
    show_endpoints_in_address(names)
    list_age(workspace, key="chat")
    return {endpoint.name: readiness(workspace, endpoint) for endpoint in chosen}


def _first(found: dict[str, Endpoint]) -> list[str]:
    callable_ = [name for name, endpoint in found.items() if endpoint.ready and readiness_of(endpoint).may_send]
    return (callable_ or list(found))[:1]


def _label(endpoint: Endpoint) -> str:
    listed = readiness_of(endpoint)
    return endpoint.name if listed.kind is ReadinessKind.READY else f"{endpoint.name} ({listed.kind.value})"
