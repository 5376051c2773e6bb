"""Whether we may attach to a cluster, which is what the driver proxy asks for. What cannot be known stays unknown."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from services.clusters.records import AccessMode, Cluster
from services.errors import PlaygroundError
from services.workspace import Identity, Workspace

LEVELS = ("CAN_ATTACH_TO", "CAN_RESTART", "CAN_MANAGE")
"""From the weakest to the strongest; each allows attaching."""
_FIELDS = ("user_name", "service_principal_name")


class MayAttach(StrEnum):
    """Whether we may."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Attachment:
    """Whether we may attach, and why we think so."""

    may: MayAttach
    reason: str
    """A sentence. It may hold names of others."""


def get_attachment(workspace: Workspace, cluster: Cluster, me: Identity) -> Attachment:
    """Whether *me* may attach to *cluster*: asks for its permissions. Never raises: what cannot be asked is unknown."""
    dedicated = _dedicated(cluster, me)
    if dedicated is not None and dedicated.may is MayAttach.NO:
        return dedicated
    path = f"/api/2.0/permissions/clusters/{quote(cluster.cluster_id, safe='')}"
    try:
        reply = workspace.get(path, name=f"the permissions of cluster {cluster.name}")
    except PlaygroundError as error:  # not everyone may read them, and that says nothing about attaching
        return dedicated or Attachment(
            MayAttach.UNKNOWN, f"Its permissions could not be read ({error.message}). A call will show it."
        )
    return _by_permissions(reply, me) or dedicated or _not_granted()


def _dedicated(cluster: Cluster, me: Identity) -> Attachment | None:
    """What a cluster that is dedicated says by itself; None where it says nothing."""
    if cluster.access_mode is not AccessMode.DEDICATED or not cluster.single_user:
        return None
    if cluster.single_user.casefold() == me.user_name.casefold():
        return Attachment(MayAttach.YES, "It is dedicated to you.")
    if cluster.single_user in me.groups:
        return None
    if "@" not in cluster.single_user:  # perhaps a group of which we do not know whether we are in it
        return Attachment(MayAttach.UNKNOWN, f"It is dedicated to {cluster.single_user}.")
    return Attachment(MayAttach.NO, f"It is dedicated to {cluster.single_user}: the proxy lets nobody else in.")


def _by_permissions(reply: Any, me: Identity) -> Attachment | None:
    entries = reply.get("access_control_list") if isinstance(reply, dict) else None
    for entry in entries if isinstance(entries, list) else []:
        who = _ours(entry, me) if isinstance(entry, dict) else ""
        held = entry.get("all_permissions") if who else None
        levels = (
            [one.get("permission_level") for one in held if isinstance(one, dict)] if isinstance(held, list) else []
        )
        strongest = next((level for level in reversed(LEVELS) if level in levels), None)
        if strongest:
            return Attachment(MayAttach.YES, f"{who} {'have' if who == 'You' else 'has'} {strongest}.")
    return None


def _ours(entry: dict[str, Any], me: Identity) -> str:
    """Through whom the entry concerns us; empty where it does not."""
    if any(_same(entry.get(field), [me.user_name]) for field in _FIELDS):
        return "You"
    group = entry.get("group_name")
    return f"Your group {group}" if _same(group, [*me.groups, "users"]) else ""


def _same(named: Any, known: Collection[str]) -> bool:
    return isinstance(named, str) and named.casefold() in {one.casefold() for one in known}


def _not_granted() -> Attachment:
    return Attachment(
        MayAttach.UNKNOWN,
        "No permission on it names you or a group that you are known to be in. A call will show it.",
    )
