"""Which clusters there are, kept for a moment; and the choice of one, with what stands in the way of a call."""

import time
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

import streamlit as st

from services.clusters import Attachment, Cluster, ClusterState, Fitness, MayAttach, get_attachment, get_cluster
from services.clusters import list_clusters as ask_for_clusters
from services.errors import PlaygroundError
from services.local import embedded
from services.workspace import Door, Workspace
from ui.clock import clock
from ui.connecting import identity
from ui.driver_proxy.view import KEY, DriverProxyView, field_key
from ui.errors import draw_error, showing_errors
from ui.foreign_text import code, literal
from ui.session import entered, kept, seed

LIST_SECONDS = 30.0
"""How old a list may be before it is asked for again; a refusal is kept as long."""
ATTACHMENT_SECONDS = 120.0
LOOK_SECONDS = 2.0
MOST = 30
"""Clusters that are drawn in the list; the search finds the others."""
_COLOURS = {ClusterState.RUNNING: "green", ClusterState.ERROR: "red", ClusterState.TERMINATED: "gray"}
_ATTACH = {MayAttach.YES: "green", MayAttach.NO: "red", MayAttach.UNKNOWN: "orange"}
_FITNESS = {Fitness.FIT: "green", Fitness.UNFIT: "red", Fitness.UNKNOWN: "orange"}


@dataclass
class _Known:
    """Of one workspace."""

    listed: list[Cluster] = field(default_factory=list)
    asked_at: float = float("-inf")
    as_of: float = 0.0
    error: PlaygroundError | None = None
    single: dict[str, tuple[float, Cluster]] = field(default_factory=dict)
    """Those that were asked for one by one, with when."""
    attachments: dict[str, tuple[float, Attachment]] = field(default_factory=dict)
    changes: int = 0

    def outdated(self) -> None:
        """Ask again at the next use."""
        self.asked_at = float("-inf")
        self.single.clear()
        self.attachments.clear()


@dataclass
class _Clusters:
    """Of every workspace that this browser uses."""

    of: WeakKeyDictionary[Workspace, _Known] = field(default_factory=WeakKeyDictionary)

    def let_go(self, of: Workspace) -> None:
        """Forget that workspace."""
        self.of.pop(of, None)


def clusters(here: Workspace) -> list[Cluster]:
    """Its clusters, at most LIST_SECONDS old. What keeps them from being listed is drawn by ``cluster_choice``; never raises."""
    known = _known(here)
    if time.monotonic() - known.asked_at > LIST_SECONDS:
        with st.spinner("Asking for the clusters", show_time=True):
            try:
                listed, error = ask_for_clusters(here), None
            except PlaygroundError as refused:
                listed, error = known.listed, refused
        known.listed, known.error = listed, error
        known.asked_at = time.monotonic()
        known.as_of = known.as_of if error else time.time()
    return known.listed


def begin_with_first(here: Workspace, view: DriverProxyView) -> None:
    """Choose, once, a running cluster whose app we could call; in the local workspace with its app's port."""
    if view.begun or view.draft.cluster_id:
        return
    view.begun = True
    me = identity(here).user_name
    ours = [one for one in clusters(here) if one.running and one.access_mode.fitness is Fitness.FIT]
    ours.sort(key=lambda one: one.single_user.casefold() != me.casefold())
    if ours:
        view.draft.cluster_id = ours[0].cluster_id
    if here.door is Door.LOCAL and (port := embedded().address().driver_port):
        view.draft.port = port


def cluster_choice(here: Workspace, view: DriverProxyView) -> None:
    """Draw the field: one of the list, searched by typing, or an id that is typed."""
    names = {one.cluster_id: one.name for one in clusters(here)}
    key = seed(field_key("cluster_id"), view.draft.cluster_id or None)
    typed = entered(key)
    others = [typed] if isinstance(typed, str) and typed not in names else []
    chosen = st.selectbox(
        "Cluster",
        [*names, *others],
        None,
        key=key,
        format_func=lambda one: f"{names[one]} · {one}" if one in names and names[one] != one else str(one),
        placeholder="Choose one, or type its id",
        accept_new_options=True,
        help="The cluster on whose driver the app runs. One that is not in the list can be typed by its id.",
    )
    view.draft.cluster_id = chosen or ""


def chosen_cluster(here: Workspace, view: DriverProxyView) -> Cluster | None:
    """The cluster that is chosen, as it is now; None for none. What keeps it from being asked for is drawn."""
    wanted = view.draft.cluster_id.strip()
    if not wanted:
        return None
    known = _known(here)
    found = next((one for one in known.listed if one.cluster_id == wanted), None)
    at, single = known.single.get(wanted, (float("-inf"), None))
    if single is not None and (found is None or at > known.asked_at):
        return single
    if found is None:
        with showing_errors(), st.spinner(f"Asking for cluster {literal(wanted)}", show_time=True):
            found = get_cluster(here, wanted)
            known.single[wanted] = (time.monotonic(), found)
    return found


