"""Where one user's rights end: attempts to get past a boundary, each of which once worked or could have."""

import json
import resource
import socket
import threading
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from local_workspace.web.request_log import MAX_TOTAL_BYTES, RequestLog
from tests.local_workspace.calls import call
from tests.local_workspace.custom_model_calls import ask, model, obey, order
from tests.local_workspace.serving_calls import ROOT, create, created, settled, shown
from tests.local_workspaces import eventually

PROMPT_MODEL = "local.models.prompt-model"


def exactly(workspace, target: str, token: str) -> bytes:
    """The reply to a GET of exactly that target, which HTTP libraries would tidy."""
    url = urlsplit(workspace.host)
    head = f"GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    reply = b""
    with socket.create_connection((url.hostname, url.port), timeout=30) as connection:
        connection.sendall(head.encode())
        while piece := connection.recv(65536):
            reply += piece
    return reply


@pytest.mark.parametrize(
    "target",
    [
        f"/api/2.0/mlflow/runs/../../../../_registry/version?name={PROMPT_MODEL}&version=1",
        f"/api/2.0/mlflow/runs/%2e%2e/%2e%2e/%2e%2e/%2e%2e/_registry/version?name={PROMPT_MODEL}&version=1",
        "/api/2.0/mlflow/runs/../../../../version",
        "/api/2.0/mlflow/runs/../../../../ajax-api/3.0/mlflow/server-info",
        "/api/2.0/mlflow-artifacts/artifacts/../../mlflow/experiments/get?experiment_id=0",
        "/api/2.0/mlflow-artifacts/../../../version",
    ],
)
def test_the_registry_is_reached_by_its_own_paths_only(model_workspace, target):
    status = exactly(model_workspace, target, model_workspace.users["analyst"]).split(b" ", 2)[1]
    assert status in {b"400", b"404"}


def test_an_endpoints_variables_steer_no_interpreter(model_workspace, tmp_path):
    """What PYTHONWARNINGS names is imported at the start, and antigravity starts a browser."""
    ran = tmp_path / "ran"
    variables = {"PYTHONWARNINGS": "all:0:antigravity.x:0:0", "BROWSER": f"/usr/bin/touch {ran} #%s"}
    analyst = model_workspace.users["analyst"]
    name = created(model_workspace, model("tests.obedient", environment_vars=variables), token=analyst)
    assert obey(model_workspace, name, "environment PYTHONWARNINGS", token=analyst) == variables["PYTHONWARNINGS"]
    assert not ran.exists()


def test_variables_are_not_in_the_environment_that_other_processes_see(model_workspace):
    name = created(model_workspace, model("tests.obedient", environment_vars={"MODEL_KEY": "canary-4711"}))
    process = psutil.Process(obey(model_workspace, name, "pid"))
    assert "PATH" in process.environ()
    assert "canary-4711" not in str(process.environ())
    assert not any(name.startswith("DATABRICKS") for name in process.environ())
    assert obey(model_workspace, name, "environment MODEL_KEY") == "canary-4711"


def test_a_models_token_is_good_for_asking_and_reading_models_and_nothing_else(model_workspace):
    name = created(model_workspace, model("tests.obedient"))  # the admin's
    token = obey(model_workspace, name, "environment DATABRICKS_TOKEN")
    assert call(model_workspace, "GET", ROOT, token=token).ok
    assert call(model_workspace, "GET", "/api/2.0/mlflow/registered-models/search", token=token).ok
    experiment = {"name": "of-a-model"}
    for method, path, body in (
        ("GET", "/api/2.0/secrets/scopes/list", None),
        ("GET", "/api/2.1/clusters/list", None),
        ("GET", "/_local/requests", None),
        ("POST", "/api/2.0/mlflow/experiments/create", experiment),
    ):
        response = call(model_workspace, method, path, body, token=token)
        assert (response.status_code, "required scopes" in response.text) == (403, True), path


