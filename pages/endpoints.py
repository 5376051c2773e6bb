"""Endpoints."""

import streamlit as st

st.title("Endpoints")
