"""Which clusters there are, kept for a moment; and the choice of one, with what stands in the way of a call."""

import time
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

import streamlit as st

from services.clusters import (
    Attachment,
    Cluster,
    ClusterState,
    Fitness,
    MayAttach,
    get_attachment,
    get_cluster,
    start_cluster,
)
from services.clusters import list_clusters as ask_for_clusters
from services.errors import PlaygroundError
from services.local import embedded
from services.workspace import Door, Workspace
from ui.connecting import identity
from ui.driver_proxy.cluster_list import COLOURS, draw_list
from ui.driver_proxy.view import KEY, DriverProxyView, field_key
from ui.errors import draw_error, showing_errors
from ui.foreign_text import code, literal
from ui.session import entered, kept, seed

LIST_SECONDS = 30.0
"""How old a list may be before it is asked for again; a refusal is kept as long."""
ATTACHMENT_SECONDS = 120.0
LOOK_SECONDS = 2.0
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
    looks_refused: dict[str, PlaygroundError] = field(default_factory=dict)
    """Why we no longer look how a passing cluster is, until somebody refreshes."""
    attachments: dict[str, tuple[float, Attachment]] = field(default_factory=dict)
    changes: int = 0

    def outdated(self) -> None:
        """Ask again at the next use."""
        self.asked_at = float("-inf")
        self.single.clear()
        self.looks_refused.clear()
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


def is_example(here: Workspace, port: int | None) -> bool:
    """Whether the local workspace's own example app answers on *port*."""
    return here.door is Door.LOCAL and port is not None and embedded().address().driver_port == port


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
        looks = cluster.state.passing and cluster.cluster_id not in known.looks_refused
        st.fragment(_state, run_every=LOOK_SECONDS if looks else None)(here, cluster)
    if known.error is not None:
        st.caption("The clusters could not be listed; an id can be typed all the same.")
        draw_error(known.error)
    with st.expander(f"All clusters ({len(known.listed)})", icon=":material/dns:", key=f"{KEY}.clusters"):
        draw_list(view, known.listed, known.as_of)


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
    known = _known(here)
    if cluster.state.passing and cluster.cluster_id not in known.looks_refused:
        found = _looked_again(known, here, cluster)
        if found is None or found.state is not cluster.state:
            st.rerun()
    may = attachment(here, cluster)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"{KEY}-cluster"):
        st.badge(
            cluster.state.value.capitalize(),
            color=COLOURS.get(cluster.state, "blue"),  # type: ignore[arg-type]
        )
        mode = cluster.access_mode
        st.badge(f"Access mode: {mode.value}", color=_FITNESS[mode.fitness])  # type: ignore[arg-type]
        said = {MayAttach.YES: "You may attach", MayAttach.NO: "You may not attach"}
        st.badge(said.get(may.may, "May you attach? Unknown"), color=_ATTACH[may.may])  # type: ignore[arg-type]
        st.button("Refresh", key=f"{KEY}.refresh", on_click=known.outdated, icon=":material/refresh:", type="tertiary")
        if cluster.state is ClusterState.TERMINATED:
            _draw_start(known, here, cluster)
    lines = [cluster.state_message, may.reason]
    if mode.fitness is Fitness.UNFIT:
        lines.append("Apps on the driver need the access mode dedicated (single user) or no isolation shared.")
    st.caption(" ".join(literal(line) for line in lines if line))
    refused = known.looks_refused.get(cluster.cluster_id) if cluster.state.passing else None
    if refused is not None:
        st.caption("How the cluster is now could not be asked; Refresh asks again.")
        draw_error(refused)


def _looked_again(known: _Known, here: Workspace, cluster: Cluster) -> Cluster | None:
    """The cluster as it is now; None where that is refused, which ends the looking."""
    try:
        found = get_cluster(here, cluster.cluster_id)
    except PlaygroundError as refused:
        known.looks_refused[cluster.cluster_id] = refused
        return None
    known.single[cluster.cluster_id] = (time.monotonic(), found)
    known.listed = [found if one.cluster_id == found.cluster_id else one for one in known.listed]
    return found


def _draw_start(known: _Known, here: Workspace, cluster: Cluster) -> None:
    with st.popover("Start it", icon=":material/play_arrow:", type="tertiary"):
        st.markdown(f"Start {code(cluster.name)}? It takes some minutes, and costs money while it runs.")
        if not st.button("Start the cluster", key=f"{KEY}.start-{known.changes}", type="primary"):
            return
    known.changes += 1
    with showing_errors(), st.spinner("Asking for its start", show_time=True):
        start_cluster(here, cluster)
        known.single[cluster.cluster_id] = (
            time.monotonic(),
            replace(cluster, state=ClusterState.PENDING, state_message=""),
        )
        st.rerun()


def _known(here: Workspace) -> _Known:
    return kept(_Clusters).of.setdefault(here, _Known())
