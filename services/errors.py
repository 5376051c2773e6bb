"""Every failure a person can meet, with a sentence and a next step.

PlaygroundError
├── BadInput            what was typed cannot be sent; nothing was
├── WorkspaceError      the workspace answered, and refused
│   ├── Rejected            400, 413: the request itself
│   ├── Unauthenticated     401, and 403 for a token it does not know
│   ├── PermissionDenied    403
│   ├── NotFound            404
│   ├── Conflict            409
│   │   └── AlreadyExists       what was to be created is there
│   ├── TooManyRequests     429
│   └── EndpointFailed      5xx, and failures told inside a stream
├── TransformFailed     the person's own function around the call failed (services/transforms)
├── StateTrouble        what is saved here cannot be read or kept (services/state_file)
├── Unreachable         no answer came: DNS, TLS, refused, timed out, cut
└── UnexpectedReply     an answer came that is not what the API promises

Anything else that is raised is a bug and stays loud.
"""

from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """Whose failure it is, in the words the page shows."""

    YOU = "your request"
    TRANSFORM = "your transform"
    ENDPOINT = "the endpoint"
    PROVIDER = "the provider"
    APP = "the app on the driver"
    PLATFORM = "the platform"
    NETWORK = "the network"
    HERE = "this machine"


@dataclass(frozen=True)
class RawReply:
    """What came over the wire, kept so that a person can read it."""

    status: int
    body: str


class PlaygroundError(Exception):
    """A failure told to a person: what happened, and the next thing to do. Tokens never enter either."""

    side = Side.PLATFORM
    unsure = False
    """Of a change: whether it may have been made all the same."""

    def __init__(
        self,
        message: str,
        hint: str,
        *,
        side: Side | None = None,
        raw: RawReply | None = None,
        retry_after: float | None = None,
    ) -> None:
        """*retry_after* is in seconds, as the server asked; None when it did not ask."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.side = side or type(self).side
        self.raw = raw
        self.retry_after = retry_after


class BadInput(PlaygroundError):
    """What was typed cannot be sent, and nothing was."""

    side = Side.YOU


class WorkspaceError(PlaygroundError):
    """The workspace answered, and refused."""


class Rejected(WorkspaceError):
    """The request itself was refused."""

    side = Side.YOU


class Unauthenticated(WorkspaceError):
    """The workspace does not know who is asking."""

    side = Side.YOU


class PermissionDenied(WorkspaceError):
    """The workspace knows who is asking, and they may not."""


class NotFound(WorkspaceError):
    """No such thing in this workspace."""

    side = Side.YOU


class Conflict(WorkspaceError):
    """The thing is there already, or busy."""


class AlreadyExists(Conflict):
    """What was to be created is there already."""


class TooManyRequests(WorkspaceError):
    """A rate limit."""


class EndpointFailed(WorkspaceError):
    """The endpoint, or what stands behind it, failed."""

    side = Side.ENDPOINT


class Unreachable(PlaygroundError):
    """No answer came."""

    side = Side.NETWORK


class UnexpectedReply(PlaygroundError):
    """An answer came that is not what the API promises."""

    side = Side.ENDPOINT
