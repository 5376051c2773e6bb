"""What can be done to serving endpoints, by whom: the logic behind the routes."""

import time
import uuid
from typing import Any

from local_workspace.ai_gateway.config import AiGatewayBody, ai_gateway_of, rate_limits_of
from local_workspace.cipher import Cipher
from local_workspace.identity.users import USERS, User
from local_workspace.permissions.store import Grant, PermissionStore
from local_workspace.refusals import (
    bad_request,
    endpoint_exists,
    invalid_parameter,
    limit_exceeded,
    permission_denied,
    update_in_progress,
)
from local_workspace.serving.backends import Backend
from local_workspace.serving.bodies import (
    ConfigBody,
    CreateBody,
    TagsBody,
    check_endpoint_name,
    entities_of,
    routes_of,
    tags_of,
)
from local_workspace.serving.deployments import Deployments, deployment_of
from local_workspace.serving.records import Config, Endpoint, Kind, ServedEntity
from local_workspace.serving.store import EndpointStore

OBJECT_TYPE = "serving-endpoints"
MAX_ENDPOINTS = 1000
LEVELS = ("CAN_VIEW", "CAN_QUERY", "CAN_MANAGE")
SETTINGS = ("route_optimized", "budget_policy_id", "email_notifications", "telemetry_config")


