"""Calls to endpoints of custom models, for their tests."""

from typing import Any

import psutil
import requests

from tests.local_workspace.calls import call
from tests.local_workspace.serving_calls import created
from tests.local_workspaces import LocalWorkspace

_ready: dict[tuple[int, str], str] = {}


def model(name: str, **fields: Any) -> dict[str, Any]:
    """A served entity: version 1 of a registered model of the tests."""
    return {"name": "model", "entity_name": name, "entity_version": "1", "workload_size": "Small"} | fields


def serving(workspace: LocalWorkspace, name: str) -> str:
    """An endpoint that serves the registered model `name`: the same one for every test that only asks."""
    key = (workspace.process.pid, name)
    if key not in _ready:
        _ready[key] = created(workspace, model(name))
    return _ready[key]


def ask(workspace: LocalWorkspace, endpoint: str, body: Any = None, **options: Any) -> requests.Response:
    """An invocation."""
    return call(workspace, "POST", f"/serving-endpoints/{endpoint}/invocations", body, **options)


def order(words: str) -> dict[str, Any]:
    """The body that has the obedient model do something."""
    return {"dataframe_records": [{"order": words}]}


def obey(workspace: LocalWorkspace, endpoint: str, words: str, **options: Any) -> Any:
    """What the obedient model returned."""
    response = ask(workspace, endpoint, order(words), **options)
    assert response.ok, response.text
    return response.json()["predictions"][0]


def registries(workspace: LocalWorkspace) -> list[psutil.Process]:
    """The processes that are the workspace's registry: none or one."""
    children = psutil.Process(workspace.process.pid).children()
    return [child for child in children if "local_workspace.custom_models.registry_child" in child.cmdline()]
