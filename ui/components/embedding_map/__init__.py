"""A map of points: WebGL as a Streamlit component, its bundle served by this app; the same map as a page of its own.

``source/`` is what the browser runs, ``npm ci && npm run build`` here makes ``built/`` of it. No library draws: what is needed
is two shaders, while deck.gl, three and luma.gl weigh ten to thirty times the whole bundle, and regl needs eval.
"""

from ui.components.embedding_map.colours import PALETTE, SCALE_DARK, SCALE_LIGHT, colour_of
from ui.components.embedding_map.map import MapSeen, embedding_map, within_view
from ui.components.embedding_map.page import render_html
from ui.components.embedding_map.points import HIDDEN, UNKNOWN, LegendEntry, MapPoints, Scale

__all__ = [
    "HIDDEN",
    "PALETTE",
    "SCALE_DARK",
    "SCALE_LIGHT",
    "UNKNOWN",
    "LegendEntry",
    "MapPoints",
    "MapSeen",
    "Scale",
    "colour_of",
    "embedding_map",
    "render_html",
    "within_view",
]
