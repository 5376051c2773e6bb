"""Looking into a serving endpoint: what happened, what its models wrote, and how they want to be asked."""

from typing import Any

from local_workspace.refusals import bad_request, invalid_parameter, no_such_served_entity
from local_workspace.serving.backends import Backend
from local_workspace.serving.deployments import deployment_of
from local_workspace.serving.records import Endpoint, Kind, ServedEntity
from local_workspace.serving.store import EndpointStore


class Observation:
    """Logs, events and schemas of endpoints."""

    def __init__(self, store: EndpointStore, backends: dict[Kind, Backend]) -> None:
        self._store = store
        self._backends = backends

    def events(self, endpoint: Endpoint) -> list[dict[str, Any]]:
        """What happened to the endpoint, oldest first: timestamp in ms, message, served entity and config version."""
        return self._store.events(endpoint)

    def logs(self, endpoint: Endpoint, entity: str) -> str:
        """What a served entity wrote while serving. Raises RefusalError (404)."""
        found = _entity(endpoint, entity)
        return self._backends[found.kind].logs(deployment_of(endpoint, found))

    def build_logs(self, endpoint: Endpoint, entity: str, version: str | None) -> str:
        """What its deployment wrote, for one config version or all. Raises RefusalError (400, 404)."""
        _entity(endpoint, entity)
        if version is not None and not (version.isascii() and version.isdigit() and len(version) < 10):
            raise invalid_parameter("The parameter 'config_version' must be a whole number.")
        return self._store.build_log(endpoint, entity, int(version) if version else None)

    async def openapi(self, endpoint: Endpoint, host: str) -> dict[str, Any]:
        """The OpenAPI 3.1 document of what serves now. Raises RefusalError (400): not ready, or without a signature."""
        if endpoint.config is None:
            raise bad_request(f"Endpoint '{endpoint.name}' is not ready, so it has no schema yet.")
        paths = {}
        for entity in endpoint.config.entities:
            asked, answered = await self._backends[entity.kind].schemas(deployment_of(endpoint, entity))
            paths[f"/served-models/{entity.name}/invocations"] = {"post": _operation(asked, answered)}
        return {
            "openapi": "3.1.0",
            "info": {"title": endpoint.name, "version": str(endpoint.config.version)},
            "servers": [{"url": f"{host}/serving-endpoints/{endpoint.name}"}],
            "paths": paths,
        }


def _operation(asked: dict[str, Any], answered: dict[str, Any]) -> dict[str, Any]:
    reply = {"description": "Successful operation", "content": {"application/json": {"schema": answered}}}
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": asked}}},
        "responses": {"200": reply},
    }


def _entity(endpoint: Endpoint, name: str) -> ServedEntity:
    for config in (endpoint.config, endpoint.pending):
        if config and (found := config.entity(name)):
            return found
    raise no_such_served_entity(endpoint.name, name)
