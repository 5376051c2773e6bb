"""What vectors that are kept know their workspace by. Pure."""

from services.transforms import LOCAL
from services.workspace import Door, Workspace


def host_of(workspace: Workspace) -> str:
    """Its host; LOCAL for the embedded one, whose address is another at each start while its models are the same."""
    return LOCAL if workspace.door is Door.LOCAL else workspace.host
