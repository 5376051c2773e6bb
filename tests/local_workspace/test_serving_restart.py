"""What a workspace knows of its endpoints after it was killed."""

import signal
from collections.abc import Callable
from pathlib import Path

from tests.local_workspace.calls import CHAT, EMBEDDINGS, HELLO, call
from tests.local_workspace.serving_calls import ROOT, create, created, entity, settled, shown, split
from tests.local_workspaces import LocalWorkspace, eventually

Maker = Callable[..., LocalWorkspace]


def kill(workspace: LocalWorkspace) -> None:
    """End it as the machine would: with no chance to write anything."""
    workspace.process.send_signal(signal.SIGKILL)
    workspace.process.wait(10)


def test_endpoints_survive_a_kill_with_their_settings(make_local_workspace: Maker, tmp_path: Path) -> None:
    options = ("--state", str(tmp_path), "--deployment-seconds", "0")
    first = make_local_workspace(*options)
    name = created(first, entity("a"), entity("b"), traffic_config=split(a=50, b=50), tags=[{"key": "k", "value": "v"}])
    limit = {"calls": 7, "key": "endpoint", "renewal_period": "minute"}
    assert call(first, "PUT", f"{ROOT}/{CHAT}/ai-gateway", {"rate_limits": [limit]}).ok
    before = shown(first, name)
    kill(first)
    second = make_local_workspace(*options)
    assert shown(second, name) == before
    assert shown(second, CHAT)["ai_gateway"]["rate_limits"] == [limit]
    assert call(second, "POST", f"/serving-endpoints/{name}/invocations", HELLO, fault="scripted-0-1").ok


def began(workspace: LocalWorkspace) -> list[str]:
    """What the endpoint "cut-off" says of its deployments' beginnings."""
    events = call(workspace, "GET", f"{ROOT}/cut-off/events").json()["events"]
    return [event["message"] for event in events if "began" in event["message"]]


def test_a_deployment_that_was_cut_off_begins_again(make_local_workspace: Maker, tmp_path: Path) -> None:
    first = make_local_workspace("--state", str(tmp_path), "--deployment-seconds", "600")
    create(first, "cut-off")
    eventually(lambda: len(began(first)) == 1)
    kill(first)
    second = make_local_workspace("--state", str(tmp_path), "--deployment-seconds", "0")
    assert settled(second, "cut-off")["state"] == {"ready": "READY", "config_update": "NOT_UPDATING"}
    assert len(began(second)) == 2


def test_an_alias_that_is_asked_for_no_more_is_gone(make_local_workspace: Maker, tmp_path: Path) -> None:
    first = make_local_workspace("--state", str(tmp_path), "--alias", f"databricks-bge-large-en={EMBEDDINGS}")
    assert shown(first, "databricks-bge-large-en")["tags"] == [{"key": "alias_of", "value": EMBEDDINGS}]
    kill(first)
    second = make_local_workspace("--state", str(tmp_path))
    names = [endpoint["name"] for endpoint in call(second, "GET", ROOT).json()["endpoints"]]
    assert names == [EMBEDDINGS, "local-prompt-model", CHAT]
