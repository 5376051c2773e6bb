"""How far the picture can be believed, always beside it."""

import math
from collections.abc import Mapping

import streamlit as st

from services.embeddings.layouts import FEWEST, Stage
from services.embeddings.records import Algorithm, Layout
from ui.embeddings.map.controls import KEY, NAMES, WHAT_FOR, make_button
from ui.embeddings.map.making import Making
from ui.embeddings.map.numbers import all_equal, faithfulness_of
from ui.embeddings.map.state import MapOfRun
from ui.embeddings.map.words import spell_explained, spell_overlap, spell_parameters, spell_seconds, spell_trust
from ui.embeddings.view import Shown
from ui.foreign_text import literal

_DOING = {
    Stage.STARTING: "Its process starts.",
    Stage.COMPILING: "Its code is made ready: the first time on a machine that takes a while, later none.",
    Stage.NEIGHBOURS: "It looks for the true neighbours of each text.",
    Stage.ARRANGING: "It moves the points: those that are alike come together.",
}


def draw_believing(shown: Shown, state: MapOfRun, made: Mapping[Algorithm, Layout], making: Making | None) -> None:
    """Figures and what they mean for whoever looks at the picture; of PCA, the way to one that shows neighbours."""
    layout = made.get(state.algorithm) or made[Algorithm.PCA]
    with st.container(border=True, key="embeddings-map-believing"):
        if all_equal(shown):
            st.markdown("**All vectors are equal.** There is nothing to arrange: every text stands in the same place.")
            return
        found = faithfulness_of(shown, layout)
        if math.isnan(found.overlap):
            st.caption("Too few texts to say how far the picture can be believed.")
        else:
            st.markdown(f"**{spell_overlap(found)}.** {_advice(layout, spell_trust(found))}")
            if layout.algorithm is Algorithm.PCA:
                _draw_next(shown, state, made, making)
            part = f"{found.sampled:,} of {found.of:,} texts" if found.sampled < found.of else f"all {found.of:,} texts"
            left_out = ", those left out too" if state.kept_only else ""
            st.caption(
                f"Trustworthiness {found.trustworthiness:.2f} of 1 · overlap@{found.k} {_percent(found.overlap)} · "
                f"measured on {part}{left_out}"
            )
        if said := spell_explained(layout):
            st.caption(said)
        with st.popover("How it was made", type="tertiary", icon=":material/info:"):
            st.markdown(f"**{NAMES[layout.algorithm]}, {layout.dims}-D**")
            st.markdown(literal(spell_parameters(layout)) or "No parameters.")


def _draw_next(shown: Shown, state: MapOfRun, made: Mapping[Algorithm, Layout], making: Making | None) -> None:
    """What to do about PCA's neighbours."""
    if making is not None or int(shown.usable().sum()) < FEWEST:
        return
    wanted = Algorithm.LOCALMAP
    if state.missing is not None:
        st.markdown(f"{NAMES[state.missing]} is not made in {state.dims}-D yet, so this is PCA.")
        wanted = state.missing
    if wanted in made:
        st.button(f"Show {NAMES[wanted]}", key=f"{KEY}.next.show", on_click=_show, args=(state, wanted), type="primary")
    else:
        make_button(shown, state, wanted, making, place="next", main=True)
    st.caption(WHAT_FOR[wanted])


def _show(state: MapOfRun, algorithm: Algorithm) -> None:
    state.algorithm, state.missing = algorithm, None


def draw_making(making: Making) -> None:
    """How far the layout is that is under way, and the way to end it."""
    job = making.job
    name = f"{NAMES[making.key.algorithm]}, {making.key.dims}-D"
    with st.container(border=True, key="embeddings-map-making"):
        if job.waiting:
            st.markdown(f"**{name}** waits for another layout to end; one is made at a time.")
        else:
            # While it begins it has no pace of its own: a share would be a guess, and a wrong one where the machine is busy.
            begins = job.stage in (Stage.STARTING, Stage.COMPILING)
            share = 0.0 if begins else min(1.0, max(0.0, job.share))
            left = f", {spell_seconds(job.left_seconds)} left" if job.left_seconds is not None else ""
            st.progress(
                share, f"{name}: {job.seconds:.0f} s so far" if begins else f"{name}: {share * 100:.0f} %{left}"
            )
            st.caption(_DOING.get(job.stage, ""))
        st.button("Cancel", key="embeddings.map.cancel", icon=":material/stop_circle:", on_click=job.cancel)
        st.caption("You can leave the page meanwhile. How far to believe it is measured when it is done.")


def _percent(share: float) -> str:
    return "under 1\u00a0%" if 0 < share < 0.01 else f"{share * 100:.0f}\u00a0%"


def _advice(layout: Layout, said: str) -> str:
    if layout.algorithm is Algorithm.PCA:
        return "PCA shows the directions in which the texts differ most, a language for example: near here does not mean alike."
    return said
