"""How the map is drawn: which layout, in how many dimensions, in which colours, how many points."""

from collections.abc import Sequence

import streamlit as st

from services.embeddings.layouts import FEWEST, estimate
from services.embeddings.records import Algorithm
from services.errors import PlaygroundError
from ui.embeddings.map.making import Making, begin_making, forget_making, last_making
from ui.embeddings.map.numbers import clusters_of
from ui.embeddings.map.state import MOST_DRAWN, ColourBy, MapOfRun
from ui.embeddings.map.words import spell_seconds
from ui.embeddings.view import Shown
from ui.errors import draw_error
from ui.session import entered, mirror

KEY = "embeddings.map"
MOST_CLUSTERS = 40
NAMES = {Algorithm.PCA: "PCA", Algorithm.LOCALMAP: "LocalMAP", Algorithm.TSNE: "t-SNE"}
WHAT_FOR = {
    Algorithm.LOCALMAP: "Puts texts that are alike beside each other: groups become visible.",
    Algorithm.TSNE: "Keeps the most true neighbours of all; distances between groups say nothing. Slower.",
}
_DRAWN = (10_000, 50_000, MOST_DRAWN, 200_000)


def draw_controls(shown: Shown, state: MapOfRun, made: Sequence[Algorithm], making: Making | None) -> None:
    """A row where there is room. *made* are the layouts that are there; *making* is under way."""
    grows = making.key.algorithm if making is not None and making.key.dims == state.dims else None
    offered = [one for one in Algorithm if one in made or one is grows]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="embeddings-map-controls"):
        st.segmented_control(
            "Layout",
            offered,
            key=mirror(f"{KEY}.algorithm", state.algorithm),
            format_func=NAMES.__getitem__,
            required=True,
            label_visibility="collapsed",
            on_change=_choose_layout,
            args=(state,),
        )
        for algorithm in Algorithm:
            if algorithm not in offered:
                make_button(shown, state, algorithm, making)
        st.segmented_control(
            "Dimensions",
            [2, 3],
            key=mirror(f"{KEY}.dims", state.dims),
            format_func=lambda dims: f"{dims}-D",
            required=True,
            label_visibility="collapsed",
            on_change=_choose_dims,
            args=(state,),
        )
        st.selectbox(
            "Colour by",
            list(ColourBy),
            key=mirror(f"{KEY}.colour", state.colour),
            format_func=lambda colour: colour.spelled,
            label_visibility="collapsed",
            on_change=_choose_colour,
            args=(state,),
            width=240,
        )
        if state.colour is ColourBy.CLUSTER:
            _cluster_slider(shown, state)
        if len(shown.texts) > MOST_DRAWN:
            _drawn_slider(state)
    if state.failed is not None:
        draw_error(state.failed)
    for algorithm in Algorithm:
        _draw_failure(last_making(shown, algorithm, state.dims))


def make_button(
    shown: Shown,
    state: MapOfRun,
    algorithm: Algorithm,
    making: Making | None,
    *,
    place: str = "make",
    main: bool = False,
) -> None:
    """Begins that layout; says how long it takes. *main*: it is what to do next."""
    usable = int(shown.usable().sum())
    seconds = estimate(usable, shown.vectors.shape[1], algorithm, state.dims)
    under_way = making is not None
    few = usable < FEWEST
    reason = None
    if few:
        reason = f"It takes at least {FEWEST} texts with usable vectors."
    elif under_way:
        reason = "One layout at a time: let the other one end, or cancel it."
    pressed = st.button(
        f"Make {NAMES[algorithm]}: {spell_seconds(seconds)}",
        key=f"{KEY}.{place}.{algorithm}",
        icon=":material/scatter_plot:",
        type="primary" if main else "secondary",
        disabled=under_way or few,
        help=reason,
        on_click=_begin,
        args=(shown, state, algorithm),
    )
    if pressed:
        st.rerun()  # all of it: what looks at the frames is drawn by the page


def _begin(shown: Shown, state: MapOfRun, algorithm: Algorithm) -> None:
    state.failed = None
    try:
        begin_making(shown, algorithm, state.dims)
    except PlaygroundError as error:
        state.failed = error
        return
    state.chosen[state.dims], state.algorithm, state.missing = state.algorithm, algorithm, None


def _draw_failure(making: Making | None) -> None:
    if making is not None and making.over and making.error is not None:
        draw_error(making.error)
        st.button(
            "Dismiss",
            key=f"{KEY}.dismiss.{making.key.algorithm}",
            icon=":material/close:",
            type="tertiary",
            on_click=forget_making,
            args=(making,),
        )


def _cluster_slider(shown: Shown, state: MapOfRun) -> None:
    found = clusters_of(shown, state.clusters)
    most = min(MOST_CLUSTERS, int(shown.usable().sum()))
    if most <= 2:
        return
    tried = ", ".join(map(str, found.clusters.suggested[:3]))
    st.slider(
        "Clusters",
        2,
        most,
        key=mirror(f"{KEY}.clusters", min(most, max(2, state.clusters or found.clusters.count))),
        on_change=_choose_clusters,
        args=(state,),
        help=f"{found.clusters.algorithm} on the vectors, not on the picture. Worth trying: {tried}."
        if tried
        else None,
        width=165,
    )


def _drawn_slider(state: MapOfRun) -> None:
    st.select_slider(
        "Points drawn at most",
        _DRAWN,
        key=mirror(f"{KEY}.drawn", state.most_drawn),
        format_func=lambda count: f"{count:,}",
        on_change=_choose_drawn,
        args=(state,),
        width=220,
    )


def _choose_layout(state: MapOfRun) -> None:
    chosen = entered(f"{KEY}.algorithm")
    if isinstance(chosen, Algorithm):
        state.algorithm, state.missing = chosen, None


def _choose_dims(state: MapOfRun) -> None:
    chosen = entered(f"{KEY}.dims")
    if isinstance(chosen, int):
        state.turn(chosen)


def _choose_colour(state: MapOfRun) -> None:
    chosen = entered(f"{KEY}.colour")
    state.colour = chosen if isinstance(chosen, ColourBy) else state.colour


def _choose_clusters(state: MapOfRun) -> None:
    chosen = entered(f"{KEY}.clusters")
    state.clusters = chosen if isinstance(chosen, int) else state.clusters


def _choose_drawn(state: MapOfRun) -> None:
    chosen = entered(f"{KEY}.drawn")
    state.most_drawn = chosen if isinstance(chosen, int) else state.most_drawn
