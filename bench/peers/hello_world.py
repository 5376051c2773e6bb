"""The smallest page there is, for the time a Streamlit server takes to show anything at all."""

import streamlit as st

st.write("Hello, world")
