"""The API's JSON of a serving endpoint, for one caller."""

from typing import Any

from local_workspace.engines.catalog import FOUNDATION_MODELS
from local_workspace.external_models.providers import external_model_to_wire
from local_workspace.identity.users import USERS
from local_workspace.serving.records import Config, Endpoint, Kind, ServedEntity

ENDPOINT_TYPES: dict[Kind | None, str | None] = {
    "external": "EXTERNAL_MODEL",
    "foundation": "FOUNDATION_MODEL_API",
    "custom": "CUSTOM_MODEL",  # the platform's word for these is not known; clients only look for the other two
    None: None,
}


def task_of(endpoint: Endpoint) -> str | None:
    """The schema of the endpoint's invocations; None for most custom models and while it serves nothing."""
    return endpoint.latest.entities[0].task if endpoint.latest and endpoint.latest.entities else None


def summary(endpoint: Endpoint, level: str | None) -> dict[str, Any]:
    """The endpoint as a list shows it to a caller with permission `level`."""
    config = endpoint.latest
    entities = [_described(entity) for entity in config.entities] if config else []
    return _common(endpoint, level) | {"config": {"served_entities": entities}}


def detail(endpoint: Endpoint, level: str | None, messages: dict[str, str]) -> dict[str, Any]:
    """The endpoint as `GET .../{name}` shows it. `messages` are state messages by served entity, of those that have one."""
    shown = _common(endpoint, level)
    if endpoint.config:
        shown["config"] = _config(endpoint.config, endpoint, messages)
    if endpoint.pending:
        shown["pending_config"] = _config(endpoint.pending, endpoint, {}) | {"start_time": endpoint.pending.started_ms}
    return shown


def _common(endpoint: Endpoint, level: str | None) -> dict[str, Any]:
    creator = USERS[endpoint.creator]
    ready = endpoint.config is not None and not endpoint.stopped
    shown = {
        "name": endpoint.name,
        "id": endpoint.id,
        "creator": creator.user_name,
        "creator_display_name": creator.display_name,
        "creator_kind": "User",
        "creation_timestamp": endpoint.created_ms,
        "last_updated_timestamp": endpoint.updated_ms,
        "state": {"ready": "READY" if ready else "NOT_READY", "config_update": endpoint.config_update},
        "task": task_of(endpoint),
        "endpoint_type": ENDPOINT_TYPES[endpoint.kind],
        "permission_level": level,
        "description": endpoint.description,
        "tags": [{"key": key, "value": value} for key, value in endpoint.tags.items()],
        "route_optimized": False,
        "ai_gateway": endpoint.ai_gateway,
        "rate_limits": endpoint.rate_limits or None,
    }
    # What is not there is left out, as the platform does; SDK enums do not take null.
    return {name: value for name, value in (shown | endpoint.settings).items() if value is not None}


def _config(config: Config, endpoint: Endpoint, messages: dict[str, str]) -> dict[str, Any]:
    entities = [_with_state(entity, messages.get(entity.name)) for entity in config.entities]
    routes = [
        {"served_model_name": route.entity, "served_entity_name": route.entity, "traffic_percentage": route.percentage}
        for route in config.routes
    ]
    shown = {
        "served_entities": entities,
        "served_models": _as_models(entities),
        "traffic_config": {"routes": routes},
        "config_version": config.version,
    }
    if capture := endpoint.settings.get("auto_capture_config"):
        shown["auto_capture_config"] = capture
    return shown


def _described(entity: ServedEntity) -> dict[str, Any]:
    """What a served entity is."""
    shown: dict[str, Any] = {"name": entity.name}
    if entity.external_model:
        return shown | {"external_model": external_model_to_wire(entity.external_model)}
    shown |= {"entity_name": entity.entity_name, "entity_version": entity.entity_version}
    if model := FOUNDATION_MODELS.get(entity.entity_name):
        return shown | {"foundation_model": model.to_wire()} | entity.options
    return shown | entity.options


def _with_state(entity: ServedEntity, message: str | None) -> dict[str, Any]:
    """What a served entity is, and how it does."""
    shown = _described(entity) | {"creator": entity.creator, "creation_timestamp": entity.created_ms}
    if entity.kind == "custom":
        shown |= {"workload_type": "CPU", "workload_size": entity.workload_size or "Small"} | entity.options
        shown |= {"scale_to_zero_enabled": entity.scale_to_zero_enabled}
        shown |= {"environment_vars": entity.environment_vars} if entity.environment_vars else {}
    state = {"deployment": entity.deployment, "deployment_state_message": message or entity.message}
    return shown | {"state": state}


def _as_models(entities: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entities under their older name, as `served_models`."""
    renamed = {"entity_name": "model_name", "entity_version": "model_version"}
    return [{renamed.get(name, name): value for name, value in entity.items()} for entity in entities]
