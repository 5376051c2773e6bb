"""Choose the chat endpoints of a conversation."""

import streamlit as st

from services.endpoints import Endpoint
from services.readiness import Readiness, ReadinessKind, readiness_of
from services.workspace import Workspace
from ui.address import endpoints_in_address, show_endpoints_in_address
from ui.connecting import endpoints, endpoints_with
from ui.conversation import Conversation
from ui.foreign_text import code
from ui.list_age import list_age
from ui.readiness import draw_states, readiness
from ui.session import entered, reseed, seed

MOST = 4
_STANDS = " ("
"""What follows the name in a label, where there is something to say. In no endpoint's name."""


def endpoint_picker(workspace: Workspace, shown: Conversation) -> dict[str, Readiness]:
    """Draw the choice, and what a call of each will meet, by its name. Several answer side by side."""
    wanted = shown.endpoints or endpoints_in_address()
    listed = _listed(workspace, wanted, in_haste=bool(shown.pending))
    found = {one.name: one for one in listed if one.chats}
    unknown = [name for name in wanted if name not in found]
    start = [name for name in wanted if name in found][:MOST]
    if not start and not shown.pending:  # a prompt that waits is for whom the person chooses
        start = _first(found)
    labels = {name: _label(endpoint) for name, endpoint in found.items()}
    key = f"chat.{shown.name}.endpoints"
    names = st.multiselect(
        "Endpoints",
        list(found),
        key=_choice(key, start, labels),
        max_selections=MOST,
        format_func=lambda name: labels[name],
        placeholder="Choose a chat endpoint",
        help="With several, all of them answer, side by side.",
    )
    reseed(_drawn(key), labels)
    if unknown:
        names_left_out = ", ".join(code(name) for name in unknown[:MOST])
        st.warning(f"Not a chat endpoint of this workspace, so left out: {names_left_out}", icon=":material/warning:")
    if not found:
        st.info("No chat endpoint here. The connection page leads to another workspace.", icon=":material/bedtime:")
    chosen = [found[name] for name in names]
    draw_states(workspace, chosen, busy=shown.running or bool(shown.pending))
    show_endpoints_in_address(names)
    list_age(workspace, key="chat", drawn=listed)
    return {endpoint.name: readiness(workspace, endpoint) for endpoint in chosen}


def _listed(workspace: Workspace, wanted: list[str], *, in_haste: bool) -> list[Endpoint]:
    """The endpoints. A prompt that waits (*in_haste*) does not wait for a list, unless what it is for is not in this one."""
    at_hand = endpoints(workspace, any_age=True) if in_haste else []
    return at_hand if {one.name for one in at_hand}.issuperset(wanted or [""]) else endpoints_with(workspace, wanted)


def _choice(key: str, start: list[str], labels: dict[str, str]) -> str:
    """Let the choice begin with *start* and from then on stay what it was chosen to be; the key, for the widget.

    A browser sends the labels of what is chosen, and goes on sending those it chose by. One that says how its endpoint stands
    is unknown as soon as another list says otherwise, and Streamlit would drop the choice, and a prompt its endpoint.
    """
    held = entered(key)
    if not isinstance(held, list):
        return seed(key, start)
    names = list(dict.fromkeys(str(one).split(_STANDS)[0] for one in held))
    stale = entered(_drawn(key)) != labels
    return reseed(key, [name for name in names if name in labels]) if stale or names != held else key


def _drawn(key: str) -> str:
    """Where it is kept by which labels the browser chooses."""
    return f"{key}-labels"


def _first(found: dict[str, Endpoint]) -> list[str]:
    callable_ = [name for name, endpoint in found.items() if endpoint.ready and readiness_of(endpoint).may_send]
    return (callable_ or list(found))[:1]


def _label(endpoint: Endpoint) -> str:
    listed = readiness_of(endpoint)
    return endpoint.name if listed.kind is ReadinessKind.READY else f"{endpoint.name}{_STANDS}{listed.kind.value})"
