"""What a transform can be attached to."""

from dataclasses import dataclass
from enum import StrEnum

LOCAL = "local"
"""The embedded local workspace, as the workspace of a place: its port is another one at each start."""


class PlaceKind(StrEnum):
    """What kind of thing is called."""

    ENDPOINT = "endpoint"
    TARGET = "target"
    """A port of a cluster's driver."""


@dataclass(frozen=True, order=True)
class Place:
    """One thing that can be called."""

    kind: PlaceKind
    workspace: str
    """Its host; LOCAL for the embedded one."""
    name: str
