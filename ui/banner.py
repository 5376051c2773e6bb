"""Where am I, and as whom: drawn on every page."""

import streamlit as st

from services.workspace import Door, Workspace
from ui.connecting import identity
from ui.errors import showing_errors
from ui.foreign_text import code, literal
from ui.navigation import link_to


def banner(workspace: Workspace, *, link: bool = True) -> None:
    """One line that names the door, the host and the identity; with a link to change them. The door is there in any case."""
    with st.container(horizontal=True, vertical_alignment="center", key="banner", border=True, gap="small"):
        if workspace.door is Door.LOCAL:
            st.markdown(":material/dns: **Local workspace:** real small models on this machine")
        else:
            st.markdown(f":material/dns: **{workspace.door.value}:** {code(workspace.host)}")
        user = st.empty()
        if link:
            link_to("connection", "Change")
    with showing_errors():
        user.markdown(f"as {code(identity(workspace).user_name)} ({literal(workspace.acting_as)})")
