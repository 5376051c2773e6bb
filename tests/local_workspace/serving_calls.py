"""Calls to the serving-endpoints API, for its tests."""

import itertools
from typing import Any

from tests.local_workspace.calls import call
from tests.local_workspaces import LocalWorkspace, eventually

ROOT = "/api/2.0/serving-endpoints"
CHAT_MODEL = "local.models.smollm2-135m-instruct"
EMBEDDING_MODEL = "local.models.all-minilm-l6-v2"
_numbers = itertools.count(1)


def new_name() -> str:
    """A name that no other endpoint of this run has."""
    return f"endpoint-{next(_numbers)}"


def entity(name: str = "one", **fields: Any) -> dict[str, Any]:
    """A served entity: the chat model of the workspace."""
    return {"name": name, "entity_name": CHAT_MODEL, "entity_version": "1"} | fields


def split(**shares: int) -> dict[str, Any]:
    """A traffic config."""
    routes = [{"served_entity_name": name, "traffic_percentage": share} for name, share in shares.items()]
    return {"routes": routes}


def create(workspace: LocalWorkspace, name: str, *entities: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Create an endpoint; the reply."""
    config = {"served_entities": list(entities or [entity()])}
    if "traffic_config" in fields:
        config["traffic_config"] = fields.pop("traffic_config")
    token = fields.pop("token", None)
    response = call(workspace, "POST", ROOT, {"name": name, "config": config} | fields, token=token)
    assert response.ok, response.text
    created: dict[str, Any] = response.json()
    return created


def shown(workspace: LocalWorkspace, name: str) -> dict[str, Any]:
    """The endpoint as it is now."""
    response = call(workspace, "GET", f"{ROOT}/{name}")
    assert response.ok, response.text
    found: dict[str, Any] = response.json()
    return found


def settled(workspace: LocalWorkspace, name: str, timeout: float = 60.0) -> dict[str, Any]:
    """The endpoint once its update is over, however it ended."""
    eventually(lambda: shown(workspace, name)["state"]["config_update"] != "IN_PROGRESS", timeout)
    return shown(workspace, name)


def created(workspace: LocalWorkspace, *entities: dict[str, Any], **fields: Any) -> str:
    """The name of a new endpoint that is ready."""
    name = new_name()
    create(workspace, name, *entities, **fields)
    found = settled(workspace, name)
    assert found["state"] == {"ready": "READY", "config_update": "NOT_UPDATING"}, found.get("pending_config")
    return name
