"""Choose the chat endpoints of a conversation."""

import streamlit as st

from services.endpoints import Endpoint
from services.workspace import Workspace
from ui.connecting import endpoints, refresh_endpoints
from ui.session import endpoints_in_address, show_endpoints_in_address

MOST = 4


def endpoint_picker(workspace: Workspace, chosen: list[str], key: str) -> list[str]:
    """Draw the choice; the names after the person's last change. Several answer side by side."""
    found = {endpoint.name: endpoint for endpoint in endpoints(workspace) if endpoint.chats}
    wanted = chosen or endpoints_in_address()
    unknown = [name for name in wanted if name not in found]
    start = [name for name in wanted if name in found][:MOST] or _first(found)
    names = st.multiselect(
        "Endpoints",
        list(found),
        start,
        key=key,
        max_selections=MOST,
        format_func=lambda name: name if found[name].ready else f"{name} ({found[name].state.lower()})",
        placeholder="Choose a chat endpoint",
        help="With several, all of them answer, side by side.",
    )
    if unknown:
        st.warning(
            f"Not a chat endpoint of this workspace, so left out: {', '.join(unknown)}", icon=":material/warning:"
        )
    if not found:
        st.info("No chat endpoint here. The connection page leads to another workspace.", icon=":material/bedtime:")
    for name in names:
        _draw_state(found[name])
    show_endpoints_in_address(names)
    st.button(
        "Refresh the list", key=f"{key}.refresh", on_click=refresh_endpoints, icon=":material/refresh:", type="tertiary"
    )
    return names


def _first(found: dict[str, Endpoint]) -> list[str]:
    ready = [name for name, endpoint in found.items() if endpoint.ready]
    return (ready or list(found))[:1]


def _draw_state(endpoint: Endpoint) -> None:
    """What a call will meet, said before it is made."""
    if not endpoint.ready:
        st.warning(
            f"{endpoint.name} is {endpoint.state.lower()}: a call will be refused until it is ready.",
            icon=":material/bedtime:",
        )
    elif endpoint.permission_level == "CAN_VIEW":
        st.warning(
            f"You may see {endpoint.name}, but not call it: ask its owner for CAN QUERY.", icon=":material/lock:"
        )
