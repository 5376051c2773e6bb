"""The server of embedding_map_page.py: the app's security headers, and nothing else of the app."""

import streamlit as st
from starlette.middleware import Middleware

from app import SecurityHeaders

app = st.App("embedding_map_page.py", middleware=[Middleware(SecurityHeaders)])
