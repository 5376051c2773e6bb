"""The model registry over the REST API, as MLflow's own client and a plain one reach it."""

import os

import pytest

from tests.local_workspace.calls import call
from tests.local_workspace.conftest import register
from tests.local_workspace.custom_model_calls import ask, model, registries
from tests.local_workspace.serving_calls import created

API = "/api/2.0/mlflow"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
PROMPT_MODEL = "local.models.prompt-model"


def test_a_model_registered_from_outside_over_http_is_served(model_workspace):
    register(model_workspace.host, "from-outside", "tests.echo", token=model_workspace.token)
    path = f"{API}/registered-models/get"
    [newest] = call(model_workspace, "GET", path, params={"name": "tests.echo"}).json()["registered_model"][
        "latest_versions"
    ]
    assert newest["version"] == "2"
    endpoint = created(model_workspace, model("tests.echo", entity_version="2"))
    assert ask(model_workspace, endpoint, {"inputs": [1]}).json()["predictions"]["got"] == [1]


def test_the_prompt_model_is_there_from_the_start_with_its_files(model_workspace):
    query = {"name": PROMPT_MODEL, "version": "1"}
    version = call(model_workspace, "GET", f"{API}/model-versions/get", params=query).json()["model_version"]
    assert (version["status"], version["source"]) == ("READY", "mlflow-artifacts:/seeded/prompt-model")
    listed = call(model_workspace, "GET", ARTIFACTS, params={"path": "seeded/prompt-model"}).json()["files"]
    assert "MLmodel" in {file["path"] for file in listed}
    described = call(model_workspace, "GET", f"{ARTIFACTS}/seeded/prompt-model/MLmodel").text
    assert '"name": "stop"' in described


def test_the_analyst_may_read(model_workspace):
    token = model_workspace.users["analyst"]
    found = call(model_workspace, "GET", f"{API}/registered-models/search", token=token).json()["registered_models"]
    assert PROMPT_MODEL in {registered["name"] for registered in found}
    for path, body in (
        ("experiments/search", {"max_results": 1}),
        ("runs/search", {"experiment_ids": ["0"]}),
        ("logged-models/search", {"experiment_ids": ["0"]}),
        ("registered-models/get-latest-versions", {"name": PROMPT_MODEL}),
    ):
        response = call(model_workspace, "POST", f"{API}/{path}", body, token=token)
        assert response.ok, (path, response.text)
    assert call(model_workspace, "GET", f"{ARTIFACTS}/seeded/prompt-model/MLmodel", token=token).ok


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"{API}/registered-models/create"),
        ("POST", f"{API}/model-versions/create"),
        ("PATCH", f"{API}/model-versions/update"),
        ("DELETE", f"{API}/registered-models/delete"),
        ("POST", f"{API}/runs/create"),
        ("POST", f"{API}/experiments/create"),
        ("POST", f"{API}/runs/search/../create"),
        ("POST", f"{API}/runs%2Fcreate"),
        ("PUT", f"{ARTIFACTS}/seeded/prompt-model/MLmodel"),
        ("DELETE", f"{ARTIFACTS}/seeded/prompt-model/MLmodel"),
    ],
)
def test_the_analyst_may_not_write(model_workspace, method, path):
    token = model_workspace.users["analyst"]
    response = call(model_workspace, method, path, {"name": PROMPT_MODEL, "version": "1"}, token=token)
    assert (response.status_code, response.json()["error_code"]) == (403, "PERMISSION_DENIED")
    assert call(model_workspace, "GET", f"{ARTIFACTS}/seeded/prompt-model/MLmodel").ok


@pytest.mark.parametrize(
    "path",
    [
        f"{API}/webhooks",
        f"{API}/traces",
        f"{API}/gateway-proxy",
        f"{API}/",
        f"{API}//webhooks",
        f"{API}/..%2f..%2f3.0/mlflow/gateway/endpoints/list",
        "/api/3.0/mlflow/gateway/endpoints/list",
        "/ajax-api/2.0/mlflow/experiments/search",
        "/_registry/version",
        "/version",
    ],
)
def test_nothing_else_of_mlflows_server_can_be_reached(model_workspace, path):
    response = call(model_workspace, "GET", path)
    assert (response.status_code, response.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "below"),
    [("GET", "registered-models/list"), ("PUT", "registered-models/search"), ("GET", "runs/nothing")],
)
def test_what_mlflow_has_no_route_for_is_refused_in_the_platforms_shape(model_workspace, method, below):
    response = call(model_workspace, method, f"{API}/{below}")
    assert (response.status_code, response.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")


def test_without_a_token_there_is_no_registry(model_workspace):
    headers = {"authorization": ""}
    assert call(model_workspace, "GET", f"{API}/registered-models/search", headers=headers).status_code == 401
    assert call(model_workspace, "PUT", f"{ARTIFACTS}/x/y", data=b"z", headers=headers).status_code == 401


def test_mlflows_errors_come_in_the_platforms_shape(model_workspace):
    missing = call(model_workspace, "GET", f"{API}/registered-models/get", params={"name": "nobody"})
    assert (missing.status_code, missing.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    invalid = call(model_workspace, "POST", f"{API}/registered-models/create", {"name": ["벽돌"]})
    assert (invalid.status_code, invalid.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_an_artifact_far_over_the_limit_of_other_bodies_comes_back_byte_for_byte(model_workspace):
    sent = os.urandom(1024) * 20 * 1024
    path = f"{ARTIFACTS}/tests/large 벽돌.bin"
    assert call(model_workspace, "PUT", path, data=sent).ok
    received = call(model_workspace, "GET", path)
    assert received.content == sent
    assert "attachment" in received.headers["content-disposition"]
    part = call(model_workspace, "GET", path, headers={"range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, sent[:10])


@pytest.mark.parametrize(
    "path", ["%2e%2e/%2e%2e/tokens.json", "..%2ftokens.json", "%2Fetc%2Fpasswd", "seeded/..%2f..%2ftokens.json"]
)
def test_artifacts_stay_within_their_folder(model_workspace, path):
    for method in ("GET", "PUT"):
        response = call(model_workspace, method, f"{ARTIFACTS}/{path}")
        assert response.status_code in {400, 404}, response.text
        assert "dapi" not in response.text
    assert (model_workspace.state / "tokens.json").stat().st_size > 100


def test_a_registry_that_was_killed_starts_again(model_workspace):
    [child] = registries(model_workspace)
    child.kill()
    child.wait(30)
    assert call(model_workspace, "GET", f"{API}/registered-models/search").ok
    assert [started.pid for started in registries(model_workspace)] != [child.pid]


def test_a_damaged_registry_is_told_and_the_rest_goes_on(make_local_workspace, tmp_path):
    (tmp_path / "mlflow.db").write_bytes(b"This is no database. " * 1000)
    workspace = make_local_workspace("--state", str(tmp_path))
    response = call(workspace, "GET", f"{API}/registered-models/search")
    assert (response.status_code, response.json()["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")
    assert "not a database" in response.json()["message"]
    assert call(workspace, "GET", "/api/2.0/serving-endpoints").ok
