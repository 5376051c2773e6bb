"""Where an endpoint is invoked. Pure."""

from urllib.parse import quote


def invocation_path(endpoint: str, entity: str = "") -> str:
    """Where an endpoint is invoked; with *entity*, past its traffic split and straight at that served entity."""
    below = f"/served-models/{_quoted(entity)}" if entity else ""
    return f"/serving-endpoints/{_quoted(endpoint)}{below}/invocations"


def _quoted(name: str) -> str:
    return quote(name, safe="", errors="replace")
