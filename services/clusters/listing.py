"""Read clusters from the REST API."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from services.clusters.records import AccessMode, Cluster, ClusterState
from services.errors import BadInput, NotFound, Rejected, UnexpectedReply
from services.workspace import Workspace

PAGE_SIZE = 100
UNKNOWN = "Choose one in the list, or check its id."
MAX_PAGES = 20
"""A list that goes on for longer is cut: nobody picks from more than two thousand."""
_MODES = {
    "SINGLE_USER": AccessMode.DEDICATED,
    "DATA_SECURITY_MODE_DEDICATED": AccessMode.DEDICATED,
    "LEGACY_SINGLE_USER": AccessMode.DEDICATED,
    "LEGACY_SINGLE_USER_STANDARD": AccessMode.DEDICATED,
    "NONE": AccessMode.NO_ISOLATION,
    "USER_ISOLATION": AccessMode.STANDARD,
    "DATA_SECURITY_MODE_STANDARD": AccessMode.STANDARD,
    "LEGACY_TABLE_ACL": AccessMode.LEGACY,
    "LEGACY_PASSTHROUGH": AccessMode.LEGACY,
    "DATA_SECURITY_MODE_AUTO": AccessMode.AUTO,
}


def list_clusters(workspace: Workspace) -> list[Cluster]:
    """The clusters that we may see, running ones first, then by name. Raises PlaygroundError."""
    found: dict[str, Cluster] = {}
    token = ""
    for _ in range(MAX_PAGES):
        query = urlencode({"page_size": PAGE_SIZE} | ({"page_token": token} if token else {}))
        reply = workspace.get(f"/api/2.1/clusters/list?{query}", name="the clusters")
        rows = (reply.get("clusters") or []) if isinstance(reply, dict) else None
        if not isinstance(rows, list):
            raise UnexpectedReply(
                "The list of clusters came in a form that is not the API's.",
                "Refresh; a cluster's id can be typed too.",
            )
        found |= {one.cluster_id: one for row in rows if (one := cluster_from_wire(row)) is not None}
        after = reply.get("next_page_token")
        if not isinstance(after, str) or not after or after == token:
            break
        token = after
    return sorted(found.values(), key=lambda one: (not one.running, one.name.casefold(), one.cluster_id))


def get_cluster(workspace: Workspace, cluster_id: str) -> Cluster:
    """The cluster as it is now. Raises PlaygroundError: BadInput without an id, NotFound or Rejected for an unknown one."""
    if not cluster_id.strip():
        raise BadInput("No cluster is chosen.", "Choose one in the list, or type its id.")
    name = f"cluster {cluster_id}"
    try:
        reply = workspace.get(f"/api/2.1/clusters/get?{urlencode({'cluster_id': cluster_id})}", name=name)
    except (NotFound, Rejected) as unknown:  # its own hints are about requests; here an id was chosen
        raise type(unknown)(unknown.message, UNKNOWN, side=unknown.side, raw=unknown.raw) from unknown
    cluster = cluster_from_wire(reply)
    if cluster is None:
        raise UnexpectedReply(f"{name} came in a form that is not the API's.", "Refresh; if it stays, tell an admin.")
    return cluster


def cluster_from_wire(wire: Any) -> Cluster | None:
    """The cluster; None for what is none. Fields of a wrong type count as not told."""
    cluster_id = wire.get("cluster_id") if isinstance(wire, dict) else None
    if not isinstance(cluster_id, str) or not cluster_id:
        return None
    state = _text(wire, "state")
    driver = wire.get("driver")
    return Cluster(
        cluster_id=cluster_id,
        name=_text(wire, "cluster_name") or cluster_id,
        state=ClusterState(state) if state in set(ClusterState) else ClusterState.UNKNOWN,
        state_message=_text(wire, "state_message") or _ending(wire.get("termination_reason")),
        access_mode=_MODES.get(_text(wire, "data_security_mode"), AccessMode.UNKNOWN),
        single_user=_text(wire, "single_user_name"),
        driver_address=_text(driver, "private_ip") if isinstance(driver, dict) else "",
        creator=_text(wire, "creator_user_name"),
        runtime=_text(wire, "spark_version"),
    )


def _text(wire: Mapping[str, Any], field: str) -> str:
    value = wire.get(field)
    return value if isinstance(value, str) else ""


def _ending(reason: Any) -> str:
    """Why it was terminated, in words: INACTIVITY becomes “inactivity”."""
    code = reason.get("code") if isinstance(reason, dict) else None
    return f"Terminated: {code.replace('_', ' ').lower()}." if isinstance(code, str) and code else ""
