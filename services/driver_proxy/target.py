"""A target: an app on a cluster's driver, and how it is to be called. Pure."""

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, unquote

from services.errors import BadInput

METHODS = ("POST", "GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
PORTS = range(3000, 8001)
"""What LangChain's docs and the seed name for apps."""
USUAL_PORT = 7777
RESERVED_PORTS = {
    4040: "Spark's own page",
    4041: "Spark's own page",
    7070: "Spark's own services",
    7077: "a Spark master",
    7681: "the cluster's web terminal",
    8787: "RStudio, for which the platform keeps it",
}
"""Ports that something else on a driver uses. 7681: the platform's docs; 8787: reported as blocked; the others: Spark's."""
_OURS = {
    "authorization": "Brickyard signs the call in itself, and the proxy never passes this header on",
    "proxy-authorization": "it belongs to the connection",
    "cookie": "the workspace may take it for a sign-in",
    "host": "it belongs to the connection",
    "content-length": "it belongs to the connection",
    "transfer-encoding": "it belongs to the connection",
    "connection": "it belongs to the connection",
    "upgrade": "it belongs to the connection",
    "te": "it belongs to the connection",
    "trailer": "it belongs to the connection",
    "expect": "it belongs to the connection",
}
_HARMLESS = frozenset({
    "accept", "accept-charset", "accept-encoding", "accept-language", "cache-control", "content-encoding", "content-language",
    "content-type", "if-match", "if-modified-since", "if-none-match", "pragma", "prefer", "range", "traceparent", "tracestate",
    "user-agent", "x-correlation-id", "x-request-id",
})  # fmt: skip
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, 5.6.2
_SECRET_IN_QUERY = re.compile(r"(?:token|secret|key|passw|pwd|auth|sig|credential)[^=&]*=[^&]", re.IGNORECASE)
_VALUE = re.compile(r"[\x20-\x7e\t]*")
_CLUSTER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_ORG = re.compile(r"[0-9]{1,20}")
_ADDRESS = re.compile(r"[A-Za-z0-9.:-]{1,253}")
MAX_PATH = 4000
MAX_NAME = 100


def is_private(header: str) -> bool:
    """Whether the value of a header that a person gave may be a credential, so that it is neither saved nor written into code.

    An app calls the header that it wants its key in as it likes; so all are, but those that never carry one.
    """
    return header.lower() not in _HARMLESS


class Via(StrEnum):
    """How the app is reached."""

    PROXY = "the workspace's proxy"
    DIRECT = "directly"
    """Only where this process runs on that very driver. Never with credentials."""


@dataclass(frozen=True)
class Target:
    """An app on a driver."""

    name: str
    """What the person calls it; may be empty until it is saved."""
    cluster_id: str
    port: int
    path: str = "/"
    """Path and query at the app. Empty, as LangChain calls it, for an address that ends with the port."""
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = ()
    """Besides Content-Type and what signs in."""
    org: str = "0"
    """The workspace's id in the proxy's path; 0 stands for it."""
    via: Via = Via.PROXY

    @property
    def label(self) -> str:
        """What it is known by in sentences."""
        return self.name or f"Port {self.port} of cluster {self.cluster_id}"


def problems_of(target: Target) -> dict[str, str]:
    """What keeps it from being called, by field: cluster_id, port, path, method, headers, org. Empty when all is well."""
    headers = _headers_problem(target.headers)
    found = {
        "cluster_id": _cluster_problem(target.cluster_id),
        "port": "" if _is_port(target.port) else "The port is a whole number from 1 to 65535.",
        "path": _path_problem(target.path),
        "method": "" if _TOKEN.fullmatch(target.method) else "The method is one word, such as POST.",
        "headers": headers,
        "org": "" if _ORG.fullmatch(target.org) else "The workspace's id is a number; 0 stands for it.",
        "name": "" if len(target.name) <= MAX_NAME else f"The name has more than {MAX_NAME} characters.",
    }
    return {field: problem for field, problem in found.items() if problem}


def check_target(target: Target) -> None:
    """Raises BadInput with the first of its problems."""
    for problem in problems_of(target).values():
        raise BadInput(problem, "Nothing was sent. Change it, and send again.")


def cautions(target: Target) -> tuple[str, ...]:
    """What is allowed but may not work, as sentences."""
    found = []
    if target.port in RESERVED_PORTS:
        found.append(f"Port {target.port} is used by {RESERVED_PORTS[target.port]}.")
    elif target.port not in PORTS:
        found.append(f"Port {target.port} is outside {PORTS[0]} to {PORTS[-1]}, which apps on a driver should use.")
    if _SECRET_IN_QUERY.search(target.path.partition("?")[2]):
        found.append(
            "The path's query is saved with the target, and stands in its code: put a credential into a header."
        )
    return tuple(found)


def url_of(target: Target, host: str = "", driver_address: str = "") -> str:
    """Its whole URL: below *host* (with a scheme), or at *driver_address* for a direct call.

    Raises BadInput, also where a direct call has no address.
    """
    check_target(target)
    path = target.path if not target.path or target.path.startswith("/") else f"/{target.path}"
    if target.via is Via.PROXY:
        return f"{host}/driver-proxy-api/o/{target.org}/{target.cluster_id}/{target.port}{_quoted(path)}"
    if not _ADDRESS.fullmatch(driver_address):
        raise BadInput(
            "The driver's address is not known.", "Start the cluster, or call through the workspace's proxy."
        )
    address = f"[{driver_address}]" if ":" in driver_address else driver_address
    return f"http://{address}:{target.port}{_quoted(path)}"


def _quoted(path: str) -> str:
    return quote(path, safe="/?&=%:@!$'()*+,;~-._[]|")


def _is_port(port: object) -> bool:
    return isinstance(port, int) and not isinstance(port, bool) and 1 <= port <= 65535


def _cluster_problem(cluster_id: str) -> str:
    if not cluster_id:
        return "No cluster is chosen."
    if not _CLUSTER.fullmatch(cluster_id):
        return "A cluster's id has letters, digits and hyphens, such as 0101-000000-abcd1234."
    return ""


def _path_problem(path: str) -> str:
    if len(path) > MAX_PATH:
        return f"The path has more than {MAX_PATH:,} characters."
    if any(character.isspace() or not character.isprintable() for character in path):
        return "The path has blanks or invisible characters: write %20 for a blank."
    if "#" in path or "\\" in path:
        return "The path has a # or a backslash: write %23 or %5C."
    # Resolved on the way, they would lead out of the app, to other APIs of the workspace, with its credentials.
    if any(part.partition(";")[0] in {".", ".."} for part in re.split(r"[/\\]", _read(path.partition("?")[0]))):
        return "The path has a . or .. in it, which would lead out of the app."
    return ""


def _read(path: str) -> str:
    """The path as the last of several readers may read it, each of whom decodes it once more."""
    while (decoded := unquote(path)) != path:
        path = decoded
    return path


def _headers_problem(headers: tuple[tuple[str, str], ...]) -> str:
    names = [name.lower() for name, _ in headers]
    for name, value in headers:
        if not _TOKEN.fullmatch(name):
            return f"“{name[:40]}” is no name of a header: letters, digits and hyphens."
        if name.lower() in _OURS:
            return f"The header {name} cannot be set: {_OURS[name.lower()]}."
        if not _VALUE.fullmatch(value):
            return f"The value of {name} has line breaks, or characters that a header cannot carry."
    twice = next((name for name in names if names.count(name) > 1), "")
    return f"The header {twice} is there twice." if twice else ""
