"""The router: what every page has, then the page."""

from pathlib import Path

import streamlit as st

from ui.navigation import screens

# An icon of our own: for a Material one the browser would fetch a font from elsewhere.
st.set_page_config(page_title="Brickyard", page_icon=Path(__file__).with_name("favicon.svg"), layout="wide")
# Streamlit leaves 96 pixels above the title; its own bar takes 60.
st.html("<style>.stMainBlockContainer {padding-top: 4rem;}</style>")
st.html(Path(__file__).with_name("legible.css"))
page = st.navigation(screens())
page.run()
