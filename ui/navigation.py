"""The screens, and the way from one to another."""

from pathlib import Path
from typing import NoReturn

import streamlit as st
from streamlit.navigation.page import StreamlitPage

_PAGES = Path(__file__).parent.parent / "pages"
# file -> (title, icon, address)
_SCREENS = {
    "home": ("Home", ":material/home:", None),
    "chat": ("Chat", ":material/chat:", "chat"),
    "invoke": ("Invoke", ":material/send:", "invoke"),
    "embeddings": ("Embeddings", ":material/scatter_plot:", "embeddings"),
    "driver_proxy": ("Driver proxy", ":material/cable:", "driver-proxy-apps"),
    "endpoints": ("Endpoints", ":material/lan:", "endpoints"),
    "endpoint": ("Endpoint", ":material/lan:", "endpoint"),
    "endpoint_setup": ("Set up an endpoint", ":material/add_circle:", "endpoint-setup"),
    "transforms": ("Transforms", ":material/code_blocks:", "transforms"),
    "secret_scopes": ("Secrets", ":material/key:", "secrets"),
    "connection": ("Connection", ":material/power:", "connection"),
}
_NOT_IN_MENU = frozenset({"endpoint", "endpoint_setup"})
"""Reached from the list of endpoints, which says which endpoint is meant."""


def screens() -> list[StreamlitPage]:
    """The pages, in the order of the menu; the first is where one arrives."""
    return [
        st.Page(
            _path(name),
            title=title,
            icon=icon,
            url_path=address,
            default=address is None,
            visibility="hidden" if name in _NOT_IN_MENU else "visible",
        )
        for name, (title, icon, address) in _SCREENS.items()
    ]


def go_to(name: str, **address: str) -> NoReturn:
    """Leave this page for that one, with *address* as its query parameters."""
    st.switch_page(_path(name), query_params=address)


def link_to(name: str, label: str, *, icon: str | None = None, **address: str) -> None:
    """Draw a link to that page, with *address* as its query parameters."""
    st.page_link(_path(name), label=label, icon=icon or _SCREENS[name][1], query_params=address)


def _path(name: str) -> Path:
    return _PAGES / f"{name}.py"
