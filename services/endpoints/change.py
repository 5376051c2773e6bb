"""A change of an endpoint as data: what is sent, and what code of it is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from services.workspace import Workspace


class ChangeKind(Enum):
    """What is changed."""

    TAGS = auto()
    RATE_LIMITS = auto()
    AI_GATEWAY = auto()
    TRAFFIC = auto()
    GRANT = auto()
    REVOKE = auto()
    STOP = auto()
    START = auto()
    DELETE = auto()


@dataclass(frozen=True)
class Change:
    """One request that changes an endpoint."""

    kind: ChangeKind
    endpoint: str
    """Its name."""
    method: str
    path: str
    body: Mapping[str, Any] | None = None
    """JSON, as it leaves."""


def send_change(workspace: Workspace, change: Change) -> Any:
    """Send it, once; the reply's JSON. Raises PlaygroundError."""
    return workspace.change(change.method, change.path, change.body, name=change.endpoint)
