"""A page with a map on it, for tests of the map: its address says which. Drawn by Streamlit, not a test itself."""

import numpy as np
import streamlit as st

from ui.components.embedding_map import HIDDEN, UNKNOWN, LegendEntry, MapPoints, MapSeen, Scale, embedding_map
from ui.session import remembered


class Clicks:
    """What callbacks have told."""

    def __init__(self) -> None:
        self.picks: list[int | None] = []
        self.selections = 0


asked = st.query_params
count, dims = int(asked.get("n", "500")), int(asked.get("dims", "2"))
seed = st.number_input("Seed", value=0, key="seed")
recoloured = st.toggle("Recolour", key="recoloured")
marking = st.toggle("Mark", key="marking")
middle = st.toggle("Only the middle", key="middle")
most = int(asked.get("kinds", "12"))

chance = np.random.default_rng(int(seed))
centres = np.random.default_rng(5).normal(size=(most, dims)) * 4
kinds = np.random.default_rng(6).integers(0, most, count)
spread = np.random.default_rng(7).uniform(0.25, 1.1, most)
coordinates = (centres[kinds] + chance.normal(size=(count, dims)) * spread[kinds, None]).astype(np.float32)
classes = ((kinds + 3) % most if recoloured else kinds).astype(np.uint8)
if asked.get("frame"):  # a ring of points, one in the very middle, one in each quarter
    around = np.linspace(0, 2 * np.pi, count - 5, endpoint=False)
    ring = np.column_stack([np.cos(around), np.sin(around)])
    coordinates = np.vstack([[[0, 0], [0.5, 0.5], [-0.5, 0.5], [-0.5, -0.5], [0.5, -0.5]], ring]).astype(np.float32)
    coordinates = coordinates * 3 + 100
    if dims == 3:
        coordinates = np.column_stack([coordinates, np.full(count, 7.0)]).astype(np.float32)
if middle:
    classes[5:] = HIDDEN
    classes[0] = HIDDEN
if asked.get("gaps") and count:
    coordinates[5], classes[6], classes[7] = np.nan, UNKNOWN, HIDDEN
labels = [
    "Animals",
    "Ships",
    "Weather and <b>climate</b>",
    "Cooking",
    "음악과 춤",
    "Law",
    "Trees",
    "Cities",
    "Maths",
    "Sport",
    "Tax",
    "Bread",
    *(f"Topic {number}" for number in range(13, most + 1)),
]
legend = [LegendEntry(label, int((classes == place).sum())) for place, label in enumerate(labels)]
scale = Scale(0.12, 0.87, "Similarity to “a boat”") if asked.get("scale") else None
if scale:
    classes = scale.classes(np.hypot(*coordinates.T[:2]) / 12)
told = remembered(Clicks)


def picked(seen: MapSeen) -> None:
    """Keep what was told."""
    told.picks.append(seen.picked)


def selected(seen: MapSeen) -> None:
    """Keep what was told."""
    told.selections += 1


seen = embedding_map(
    MapPoints(coordinates, classes, [f"Text {index} </script><b>bold</b>" for index in range(count)]),
    key="map",
    label="Map of the texts",
    legend=[] if scale else legend,
    scale=scale,
    marked=range(1, 5) if marking else (),
    lines=[(0, other) for other in range(1, 5)] if marking else (),
    focus=told.picks[-1] if told.picks else None,
    caption=f"{count} texts",
    on_pick=picked,
    on_select=selected,
)
inside = seen.within(coordinates)
st.code(f"picked {seen.picked} told {told.picks} selections {told.selections}", language=None)
st.code(f"inside {len(inside)}: {inside[:40].tolist()} corners {len(seen.polygon)}", language=None)
st.button("Again", key="again")
