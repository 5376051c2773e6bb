"""The request line: `GET http://workspace.local/api/... HTTP/1.1` is `GET /api/...`.

A server must take both forms (RFC 9112, 3.2.2), and uvicorn hands the first on as it came. Clients use it towards a proxy;
naming this workspace as the proxy is how the legacy Databricks CLI, which forgets a host's port, reaches it.
"""

import re
from urllib.parse import unquote

from starlette.types import Scope

ORIGIN = re.compile(rb"https?://[^/]*", re.IGNORECASE)


def to_origin_form(scope: Scope) -> None:
    """Take scheme and authority off the target of an HTTP request; any other target is left alone."""
    origin = ORIGIN.match(scope["raw_path"])
    if origin:
        scope["raw_path"] = scope["raw_path"][origin.end() :] or b"/"
        scope["path"] = unquote(scope["raw_path"].decode("ascii"))
