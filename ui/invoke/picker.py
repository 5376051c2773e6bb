"""Choose the endpoint to invoke, of whatever task it is."""

import streamlit as st

from services.endpoints import Endpoint
from services.readiness import readiness_of
from services.workspace import Workspace
from ui.address import endpoints_in_address, show_endpoints_in_address
from ui.connecting import endpoints
from ui.foreign_text import code
from ui.invoke.sheet import Sheets
from ui.navigation import link_to
from ui.session import entered, kept, mirror

KEY = "invoke.endpoint"


def invoke_picker(of: Workspace) -> Endpoint | None:
    """Draw the choice; the address says what is chosen, so that it can be sent to a colleague."""
    listed = {one.name: one for one in endpoints(of)}
    asked = next(iter(endpoints_in_address()), "")
    name = asked or kept(Sheets).last.get(of, "") or _first(list(listed.values()))
    with st.container(horizontal=True, vertical_alignment="bottom", key="invoke-picker"):
        mirror(KEY, name if name in listed else None)
        st.selectbox("Endpoint", list(listed), index=None, key=KEY, placeholder="Choose one", on_change=_choose)
        if name in listed:
            link_to("endpoint", "Its page", endpoint=name)
    if not listed:
        st.info("There are no serving endpoints here that you may see.", icon=":material/bedtime:")
    elif name not in listed:
        st.warning(f"This workspace lists no endpoint {code(name)}: choose one of the list.", icon=":material/warning:")
    elif not asked:
        show_endpoints_in_address([name])
    return listed.get(name)


def _choose() -> None:
    chosen = entered(KEY)
    if isinstance(chosen, str):
        show_endpoints_in_address([chosen])


def _first(listed: list[Endpoint]) -> str:
    may = [one for one in listed if readiness_of(one).may_send]
    custom = [one for one in may if not one.task]  # a chat has a page of its own
    return next((one.name for one in (*custom, *may, *listed)), "")
