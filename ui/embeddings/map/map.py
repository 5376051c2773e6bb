"""The map of a run, from the choice of a layout down to the table of all points."""

import numpy as np
import streamlit as st

from services.embeddings.records import Algorithm, Floats, Layout
from ui.embeddings.map.believing import draw_believing, draw_making
from ui.embeddings.map.colours import Colouring, colouring
from ui.embeddings.map.controls import NAMES, draw_controls
from ui.embeddings.map.drawing import draw_picture
from ui.embeddings.map.making import Making, making_of
from ui.embeddings.map.numbers import made_layout
from ui.embeddings.map.picked import draw_hits, draw_picked, draw_ranking
from ui.embeddings.map.searching import draw_search
from ui.embeddings.map.selected import draw_narrowing, draw_selected, draw_told
from ui.embeddings.map.state import ColourBy, MapOfRun, Origin, known_map, new_map
from ui.embeddings.map.table import draw_table_twin
from ui.embeddings.view import Shown
from ui.errors import showing_errors

_STAYS_IN_SIGHT = """<style>@media (min-width: 800px) and (min-height: 700px) {
[data-testid="stColumn"]:has(.st-key-embeddings-map-picture) {position: sticky; top: 4rem; align-self: flex-start;}}</style>"""
"""The map, while what stands beside it is read down."""
LOOK_SECONDS = 0.7
"""How often the frames of a layout under way are drawn."""


def map_view(shown: Shown) -> None:
    """Draw the map with everything around it. A click on it runs neither the page nor more of the view than it must."""
    st.fragment(_view)(shown)


def _view(shown: Shown) -> None:
    with showing_errors():
        usable = int(shown.usable().sum())
        if usable == 0:
            st.info(
                "No text of this run has a usable vector, so there is nothing to draw.", icon=":material/scatter_plot:"
            )
            return
        making = making_of(shown)  # before looking for layouts: one that is over meanwhile is among them
        made = {dims: _made(shown, dims) for dims in (2, 3)}
        state = known_map(shown) or _begin(shown, made, making)
        _stay_possible(state, list(made[state.dims]), making)
        draw_controls(shown, state, list(made[state.dims]), making)
        st.fragment(_body, run_every=LOOK_SECONDS if making else None)(shown, state, made[state.dims], making)


def _made(shown: Shown, dims: int) -> dict[Algorithm, Layout]:
    found = {algorithm: made_layout(shown, algorithm, dims) for algorithm in Algorithm}
    return {algorithm: layout for algorithm, layout in found.items() if layout is not None}


def _begin(shown: Shown, made: dict[int, dict[Algorithm, Layout]], making: Making | None) -> MapOfRun:
    """With the layout that is under way, else the best that was made earlier; PCA where there is none."""
    if making is not None:
        return new_map(shown, making.key.algorithm, making.key.dims)
    for dims in (2, 3):
        for algorithm in (Algorithm.LOCALMAP, Algorithm.TSNE):
            if algorithm in made[dims]:
                return new_map(shown, algorithm, dims)
    return new_map(shown, Algorithm.PCA, 2)


def _stay_possible(state: MapOfRun, made: list[Algorithm], making: Making | None) -> None:
    """A layout that is neither made nor under way is not shown: what was shown before is, or PCA."""
    if state.missing in made:
        state.algorithm, state.missing = state.missing or state.algorithm, None
    if state.algorithm not in made and not _shows(state, making):
        before = state.chosen.get(state.dims)  # a layout that was cancelled gives way to it
        known = before if before in made else None
        state.algorithm, state.missing = known or Algorithm.PCA, None if known else state.algorithm


def _shows(state: MapOfRun, making: Making | None) -> bool:
    return making is not None and (making.key.algorithm, making.key.dims) == (state.algorithm, state.dims)


def _body(shown: Shown, state: MapOfRun, made: dict[Algorithm, Layout], making: Making | None) -> None:
    if making is not None and making.over:
        st.rerun()  # the page looks for the layout anew
    with showing_errors():
        layout = made.get(state.algorithm) or made[Algorithm.PCA]
        frame = making.job.frame if making is not None and _shows(state, making) else None
        moving = making is not None and _shows(state, making)
        coordinates = frame[1] if frame is not None else layout.coordinates
        draw_narrowing(shown, state)
        st.html(_STAYS_IN_SIGHT)
        wide, narrow = st.columns([2, 1], gap="medium")
        with wide, st.container(key="embeddings-map-picture"):
            colours = colouring(shown, state, None if moving else layout)
            caption = _caption(layout) if not moving else f"{NAMES[state.algorithm]}, under way"
            draw_picture(
                shown, state, coordinates, colours, caption, key=f"embeddings-map-{shown.run.key}-{state.dims}"
            )
            _draw_notes(shown, state, coordinates, colours)
        with narrow:
            draw_search(shown, state)
            if making is not None:
                draw_making(making)
            _draw_chosen(shown, state, layout)
            if not moving:
                draw_believing(shown, state, made, making)
        draw_table_twin(shown, state, layout)


def _draw_chosen(shown: Shown, state: MapOfRun, layout: Layout) -> None:
    """What was clicked, selected and searched for: the newest first."""
    draw_told(shown, state)
    for origin in state.chosen_by:
        if origin is Origin.CLICK:
            draw_picked(shown, state)
        elif origin is Origin.LASSO:
            draw_selected(shown, state, layout)
        else:
            draw_ranking(shown, state)
            draw_hits(shown, state)


def _caption(layout: Layout) -> str:
    return f"{NAMES[layout.algorithm]}, {layout.dims}-D"


def _draw_notes(shown: Shown, state: MapOfRun, coordinates: Floats, colours: Colouring) -> None:
    """What the picture does not show."""
    notes = [colours.note] if colours.note else []
    drawn = state.drawn
    if drawn is not None and len(drawn.indices) < int(drawn.visible.sum()):
        each = ", each label with its share" if shown.texts.labels else ""
        notes.append(
            f"{len(drawn.indices):,} of {int(drawn.visible.sum()):,} drawn, chosen at random{each}; all are searched."
        )
    without = len(shown.texts) - int(shown.usable().sum())
    if without:
        notes.append(f"{without:,} without a usable vector {'is' if without == 1 else 'are'} not drawn.")
    late = int((shown.usable() & ~np.isfinite(coordinates).all(axis=1)).sum())
    if late:
        notes.append(f"{late:,} have no place in this picture.")
    if state.colour is ColourBy.CLUSTER:
        notes.append("Clusters are of the vectors, not of the picture.")
    if notes:
        st.caption("  \n".join(notes))
