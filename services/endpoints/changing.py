"""Changes of an endpoint that is there. Each function checks, and returns the change as data; nothing is sent here."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.endpoints.change import Change, ChangeKind
from services.endpoints.reading import endpoint_path
from services.endpoints.records import Endpoint, EndpointDetail
from services.errors import BadInput

MAX_TAG_KEY, MAX_TAG_VALUE = 127, 255
PLATFORM_PREFIX = "databricks-"
"""Nobody else may name an endpoint so: these are the platform's own, paid per token."""


def why_not_changeable(endpoint: Endpoint) -> str:
    """Why this caller cannot change the endpoint at all, as a sentence; empty where nothing is known against it."""
    if endpoint.permission_level in ("", "CAN_MANAGE"):
        return ""
    ask = f" Ask {endpoint.creator}, who created it, or a workspace admin." if endpoint.creator else ""
    return f"You have {endpoint.permission_level} here; changes need CAN_MANAGE.{ask}"


def why_not_servable(endpoint: Endpoint) -> str:
    """Why what the endpoint serves cannot be changed now, as a sentence; empty where nothing is known against it."""
    if reason := why_not_changeable(endpoint):
        return reason
    if endpoint.name.startswith(PLATFORM_PREFIX):
        return "This endpoint is Databricks' own, paid per token: what it serves cannot be changed."
    if endpoint.updating:
        return "An update is under way: the next one can begin when it is over."
    return ""


def tags_of(detail: EndpointDetail) -> dict[str, str]:
    """Its tags, by key."""
    tags = detail.wire.get("tags")
    found = [one for one in tags if isinstance(one, dict)] if isinstance(tags, list) else []
    return {str(one["key"]): str(one.get("value") or "") for one in found if isinstance(one.get("key"), str)}


def tags_change(name: str, added: Mapping[str, str], gone: Sequence[str] = ()) -> Change:
    """Add or overwrite tags, and take others away. Raises BadInput."""
    for key, value in added.items():
        if not key.strip():
            raise BadInput("A tag needs a key.", "Type one; the value may stay empty.")
        if len(key) > MAX_TAG_KEY or len(value) > MAX_TAG_VALUE:
            raise BadInput(
                f"The tag {key[:40]} is too long.",
                f"A key has at most {MAX_TAG_KEY} characters, a value {MAX_TAG_VALUE}.",
            )
    tags = [{"key": key.strip(), "value": value.strip()} for key, value in added.items()]
    body = ({"add_tags": tags} if tags else {}) | ({"delete_tags": list(gone)} if gone else {})
    return Change(ChangeKind.TAGS, name, "PATCH", endpoint_path(name, "tags"), body)


def rate_limits_of(detail: EndpointDetail) -> list[dict[str, Any]]:
    """Its older rate limits, those outside the AI gateway."""
    limits = detail.wire.get("rate_limits")
    return [dict(one) for one in limits if isinstance(one, dict)] if isinstance(limits, list) else []


def rate_limits_change(name: str, limits: Sequence[Mapping[str, Any]]) -> Change:
    """Replace the older rate limits; none takes them away."""
    body = {"rate_limits": [dict(one) for one in limits]}
    return Change(ChangeKind.RATE_LIMITS, name, "PUT", endpoint_path(name, "rate-limits"), body)


def ai_gateway_of(detail: EndpointDetail) -> dict[str, Any]:
    """The settings of its AI gateway, unknown blocks included; empty where there is none."""
    gateway = detail.wire.get("ai_gateway")
    return dict(gateway) if isinstance(gateway, dict) else {}


def ai_gateway_change(name: str, gateway: Mapping[str, Any]) -> Change:
    """Replace all settings of the AI gateway: what is not in *gateway* is taken away."""
    return Change(ChangeKind.AI_GATEWAY, name, "PUT", endpoint_path(name, "ai-gateway"), dict(gateway))


def delete_change(name: str) -> Change:
    """Delete the endpoint."""
    return Change(ChangeKind.DELETE, name, "DELETE", endpoint_path(name))


def stop_change(name: str) -> Change:
    """Stop serving; the config stays. For custom models only. The path is in no public reference."""
    return Change(ChangeKind.STOP, name, "POST", endpoint_path(name, "config") + ":stop", {})


def start_change(name: str) -> Change:
    """Serve again after a stop, as a new config version. The path is in no public reference."""
    return Change(ChangeKind.START, name, "POST", endpoint_path(name, "config") + ":start", {})