def test_an_update_that_was_being_checked_does_not_reach_the_next_endpoint_of_the_name(make_local_workspace):
    workspace = make_local_workspace("--deployment-seconds", "0")
    assert call(workspace, "POST", ROOT, {"name": "twice"}).ok
    replies: list[requests.Response] = []
    wanted = {"served_entities": [model(PROMPT_MODEL)]}

    def update() -> None:
        replies.append(call(workspace, "PUT", f"{ROOT}/twice/config", wanted))

    updating = threading.Thread(target=update)
    updating.start()  # the registry is not running yet, so the check takes seconds
    eventually(lambda: workspace.requests() and workspace.last_request("/config").outcome == "running")
    assert call(workspace, "DELETE", f"{ROOT}/twice").ok
    create(workspace, "twice")
    updating.join(60)
    assert replies[0].status_code == 409, replies[0].text
    assert settled(workspace, "twice")["config"]["served_entities"][0]["name"] == "one"


def test_a_deployment_for_which_no_process_can_be_started_fails_in_a_sentence(model_workspace):
    """At the limit of open files there is none left for a process's pipes."""
    with requests.Session() as session:
        session.headers["authorization"] = f"Bearer {model_workspace.token}"
        assert session.get(f"{model_workspace.host}{ROOT}").ok  # its connection is kept
        pid = model_workspace.process.pid
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (psutil.Process(pid).num_fds() + 3, hard))
        try:
            config = {"served_entities": [model("tests.sum")]}
            assert session.post(f"{model_workspace.host}{ROOT}", json={"name": "no-files", "config": config}).ok
            url = f"{model_workspace.host}{ROOT}/no-files"
            eventually(lambda: session.get(url).json()["state"]["config_update"] == "UPDATE_FAILED")
        finally:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
    [entity] = shown(model_workspace, "no-files")["pending_config"]["served_entities"]
    assert "Its process cannot be started: Too many open files." in entity["state"]["deployment_state_message"]
    assert ask(model_workspace, "no-files", order("say x")).status_code == 400


def test_endpoints_deleted_while_they_deploy_leave_no_folders_and_no_processes(
    make_local_workspace, tmp_path, monkeypatch
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    workspace = make_local_workspace("--deployment-seconds", "0")
    assert call(workspace, "GET", "/api/2.0/mlflow/registered-models/search").ok  # the registry keeps one
    children = len(psutil.Process(workspace.process.pid).children(recursive=True))
    for number in range(30):
        create(workspace, f"short-{number}", model(PROMPT_MODEL))
        threading.Event().wait(number % 6 * 0.005)  # further on in its deployment each time
        assert call(workspace, "DELETE", f"{ROOT}/short-{number}").ok
    eventually(lambda: len([*tmp_path.glob("lw-*")]) == 1)
    eventually(lambda: len(psutil.Process(workspace.process.pid).children(recursive=True)) == children)


def test_a_key_in_the_place_of_a_reference_is_not_in_the_request_log(local_workspace):
    config = {"custom_provider_url": "http://127.0.0.1:9", "bearer_token_auth": {"token": "sk-canary-misplaced"}}
    external = {"provider": "custom", "name": "m", "task": "llm/v1/chat", "custom_provider_config": config}
    other = {"provider": "openai", "openai_config": {"openai_api_key": "{{secrets/a/b}}"}}
    entities = [{"name": "a", "external_model": external}, {"name": "b", "external_model": other}]
    body = {"name": "misplaced", "config": {"served_entities": entities}}
    assert call(local_workspace, "POST", ROOT, body).status_code == 400
    logged = local_workspace.last_request(ROOT).body
    assert b"canary" not in logged
    assert json.loads(logged)["config"]["served_entities"][1] == entities[1]


def test_the_request_log_counts_heads_and_streamed_bodies_too():
    log = RequestLog()
    for number in range(400):
        entry = log.begin("GET", "/", "", [(b"x-large", b"a" * 200_000)])
        for _ in range(10):
            entry.add_to_body(b"b" * 10_000 if number % 2 else b"")
    kept = log.since(0)
    size = sum(len(entry["headers"]["x-large"]) + entry["body_bytes"] for entry in kept)
    assert MAX_TOTAL_BYTES * 0.9 < size < MAX_TOTAL_BYTES * 1.1
    assert kept[-1]["id"] == 400
