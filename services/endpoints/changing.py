"""Changes of an endpoint that is there. Each function checks, and returns the change as data; nothing is sent here."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from services.endpoints.change import Change, ChangeKind
from services.endpoints.reading import ROOT, endpoint_path
from services.endpoints.records import Endpoint, EndpointDetail, ServedEntity
from services.errors import BadInput
from services.secret_scopes import references_in

MAX_TAG_KEY, MAX_TAG_VALUE = 127, 255
_INPUTS = (
    "name",
    "entity_name",
    "entity_version",
    "external_model",
    "workload_size",
    "workload_type",
    "scale_to_zero_enabled",
    "environment_vars",
    "instance_profile_arn",
    "min_provisioned_concurrency",
    "max_provisioned_concurrency",
    "min_provisioned_throughput",
    "max_provisioned_throughput",
    "provisioned_model_units",
    "burst_scaling_enabled",
)
"""The fields of ServedEntityInput in databricks-sdk. The others that a workspace tells are its own words."""
_CAPTURE = ("catalog_name", "schema_name", "table_name_prefix", "enabled")
_ROLES = ("instance_profile_arn", "uc_service_credential_name")
"""What signs in to a cloud without any key."""
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


def traffic_change(detail: EndpointDetail, shares: Mapping[str, int]) -> Change:
    """Give each served entity its share of the calls, in percent; what is served stays as it is.

    Raises BadInput: not 100 in sum, or a key that would be needed again, which no workspace gives back.
    """
    name, entities = detail.endpoint.name, detail.config.entities if detail.config else ()
    unknown = set(shares) - {entity.name for entity in entities}
    if unknown or not entities:
        raise BadInput(f"{name} does not serve {', '.join(sorted(unknown)) or 'anything'}.", "Refresh the page.")
    if sum(shares.values()) != 100 or min(shares.values()) < 0:
        raise BadInput(f"The shares add up to {sum(shares.values())} %.", "Change them until they add up to 100 %.")
    if hidden := [entity.name for entity in entities if key_is_hidden(entity)]:
        raise BadInput(
            f"The key of {', '.join(hidden)} is not a secret reference, so it would be lost.",
            "Change what the endpoint serves, and put a secret reference there.",
        )
    config = _config_input(detail, shares)
    if any("provisioned_model_units" in entity.wire for entity in entities):
        return Change(ChangeKind.TRAFFIC, name, "PUT", f"{ROOT}/pt{_below_root(name)}", {"config": config})
    return Change(ChangeKind.TRAFFIC, name, "PUT", endpoint_path(name, "config"), config)


def key_is_hidden(entity: ServedEntity) -> bool:
    """Whether a key of this external model was typed in itself: then no workspace tells it, and an update needs it again."""
    external = entity.wire.get("external_model")
    if not isinstance(external, dict) or any(role in block for block in _blocks(external) for role in _ROLES):
        return False
    needed = 2 if entity.provider == "amazon-bedrock" else 1
    return sum(1 for _ in references_in(external)) < needed


def delete_change(name: str) -> Change:
    """Delete the endpoint."""
    return Change(ChangeKind.DELETE, name, "DELETE", endpoint_path(name))


def stop_change(name: str) -> Change:
    """Stop serving; the config stays. For custom models only. The path is in no public reference."""
    return Change(ChangeKind.STOP, name, "POST", endpoint_path(name, "config") + ":stop", {})


def start_change(name: str) -> Change:
    """Serve again after a stop, as a new config version. The path is in no public reference."""
    return Change(ChangeKind.START, name, "POST", endpoint_path(name, "config") + ":start", {})


def _below_root(name: str) -> str:
    return endpoint_path(name, "config").removeprefix(ROOT)


def _config_input(detail: EndpointDetail, shares: Mapping[str, int]) -> dict[str, Any]:
    entities = detail.config.entities if detail.config else ()
    routes = [{"served_model_name": one.name, "traffic_percentage": shares.get(one.name, 0)} for one in entities]
    body: dict[str, Any] = {
        "served_entities": [_entity_input(entity.wire) for entity in entities],
        "traffic_config": {"routes": routes},
    }
    config = detail.wire.get("config")
    capture = config.get("auto_capture_config") if isinstance(config, dict) else None
    if isinstance(capture, dict):  # left out, it would be switched off
        body["auto_capture_config"] = {field: capture[field] for field in _CAPTURE if capture.get(field) is not None}
    return body


def _entity_input(wire: Mapping[str, Any]) -> dict[str, Any]:
    renamed = {"entity_name": "model_name", "entity_version": "model_version"}
    told = {field: wire.get(field, wire.get(renamed.get(field, ""))) for field in _INPUTS}
    found = {field: value for field, value in told.items() if value is not None}
    if "min_provisioned_concurrency" in found or "max_provisioned_concurrency" in found:
        found.pop("workload_size", None)  # a workspace may tell both; it takes one
    return found


def _blocks(external: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from (value for value in external.values() if isinstance(value, dict))
