"""Choose what is looked at, and draw that: only one view runs at a time."""

from collections.abc import Callable

import streamlit as st

from ui.embeddings.compare import compare_view
from ui.embeddings.health import health_view
from ui.embeddings.map import map_view
from ui.embeddings.neighbours import neighbours_view
from ui.embeddings.retrieval import retrieval_view
from ui.embeddings.take_away import take_away_view
from ui.embeddings.view import EmbeddingsView, Shown, Stage
from ui.errors import showing_errors
from ui.session import embeddings_in_address, entered, kept, mirror, show_embeddings_in_address

KEY = "embeddings.stage"
_VIEWS: dict[Stage, Callable[[Shown], None]] = {
    Stage.MAP: map_view,
    Stage.NEIGHBOURS: neighbours_view,
    Stage.HEALTH: health_view,
    Stage.COMPARE: compare_view,
    Stage.RETRIEVAL: retrieval_view,
    Stage.TAKE_AWAY: take_away_view,
}


def stages(shown: Shown) -> None:
    """Draw the choice and what is chosen."""
    view = kept(EmbeddingsView)
    named = {stage.name.lower().replace("_", "-"): stage for stage in Stage}
    stage = named.get(embeddings_in_address("stage"), view.stage)
    view.stage = stage
    show_embeddings_in_address(stage=stage.name.lower().replace("_", "-"))
    mirror(KEY, stage)
    st.segmented_control(
        "Look at", list(Stage), key=KEY, required=True, on_change=_choose, label_visibility="collapsed"
    )
    with st.container(key=f"embeddings-{stage.name.lower()}"), showing_errors():
        _VIEWS[stage](shown)


def _choose() -> None:
    chosen = entered(KEY)
    if isinstance(chosen, Stage):
        show_embeddings_in_address(stage=chosen.name.lower().replace("_", "-"))
