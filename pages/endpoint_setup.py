"""Set up an endpoint."""

import streamlit as st

st.title("Set up an endpoint")
