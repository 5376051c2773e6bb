"""Choose what is looked at, and draw that: only one view runs at a time."""

from collections.abc import Callable

import streamlit as st

from ui.address import embeddings_in_address, show_embeddings_in_address
from ui.embeddings.compare import compare_view
from ui.embeddings.health import health_view
from ui.embeddings.map import map_view
from ui.embeddings.neighbours import neighbours_view
from ui.embeddings.retrieval import retrieval_view
from ui.embeddings.take_away import take_away_view
from ui.embeddings.view import EmbeddingsView, Shown, Stage
from ui.errors import showing_errors
from ui.session import entered, kept, mirror

KEY = "embeddings.stage"
_LEARNT = {
    Stage.MAP: "Which texts the model takes for alike: each point is a text.",
    Stage.NEIGHBOURS: "What stands nearest to a text, what repeats, what stands alone.",
    Stage.HEALTH: "Whether the vectors are sound, and tell the texts apart.",
    Stage.COMPARE: "How two models differ, and which separates labels better.",
    Stage.RETRIEVAL: "How often a question finds the text that answers it.",
    Stage.TAKE_AWAY: "Vectors and map as files, and the code that makes them.",
}
"""What a person learns there, short enough to stand beside the choice."""
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
    with st.container(horizontal=True, vertical_alignment="center", key="embeddings-stages"):
        st.segmented_control(
            "Look at", list(Stage), key=KEY, required=True, on_change=_choose, label_visibility="collapsed"
        )
        st.caption(_LEARNT[stage])
    with st.container(key=f"embeddings-{stage.name.lower()}"), showing_errors():
        _VIEWS[stage](shown)


def _choose() -> None:
    chosen = entered(KEY)
    if isinstance(chosen, Stage):
        show_embeddings_in_address(stage=chosen.name.lower().replace("_", "-"))
