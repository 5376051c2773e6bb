"""Ask the workspace about its serving endpoints."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from services.endpoints.records import Config, Endpoint, EndpointDetail, Route, ServedEntity
from services.errors import UnexpectedReply
from services.foreign_json import as_dict, as_list, as_text
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
    state = as_dict(wire.get("state"))
    config = _config(wire.get("config") or wire.get("pending_config"))
    return Endpoint(
        name=as_text(wire.get("name")),
        id=as_text(wire.get("id")),
        task=as_text(wire.get("task")),
        ready=state.get("ready") == "READY",
        updating=state.get("config_update") == "IN_PROGRESS",
        update_failed=state.get("config_update") == "UPDATE_FAILED",
        permission_level=as_text(wire.get("permission_level")),
        creator=as_text(wire.get("creator")),
        description=as_text(wire.get("description")),
        served_entities=config.entities if config else (),
        routes=config.routes if config else (),
        created_ms=_number(wire.get("creation_timestamp")),
        updated_ms=_number(wire.get("last_updated_timestamp")),
    )


def _config(wire: Any) -> Config | None:
    if not isinstance(wire, dict):
        return None
    entities = as_list(wire.get("served_entities")) or as_list(wire.get("served_models"))
    return Config(
        version=_number(wire.get("config_version")),
        entities=tuple(_entity(as_dict(one)) for one in entities),
        routes=_routes(wire),
        started_ms=_number(wire.get("start_time")),
    )


def _routes(wire: Mapping[str, Any]) -> tuple[Route, ...]:
    found = []
    for one in as_list(as_dict(wire.get("traffic_config")).get("routes")):
        route = as_dict(one)
        name = as_text(route.get("served_entity_name")) or as_text(route.get("served_model_name"))
        share = _number(route.get("traffic_percentage"))
        if name and share is not None:
            found.append(Route(name, share))
    return tuple(found)


def _entity(wire: Mapping[str, Any]) -> ServedEntity:
    external = as_dict(wire.get("external_model"))
    foundation = as_dict(wire.get("foundation_model"))
    name = as_text(wire.get("entity_name")) or as_text(wire.get("model_name"))
    version = as_text(wire.get("entity_version")) or as_text(wire.get("model_version"))
    entity, provider = f"{name} {version}".strip(), ""
    if external:
        provider = as_text(external.get("provider"))
        entity = f"{provider}: {as_text(external.get('name'))}"
    elif foundation:
        provider = "foundation"
        entity = as_text(foundation.get("display_name")) or as_text(foundation.get("name")) or entity
    state = as_dict(wire.get("state"))
    return ServedEntity(
        as_text(wire.get("name")),
        entity,
        provider,
        deployment=as_text(state.get("deployment")),
        message=as_text(state.get("deployment_state_message")),
        wire=wire,
    )


def _number(value: Any) -> int | None:
    """A number that can be one of ours: of any length, arithmetic with moments and shares would fail."""
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _BEYOND else None
