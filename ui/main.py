"""The router: what every page has, then the page."""

from pathlib import Path

import streamlit as st

from ui.navigation import screens

# An icon of our own: for a Material one the browser would fetch a font from elsewhere.
st.set_page_config(page_title="Brickyard", page_icon=Path(__file__).with_name("favicon.svg"), layout="wide")
page = st.navigation(screens())
page.run()
