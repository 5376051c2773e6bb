"""Creating, reading, changing and deleting serving endpoints."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.local_workspace.calls import CHAT, HELLO, call
from tests.local_workspace.serving_calls import (
    EMBEDDING_MODEL,
    ROOT,
    create,
    created,
    entity,
    new_name,
    settled,
    shown,
    split,
)
from tests.local_workspaces import LocalWorkspace, start_local_workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorkspace]:
    """Its deployments take long enough to be seen."""
    made = start_local_workspace(tmp_path_factory.mktemp("workspace") / "stderr.txt", "--deployment-seconds", "0.3")
    yield made
    made.stop()


def ask(workspace: LocalWorkspace, name: str, **options: Any) -> Any:
    return call(workspace, "POST", f"/serving-endpoints/{name}/invocations", HELLO, fault="scripted-0-2", **options)


def refused(response: Any, status: int, code: str) -> str:
    assert (response.status_code, response.json()["error_code"]) == (status, code), response.text
    message: str = response.json()["message"]
    return message


def test_a_new_endpoint_is_seen_to_deploy_and_then_answers(workspace: LocalWorkspace) -> None:
    name = new_name()
    made = create(workspace, name, tags=[{"key": "team", "value": "a"}], description="For a test.")
    assert made["state"] == {"ready": "NOT_READY", "config_update": "IN_PROGRESS"}
    assert "config" not in made
    [pending] = made["pending_config"]["served_entities"]
    assert pending["state"]["deployment"] == "DEPLOYMENT_CREATING"
    assert "it is being deployed" in refused(ask(workspace, name), 400, "BAD_REQUEST")
    ready = settled(workspace, name)
    assert ready["state"] == {"ready": "READY", "config_update": "NOT_UPDATING"}
    assert "pending_config" not in ready
    assert ready["config"]["config_version"] == 1
    assert ready["config"]["served_entities"][0]["state"]["deployment"] == "DEPLOYMENT_READY"
    assert ready["config"]["traffic_config"]["routes"] == [
        {"served_model_name": "one", "served_entity_name": "one", "traffic_percentage": 100}
    ]
    assert (ready["creator"], ready["description"], ready["task"]) == ("admin@local", "For a test.", "llm/v1/chat")
    assert ready["tags"] == [{"key": "team", "value": "a"}]
    assert len(ready["id"]) == 32
    assert ask(workspace, name).ok


def test_an_endpoint_can_be_created_empty_and_filled_later(workspace: LocalWorkspace) -> None:
    name = new_name()
    empty = call(workspace, "POST", f"{ROOT}/", {"name": name}).json()
    assert empty["state"] == {"ready": "NOT_READY", "config_update": "NOT_UPDATING"}
    assert "serves nothing yet" in refused(ask(workspace, name), 400, "BAD_REQUEST")
    call(workspace, "PUT", f"{ROOT}/{name}/config", {"served_entities": [entity()]})
    assert settled(workspace, name)["state"]["ready"] == "READY"


def test_the_older_names_served_models_and_model_name_work(workspace: LocalWorkspace) -> None:
    name = new_name()
    model = {"name": "old", "model_name": EMBEDDING_MODEL, "model_version": 1, "workload_size": "Small"}
    assert call(workspace, "POST", ROOT, {"name": name, "config": {"served_models": [model]}}).ok
    config = settled(workspace, name)["config"]
    assert config["served_models"][0]["model_name"] == EMBEDDING_MODEL
    assert config["served_entities"][0]["entity_version"] == "1"


def test_an_update_leaves_the_old_config_serving_until_the_new_one_is_ready(workspace: LocalWorkspace) -> None:
    name = created(workspace, entity("first"))
    body = {"served_entities": [entity("second")]}
    updating = call(workspace, "PUT", f"{ROOT}/{name}/config", body).json()
    assert updating["state"] == {"ready": "READY", "config_update": "IN_PROGRESS"}
    assert updating["config"]["served_entities"][0]["name"] == "first"
    assert updating["pending_config"]["served_entities"][0]["name"] == "second"
    assert updating["pending_config"]["start_time"] > 0
    assert "is being updated" in refused(
        call(workspace, "PUT", f"{ROOT}/{name}/config", body), 409, "RESOURCE_CONFLICT"
    )
    assert ask(workspace, name).ok
    config = settled(workspace, name)["config"]
    assert (config["config_version"], config["served_entities"][0]["name"]) == (2, "second")


def test_an_entity_that_an_update_keeps_is_not_deployed_again(workspace: LocalWorkspace) -> None:
    name = created(workspace, entity("kept"))
    before = shown(workspace, name)["config"]["served_entities"][0]
    body = {"served_entities": [entity("kept"), entity("new")], "traffic_config": split(kept=50, new=50)}
    pending = call(workspace, "PUT", f"{ROOT}/{name}/config", body).json()["pending_config"]["served_entities"]
    states = {item["name"]: item["state"]["deployment"] for item in pending}
    assert states == {"kept": "DEPLOYMENT_READY", "new": "DEPLOYMENT_CREATING"}
    after = settled(workspace, name)["config"]["served_entities"][0]
    assert after == before


def test_traffic_goes_where_the_split_says_and_the_header_names_the_entity(workspace: LocalWorkspace) -> None:
    name = created(workspace, entity("a"), entity("b"), entity("c"), traffic_config=split(a=70, b=30, c=0))
    body = HELLO | {"max_tokens": 1}
    served = [
        call(workspace, "POST", f"/serving-endpoints/{name}/invocations", body).headers["served-model-name"]
        for _ in range(10)
    ]
    assert (served.count("a"), served.count("b"), served.count("c")) == (7, 3, 0)
    direct = call(workspace, "POST", f"/serving-endpoints/{name}/served-models/c/invocations", body)
    assert direct.headers["served-model-name"] == "c"
    missing = call(workspace, "POST", f"/serving-endpoints/{name}/served-models/d/invocations", body)
    refused(missing, 404, "RESOURCE_DOES_NOT_EXIST")


def test_the_split_alone_can_be_changed(workspace: LocalWorkspace) -> None:
    name = created(workspace, entity("a"), entity("b"), traffic_config=split(a=100, b=0))
    assert call(workspace, "PUT", f"{ROOT}/{name}/config", {"traffic_config": split(a=10, b=90)}).ok
    routes = settled(workspace, name)["config"]["traffic_config"]["routes"]
    assert [route["traffic_percentage"] for route in routes] == [10, 90]


def test_tags_are_added_changed_and_deleted(workspace: LocalWorkspace) -> None:
    name = created(workspace, tags=[{"key": "a", "value": "1"}, {"key": "b"}])
    body = {"add_tags": [{"key": "a", "value": "2"}, {"key": "c", "value": "3"}], "delete_tags": ["b", "never"]}
    reply = call(workspace, "PATCH", f"{ROOT}/{name}/tags", body).json()
    assert reply == {"tags": [{"key": "a", "value": "2"}, {"key": "c", "value": "3"}]}
    assert shown(workspace, name)["tags"] == reply["tags"]


def test_notifications_and_telemetry_are_kept_and_shown(workspace: LocalWorkspace) -> None:
    name = created(workspace)
    wanted = {"on_update_failure": ["a@example.com"], "on_update_success": []}
    reply = call(workspace, "PATCH", f"{ROOT}/{name}/notifications", {"email_notifications": wanted}).json()
    assert reply == {"name": name, "email_notifications": wanted}
    telemetry = {"enabled": True}
    call(workspace, "PATCH", f"{ROOT}/{name}/telemetry-config", {"telemetry_config": telemetry})
    now = shown(workspace, name)
    assert (now["email_notifications"], now["telemetry_config"]) == (wanted, telemetry)


def test_a_deleted_endpoint_is_gone_at_once_even_while_it_deploys(workspace: LocalWorkspace) -> None:
    name = new_name()
    first = create(workspace, name)
    assert call(workspace, "DELETE", f"{ROOT}/{name}").json() == {}
    refused(call(workspace, "GET", f"{ROOT}/{name}"), 404, "RESOURCE_DOES_NOT_EXIST")
    refused(ask(workspace, name), 404, "RESOURCE_DOES_NOT_EXIST")
    refused(call(workspace, "DELETE", f"{ROOT}/{name}"), 404, "RESOURCE_DOES_NOT_EXIST")
    again = create(workspace, name)
    assert again["id"] != first["id"]
    assert settled(workspace, name)["config"]["config_version"] == 1


def test_endpoints_that_come_with_the_workspace_cannot_be_deleted_or_reconfigured(workspace: LocalWorkspace) -> None:
    assert "comes with the workspace" in refused(call(workspace, "DELETE", f"{ROOT}/{CHAT}"), 400, "BAD_REQUEST")
    body = {"served_entities": [entity()]}
    assert "comes with" in refused(call(workspace, "PUT", f"{ROOT}/{CHAT}/config", body), 400, "BAD_REQUEST")


def test_a_name_is_taken_once(workspace: LocalWorkspace) -> None:
    name = created(workspace)
    again = call(workspace, "POST", ROOT, {"name": name, "config": {"served_entities": [entity()]}})
    assert "already exists" in refused(again, 409, "RESOURCE_ALREADY_EXISTS")


@pytest.mark.parametrize(
    "name", ["", "a b", "-a", "a-", "ü", "a" * 64, "a/b", "databricks-mine", "a\n", "<scope>", "a.b", "../x"]
)
def test_a_name_that_cannot_be_is_refused(workspace: LocalWorkspace, name: str) -> None:
    response = call(workspace, "POST", ROOT, {"name": name, "config": {"served_entities": [entity()]}})
    refused(response, 400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"served_entities": [{"name": "x"}]}, "needs 'entity_name'"),
        ({"served_entities": [entity("a"), entity("a")], "traffic_config": split(a=100)}, "must be unique"),
        ({"served_entities": [entity("a"), entity("b")]}, "traffic_config.routes"),
        ({"served_entities": [entity("a"), entity("b")], "traffic_config": split(a=60, b=50)}, "add up to 110"),
        ({"served_entities": [entity("a")], "traffic_config": split(b=100)}, "no served entity of this config"),
        ({"served_entities": [entity("a")], "traffic_config": {"routes": [{"traffic_percentage": 100}]}}, "needs"),
        ({"served_entities": [entity("a b")]}, "not valid"),
        ({"served_entities": [entity(entity_version="7")]}, "version 1 only"),
        ({"served_entities": [entity(str(n)) for n in range(16)]}, "at most 15"),
        ({"served_entities": [entity(min_provisioned_concurrency=8, max_provisioned_concurrency=4)]}, "at most max"),
        (
            {"served_entities": [entity(workload_size="Small", min_provisioned_concurrency=4)]},
            "excludes min_ and max_",
        ),
    ],
)
def test_a_config_that_cannot_be_served_is_refused_with_its_reason(
    workspace: LocalWorkspace, config: dict[str, Any], sentence: str
) -> None:
    name = new_name()
    response = call(workspace, "POST", ROOT, {"name": name, "config": config})
    assert sentence in refused(response, 400, "INVALID_PARAMETER_VALUE")
    refused(call(workspace, "GET", f"{ROOT}/{name}"), 404, "RESOURCE_DOES_NOT_EXIST")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "'name' is missing"),
        ({"name": 7}, "'name' must be a string"),
        ({"name": "x", "config": []}, "'config' must be an object"),
        ({"name": "x", "config": {"served_entities": {}}}, "served_entities' must be a list"),
        ({"name": "x", "config": {"served_entities": ["a"]}}, "served_entities[0]' must be an object"),
        ({"name": "x", "tags": [{"value": "v"}]}, "tags[0].key' is missing"),
        ({"name": "x", "config": {"served_entities": [entity(workload_size="Huge")]}}, "workload_size"),
        (
            {
                "name": "x",
                "config": {"served_entities": [entity("a")], "traffic_config": split(a=101)},
            },
            "traffic_percentage' must be at most 100",
        ),
    ],
)
def test_a_body_of_the_wrong_kind_is_refused_at_its_field(
    workspace: LocalWorkspace, body: dict[str, Any], sentence: str
) -> None:
    assert sentence in refused(call(workspace, "POST", ROOT, body), 400, "BAD_REQUEST")


def test_two_tags_of_one_key_and_too_many_tags_are_refused(workspace: LocalWorkspace) -> None:
    doubled = call(workspace, "POST", ROOT, {"name": new_name(), "tags": [{"key": "a"}, {"key": "a"}]})
    assert "same key" in refused(doubled, 400, "INVALID_PARAMETER_VALUE")
    many = call(workspace, "POST", ROOT, {"name": new_name(), "tags": [{"key": f"k{n}"} for n in range(21)]})
    assert "at most 20 tags" in refused(many, 400, "INVALID_PARAMETER_VALUE")


def test_fields_nobody_knows_are_ignored_as_newer_clients_send_them(workspace: LocalWorkspace) -> None:
    name = new_name()
    create(workspace, name, brand_new_field={"a": 1})
    assert settled(workspace, name)["state"]["ready"] == "READY"


def test_an_analyst_sees_and_changes_only_what_was_granted(workspace: LocalWorkspace) -> None:
    analyst = workspace.users["analyst"]
    name = created(workspace)
    listed = call(workspace, "GET", ROOT, token=analyst).json()["endpoints"]
    assert name not in [endpoint["name"] for endpoint in listed]
    refused(call(workspace, "GET", f"{ROOT}/{name}", token=analyst), 403, "PERMISSION_DENIED")
    refused(ask(workspace, name, token=analyst), 403, "PERMISSION_DENIED")
    grants = f"/api/2.0/permissions/serving-endpoints/{shown(workspace, name)['id']}"

    def grant(level: str) -> None:
        item = {"user_name": "analyst@local", "permission_level": level}
        assert call(workspace, "PATCH", grants, {"access_control_list": [item]}).ok

    grant("CAN_VIEW")
    assert call(workspace, "GET", f"{ROOT}/{name}", token=analyst).json()["permission_level"] == "CAN_VIEW"
    assert "CAN_QUERY" in refused(ask(workspace, name, token=analyst), 403, "PERMISSION_DENIED")
    grant("CAN_QUERY")
    assert ask(workspace, name, token=analyst).ok
    for method, path, body in (
        ("PUT", "/config", {"served_entities": [entity()]}),
        ("PATCH", "/tags", {"add_tags": [{"key": "a"}]}),
        ("PUT", "/rate-limits", {"rate_limits": []}),
        ("PUT", "/ai-gateway", {}),
        ("PATCH", "/notifications", {}),
        ("DELETE", "", None),
    ):
        refused(call(workspace, method, f"{ROOT}/{name}{path}", body, token=analyst), 403, "PERMISSION_DENIED")
    grant("CAN_MANAGE")
    assert call(workspace, "DELETE", f"{ROOT}/{name}", token=analyst).ok


def test_an_analyst_may_create_and_then_manages_what_was_created(workspace: LocalWorkspace) -> None:
    name = new_name()
    made = create(workspace, name, token=workspace.users["analyst"])
    assert (made["creator"], made["permission_level"]) == ("analyst@local", "CAN_MANAGE")
    assert call(workspace, "DELETE", f"{ROOT}/{name}", token=workspace.users["analyst"]).ok


def test_events_and_the_build_log_tell_what_happened(workspace: LocalWorkspace) -> None:
    name = created(workspace, entity("seen"))
    messages = [event["message"] for event in call(workspace, "GET", f"{ROOT}/{name}/events").json()["events"]]
    assert messages == [
        "Created by admin@local.",
        "Deployment of config version 1 began.",
        "Config version 1 is serving.",
    ]
    build = call(workspace, "GET", f"{ROOT}/{name}/served-models/seen/build-logs").json()["logs"]
    assert build.endswith("Ready.")
    assert call(workspace, "GET", f"{ROOT}/{name}/served-models/seen/logs").json() == {"logs": ""}
    other = call(workspace, "GET", f"{ROOT}/{name}/served-models/seen/build-logs?config_version=9")
    assert other.json() == {"logs": ""}
    wrong = call(workspace, "GET", f"{ROOT}/{name}/served-models/seen/build-logs?config_version=x")
    refused(wrong, 400, "INVALID_PARAMETER_VALUE")
    refused(call(workspace, "GET", f"{ROOT}/{name}/served-models/no/logs"), 404, "RESOURCE_DOES_NOT_EXIST")


def test_the_openapi_document_describes_each_served_entity(workspace: LocalWorkspace) -> None:
    document = call(workspace, "GET", f"{ROOT}/{CHAT}/openapi").json()
    assert document["openapi"].startswith("3.1")
    assert document["servers"] == [{"url": f"{workspace.host}/serving-endpoints/{CHAT}"}]
    [path] = document["paths"]
    body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert "messages" in body["required"]
    assert call(workspace, "POST", f"/serving-endpoints/{CHAT}{path.removeprefix('')}", HELLO, fault="scripted-0-1").ok


def test_a_body_over_four_megabytes_is_413(workspace: LocalWorkspace) -> None:
    body = {"name": new_name(), "description": "x" * (4 * 1024 * 1024)}
    assert call(workspace, "POST", ROOT, body).status_code == 413
