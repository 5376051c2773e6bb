"""Invoke: any endpoint, with a form drawn from what its model takes, and the JSON that is sent beside it."""

import streamlit as st

from ui.banner import banner
from ui.connecting import workspace
from ui.errors import showing_errors
from ui.invoke.invoke import invoke
from ui.invoke.picker import invoke_picker
from ui.list_age import list_age

st.title("Invoke")
with showing_errors():
    here = workspace()
    banner(here)
    endpoint = invoke_picker(here)
    if endpoint is not None:
        invoke(here, endpoint)
    list_age(here, key="invoke")
