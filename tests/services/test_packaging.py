"""A call and its transform as an MLflow model: served by the local workspace it answers as the call did here."""

import contextlib
import json
import os
import signal
from pathlib import Path

import numpy
import pandas
import psutil
import pytest

from services import doors
from services.deployments import Ending
from services.doors import typed
from services.driver_proxy import Target
from services.endpoint_setup import existing
from services.errors import AlreadyExists, BadInput, PermissionDenied, PlaygroundError
from services.invocation import InvocationJob
from services.jobs import Bell
from services.local import LocalAddress
from services.packaging import Packaging, Step, default_name, packed_source, why_not_here
from services.packaging.logging_process import LoggingProcess
from services.packaging.model_source import READ_ROWS, PackedSource, columns_of
from services.sandbox import sandbox
from services.snippets.shaped_call import AskedEndpoint, ShapedCall
from services.transforms import Envelope, Hooks, Transform
from tests.local_workspaces import eventually

CHAT = "local-smollm2-135m-instruct"
ENDPOINT = AskedEndpoint(CHAT, "llm/v1/chat", bare=True)
MESSAGES = [{"role": "user", "content": "How are you?"}]
CANARY = "canary-7c6b5a4f3e2d"
QUIET = Transform("", 0, "")
LOUD = """
def transform_input(messages, **others):
    messages[-1]["content"] += " Be concise."
    return {"messages": messages, **others}


def transform_output(response):
    return response["choices"][0]["message"]["content"].upper()
"""
SEES_ITS_PROCESS = """import pathlib

if not pathlib.Path(seen).exists():  # the first process that loads it, which logs it
    told = [pathlib.Path("/proc/self", name).read_bytes() for name in ("environ", "cmdline")]
    pathlib.Path(seen).write_bytes(b"".join(told))
"""
ENDLESS = """import os, pathlib, subprocess

child = subprocess.Popen(["sleep", "600"])
pathlib.Path(began).write_text(f"{os.getpid()} {child.pid}")
while True:
    pass
"""
HERE = {"bound_to": "127.0.0.1", "hosted": False}


def chat(source):
    return ShapedCall(ENDPOINT, {"messages": MESSAGES, "temperature": 0, "max_tokens": 8}, Transform("Loud", 1, source))


@pytest.fixture
def opened(machine):
    """The module's workspace through the door of the embedded one, as its admin."""
    address = LocalAddress(machine.host, machine.users, None, str(machine.state))
    with contextlib.closing(doors.local(address, "admin")) as workspace:
        yield workspace


@pytest.fixture
def pack(opened):
    """Packs a call and waits until nothing runs any more: `pack(call, "name")`."""
    started = []

    def begin(call, name, wait=True):
        packaging = Packaging(opened, call, name, started.append, **HERE)
        if wait:
            eventually(lambda: not packaging.running, 250)
        return packaging

    yield begin
    for deployment in started:
        deployment.leave()


