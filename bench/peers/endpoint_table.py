"""A page that lists serving endpoints as the tutorials do: ask at each run, one st.dataframe, one search field."""

import os

import pandas as pd
import requests
import streamlit as st

reply = requests.get(
    f"{os.environ['SCRIPTED_HOST']}/api/2.0/serving-endpoints", headers={"Authorization": "Bearer x"}, timeout=30
)
endpoints = reply.json()["endpoints"]
search = st.text_input("Search")
rows = [
    {"name": one["name"], "task": one["task"], "state": one["state"]["ready"], "creator": one["creator"]}
    for one in endpoints
    if search in one["name"]
]
st.write(f"{len(rows)} endpoints")
st.dataframe(pd.DataFrame(rows))
