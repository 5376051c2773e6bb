"""The example driver app: its contract, as callers meet it through the driver proxy, and its life on the cluster's driver."""

import json
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from examples.driver_app import cut
from tests.local_workspace.calls import call
from tests.local_workspaces import eventually, start_local_workspace

COMPLETIONS = "/serving-endpoints/chat/completions"
DRIVER = "127.0.0.2" if sys.platform == "linux" else "127.0.0.1"
SCRIPT = "scripted-0-4"
SCRIPTED = "Brick 벽돌 **bold** 🧱🏽 "


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """One for this module, whose app is killed and whose cluster is stopped."""
    stderr = tmp_path_factory.mktemp("driver-app") / "stderr.txt"
    workspace = start_local_workspace(stderr, "--deployment-seconds", "0.2")
    yield workspace
    workspace.stop()


def path(workspace, rest="/"):
    return f"/driver-proxy-api/o/0/{workspace.ready['cluster_id']}/{workspace.ready['driver_port']}{rest}"


def ask(workspace, body, **options):
    return call(workspace, "POST", path(workspace), body, **options)


def app_process(workspace):
    """The app's process; None while there is none."""
    children = psutil.Process(workspace.process.pid).children()
    return next((child for child in children if "driver_child" in " ".join(child.cmdline())), None)


def change(workspace, what):
    body = {"cluster_id": workspace.ready["cluster_id"]}
    assert call(workspace, "POST", f"/api/2.1/clusters/{what}", body).status_code == 200


def wait_for(workspace, state):
    get = f"/api/2.1/clusters/get?cluster_id={workspace.ready['cluster_id']}"
    eventually(lambda: call(workspace, "GET", get).json()["state"] == state)


def test_an_answer_of_the_real_model_is_a_json_string(local_workspace):
    response = ask(local_workspace, {"prompt": "Bricks are"})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert isinstance(response.json(), str)


@pytest.mark.parametrize(
    ("stop", "answer"),
    [
        (None, SCRIPTED),
        ([], SCRIPTED),
        (["bold"], "Brick 벽돌 **"),
        (["돌 *"], "Brick 벽"),
        (["nowhere", "🏽"], "Brick 벽돌 **bold** 🧱"),
        (["bold", "벽돌", "Brick"], ""),
        (["Say", "the end"], SCRIPTED),
    ],
)
def test_it_stops_at_the_first_stop_text_of_what_was_generated(local_workspace, stop, answer):
    local_workspace.queue_fault(SCRIPT, COMPLETIONS)
    response = ask(local_workspace, {"prompt": "Say: the end", "stop": stop})
    assert response.json() == answer
    sent = local_workspace.last_request(COMPLETIONS).json
    assert (sent["messages"], sent["stop"]) == ([{"role": "user", "content": "Say: the end"}], stop or [])


def test_how_to_sample_is_passed_on(local_workspace):
    local_workspace.queue_fault(SCRIPT, COMPLETIONS)
    assert ask(local_workspace, {"prompt": "Hi", "temperature": 0.1, "max_tokens": 7}).ok
    sent = local_workspace.last_request(COMPLETIONS).json
    assert (sent["temperature"], sent["max_tokens"]) == (0.1, 7)


@given(st.text(), st.lists(st.text(min_size=1), max_size=4))
def test_what_is_cut_off_begins_with_a_stop_text_and_what_stays_has_none(text, stops):
    kept = cut(text, stops)
    assert text.startswith(kept)
    assert not any(stop in kept for stop in stops)
    assert kept == text or any(text[len(kept) :].startswith(stop) for stop in stops)


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b"{}", "The key 'prompt' must be there"),
        (b'{"prompt": ""}', "The key 'prompt' must be there"),
        (b'{"prompt": ["a"]}', "The key 'prompt' must be there"),
        (b'{"prompt": "x", "top_k": 1}', "Unknown key 'top_k'"),
        (b'{"prompt": "x", "temperature": 3}', "'temperature' must be a number from 0 to 2"),
        (b'{"prompt": "x", "temperature": NaN}', "'temperature' must be a number"),
        (b'{"prompt": "x", "max_tokens": 1.5}', "'max_tokens' must be a number from 1 to 1024"),
        (b'{"prompt": "x", "max_tokens": true}', "'max_tokens' must be a number"),
        (b'{"prompt": "x", "stop": "a"}', "The key 'stop' must be a list"),
        (b'{"prompt": "x", "stop": [1]}', "The key 'stop' must be a list"),
        (b'{"prompt": "x", "stop": [""]}', "The key 'stop' must be a list"),
        (json.dumps({"prompt": "x", "stop": ["a"] * 17}).encode(), "16 texts at most"),
        (json.dumps({"prompt": "x" * 20_001}).encode(), "longer than 20000 characters"),
    ],
)
def test_a_wrong_question_is_refused_in_json(local_workspace, body, part):
    headers = {"authorization": f"Bearer {local_workspace.token}"}
    response = requests.post(local_workspace.host + path(local_workspace), data=body, headers=headers, timeout=20)
    assert response.status_code == 400
    assert part in response.json()["error"]


