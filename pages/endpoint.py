"""Endpoint."""

import streamlit as st

st.title("Endpoint")
