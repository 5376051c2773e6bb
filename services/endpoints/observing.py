"""Look into an endpoint: what happened to it, what its models wrote, how busy it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.endpoints.metrics import Metrics, metrics_from_text
from services.endpoints.reading import endpoint_path
from services.errors import UnexpectedReply
from services.workspace import Workspace


@dataclass(frozen=True)
class Event:
    """Something that happened to an endpoint."""

    at_ms: int | None
    """Milliseconds since the epoch."""
    message: str
    entity: str = ""
    """The served entity it is about; empty for the endpoint itself."""
    version: int | None = None
    """Of the config."""


def list_events(workspace: Workspace, name: str) -> list[Event]:
    """What happened to the endpoint, the newest first. Raises PlaygroundError.

    The route is not in the public reference: a workspace may not have it.
    """
    reply = workspace.get(endpoint_path(name, "events"), name=f"the events of {name}")
    events = (reply.get("events") or []) if isinstance(reply, dict) else None
    if not isinstance(events, list):
        raise _odd(f"The events of {name}")
    found = [_event(one) for one in events if isinstance(one, dict)]
    found.sort(key=lambda one: one.at_ms or 0)
    return found[::-1]  # so of two in one millisecond the one that was told later comes first


def get_logs(workspace: Workspace, name: str, entity: str) -> str:
    """What a served entity wrote while it served. Raises PlaygroundError."""
    return _logs(workspace, name, entity, "logs")


def get_build_logs(workspace: Workspace, name: str, entity: str) -> str:
    """What the deployment of a served entity wrote. Raises PlaygroundError."""
    return _logs(workspace, name, entity, "build-logs")


def get_metrics(workspace: Workspace, name: str) -> Metrics:
    """How busy the endpoint is. Raises PlaygroundError."""
    return metrics_from_text(workspace.get_text(endpoint_path(name, "metrics"), name=f"the metrics of {name}"))


def _logs(workspace: Workspace, name: str, entity: str, kind: str) -> str:
    path = endpoint_path(name, "served-models", entity, kind)
    reply = workspace.get(path, name=f"the {kind} of {entity} on {name}")
    logs = (reply.get("logs") or "") if isinstance(reply, dict) else None
    if not isinstance(logs, str):
        raise _odd(f"The {kind} of {entity}")
    return logs


def _event(wire: Mapping[str, Any]) -> Event:
    at, message, entity = wire.get("timestamp"), wire.get("message"), wire.get("served_entity_name")
    version = wire.get("config_version")
    return Event(
        at if isinstance(at, int) else None,
        message if isinstance(message, str) else "",
        entity if isinstance(entity, str) else "",
        version if isinstance(version, int) else None,
    )


def _odd(what: str) -> UnexpectedReply:
    return UnexpectedReply(f"{what} came in a form that is not the API's.", "Refresh; if it stays, tell an admin.")
