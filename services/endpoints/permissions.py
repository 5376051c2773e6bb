"""Who may do what with an endpoint. The platform keeps it by the endpoint's id, not by its name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from services.endpoints.change import Change, ChangeKind
from services.errors import BadInput, UnexpectedReply
from services.workspace import Workspace

LEVELS = ("CAN_VIEW", "CAN_QUERY", "CAN_MANAGE")
"""From the weakest to the strongest."""
PRINCIPALS = {"user_name": "User", "group_name": "Group", "service_principal_name": "Service principal"}
"""The API's field for each kind of principal, and the word for it."""


@dataclass(frozen=True)
class Grant:
    """A permission that somebody has."""

    field: str
    """user_name, group_name or service_principal_name; empty for a permission of a kind that is not known here."""
    principal: str
    level: str
    inherited: bool = False
    """Whether it comes from elsewhere, so that it cannot be taken away here."""
    display_name: str = ""


def list_grants(workspace: Workspace, endpoint_id: str, name: str) -> list[Grant]:
    """Every permission on the endpoint. *name* is for sentences. Raises PlaygroundError."""
    reply = workspace.get(_path(endpoint_id), name=f"the permissions of {name}")
    entries = (reply.get("access_control_list") or []) if isinstance(reply, dict) else None
    if not isinstance(entries, list):
        raise UnexpectedReply(
            f"The permissions of {name} came in a form that is not the API's.", "Refresh; if it stays, tell an admin."
        )
    return [grant for entry in entries for grant in _grants(entry if isinstance(entry, dict) else {})]


def grant_change(endpoint_id: str, name: str, grant: Grant) -> Change:
    """Give a permission; a weaker one that the principal has is replaced. Raises BadInput."""
    if not grant.principal.strip():
        raise BadInput("There is no name to grant it to.", "Type the user's, group's or service principal's name.")
    return Change(ChangeKind.GRANT, name, "PATCH", _path(endpoint_id), {"access_control_list": [_to_wire(grant)]})


def revoke_change(endpoint_id: str, name: str, grants: Sequence[Grant], gone: Grant) -> Change:
    """Take a principal's own permissions away. The API can only replace them all: *grants* are those there are now.

    Raises BadInput where one of them cannot be given again.
    """
    if any(not one.field for one in grants):
        raise BadInput(
            f"Some permissions of {name} are of a kind that Brickyard does not know, and would be taken away with it.",
            "Revoke it on the workspace's Serving page.",
        )
    kept = [one for one in grants if not one.inherited and (one.field, one.principal) != (gone.field, gone.principal)]
    body = {"access_control_list": [_to_wire(one) for one in kept]}
    return Change(ChangeKind.REVOKE, name, "PUT", _path(endpoint_id), body)


def _path(endpoint_id: str) -> str:
    return f"/api/2.0/permissions/serving-endpoints/{quote(endpoint_id, safe='')}"


def _to_wire(grant: Grant) -> dict[str, str]:
    return {grant.field: grant.principal.strip(), "permission_level": grant.level}


def _grants(entry: Mapping[str, Any]) -> list[Grant]:
    field = next((field for field in PRINCIPALS if isinstance(entry.get(field), str)), None)
    held = entry.get("all_permissions")
    if field is None or not isinstance(held, list):
        return [Grant("", "", "", inherited=True)]
    shown = entry.get("display_name")
    return [
        Grant(field, entry[field], one["permission_level"], one.get("inherited") is True, str(shown or ""))
        for one in held
        if isinstance(one, dict) and isinstance(one.get("permission_level"), str)
    ]
