"""Choose the chat endpoints of a conversation."""

import streamlit as st

from services.endpoints import Endpoint
from services.workspace import Workspace
from ui.connecting import endpoints, refresh_endpoints
from ui.conversation import Conversation
from ui.foreign_text import code
from ui.session import endpoints_in_address, seed, show_endpoints_in_address

MOST = 4


def endpoint_picker(workspace: Workspace, shown: Conversation) -> list[str]:
    """Draw the choice; the names after the person's last change. Several answer side by side."""
    listed = endpoints(workspace, any_age=bool(shown.pending))  # a prompt that waits need not wait for a list
    found = {endpoint.name: endpoint for endpoint in listed if endpoint.chats}
    wanted = shown.endpoints or endpoints_in_address()
    unknown = [name for name in wanted if name not in found]
    start = [name for name in wanted if name in found][:MOST] or _first(found)
    key = f"chat.{shown.name}.endpoints"
    names = st.multiselect(
        "Endpoints",
        list(found),
        key=seed(key, start),
        max_selections=MOST,
        format_func=lambda name: name if found[name].ready else f"{name} ({found[name].state.lower()})",
        placeholder="Choose a chat endpoint",
        help="With several, all of them answer, side by side.",
    )
    if unknown:
        names_left_out = ", ".join(code(name) for name in unknown[:MOST])
        st.warning(f"Not a chat endpoint of this workspace, so left out: {names_left_out}", icon=":material/warning:")
    if not found:
        st.info("No chat endpoint here. The connection page leads to another workspace.", icon=":material/bedtime:")
    for name in names:
        _draw_state(found[name])
    show_endpoints_in_address(names)
    st.button(
        "Refresh the list", key="chat-refresh", on_click=refresh_endpoints, icon=":material/refresh:", type="tertiary"
    )
    return names


def _first(found: dict[str, Endpoint]) -> list[str]:
    ready = [name for name, endpoint in found.items() if endpoint.ready]
    return (ready or list(found))[:1]


def _draw_state(endpoint: Endpoint) -> None:
    """What a call will meet, said before it is made."""
    name = code(endpoint.name)
    if not endpoint.ready:
        state = endpoint.state.lower()
        st.warning(f"{name} is {state}: a call will be refused until it is ready.", icon=":material/bedtime:")
    elif endpoint.permission_level == "CAN_VIEW":
        st.warning(f"You may see {name}, but not call it: ask its owner for CAN QUERY.", icon=":material/lock:")
