"""Custom models that crash, hang, sleep and wake: nothing else goes with them."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import requests

from tests.local_workspace.calls import call, chat
from tests.local_workspace.custom_model_calls import ask, model, obey, order, registries, serving
from tests.local_workspace.serving_calls import ROOT, create, created, entity, new_name, settled, shown
from tests.local_workspaces import eventually

PROMPT_MODEL = {"entity_name": "local.models.prompt-model", "scale_to_zero_enabled": True}
SLOTS = 4


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def hang_up_on(workspace, endpoint: str, words: str) -> None:
    """Ask and leave before there is an answer."""
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(
            f"{workspace.host}/serving-endpoints/{endpoint}/invocations",
            json=order(words),
            headers={"authorization": f"Bearer {workspace.token}"},
            timeout=0.3,
        )


def message_of(workspace, endpoint: str) -> str:
    [served] = shown(workspace, endpoint)["config"]["served_entities"]
    message: str = served["state"]["deployment_state_message"]
    return message


@pytest.fixture(scope="module")
def obedient(model_workspace) -> str:
    """An endpoint whose model does what it is told; tests leave it able to answer."""
    return created(model_workspace, model("tests.obedient"))


def test_a_crash_fails_its_own_call_and_the_next_one_has_a_new_process(model_workspace, obedient):
    pid = obey(model_workspace, obedient, "pid")
    crashed = ask(model_workspace, obedient, order("die 3"))
    assert (crashed.status_code, crashed.json()["error_code"]) == (500, "INTERNAL_ERROR")
    assert "exit status 3" in crashed.json()["message"]
    assert obey(model_workspace, obedient, "pid") != pid
    assert (
        "ended by itself, with exit status 3"
        in call(model_workspace, "GET", f"{ROOT}/{obedient}/served-models/model/logs").json()["logs"]
    )


def test_a_killed_process_is_told_by_its_signal(model_workspace, obedient):
    pid = obey(model_workspace, obedient, "pid")
    with ThreadPoolExecutor() as pool:
        sleeper = pool.submit(ask, model_workspace, obedient, order("sleep 600"))
        eventually(lambda: model_workspace.last_request(obedient).outcome == "running")
        psutil.Process(pid).send_signal(signal.SIGSEGV)
        assert "signal 11" in sleeper.result().json()["message"]


def test_calls_beyond_the_slots_are_429_while_chat_goes_on(model_workspace, obedient):
    obey(model_workspace, obedient, "pid")
    with ThreadPoolExecutor() as pool:
        asked = [pool.submit(ask, model_workspace, obedient, order("sleep 3")) for _ in range(SLOTS + 1)]
        assert chat(model_workspace, max_tokens=1).status_code == 200
        answers = [it.result() for it in asked]
    assert sorted(answer.status_code for answer in answers) == [200] * SLOTS + [429]
    [refused] = [answer.json() for answer in answers if answer.status_code == 429]
    assert refused["message"].startswith("Too many concurrent requests.")


def test_slots_that_only_abandoned_calls_hold_are_freed_by_another_process(model_workspace, obedient):
    pid = obey(model_workspace, obedient, "pid")
    for _ in range(SLOTS):
        hang_up_on(model_workspace, obedient, "sleep 600")
    eventually(lambda: ask(model_workspace, obedient, order("pid")).status_code == 200)  # of 600 s
    eventually(lambda: is_gone(pid))


def test_a_model_that_holds_its_interpreter_is_replaced_and_no_other_waits(model_workspace, obedient):
    pid = obey(model_workspace, obedient, "pid")
    hang_up_on(model_workspace, obedient, "hold")
    other = ask(model_workspace, serving(model_workspace, "tests.echo"), {"inputs": [1]})
    assert (other.status_code, chat(model_workspace, max_tokens=1).status_code) == (200, 200)
    eventually(lambda: is_gone(pid))
    assert obey(model_workspace, obedient, "pid") != pid


def test_hanging_up_on_a_stream_gives_its_slot_back(model_workspace):
    endpoint = serving(model_workspace, "tests.echo")
    for _ in range(SLOTS + 2):
        stream = eventually(lambda: _first_of_an_endless_stream(model_workspace, endpoint))
        stream.close()


def _first_of_an_endless_stream(workspace, endpoint: str) -> requests.Response | None:
    """A stream of which the first event has come; None while every slot is taken."""
    stream = ask(workspace, endpoint, {"inputs": "forever", "stream": True}, stream=True)
    if stream.status_code == 429:
        return None
    assert next(stream.iter_lines()).startswith(b"data:")
    return stream


def test_deleting_an_endpoint_ends_even_a_process_that_hangs(model_workspace):
    name = created(model_workspace, model("tests.obedient"))
    pid = obey(model_workspace, name, "pid")
    with ThreadPoolExecutor() as pool:
        holder = pool.submit(ask, model_workspace, name, order("hold"))
        eventually(lambda: model_workspace.last_request(name).outcome == "running")
        assert call(model_workspace, "DELETE", f"{ROOT}/{name}").ok
        assert holder.result().status_code in {500, 503}
    eventually(lambda: is_gone(pid))


def test_deleting_an_endpoint_while_its_model_loads_leaves_no_process(model_workspace):
    before = set(psutil.Process(model_workspace.process.pid).children())
    name = new_name()
    create(model_workspace, name, model("tests.obedient"))
    eventually(lambda: set(psutil.Process(model_workspace.process.pid).children()) - before)
    assert call(model_workspace, "DELETE", f"{ROOT}/{name}").ok
    eventually(
        lambda: all(
            is_gone(it.pid) for it in psutil.Process(model_workspace.process.pid).children() if it not in before
        )
    )


def test_it_scales_to_zero_and_callers_share_one_waking(model_workspace):
    name = created(model_workspace, model("tests.obedient", scale_to_zero_enabled=True))
    pid = obey(model_workspace, name, "pid")
    hang_up_on(model_workspace, name, "sleep 600")  # which does not count: nobody waits for it
    eventually(lambda: message_of(model_workspace, name) == "Scaled to zero")
    eventually(lambda: is_gone(pid))
    assert shown(model_workspace, name)["state"]["ready"] == "READY"
    with ThreadPoolExecutor() as pool:
        pids = [it.result() for it in [pool.submit(obey, model_workspace, name, "pid") for _ in range(SLOTS)]]
    assert len(set(pids)) == 1
    assert pids[0] != pid


def test_a_call_under_way_keeps_it_awake(model_workspace):
    name = created(model_workspace, model("tests.obedient", scale_to_zero_enabled=True))
    assert obey(model_workspace, name, "sleep 2.5") == "slept"  # it may sleep after one second without a call


def test_an_update_replaces_the_process_and_a_failed_one_does_not(model_workspace):
    name = created(model_workspace, model("tests.obedient", environment_vars={"AGE": "1"}))
    pid = obey(model_workspace, name, "pid")
    call(model_workspace, "PUT", f"{ROOT}/{name}/config", {"served_entities": [model("tests.unloadable")]})
    assert settled(model_workspace, name)["state"] == {"ready": "READY", "config_update": "UPDATE_FAILED"}
    assert obey(model_workspace, name, "pid") == pid
    update = {"served_entities": [model("tests.obedient", environment_vars={"AGE": "2"})]}
    call(model_workspace, "PUT", f"{ROOT}/{name}/config", update)
    settled(model_workspace, name)
    assert obey(model_workspace, name, "environment AGE") == "2"
    eventually(lambda: is_gone(pid))


def test_the_prompt_model_stops_before_its_stop_sequence(model_workspace):
    name = created(model_workspace, entity("model", **PROMPT_MODEL))
    prompt = "Repeat exactly: one, two, three, four, five"
    asked = {"dataframe_records": [{"prompt": prompt}], "params": {"temperature": 0, "max_tokens": 40}}
    [whole] = ask(model_workspace, name, asked).json()["predictions"]
    stop = whole.split()[1]
    asked["dataframe_records"] = [{"prompt": prompt, "stop": [stop]}]
    [stopped] = ask(model_workspace, name, asked).json()["predictions"]
    assert whole.startswith(stopped)
    assert stop not in stopped


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_records": [{"prompt": "Hi"}]},
        {"dataframe_split": {"columns": ["prompt"], "data": [["Hi"]]}},
        {"inputs": {"prompt": ["Hi"]}},
        {"inputs": [{"prompt": "Hi", "stop": ["x", "y"]}]},
        {"instances": [{"prompt": "Hi"}]},
    ],
)
def test_the_prompt_model_takes_every_form(model_workspace, body):
    answer = ask(model_workspace, "local-prompt-model", body | {"params": {"max_tokens": 3}})
    [text] = answer.json()["predictions"]
    assert isinstance(text, str)
    assert text


def test_after_a_kill_a_model_is_ready_scaled_to_zero_and_answers(make_local_workspace, tmp_path):
    options = ("--state", str(tmp_path), "--deployment-seconds", "0")
    first = make_local_workspace(*options)
    name = created(first, entity("model", **PROMPT_MODEL))
    children = psutil.Process(first.process.pid).children(recursive=True)
    first.process.kill()
    first.process.wait(10)
    eventually(lambda: all(is_gone(child.pid) for child in children))
    second = make_local_workspace(*options)
    assert shown(second, name)["state"]["ready"] == "READY"
    assert message_of(second, name) == "Scaled to zero"
    assert registries(second) == []  # nothing of MLflow runs until it is needed
    answer = ask(second, name, {"dataframe_records": [{"prompt": "Hello", "stop": ["!"]}], "params": {"max_tokens": 5}})
    assert [type(text) for text in answer.json()["predictions"]] == [str]


def test_a_stream_whose_process_dies_ends_with_an_error_event(model_workspace):
    name = created(model_workspace, model("tests.echo"))
    others = {it.pid for it in psutil.Process(model_workspace.process.pid).children()}
    stream = ask(model_workspace, name, {"inputs": "forever", "stream": True}, stream=True)
    lines = stream.iter_lines()
    assert next(lines).startswith(b"data:")
    newest = max(others, key=lambda pid: psutil.Process(pid).create_time())
    psutil.Process(newest).kill()
    last = [line for line in lines if line][-1]
    assert json.loads(last.removeprefix(b"data:"))["error_code"] == "INTERNAL_ERROR"