class Endpoints:
    """The serving endpoints of the workspace, with everyone's rights to them."""

    def __init__(
        self,
        store: EndpointStore,
        permissions: PermissionStore,
        deployments: Deployments,
        backends: dict[Kind, Backend],
        cipher: Cipher,
    ) -> None:
        self._store = store
        self._permissions = permissions
        self._deployments = deployments
        self._backends = backends
        self._cipher = cipher

    def visible(self, caller: User) -> list[Endpoint]:
        """The endpoints that `caller` may see, by name."""
        return [endpoint for endpoint in self._store.all() if self.level(endpoint, caller)]

    def level(self, endpoint: Endpoint, caller: User) -> str | None:
        """The permission level of `caller`, or None."""
        return self._permissions.level(OBJECT_TYPE, endpoint.id, caller)

    def get(self, name: str, caller: User, needed: str) -> Endpoint:
        """The endpoint called `name`, if `caller` has the level `needed`. Raises RefusalError (403, 404)."""
        endpoint = self._store.get(name)
        level = self.level(endpoint, caller)
        if level is None or LEVELS.index(level) < LEVELS.index(needed):
            raise permission_denied(
                f"User '{caller.user_name}' does not have {needed} permission on endpoint '{endpoint.name}'."
            )
        return endpoint

    def state_messages(self, endpoint: Endpoint) -> dict[str, str]:
        """State messages of what serves now, such as "Scaled to zero", by served entity."""
        entities = endpoint.config.entities if endpoint.config else []
        found = {it.name: self._backends[it.kind].state_message(deployment_of(endpoint, it)) for it in entities}
        return {name: message for name, message in found.items() if message}

    async def create(self, body: CreateBody, caller: User) -> Endpoint:
        """A new endpoint, whose deployment has begun if it has a config. Raises RefusalError (400, 403, 404, 409)."""
        check_endpoint_name(body.name)
        if self._store.find(body.name):
            raise endpoint_exists(body.name)
        if len(self._store.all()) >= MAX_ENDPOINTS:
            raise limit_exceeded(f"The workspace has {MAX_ENDPOINTS} serving endpoints, which is all it can hold.")
        if body.route_optimized:
            raise invalid_parameter(
                "Route optimization does not exist in the local workspace: leave route_optimized out."
            )
        now = int(time.time() * 1000)
        blank = Endpoint(
            name=body.name,
            id=uuid.uuid4().hex,
            creator=caller.key,
            created_ms=now,
            updated_ms=now,
            description=body.description or "",
            tags=tags_of(body.tags or []),
            rate_limits=rate_limits_of(body.rate_limits or []),
            ai_gateway=ai_gateway_of(body.ai_gateway) if body.ai_gateway else None,
            settings={name: getattr(body, name) for name in SETTINGS if getattr(body, name) is not None},
        )
        endpoint = await self._with_pending(blank, body.config) if body.config and body.config.entities else blank
        if self._store.find(body.name):  # while the registry was asked
            raise endpoint_exists(body.name)
        self._permissions.merge(OBJECT_TYPE, endpoint.id, [Grant.to_user(caller, "CAN_MANAGE")])
        self._store.save(endpoint)
        self._store.log(endpoint, 0, "event", f"Created by {caller.user_name}.")
        if endpoint.pending:
            self._deployments.start(endpoint)
        return endpoint

    async def update_config(self, name: str, body: ConfigBody, caller: User) -> Endpoint:
        """Deploy another config. Raises RefusalError (400, 403, 404, 409)."""
        endpoint = self._changeable(name, caller)
        if body.entities:
            changed = await self._with_pending(endpoint, body)
        elif body.traffic_config and endpoint.config:
            changed = self._rerouted(endpoint, endpoint.config, body)
        else:
            raise bad_request("The body needs 'served_entities', or 'traffic_config' for those served now.")
        current = self._changeable(name, caller)
        if (current.id, current.config, current.pending) != (endpoint.id, endpoint.config, endpoint.pending):
            # Another update, or another endpoint of that name, came while backends were asked.
            raise update_in_progress(name)
        endpoint = self._store.change(
            name, pending=changed.pending, config_update="IN_PROGRESS", settings=changed.settings
        )
        self._deployments.start(endpoint)
        return endpoint

    async def _with_pending(self, endpoint: Endpoint, body: ConfigBody) -> Endpoint:
        """`endpoint` with the config of `body` pending, once backends have agreed that it can be served."""
        now = int(time.time() * 1000)
        version = _next_version(endpoint)
        entities = [
            _kept_or_new(entity, endpoint.config, version, now, endpoint) for entity in entities_of(body, self._cipher)
        ]
        routes = routes_of(body, entities)
        if endpoint.kind and entities[0].kind != endpoint.kind:
            raise invalid_parameter(
                f"Endpoint '{endpoint.name}' serves {endpoint.kind} models; an endpoint cannot change to {entities[0].kind}"
                " models. Delete it and create it again."
            )
        tasks = [await self._backends[entity.kind].check(deployment_of(endpoint, entity)) for entity in entities]
        entities = [entity.model_copy(update={"task": task}) for entity, task in zip(entities, tasks, strict=True)]
        pending = Config(version=version, entities=entities, routes=routes, started_ms=now)
        capture = {"auto_capture_config": body.auto_capture_config} if body.auto_capture_config else {}
        return endpoint.model_copy(
            update={"pending": pending, "config_update": "IN_PROGRESS", "settings": endpoint.settings | capture}
        )

    def _rerouted(self, endpoint: Endpoint, config: Config, body: ConfigBody) -> Endpoint:
        """`endpoint` with another traffic split over what it serves pending."""
        routes = routes_of(body, config.entities)
        changes = {"version": _next_version(endpoint), "routes": routes, "started_ms": int(time.time() * 1000)}
        return endpoint.model_copy(update={"pending": config.model_copy(update=changes)})

    def change_tags(self, name: str, body: TagsBody, caller: User) -> Endpoint:
        """Add and delete tags. Raises RefusalError (400, 403, 404)."""
        endpoint = self.get(name, caller, "CAN_MANAGE")
        gone = set(body.delete_tags or [])
        kept = {key: value for key, value in endpoint.tags.items() if key not in gone}
        added = [{"key": key, "value": value} for key, value in (kept | tags_of(body.add_tags or [])).items()]
        tags = tags_of(TagsBody.model_validate({"add_tags": added}).add_tags or [])
        return self._store.change(name, tags=tags)

    def change_rate_limits(self, name: str, limits: list[dict[str, Any]], caller: User) -> Endpoint:
        """Replace the (deprecated) rate limits. Raises RefusalError (400, 403, 404)."""
        self.get(name, caller, "CAN_MANAGE")
        return self._store.change(name, rate_limits=rate_limits_of(limits))

    def change_ai_gateway(self, name: str, body: AiGatewayBody, caller: User) -> Endpoint:
        """Replace the AI gateway's config; nothing in the body removes it. Raises RefusalError (400, 403, 404)."""
        endpoint = self.get(name, caller, "CAN_MANAGE")
        given = body.model_dump(exclude_none=True)
        return self._store.change(name, ai_gateway=ai_gateway_of(given, endpoint.ai_gateway) if given else None)

    def change_setting(self, name: str, setting: str, value: dict[str, Any] | None, caller: User) -> Endpoint:
        """Keep a block that is only shown again. Raises RefusalError (403, 404)."""
        endpoint = self.get(name, caller, "CAN_MANAGE")
        kept = {key: block for key, block in endpoint.settings.items() if key != setting}
        return self._store.change(name, settings=kept | ({setting: value} if value is not None else {}))

    def change_telemetry(self, name: str, value: dict[str, Any] | None, caller: User) -> Endpoint:
        """Keep the telemetry config. Raises RefusalError (400 for external models, 403, 404, 409 while updating)."""
        endpoint = self._changeable(name, caller)
        if endpoint.kind == "external":
            raise invalid_parameter("Telemetry is not available for endpoints of external models.")
        return self.change_setting(name, "telemetry_config", value, caller)

    def delete(self, name: str, caller: User) -> None:
        """Delete the endpoint, whatever it is doing. Raises RefusalError (400, 403, 404)."""
        endpoint = self.get(name, caller, "CAN_MANAGE")
        if endpoint.provisioned:
            raise bad_request(f"Endpoint '{name}' comes with the workspace and cannot be deleted.")
        self._deployments.end(endpoint)
        self._store.delete(endpoint)
        self._permissions.forget(OBJECT_TYPE, endpoint.id)

    def stop(self, name: str, caller: User) -> Endpoint:
        """Stop serving custom models; the config stays. Raises RefusalError (400, 403, 404, 409)."""
        endpoint = self._changeable(name, caller)
        if endpoint.kind != "custom":
            raise bad_request("Only endpoints of custom models can be stopped.")
        self._deployments.end(endpoint)
        self._store.log(endpoint, 0, "event", f"Stopped by {caller.user_name}.")
        return self._store.change(name, stopped=True)

    def start(self, name: str, caller: User) -> Endpoint:
        """Serve again after `stop`, as a new config version. Raises RefusalError (400, 403, 404, 409)."""
        endpoint = self._changeable(name, caller)
        if not endpoint.stopped or endpoint.config is None:
            raise bad_request(f"Endpoint '{name}' is not stopped.")
        version, now = _next_version(endpoint), int(time.time() * 1000)
        entities = [
            entity.model_copy(update={"version": version, "deployment": "DEPLOYMENT_CREATING"})
            for entity in endpoint.config.entities
        ]
        pending = endpoint.config.model_copy(update={"version": version, "entities": entities, "started_ms": now})
        endpoint = self._store.change(name, pending=pending, config_update="IN_PROGRESS")
        self._deployments.start(endpoint)
        return endpoint

    def _changeable(self, name: str, caller: User) -> Endpoint:
        endpoint = self.get(name, caller, "CAN_MANAGE")
        if endpoint.provisioned:
            raise bad_request(
                f"Endpoint '{name}' comes with the workspace; only its AI gateway, limits and tags change."
            )
        if endpoint.config_update == "IN_PROGRESS":
            raise update_in_progress(name)
        return endpoint


def _next_version(endpoint: Endpoint) -> int:
    versions = [config.version for config in (endpoint.config, endpoint.pending) if config]
    return max(versions, default=0) + 1


def _kept_or_new(
    entity: ServedEntity, config: Config | None, version: int, now: int, endpoint: Endpoint
) -> ServedEntity:
    """The entity as it serves already, if nothing about it changed; else a new one."""
    stamp = {"version": version, "creator": USERS[endpoint.creator].user_name, "created_ms": now}
    known = config.entity(entity.name) if config else None
    if known is None:
        return entity.model_copy(update=stamp)
    unasked = ("task", "version", "creator", "created_ms", "deployment", "message")
    state = {name: getattr(known, name) for name in unasked}
    return known if entity.model_copy(update=state) == known else entity.model_copy(update=stamp)
