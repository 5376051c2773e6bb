"""Where a call of the driver proxy is to go: read from the bytes of its path, so that the rest can be passed on untouched."""

from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from starlette.types import Scope

from local_workspace.clusters.driver_process import FIRST_PORT, LAST_PORT
from local_workspace.identity.users import ORG_ID
from local_workspace.refusals import invalid_parameter, no_such_api

PREFIXES = ("driver-proxy-api", "driver-proxy")
ORGS = ("0", ORG_ID)  # LangChain and many notebooks write 0


@dataclass(frozen=True)
class DriverAddress:
    """A port on a cluster's driver. `target` is the request target there, path and query, byte for byte as it came."""

    cluster_id: str
    port: int
    target: bytes


def address_of(scope: Scope) -> DriverAddress:
    """The address in `/driver-proxy-api/o/{org}/{cluster_id}/{port}[/path]`. Raises RefusalError (400, 404).

    Only the parts before the path are decoded. Whatever follows the port goes to that port and nowhere else.
    """
    _, *parts = scope["raw_path"].split(b"/", 6)
    prefix, marker, org, cluster_id, port = (
        unquote_to_bytes(part).decode("utf-8", "replace") for part in [*parts, b"", b"", b"", b"", b""][:5]
    )
    if prefix not in PREFIXES or marker != "o" or not port:
        raise no_such_api(scope.get("method", "GET"), scope["path"])
    if org not in ORGS:
        raise invalid_parameter(f"'{org[:40]}' is not the id of this workspace: it is {ORG_ID}, and 0 stands for it.")
    target = b"/" + (parts[5] if len(parts) > 5 else b"")
    target += b"?" + scope["query_string"] if scope["query_string"] else b""
    return DriverAddress(cluster_id, _port(port), target)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 5 or not FIRST_PORT <= int(text) <= LAST_PORT:
        raise invalid_parameter(f"The port must be a number from {FIRST_PORT} to {LAST_PORT}, not '{text[:40]}'.")
    return int(text)
