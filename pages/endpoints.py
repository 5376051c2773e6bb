"""Endpoints: find one, see how it is doing, open it."""

from functools import partial

import streamlit as st

from services.endpoints import Endpoint
from ui.banner import banner
from ui.connecting import endpoints, workspace
from ui.endpoints.filters import EndpointsView, draw_page, filter_bar
from ui.endpoints.rows import endpoint_rows
from ui.errors import showing_errors
from ui.list_age import list_age
from ui.navigation import go_to, link_to
from ui.session import remembered


def title() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", key="endpoints-tools"):
        st.title("Endpoints", width="stretch")
        if st.button("New endpoint", key="endpoints-new", type="primary", icon=":material/add:"):
            go_to("endpoint_setup")


def nothing_at_all() -> None:
    st.info("There are no serving endpoints here that you may see.", icon=":material/bedtime:")
    link_to("endpoint_setup", "Set up the first one")


def nothing_found(view: EndpointsView) -> None:
    st.info("No endpoint fits the search and the filters.", icon=":material/search_off:")
    st.button("Show all", key="endpoints-reset", on_click=view.reset)


def overview(view: EndpointsView, listed: list[Endpoint]) -> None:
    if not listed:
        nothing_at_all()
        return
    filter_bar(view, listed)
    found = view.found(listed)
    st.caption(f"{len(found)} of {len(listed)} endpoints" if len(found) < len(listed) else f"{len(listed)} endpoints")
    if found:
        draw_page(view, found, partial(endpoint_rows, key="endpoint-row"))
    else:
        nothing_found(view)


title()
view = remembered(EndpointsView)
with showing_errors():
    here = workspace()
    banner(here)
    if done := view.take_done():
        st.success(done, icon=":material/check_circle:")
    listed = endpoints(here)
    list_age(here, key="endpoints")
    overview(view, listed)
