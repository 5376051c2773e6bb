"""How old the list of endpoints is that a page shows, and the new one as soon as it is there."""

import streamlit as st

from services.endpoints import Endpoint
from services.workspace import Workspace
from ui.clock import clock
from ui.connecting import endpoint_cache, refresh_endpoints
from ui.endpoint_cache import EndpointCache
from ui.errors import draw_error

POLL_SECONDS = 0.5


def list_age(of: Workspace, *, key: str, drawn: list[Endpoint] | None = None) -> None:
    """One line: as of when, and a button to ask again. While a list is asked for, the page runs again when it has come.

    *drawn*: the list that the page has drawn. One that came since, before this line, is drawn at once.
    """
    cache = endpoint_cache(of)
    if drawn is not None and cache.listed is not drawn:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"{key}-age"):
        if cache.asking:
            st.fragment(_waiting, run_every=POLL_SECONDS)(cache, cache.revision)
        else:
            st.caption(f"As of {clock(cache.as_of)}", width="content")
        st.button(
            "Refresh", key=f"{key}-refresh", on_click=refresh_endpoints, icon=":material/refresh:", type="tertiary"
        )
    if cache.error is not None and not cache.asking:
        st.caption(f"No newer list came; this one is as of {clock(cache.as_of)}.")
        draw_error(cache.error)


def _waiting(cache: EndpointCache, drawn: int) -> None:
    if cache.revision != drawn or not cache.asking:
        st.rerun()
    st.caption(f"As of {clock(cache.as_of)} · asking for a new list", width="content")
