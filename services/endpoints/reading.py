"""Ask the workspace about its serving endpoints."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from services.endpoints.records import Config, Endpoint, EndpointDetail, Route, ServedEntity
from services.errors import UnexpectedReply
from services.workspace import Workspace

ROOT = "/api/2.0/serving-endpoints"
_BEYOND = 10**15


def endpoint_path(name: str, *rest: str) -> str:
    """The path of that endpoint in the control plane, and below it."""
    return "/".join([ROOT, *(quote(part, safe="") for part in (name, *rest))])


def list_endpoints(workspace: Workspace) -> list[Endpoint]:
    """All endpoints that the identity may see, by name. Raises PlaygroundError."""
    reply = workspace.get(ROOT, name="the list of serving endpoints")
    endpoints = reply.get("endpoints") or [] if isinstance(reply, dict) else None
    if not isinstance(endpoints, list):
        raise UnexpectedReply(
            f"{workspace.host} did not answer with a list of endpoints.", "Check the host on the connection page."
        )
    return sorted((_from_wire(one) for one in endpoints if isinstance(one, dict)), key=lambda one: one.name)


def get_endpoint(workspace: Workspace, name: str) -> Endpoint:
    """One endpoint. Raises NotFound, or another PlaygroundError."""
    return get_endpoint_detail(workspace, name).endpoint


def get_endpoint_detail(workspace: Workspace, name: str) -> EndpointDetail:
    """One endpoint in detail. Raises NotFound, or another PlaygroundError."""
    reply = workspace.get(endpoint_path(name), name=f"endpoint {name}")
    if not isinstance(reply, dict):
        raise UnexpectedReply(
            f"{workspace.host} did not answer with an endpoint.", "Check the host on the connection page."
        )
    return detail_from_wire(reply)


def detail_from_wire(wire: Mapping[str, Any]) -> EndpointDetail:
    """The endpoint that a reply describes; what is odd in it is left out."""
    return EndpointDetail(_from_wire(wire), _config(wire.get("config")), _config(wire.get("pending_config")), wire)


def _from_wire(wire: Mapping[str, Any]) -> Endpoint:
    state = _dict(wire.get("state"))
    config = _config(wire.get("config") or wire.get("pending_config"))
    return Endpoint(
        name=_text(wire.get("name")),
        id=_text(wire.get("id")),
        task=_text(wire.get("task")),
        ready=state.get("ready") == "READY",
        updating=state.get("config_update") == "IN_PROGRESS",
        update_failed=state.get("config_update") == "UPDATE_FAILED",
        permission_level=_text(wire.get("permission_level")),
        creator=_text(wire.get("creator")),
        description=_text(wire.get("description")),
        served_entities=config.entities if config else (),
        routes=config.routes if config else (),
        created_ms=_number(wire.get("creation_timestamp")),
        updated_ms=_number(wire.get("last_updated_timestamp")),
    )


def _config(wire: Any) -> Config | None:
    if not isinstance(wire, dict):
        return None
    entities = _list(wire.get("served_entities")) or _list(wire.get("served_models"))
    return Config(
        version=_number(wire.get("config_version")),
        entities=tuple(_entity(_dict(one)) for one in entities),
        routes=_routes(wire),
        started_ms=_number(wire.get("start_time")),
    )


def _routes(wire: Mapping[str, Any]) -> tuple[Route, ...]:
    found = []
    for one in _list(_dict(wire.get("traffic_config")).get("routes")):
        route = _dict(one)
        name = _text(route.get("served_entity_name")) or _text(route.get("served_model_name"))
        share = _number(route.get("traffic_percentage"))
        if name and share is not None:
            found.append(Route(name, share))
    return tuple(found)


def _entity(wire: Mapping[str, Any]) -> ServedEntity:
    external = _dict(wire.get("external_model"))
    foundation = _dict(wire.get("foundation_model"))
    name = _text(wire.get("entity_name")) or _text(wire.get("model_name"))
    version = _text(wire.get("entity_version")) or _text(wire.get("model_version"))
    entity, provider = f"{name} {version}".strip(), ""
    if external:
        provider = _text(external.get("provider"))
        entity = f"{provider}: {_text(external.get('name'))}"
    elif foundation:
        provider = "foundation"
        entity = _text(foundation.get("display_name")) or _text(foundation.get("name")) or entity
    state = _dict(wire.get("state"))
    return ServedEntity(
        _text(wire.get("name")),
        entity,
        provider,
        deployment=_text(state.get("deployment")),
        message=_text(state.get("deployment_state_message")),
        wire=wire,
    )


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int | None:
    """A number that can be one of ours: of any length, arithmetic with moments and shares would fail."""
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _BEYOND else None
