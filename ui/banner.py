"""Where am I, and as whom: drawn on every page."""

import streamlit as st

from services.workspace import Door, Workspace
from ui.connecting import identity
from ui.errors import showing_errors
from ui.navigation import link_to


def banner(workspace: Workspace) -> None:
    """One line that names the door, the host and the identity."""
    with st.container(horizontal=True, vertical_alignment="center", key="banner", border=True, gap="small"):
        if workspace.door is Door.LOCAL:
            st.markdown(":material/dns: **Local workspace:** real small models on this machine")
        else:
            st.markdown(f":material/dns: **{workspace.door.value}:** `{workspace.host}`")
        with showing_errors():
            st.markdown(f"as `{identity(workspace).user_name}` ({workspace.acting_as})")
        link_to("connection", "Change")