def draw_cluster(here: Workspace, view: DriverProxyView, cluster: Cluster | None) -> None:
    """What is known of the chosen one, and the list; looks again by itself while its state passes."""
    known = _known(here)
    if cluster is not None:
        passing = cluster.state.passing
        st.fragment(_state, run_every=LOOK_SECONDS if passing else None)(here, cluster)
    if known.error is not None:
        st.caption("The clusters could not be listed; an id can be typed all the same.")
        draw_error(known.error)
    with st.expander(f"All clusters ({len(known.listed)})", icon=":material/dns:", key=f"{KEY}.clusters"):
        _draw_list(view, known)


def attachment(here: Workspace, cluster: Cluster) -> Attachment:
    """Whether we may attach to it, at most ATTACHMENT_SECONDS old."""
    known = _known(here)
    at, found = known.attachments.get(cluster.cluster_id, (float("-inf"), None))
    if found is None or time.monotonic() - at > ATTACHMENT_SECONDS:
        with st.spinner("Asking whether you may attach", show_time=True):
            found = get_attachment(here, cluster, identity(here))
        known.attachments[cluster.cluster_id] = (time.monotonic(), found)
    return found


def _state(here: Workspace, cluster: Cluster) -> None:
    if cluster.state.passing:
        found = _looked_again(here, cluster)
        if found.state is not cluster.state:
            st.rerun()
    may = attachment(here, cluster)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"{KEY}-cluster"):
        st.badge(
            cluster.state.value.capitalize(),
            color=_COLOURS.get(cluster.state, "blue"),  # type: ignore[arg-type]
        )
        mode = cluster.access_mode
        st.badge(f"Access mode: {mode.value}", color=_FITNESS[mode.fitness])  # type: ignore[arg-type]
        said = {MayAttach.YES: "You may attach", MayAttach.NO: "You may not attach"}
        st.badge(said.get(may.may, "May you attach? Unknown"), color=_ATTACH[may.may])  # type: ignore[arg-type]
        st.button(
            "Refresh", key=f"{KEY}.refresh", on_click=_known(here).outdated, icon=":material/refresh:", type="tertiary"
        )
        if cluster.state is ClusterState.TERMINATED:
            _draw_start(here, cluster)
    lines = [cluster.state_message, may.reason]
    if mode.fitness is Fitness.UNFIT:
        lines.append("Apps on the driver need the access mode dedicated (single user) or no isolation shared.")
    st.caption(" ".join(literal(line) for line in lines if line))


def _looked_again(here: Workspace, cluster: Cluster) -> Cluster:
    known = _known(here)
    try:
        found = get_cluster(here, cluster.cluster_id)
    except PlaygroundError:
        return cluster  # the next look may tell
    known.single[cluster.cluster_id] = (time.monotonic(), found)
    known.listed = [found if one.cluster_id == found.cluster_id else one for one in known.listed]
    return found


def _draw_start(here: Workspace, cluster: Cluster) -> None:
    known = _known(here)
    if not st.button("Start it", key=f"{KEY}.start-{known.changes}", icon=":material/play_arrow:", type="tertiary"):
        return
    known.changes += 1
    with showing_errors(), st.spinner("Asking for its start", show_time=True):
        here.change(
            "POST",
            "/api/2.1/clusters/start",
            {"cluster_id": cluster.cluster_id},
            name=f"the start of cluster {cluster.cluster_id}",
        )
        known.single[cluster.cluster_id] = (
            time.monotonic(),
            replace(cluster, state=ClusterState.PENDING, state_message=""),
        )
        st.rerun()


def _draw_list(view: DriverProxyView, known: _Known) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        wanted = st.text_input("Search", key=f"{KEY}.search", placeholder="name, id or user").strip().casefold()
        st.caption(f"As of {clock(known.as_of)}" if known.as_of else "", width="content")
    found = [
        one
        for one in known.listed
        if wanted in f"{one.name} {one.cluster_id} {one.single_user} {one.creator}".casefold()
    ]
    if not found:
        st.caption("No cluster fits the search." if known.listed else "There is no cluster here that you may see.")
    for one in found[:MOST]:
        _draw_row(view, one)
    if len(found) > MOST:
        st.caption(f"The first {MOST} of {len(found):,}; the search narrows them down.")


def _draw_row(view: DriverProxyView, one: Cluster) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{literal(one.name)}** {code(one.cluster_id)}", width="content")
        st.badge(one.state.value.capitalize(), color=_COLOURS.get(one.state, "blue"))  # type: ignore[arg-type]
        mode = one.access_mode
        whose = f", for {literal(one.single_user)}" if one.single_user else ""
        st.caption(f"{mode.value}{whose}" + (" (unfit)" if mode.fitness is Fitness.UNFIT else ""), width="content")
        st.button(
            "Use",
            key=f"{KEY}.use-{one.cluster_id}",
            on_click=view.chooses,
            args=(one,),
            type="tertiary",
            icon=":material/check:",
            disabled=one.cluster_id == view.draft.cluster_id,
        )


def _known(here: Workspace) -> _Known:
    return kept(_Clusters).of.setdefault(here, _Known())