def test_half_a_character_is_refused_by_the_endpoint_and_said_so(local_workspace):
    headers = {"authorization": f"Bearer {local_workspace.token}"}
    url = local_workspace.host + path(local_workspace)
    response = requests.post(url, data=b'{"prompt": "\\ud800"}', headers=headers, timeout=20)
    assert response.status_code in {400, 502}
    assert "half of a character" in response.json()["error"]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_413(local_workspace, chunked):
    body = b'{"prompt": "' + b"x" * 3_000_000 + b'"}'
    headers = {"authorization": f"Bearer {local_workspace.token}"}
    data = iter([body[:1_500_000], body[1_500_000:]]) if chunked else body
    response = requests.post(local_workspace.host + path(local_workspace), data=data, headers=headers, timeout=20)
    assert response.status_code == 413
    assert "larger than" in response.json()["error"]


@pytest.mark.parametrize(
    ("method", "rest", "status"), [("GET", "/", 405), ("GET", "/nowhere", 404), ("POST", "/health", 405)]
)
def test_what_is_not_there_is_refused_in_json(local_workspace, method, rest, status):
    response = call(local_workspace, method, path(local_workspace, rest))
    assert response.status_code == status
    assert response.json()["error"]


def test_its_health_names_the_endpoint(local_workspace):
    found = call(local_workspace, "GET", path(local_workspace, "/health")).json()
    assert found == {"status": "ok", "endpoint": "local-smollm2-135m-instruct"}


@pytest.mark.parametrize(("fault", "status"), [("return-429", 429), ("return-503", 503), ("return-500", 502)])
def test_what_the_endpoint_refuses_is_said(local_workspace, fault, status):
    local_workspace.queue_fault(fault, COMPLETIONS)
    response = ask(local_workspace, {"prompt": "x"})
    assert response.status_code == status
    assert "The endpoint local-smollm2-135m-instruct answered" in response.json()["error"]


@pytest.mark.parametrize("fault", ["html-502", "truncated-json"])
def test_a_reply_of_the_endpoint_that_is_no_json_is_said(local_workspace, fault):
    local_workspace.queue_fault(f"{fault} {SCRIPT}", COMPLETIONS)
    response = ask(local_workspace, {"prompt": "x"})
    assert response.status_code == 502
    assert "did not answer" in response.json()["error"]


def test_many_ask_at_once(local_workspace):
    local_workspace.queue_fault(SCRIPT, COMPLETIONS, times=24)
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda number: ask(local_workspace, {"prompt": f"{number}"}).json(), range(24)))
    assert answers == [SCRIPTED] * 24


def test_it_is_started_again_when_it_dies_and_callers_wait_for_it(workspace):
    first = eventually(lambda: app_process(workspace))
    first.send_signal(signal.SIGKILL)
    assert call(workspace, "GET", path(workspace, "/health")).status_code in {200, 502}
    assert call(workspace, "GET", path(workspace, "/health")).json()["status"] == "ok"
    assert app_process(workspace).pid != first.pid


def test_one_that_cannot_stay_alive_leaves_a_dead_port_until_the_cluster_is_restarted(workspace):
    killed = set()

    def kill_next():
        process = app_process(workspace)
        if process and process.pid not in killed:
            process.kill()
            killed.add(process.pid)
        return "it is not started again" in workspace.stderr.read_text()

    eventually(kill_next)
    assert call(workspace, "GET", path(workspace, "/health")).status_code == 502
    change(workspace, "restart")
    wait_for(workspace, "RUNNING")
    assert call(workspace, "GET", path(workspace, "/health")).json()["status"] == "ok"


def test_it_is_there_only_while_the_cluster_has_a_driver(workspace):
    assert call(workspace, "GET", path(workspace, "/health")).json()["status"] == "ok"
    before = app_process(workspace)
    change(workspace, "delete")
    wait_for(workspace, "TERMINATED")
    eventually(lambda: not before.is_running())
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://{DRIVER}:{workspace.ready['driver_port']}/health", timeout=5)
    change(workspace, "start")
    wait_for(workspace, "RUNNING")
    assert call(workspace, "GET", path(workspace, "/health")).json()["status"] == "ok"
    again = app_process(workspace)
    change(workspace, "restart")
    wait_for(workspace, "RUNNING")
    assert call(workspace, "GET", path(workspace, "/health")).json()["status"] == "ok"
    assert app_process(workspace).pid not in {before.pid, again.pid}


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_the_workspace_however_that_ends(make_local_workspace, ending):
    workspace = make_local_workspace()
    app = eventually(lambda: app_process(workspace))
    # All that could hold its port open; the port itself may be another workspace's a moment later.
    started = [app, *app.children(recursive=True)]
    workspace.process.send_signal(ending)
    workspace.process.wait(10)
    eventually(lambda: all(not one.is_running() or one.status() == psutil.STATUS_ZOMBIE for one in started))


def test_each_workspace_has_a_port_of_its_own_and_the_first_call_waits(local_workspace, make_local_workspace):
    other = make_local_workspace("--tls")
    assert call(other, "GET", path(other, "/health")).json()["status"] == "ok"
    assert other.ready["driver_port"] != local_workspace.ready["driver_port"]
    assert 3000 <= other.ready["driver_port"] <= 8000
    other.queue_fault(SCRIPT, COMPLETIONS)
    assert ask(other, {"prompt": "x"}).json() == SCRIPTED, "it reaches a workspace with TLS"


def test_it_knows_nothing_of_the_workspace_but_a_token_for_its_endpoints(workspace):
    process = eventually(lambda: app_process(workspace))
    shown = " ".join(process.cmdline()) + str(process.environ())
    assert not any(token in shown for token in workspace.users.values())
    assert not [name for name in process.environ() if name.startswith("DATABRICKS") and os.environ.get(name)]
    assert workspace.token not in workspace.stderr.read_text()
