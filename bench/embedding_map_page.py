"""A page that draws vectors with our map and says how many points a lasso holds: what peers/plotly_map.py does with plotly."""

import numpy as np
import streamlit as st

from services.embeddings.numbers import pca
from services.embeddings.records import Floats
from ui.components.embedding_map import LegendEntry, MapPoints, embedding_map


@st.cache_resource
def vectors(count: int) -> Floats:
    kinds = np.random.default_rng(1).integers(0, 12, count)
    centres = np.random.default_rng(2).normal(size=(12, 384))
    return (centres[kinds] + np.random.default_rng(3).normal(size=(count, 384))).astype(np.float32)


st.set_page_config(layout="wide")
most = int(st.query_params["n"])
count = most if st.toggle("All", key="all") else 10
classes = np.random.default_rng(1).integers(0, 12, count).astype(np.uint8)
given = vectors(count) if count > 10 else vectors(most)[:10]
if f"picture-{count}" not in st.session_state:
    st.session_state[f"picture-{count}"] = pca(given).coordinates
coordinates = st.session_state[f"picture-{count}"]
legend = [LegendEntry(f"Class {number}", int((classes == number).sum())) for number in range(12)]
seen = embedding_map(MapPoints(coordinates, classes), key=f"map-{count}", label="Map", legend=legend, height=600)
st.code(f"done {count} selected {len(seen.within(coordinates))}", language=None)
