"""The home page's endpoints: a few, each a link, and the way to the rest."""

from collections.abc import Sequence

import streamlit as st

from services.endpoints import Endpoint
from ui.endpoints.rows import endpoint_rows
from ui.navigation import link_to

FEW = 5


def endpoint_list(endpoints: Sequence[Endpoint]) -> None:
    """Draw those that are ready first, then the links to all of them and to a new one."""
    if endpoints:
        endpoint_rows(sorted(endpoints, key=lambda one: not one.ready)[:FEW], key="home-endpoint")
    else:
        st.info("There are no serving endpoints here that you may see.", icon=":material/bedtime:")
    with st.container(horizontal=True, gap="small", key="home-endpoint-links"):
        if len(endpoints) > FEW:
            link_to("endpoints", f"All {len(endpoints)} endpoints")
        link_to("endpoint_setup", "Set up an endpoint")
