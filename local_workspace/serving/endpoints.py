"""Serving endpoints: the record, the store, and the routes that list and show them."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request

from local_workspace.identity.users import ADMIN, User
from local_workspace.refusals import no_such_endpoint

CHAT = "llm/v1/chat"
COMPLETIONS = "llm/v1/completions"
EMBEDDINGS = "llm/v1/embeddings"


@dataclass(frozen=True)
class ServedEntity:
    """What an endpoint serves. `tasks` are those it answers; an endpoint's own task is the first."""

    name: str
    entity_name: str
    entity_version: str
    display_name: str
    description: str
    docs: str
    tasks: tuple[str, ...]

    def to_summary(self) -> dict[str, Any]:
        """The entity in a list of endpoints: what it is, not how it does."""
        model = {"name": self.entity_name, "display_name": self.display_name, "docs": self.docs}
        return {
            "name": self.name,
            "entity_name": self.entity_name,
            "entity_version": self.entity_version,
            "foundation_model": model | {"description": self.description},
        }


@dataclass(frozen=True)
class Endpoint:
    """A serving endpoint. `created_ms` is in milliseconds of Unix time; `tags` are the platform's key and value pairs."""

    name: str
    served_entity: ServedEntity
    description: str
    created_ms: int
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def task(self) -> str:
        """The schema of its invocations."""
        return self.served_entity.tasks[0]

    @property
    def id(self) -> str:
        """32 hexadecimal digits, the same at every start."""
        return hashlib.sha256(f"endpoint:{self.name}".encode()).hexdigest()[:32]

    def to_summary(self, caller: User) -> dict[str, Any]:
        """The endpoint as a list shows it to `caller`."""
        return self._common(caller) | {"config": {"served_entities": [self.served_entity.to_summary()]}}

    def to_detail(self, caller: User) -> dict[str, Any]:
        """The endpoint as `GET .../{name}` shows it to `caller`."""
        entity = self.served_entity
        state = {"deployment": "DEPLOYMENT_READY", "deployment_state_message": ""}
        history = {"creator": ADMIN.user_name, "creation_timestamp": self.created_ms}
        route = {"served_model_name": entity.name, "served_entity_name": entity.name, "traffic_percentage": 100}
        config = {
            "served_entities": [entity.to_summary() | history | {"state": state}],
            "traffic_config": {"routes": [route]},
            "config_version": 1,
        }
        return self._common(caller) | {"config": config}

    def _common(self, caller: User) -> dict[str, Any]:
        return {
            "name": self.name,
            "id": self.id,
            "creator": ADMIN.user_name,
            "creation_timestamp": self.created_ms,
            "last_updated_timestamp": self.created_ms,
            "state": {"ready": "READY", "config_update": "NOT_UPDATING"},
            "task": self.task,
            "endpoint_type": "FOUNDATION_MODEL_API",
            "permission_level": caller.default_permission,
            "description": self.description,
            "tags": [{"key": key, "value": value} for key, value in self.tags.items()],
            "route_optimized": False,
        }


class EndpointStore:
    """The endpoints of the workspace, by name."""

    def __init__(self, endpoints: list[Endpoint]) -> None:
        self._endpoints = {endpoint.name: endpoint for endpoint in endpoints}

    def list(self) -> list[Endpoint]:
        """Every endpoint, by name."""
        return [self._endpoints[name] for name in sorted(self._endpoints)]

    def get(self, name: str) -> Endpoint:
        """The endpoint called `name`. Raises RefusalError (404)."""
        if name not in self._endpoints:
            raise no_such_endpoint(name)
        return self._endpoints[name]


def endpoint_routes(store: EndpointStore) -> APIRouter:
    """List and show, with and without a trailing slash, and OpenAI's list of models."""
    router = APIRouter()

    @router.get("/api/2.0/serving-endpoints")
    @router.get("/api/2.0/serving-endpoints/")
    async def list_endpoints(request: Request) -> dict[str, Any]:
        return {"endpoints": [endpoint.to_summary(request.scope["caller"]) for endpoint in store.list()]}

    @router.get("/api/2.0/serving-endpoints/{name}")
    @router.get("/api/2.0/serving-endpoints/{name}/")
    async def get_endpoint(name: str, request: Request) -> dict[str, Any]:
        return store.get(name).to_detail(request.scope["caller"])

    @router.get("/serving-endpoints/models")
    async def list_models() -> dict[str, Any]:
        return {"object": "list", "data": [_model(endpoint) for endpoint in store.list()]}

    return router


def _model(endpoint: Endpoint) -> dict[str, Any]:
    created = endpoint.created_ms // 1000
    return {"id": endpoint.name, "object": "model", "created": created, "owned_by": ADMIN.user_name}
