"""The screens, and the way from one to another."""

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

_PAGES = Path(__file__).parent.parent / "pages"
# file -> (title, icon, address)
_SCREENS = {
    "home": ("Home", ":material/home:", None),
    "chat": ("Chat", ":material/chat:", "chat"),
    "connection": ("Connection", ":material/power:", "connection"),
}


def screens() -> list[StreamlitPage]:
    """The pages, in the order of the menu; the first is where one arrives."""
    return [
        st.Page(_path(name), title=title, icon=icon, url_path=address, default=address is None)
        for name, (title, icon, address) in _SCREENS.items()
    ]


def go_to(name: str) -> None:
    """Leave this page for that one. Does not return."""
    st.switch_page(_path(name))


def link_to(name: str, label: str) -> None:
    """Draw a link to that page."""
    st.page_link(_path(name), label=label, icon=_SCREENS[name][1])


def _path(name: str) -> Path:
    return _PAGES / f"{name}.py"
