"""The same points by st.plotly_chart as its documentation shows selections: scattergl, on_select="rerun"."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st


@st.cache_resource
def vectors(count):
    kinds = np.random.default_rng(1).integers(0, 12, count)
    centres = np.random.default_rng(2).normal(size=(12, 384))
    return (centres[kinds] + np.random.default_rng(3).normal(size=(count, 384))).astype(np.float32)


def pca(given):
    centred = given - given.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred / len(given))
    return centred @ axes[:, :-3:-1]


st.set_page_config(layout="wide")
most = int(st.query_params["n"])
count = most if st.toggle("All", key="all") else 10
classes = np.random.default_rng(1).integers(0, 12, count).astype(np.uint8)
given = vectors(count) if count > 10 else vectors(most)[:10]
if f"picture-{count}" not in st.session_state:
    st.session_state[f"picture-{count}"] = pca(given)
coordinates = st.session_state[f"picture-{count}"]
marker = {"color": classes, "size": 4}
figure = go.Figure(go.Scattergl(x=coordinates[:, 0], y=coordinates[:, 1], mode="markers", marker=marker))
figure.update_layout(dragmode="lasso", height=600)
event = st.plotly_chart(figure, on_select="rerun", key=f"map-{count}")
st.code(f"done {count} selected {len(event.selection.points)}", language=None)
