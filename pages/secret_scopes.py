"""Secrets."""

import streamlit as st

st.title("Secrets")