@pytest.mark.timeout(400)  # MLflow is imported in three processes: 10 s of processor time
def test_a_served_model_answers_as_the_call_did_here(machine, opened, pack, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    seen = tmp_path / "seen"
    source = f"seen = {str(seen)!r}\n{SEES_ITS_PROCESS}{LOUD}"
    call = chat(source)
    packaging = pack(call, "packed-chat")
    assert packaging.error is None, packaging.error
    assert (packaging.step, packaging.version) == (Step.DEPLOYING, "1")
    eventually(lambda: not packaging.deployment.running, 60)
    assert packaging.deployment.ending is Ending.READY

    hooks = Hooks(sandbox(), Transform("Loud", 1, LOUD))
    here = InvocationJob(opened, CHAT, call.body, Bell(), hooks=hooks)
    eventually(lambda: not here.running, 60)
    there = InvocationJob(opened, "packed-chat", {"dataframe_records": [{"messages": MESSAGES}] * 2}, Bell())
    eventually(lambda: not there.running, 60)
    assert here.reply.shaped_value == here.reply.shaped_value.upper() != ""
    assert there.reply.body == {"predictions": [here.reply.shaped_value] * 2}
    sent = [one.json for one in machine.requests() if one.path == f"/serving-endpoints/{CHAT}/invocations"]
    assert len(sent) == 3
    assert sent[0] == sent[1] == sent[2]  # what one row's transform does to the parameters, the next does not see

    held = seen.read_bytes()
    assert machine.users["admin"].encode() not in held
    assert CANARY.encode() not in held
    with pytest.raises(AlreadyExists, match="packed-chat"):
        raise pack(call, "packed-chat").error


def test_code_that_does_not_load_is_told_and_leaves_nothing(opened, pack, machine):
    packaging = pack(chat("raise ValueError('brick by brick')\n"), "broken")
    assert packaging.step is Step.FAILED
    assert "ValueError: brick by brick" in packaging.error.message
    assert machine.users["admin"] not in packaging.error.message
    assert existing(opened, "broken") is None


def test_code_that_does_not_end_is_ended(opened, pack, tmp_path):
    began = tmp_path / "began"
    source = f"began = {str(began)!r}\n{ENDLESS}"
    packaging = pack(chat(source), "endless", wait=False)
    eventually(lambda: began.exists() and began.read_text(), 30)
    packaging.stop()
    eventually(lambda: not packaging.running)
    assert packaging.step is Step.STOPPED
    assert existing(opened, "endless") is None
    eventually(lambda: not any(runs(int(pid)) for pid in began.read_text().split()))


def test_code_that_takes_too_long_is_ended_and_leaves_no_corpse(opened, tmp_path):
    before = set(psutil.Process().children())
    endless = PackedSource("while True:\n    pass\n", "log", "serve")
    with pytest.raises(PlaygroundError, match="not logged after"):
        LoggingProcess(seconds=0.5).run(opened, endless, str(tmp_path))
    assert set(psutil.Process().children()) <= before


def test_what_prints_without_end_is_cut_and_what_it_leaves_keeps_nobody_waiting(opened, tmp_path):
    """Its grandchild has a session of its own and every descriptor that it could have."""
    child = tmp_path / "child"
    source = PackedSource(
        "import pathlib, subprocess\n"
        f"grandchild = subprocess.Popen(['sleep', '60'], start_new_session=True)\n"
        f"pathlib.Path({str(child)!r}).write_text(str(grandchild.pid))\n"
        "while True:\n    print('brick' * 200_000)\n",
        "log",
        "serve",
    )
    memory = psutil.Process().memory_info().rss
    try:
        with pytest.raises(PlaygroundError, match="it printed more than 32 MB"):
            LoggingProcess(seconds=30).run(opened, source, str(tmp_path))
    finally:
        os.kill(int(child.read_text()), signal.SIGKILL)
    assert psutil.Process().memory_info().rss - memory < 16 << 20


def test_only_an_admin_packs_and_is_told_before_anything_runs(machine, tmp_path):
    ran = tmp_path / "ran"
    address = LocalAddress(machine.host, machine.users, None, str(machine.state))
    with contextlib.closing(doors.local(address, "analyst")) as analyst:
        call = chat(f"import pathlib\npathlib.Path({str(ran)!r}).touch()\n")
        packaging = Packaging(analyst, call, "not-mine", print, **HERE)
        eventually(lambda: not packaging.running)
    assert isinstance(packaging.error, PermissionDenied)
    assert "you are analyst@" in packaging.error.message
    assert not ran.exists()


def runs(pid):
    """Whether that process is there and no corpse."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.parametrize("name", ["", "two words", "-a", "a/b", "x" * 70])
def test_a_name_that_cannot_be_runs_nothing(opened, name):
    with pytest.raises(BadInput):
        Packaging(opened, chat("raise SystemExit"), name, print, **HERE)


@pytest.mark.parametrize(
    ("bound_to", "hosted", "asked", "says"),
    [
        ("127.0.0.1", False, ENDPOINT, ""),
        ("localhost", False, ENDPOINT, ""),
        (None, False, ENDPOINT, "other machines"),
        ("0.0.0.0", False, ENDPOINT, "other machines"),
        ("127.0.0.1", True, ENDPOINT, "other machines"),
        ("127.0.0.1", False, Target("", "c", 7777), "not for clusters"),
    ],
)
def test_it_is_served_here_only_where_nobody_else_is(opened, bound_to, hosted, asked, says):
    call = ShapedCall(asked, {"prompt": "hi"}, QUIET)
    found = why_not_here(opened, call, bound_to=bound_to, hosted=hosted)
    assert (says in found) if says else (found == "")
    if says:
        with pytest.raises(BadInput):
            Packaging(opened, call, "fine", print, bound_to=bound_to, hosted=hosted)


def test_no_other_workspace_serves_it_at_a_click(machine):
    with contextlib.closing(typed(machine.host, machine.users["admin"])) as elsewhere:
        assert "Only the local workspace" in why_not_here(elsewhere, chat(""), **HERE)


@pytest.mark.parametrize(
    ("body", "envelope", "columns"),
    [
        ({"dataframe_records": [{"prompt": "a", "n": 1}]}, Envelope.RECORD, ["prompt", "stop"]),
        ({"prompt": "a", "stop": ["b"]}, Envelope.BODY, ["prompt", "stop"]),
        ({"messages": MESSAGES, "n": 2}, Envelope.BODY, ["messages"]),
        ({"input": ["a"], "odd": [], "mixed": [1, "a"], "none": None}, Envelope.BODY, ["input"]),
        ({"dataframe_records": [{"a": 1, "b": 1.5, "c": True, "d": {"e": [1]}}]}, Envelope.RECORD, ["a", "b", "c", "d"]),
        ({"inputs": [[[[[[[[[[[1]]]]]]]]]]]}, Envelope.BODY, []),
    ],
)  # fmt: skip
def test_what_a_caller_gives_are_the_columns(body, envelope, columns):
    call = ShapedCall(ENDPOINT, body, QUIET, envelope)
    assert [one.name for one in columns_of(call)] == columns
    if columns:
        assert json.dumps("hi") not in packed_source(call, "m").code


@pytest.mark.parametrize(
    ("given", "rows"),
    [
        (pandas.DataFrame({"prompt": ["a", "b"], "stop": [["x"], numpy.array(["y"])]}), [("a", ["x"]), ("b", ["y"])]),
        (pandas.DataFrame({"prompt": ["a"], "stop": [None]}), [("a", None)]),
        (pandas.DataFrame({"prompt": ["a", "b"], "stop": [float("nan"), []]}), [("a", None), ("b", [])]),
        # "inputs" and "instances" come as one row of whole columns, or as arrays by name.
        (pandas.DataFrame({"prompt": [numpy.array(["a", "b"])]}), [("a", None), ("b", None)]),
        (pandas.DataFrame({"prompt": [["a"]], "stop": [[["x"]]]}), [("a", ["x"])]),
        ({"prompt": numpy.array(["a", "b"])}, [("a", None), ("b", None)]),
        ({"prompt": "a", "stop": ["x"]}, [("a", ["x"])]),
    ],
)
def test_the_model_reads_rows_however_mlflow_gives_them(given, rows):
    names = {"pandas": pandas, "depths": {"prompt": 0, "stop": 1}}
    exec(READ_ROWS, names)
    found = list(names["rows"](given))
    assert [(row["prompt"], row.get("stop")) for row in found] == rows
    assert all(("stop" in row) is (stop is not None) for row, (_, stop) in zip(found, rows, strict=True))


def test_a_name_is_made_of_what_is_packed():
    assert default_name(chat("")) == f"loud-{CHAT}"
    assert default_name(ShapedCall(AskedEndpoint("x" * 100), {}, Transform("벽돌 ~", 1, ""))) == "x" * 60
