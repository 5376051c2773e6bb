"""The list of clusters, with a search, to choose one from."""

from collections.abc import Sequence

import streamlit as st

from services.clusters import Cluster, ClusterState, Fitness
from ui.clock import clock
from ui.driver_proxy.view import KEY, DriverProxyView
from ui.foreign_text import code, literal

MOST = 30
"""Clusters that are drawn; the search finds the others."""
_NOT_YET = {
    ClusterState.TERMINATED: "has to be started first",
    ClusterState.TERMINATING: "has to be started again first",
    ClusterState.ERROR: "has no driver until it is started again",
    ClusterState.PENDING: "can be called once it runs",
    ClusterState.RESTARTING: "can be called once it runs",
}
"""What keeps an app there from being called now."""
COLOURS = {ClusterState.RUNNING: "green", ClusterState.ERROR: "red", ClusterState.TERMINATED: "gray"}


def draw_list(view: DriverProxyView, listed: Sequence[Cluster], as_of: float) -> None:
    """Draw it; *as_of*: when it was asked for, seconds since the epoch, 0 for never."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        wanted = st.text_input("Search", key=f"{KEY}.search", placeholder="name, id or user").strip().casefold()
        st.caption(f"As of {clock(as_of)}" if as_of else "", width="content")
    found = [
        one for one in listed if wanted in f"{one.name} {one.cluster_id} {one.single_user} {one.creator}".casefold()
    ]
    if not found:
        st.caption("No cluster fits the search." if listed else "There is no cluster here that you may see.")
    for one in found[:MOST]:
        _draw_row(view, one)
    if len(found) > MOST:
        st.caption(f"The first {MOST} of {len(found):,}; the search narrows them down.")


def _draw_row(view: DriverProxyView, one: Cluster) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{literal(one.name)}** {code(one.cluster_id)}", width="content")
        st.badge(one.state.value.capitalize(), color=COLOURS.get(one.state, "blue"))  # type: ignore[arg-type]
        mode = one.access_mode
        whose = f", for {literal(one.single_user)}" if one.single_user else ""
        st.caption(f"{mode.value}{whose}", width="content")
        st.button(
            "Use",
            key=f"{KEY}.use-{one.cluster_id}",
            on_click=view.chooses,
            args=(one,),
            type="tertiary",
            icon=":material/check:",
            disabled=one.cluster_id == view.draft.cluster_id,
        )
        if reason := _reason(one):
            st.caption(f":material/warning: {reason}", width="content")


def _reason(one: Cluster) -> str:
    """What keeps apps there from being called, in a few words; empty where nothing does."""
    if one.access_mode.fitness is Fitness.UNFIT:
        return "apps cannot be called in this access mode"
    return _NOT_YET.get(one.state, "")
