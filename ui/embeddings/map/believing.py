"""How far the picture can be believed, always beside it."""

import math

import streamlit as st

from services.embeddings.layouts import Stage
from services.embeddings.records import Algorithm, Layout
from ui.embeddings.map.controls import NAMES
from ui.embeddings.map.making import Making
from ui.embeddings.map.numbers import faithfulness_of
from ui.embeddings.map.words import spell_explained, spell_overlap, spell_parameters, spell_seconds, spell_trust
from ui.embeddings.view import Shown
from ui.foreign_text import literal

_DOING = {
    Stage.STARTING: "Its process starts; the first time on a machine, its code is compiled.",
    Stage.NEIGHBOURS: "It looks for the true neighbours of each text.",
    Stage.ARRANGING: "It moves the points: those that are alike come together.",
}


def draw_believing(shown: Shown, layout: Layout) -> None:
    """Figures and what they mean for whoever looks at the picture."""
    with st.container(border=True, key="embeddings-map-believing"):
        found = faithfulness_of(shown, layout)
        if math.isnan(found.overlap):
            st.caption("Too few texts to say how far the picture can be believed.")
        else:
            st.markdown(f"**{spell_overlap(found)}.** {_advice(layout, spell_trust(found))}")
            part = f"{found.sampled:,} of {found.of:,} texts" if found.sampled < found.of else f"all {found.of:,} texts"
            st.caption(
                f"Trustworthiness {found.trustworthiness:.2f} of 1 · overlap@{found.k} {_percent(found.overlap)} · "
                f"measured on {part}"
            )
        if said := spell_explained(layout):
            st.caption(said)
        with st.popover("How it was made", type="tertiary", icon=":material/info:"):
            st.markdown(f"**{NAMES[layout.algorithm]}, {layout.dims}-D**")
            st.markdown(literal(spell_parameters(layout)) or "No parameters.")


def draw_making(making: Making) -> None:
    """How far the layout is that is under way, and the way to end it."""
    job = making.job
    name = f"{NAMES[making.key.algorithm]}, {making.key.dims}-D"
    with st.container(border=True, key="embeddings-map-making"):
        if job.waiting:
            st.markdown(f"**{name}** waits for another layout to end; one is made at a time.")
        else:
            left = f", {spell_seconds(job.left_seconds)} left" if job.left_seconds is not None else ""
            st.progress(min(1.0, max(0.0, job.share)), f"{name}: {job.share * 100:.0f} %{left}")
            st.caption(_DOING[job.stage])
        st.button("Cancel", key="embeddings.map.cancel", icon=":material/stop_circle:", on_click=job.cancel)
        st.caption("You can leave the page meanwhile. How far to believe it is measured when it is done.")


def _percent(share: float) -> str:
    return "under 1 %" if 0 < share < 0.01 else f"{share * 100:.0f} %"


def _advice(layout: Layout, said: str) -> str:
    if layout.algorithm is Algorithm.PCA:
        return "PCA shows the directions in which the texts differ most: near here does not mean alike."
    return said
