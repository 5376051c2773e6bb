"""Serving endpoints: what there is to call."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from services.errors import UnexpectedReply
from services.workspace import Workspace

_PATH = "/api/2.0/serving-endpoints"
CHAT_TASKS = frozenset({"llm/v1/chat", "agent/v1/chat", "agent/v2/chat"})


@dataclass(frozen=True)
class ServedEntity:
    """What an endpoint serves."""

    name: str
    entity: str
    """A model's name and version, or a provider's model."""


@dataclass(frozen=True)
class Endpoint:
    """One serving endpoint."""

    name: str
    id: str
    task: str
    """llm/v1/chat, llm/v1/completions, llm/v1/embeddings, agent/...; empty for a custom model."""
    ready: bool
    updating: bool
    update_failed: bool
    permission_level: str
    """CAN_MANAGE, CAN_QUERY, CAN_VIEW; empty where the workspace does not say."""
    creator: str
    description: str
    served_entities: tuple[ServedEntity, ...]

    @property
    def chats(self) -> bool:
        """Whether it takes a conversation."""
        return self.task in CHAT_TASKS

    @property
    def state(self) -> str:
        """Its state in the platform's words."""
        if self.updating:
            return "Ready (updating)" if self.ready else "Not ready (updating)"
        if self.update_failed:
            return "Ready (update failed)" if self.ready else "Not ready (update failed)"
        return "Ready" if self.ready else "Not ready"


def list_endpoints(workspace: Workspace) -> list[Endpoint]:
    """All endpoints that the identity may see, by name. Raises PlaygroundError."""
    reply = workspace.get(_PATH, name="the list of serving endpoints")
    endpoints = reply.get("endpoints") or [] if isinstance(reply, dict) else None
    if not isinstance(endpoints, list):
        raise UnexpectedReply(
            f"{workspace.host} did not answer with a list of endpoints.", "Check the host on the connection page."
        )
    return sorted((_from_wire(one) for one in endpoints if isinstance(one, dict)), key=lambda one: one.name)


def get_endpoint(workspace: Workspace, name: str) -> Endpoint:
    """One endpoint in detail. Raises NotFound, or another PlaygroundError."""
    reply = workspace.get(f"{_PATH}/{quote(name, safe='')}", name=f"endpoint {name}")
    if not isinstance(reply, dict):
        raise UnexpectedReply(
            f"{workspace.host} did not answer with an endpoint.", "Check the host on the connection page."
        )
    return _from_wire(reply)


def _from_wire(wire: Mapping[str, Any]) -> Endpoint:
    state = _dict(wire.get("state"))
    config = _dict(wire.get("config"))
    entities = config.get("served_entities")
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
        served_entities=tuple(_entity(_dict(one)) for one in (entities if isinstance(entities, list) else [])),
    )


def _entity(wire: Mapping[str, Any]) -> ServedEntity:
    external = _dict(wire.get("external_model"))
    foundation = _dict(wire.get("foundation_model"))
    name, version = _text(wire.get("entity_name")), _text(wire.get("entity_version"))
    entity = f"{name} {version}".strip()
    if external:
        entity = f"{_text(external.get('provider'))}: {_text(external.get('name'))}"
    elif foundation:
        entity = _text(foundation.get("display_name")) or _text(foundation.get("name")) or entity
    return ServedEntity(_text(wire.get("name")), entity)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
