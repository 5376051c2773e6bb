"""Small pictures of figures. Plotly's SVG traces only: its WebGL ones need eval, which the Content-Security-Policy refuses."""

import html
from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from services.embeddings.records import Floats
from ui.embeddings.tables import cut

BINS = 40
HOVER = 60
"""Characters of a text beside the pointer."""
TICKS = 34
"""Names that have room along a side."""
TICK_TEXT = 18
"""Characters of a text along the upright side; the lying one has its number only."""
_QUIET = {"displayModeBar": False, "scrollZoom": False}


def draw_histogram(series: Mapping[str, Floats], *, axis: str, key: str, alt: str, steps: int = 0) -> None:
    """How often which value occurs, of one or more series over the same axis; values that are not finite are left out.

    With *steps* the values are shares of so many: 0, 1/steps ... 1, and each has a bar.
    """
    finite = {name: np.asarray(values)[np.isfinite(values)] for name, values in series.items()}
    everything = np.concatenate([*finite.values(), np.empty(0, np.float32)])
    if not len(everything):
        return
    low, high = float(everything.min()), float(everything.max())
    low, high = (low - 0.5, high + 0.5) if low == high else (low, high)
    half = 0.5 / max(steps, 1)
    edges = np.linspace(-half, 1 + half, steps + 2) if steps else np.linspace(low, high, BINS + 1)
    bars = [
        {
            "type": "bar", "name": html.escape(cut(name, HOVER)), "x": (edges[:-1] + edges[1:]) / 2,
            "y": np.histogram(values, edges)[0], "width": edges[1] - edges[0], "opacity": 0.65 if len(finite) > 1 else 1.0,
            "hovertemplate": "%{y} near %{x:.3f}<extra></extra>",
        }
        for name, values in finite.items()
    ]  # fmt: skip
    layout = {
        "barmode": "overlay", "height": 220, "margin": {"l": 40, "r": 10, "t": 10, "b": 40}, "bargap": 0, "dragmode": False,
        "showlegend": len(finite) > 1, "legend": {"orientation": "h", "y": 1.15}, "xaxis": {"title": {"text": axis}},
    }  # fmt: skip
    st.plotly_chart({"data": bars, "layout": layout}, key=key, config=_QUIET, alt=alt)


def draw_heatmap(values: Floats, texts: Sequence[str], *, numbers: Sequence[int], key: str, alt: str) -> None:
    """The similarity of each text to each other; *numbers* name them along the sides, the texts are beside the pointer."""
    short = [f"#{number}" for number in numbers]
    names = [f"{short[place]} {html.escape(cut(text, HOVER))}" for place, text in enumerate(texts)]
    heat = {
        "type": "heatmap", "z": values, "x": names, "y": names, "hovertemplate": "%{x}<br>%{y}<br>%{z:.3f}<extra></extra>",
        "colorscale": "Viridis", "zmax": 1.0, "colorbar": {"thickness": 12},
    }  # fmt: skip
    step = -(-len(texts) // TICKS)
    axis = {"type": "category", "tickmode": "array", "tickvals": names[::step], "ticktext": short[::step]}
    beside = [f"{html.escape(cut(text, TICK_TEXT))}  {short[place]}" for place, text in enumerate(texts)]
    layout = {
        "height": min(640, 220 + 8 * len(texts)), "margin": {"l": 10, "r": 10, "t": 10, "b": 10}, "dragmode": False,
        "xaxis": axis, "yaxis": {**axis, "autorange": "reversed", "ticktext": beside[::step], "automargin": True},
    }  # fmt: skip
    st.plotly_chart({"data": [heat], "layout": layout}, key=key, config=_QUIET, alt=alt)
