"""What the workspace lists and shows."""

import re

import pytest

from tests.local_workspace.calls import CHAT, CHAT_PATH, EMBEDDINGS, call, chat

PROMPT = "local-prompt-model"


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_list_shows_the_seeded_endpoints_with_and_without_a_slash(local_workspace, slash):
    response = call(local_workspace, "GET", f"/api/2.0/serving-endpoints{slash}", allow_redirects=False)
    found = {endpoint["name"]: endpoint for endpoint in response.json()["endpoints"]}
    tasks = {CHAT: "llm/v1/chat", EMBEDDINGS: "llm/v1/embeddings", PROMPT: None}
    assert {name: found[name].get("task") for name in found} == tasks
    assert found[CHAT]["state"] == {"ready": "READY", "config_update": "NOT_UPDATING"}
    assert set(found[CHAT]["config"]) == {"served_entities"}
    assert "state" not in found[CHAT]["config"]["served_entities"][0]


def test_the_detail_has_what_the_list_leaves_out(local_workspace):
    found = call(local_workspace, "GET", f"/api/2.0/serving-endpoints/{CHAT}").json()
    [entity] = found["config"]["served_entities"]
    [route] = found["config"]["traffic_config"]["routes"]
    assert entity["state"]["deployment"] == "DEPLOYMENT_READY"
    assert (route["served_entity_name"], route["traffic_percentage"]) == (entity["name"], 100)
    assert re.fullmatch(r"[0-9a-f]{32}", found["id"])
    assert (found["creator"], found["route_optimized"]) == ("admin@local", False)
    assert (found["config"]["config_version"], found["endpoint_type"]) == (1, "FOUNDATION_MODEL_API")
    assert found["creation_timestamp"] == found["last_updated_timestamp"] > 1_700_000_000_000


@pytest.mark.parametrize(("user", "level"), [("admin", "CAN_MANAGE"), ("analyst", "CAN_QUERY")])
def test_the_permission_level_is_the_callers_own(local_workspace, user, level):
    token = local_workspace.users[user]
    listed = call(local_workspace, "GET", "/api/2.0/serving-endpoints", token=token).json()["endpoints"]
    shown = call(local_workspace, "GET", f"/api/2.0/serving-endpoints/{CHAT}", token=token).json()
    assert {endpoint["permission_level"] for endpoint in [*listed, shown]} == {level}


@pytest.mark.parametrize("name", ["nothing", "Local-SmolLM2-135M-Instruct", "벽돌", "a%20b", "%00"])
def test_an_unknown_endpoint_is_404(local_workspace, name):
    for response in (
        call(local_workspace, "GET", f"/api/2.0/serving-endpoints/{name}"),
        call(local_workspace, "POST", f"/serving-endpoints/{name}/invocations", {}),
    ):
        assert (response.status_code, response.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nowhere"),
        ("GET", "/"),
        ("DELETE", "/api/2.0/serving-endpoints"),
        ("GET", CHAT_PATH),
        ("PUT", CHAT_PATH),
        ("POST", CHAT_PATH + "/"),
        ("OPTIONS", CHAT_PATH),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
    ],
)
def test_an_unknown_route_or_method_is_404_and_never_a_redirect(local_workspace, method, path):
    response = call(local_workspace, method, path, allow_redirects=False)
    assert response.status_code == 404
    assert response.json() == {"error_code": "ENDPOINT_NOT_FOUND", "message": f"No API found for '{method} {path}'"}


def test_every_reply_has_a_request_id_of_its_own(local_workspace):
    replies = [call(local_workspace, "GET", path) for path in ("/api/2.0/serving-endpoints", "/nowhere")]
    replies += [chat(local_workspace, fault="scripted-0-1", stream=True), chat(local_workspace, fault="return-500")]
    assert len({reply.headers["x-request-id"] for reply in replies}) == len(replies)


def test_models_lists_endpoints_in_openais_shape(local_workspace):
    found = call(local_workspace, "GET", "/serving-endpoints/models").json()
    assert found["object"] == "list"
    assert [(model["id"], model["object"]) for model in found["data"]] == [
        (name, "model") for name in (EMBEDDINGS, PROMPT, CHAT)
    ]


def test_aliases_are_endpoints_that_say_they_are_aliases(make_local_workspace):
    workspace = make_local_workspace("--alias", f"databricks-bge-large-en={EMBEDDINGS}", "--alias", f"chat={CHAT}")
    alias = call(workspace, "GET", "/api/2.0/serving-endpoints/databricks-bge-large-en").json()
    target = call(workspace, "GET", f"/api/2.0/serving-endpoints/{EMBEDDINGS}").json()
    assert alias["tags"] == [{"key": "alias_of", "value": EMBEDDINGS}]
    assert alias["description"].startswith(f"An alias: answered by {EMBEDDINGS}.")
    assert alias["id"] != target["id"]
    vectors = call(workspace, "POST", "/serving-endpoints/databricks-bge-large-en/invocations", {"input": "hello"})
    assert len(vectors.json()["data"][0]["embedding"]) == 384
    # An endpoint called "chat" lives beside OpenAI's /serving-endpoints/chat/completions.
    hello = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}
    for path, body in (("/chat/invocations", hello), ("/chat/completions", hello | {"model": "chat"})):
        assert call(workspace, "POST", f"/serving-endpoints{path}", body).json()["choices"][0]["message"]["content"]
