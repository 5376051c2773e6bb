"""How a workspace starts and ends, and what it leaves behind."""

import json
import re
import shlex
import signal
import socket
import stat
import subprocess
import sys
import time

import psutil
import pytest
import requests

from tests.local_workspace.calls import CHAT_PATH, EMBEDDINGS_PATH, HELLO, call, chat, events
from tests.local_workspaces import ROOT, eventually, launch, start_local_workspace


def engine_of(workspace) -> psutil.Process:
    """The chat engine's process, once there is one."""

    def found():
        children = psutil.Process(workspace.process.pid).children()
        return next((child for child in children if "chat_engine" in " ".join(child.cmdline())), None)

    return eventually(found)


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def run_and_fail(*arguments: str) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of a workspace that does not start."""
    command = [sys.executable, "-m", "local_workspace", *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    return ended.returncode, ended.stdout, ended.stderr


def test_the_ready_line_is_the_only_output_and_has_every_field(make_local_workspace):
    workspace = make_local_workspace(models_on_demand=False)
    assert set(workspace.ready) == {"host", "token", "users", "cluster_id", "driver_port", "ca_bundle", "state"}
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", workspace.host)
    assert (workspace.ready["cluster_id"], workspace.ca_bundle) == ("0101-000000-local001", None)
    assert 3000 <= workspace.ready["driver_port"] <= 8000
    assert chat(workspace, max_tokens=1).status_code == 200, "a call waits for a model that is still loading"
    assert "loaded" in workspace.stderr.read_text()
    workspace.process.terminate()
    assert workspace.process.stdout.read() == ""
    assert workspace.process.wait(30) == 0


def test_a_model_on_demand_is_loaded_by_the_first_call_that_needs_it(make_local_workspace):
    workspace = make_local_workspace()
    assert call(workspace, "POST", EMBEDDINGS_PATH, {"input": ["a"]}).status_code == 200
    said = workspace.stderr.read_text()
    assert "The embedding model was loaded" in said
    assert "The chat model was loaded" not in said
    assert chat(workspace, max_tokens=1).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_soon_in_the_middle_of_a_stream(make_local_workspace, number):
    workspace = make_local_workspace(models_on_demand=False)
    engine = engine_of(workspace)
    stream = chat(workspace, fault="scripted-20-100000", stream=True)
    next(stream.iter_content(None))
    began = time.monotonic()
    workspace.process.send_signal(number)
    assert workspace.process.wait(30) == 0
    assert time.monotonic() - began < 20  # 1.2 s on an idle machine; the stream would take more than an hour
    eventually(lambda: is_gone(engine))
    assert not workspace.state.exists()


def test_being_killed_leaves_no_engine_behind(make_local_workspace):
    workspace = make_local_workspace(models_on_demand=False)
    engine = engine_of(workspace)
    assert chat(workspace, max_tokens=1).status_code == 200
    workspace.process.kill()
    eventually(lambda: is_gone(engine))


def test_the_end_of_the_parent_ends_it(tmp_path):
    script = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-m', 'local_workspace', '--state', sys.argv[1]],"
        " stdout=subprocess.PIPE, text=True)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    workspace = psutil.Process(int(parent.stdout.readline()))
    children = eventually(lambda: len(found := workspace.children()) == 2 and found)  # the chat engine, the driver app
    parent.kill()
    parent.wait()
    parent.stdin.close()
    parent.stdout.close()
    eventually(lambda: is_gone(workspace) and all(map(is_gone, children)))


@pytest.fixture(scope="module")
def answering(tmp_path_factory):
    """A workspace whose engine tests may kill: they leave it able to answer."""
    workspace = start_local_workspace(tmp_path_factory.mktemp("workspace") / "stderr.txt")
    yield workspace
    workspace.stop()


def test_a_killed_engine_is_replaced_and_its_request_is_told(answering):
    workspace = answering
    assert chat(workspace, max_tokens=1).status_code == 200
    engine = engine_of(workspace)
    story = {"messages": [{"role": "user", "content": "Tell me a very long story."}], "max_tokens": 4000}
    stream = chat(workspace, **story, stream=True)
    lines = stream.iter_lines()
    next(lines)
    engine.kill()
    rest = [line for line in lines if line]
    assert b'"error_code":' in rest[-1].replace(b'": ', b'":')
    assert b"TEMPORARILY_UNAVAILABLE" in rest[-1]
    assert chat(workspace, max_tokens=1).status_code == 200
    assert engine_of(workspace).pid != engine.pid


def test_a_request_without_a_byte_yet_gets_503_when_the_engine_dies(answering):
    workspace = answering
    assert chat(workspace, max_tokens=1).status_code == 200
    eventually(lambda: all(entry.outcome != "running" for entry in workspace.requests()))
    story = {"messages": [{"role": "user", "content": "Tell me a very long story."}], "max_tokens": 4000}
    engine = engine_of(workspace)
    sent = subprocess.Popen(
        [sys.executable, "-c", "import requests, sys, json; r = requests.post(sys.argv[1], json=json.loads(sys.argv[2]),"
         " headers={'authorization': sys.argv[3]}); print(r.status_code, r.json()['error_code'])",
         workspace.host + CHAT_PATH, json.dumps(story), f"Bearer {workspace.token}"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    eventually(lambda: [entry for entry in workspace.requests() if entry.outcome == "running"])
    engine.kill()
    assert sent.communicate(timeout=20)[0].split() == ["503", "TEMPORARILY_UNAVAILABLE"]


def test_tokens_and_endpoint_ids_survive_a_restart_with_the_same_state(make_local_workspace, tmp_path):
    first = make_local_workspace("--state", str(tmp_path / "state"))
    listed = call(first, "GET", "/api/2.0/serving-endpoints").json()
    first.stop()
    second = make_local_workspace("--state", str(tmp_path / "state"))
    assert second.users == first.users
    assert call(second, "GET", "/api/2.0/serving-endpoints").json() == listed


def test_the_state_folder_is_private_and_its_shell_file_works(make_local_workspace, tmp_path):
    workspace = make_local_workspace("--state", str(tmp_path / "a b'c"))
    for name in ("tokens.json", "env.sh"):
        assert stat.S_IMODE((workspace.state / name).stat().st_mode) == 0o600
    shell = f'. {shlex.quote(str(workspace.state / "env.sh"))}; echo "$DATABRICKS_HOST $DATABRICKS_TOKEN"'
    said = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True).stdout
    assert said.split() == [workspace.host, workspace.token]


def test_the_shell_file_is_for_mlflow_and_curl_as_well(make_local_workspace):
    workspace = make_local_workspace("--tls")
    names = ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")
    shell = f". {shlex.quote(str(workspace.state / 'env.sh'))}; echo " + " ".join(f'"${name}"' for name in names)
    elsewhere = dict.fromkeys(names, "/elsewhere")
    said = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True, env=elsewhere).stdout
    assert said.split() == [workspace.host, workspace.token, *[workspace.ca_bundle] * 3]


def test_stderr_never_holds_a_token(make_local_workspace):
    workspace = make_local_workspace()
    chat(workspace, max_tokens=1)
    call(workspace, "GET", f"/nowhere?token={workspace.token}")
    requests.get(workspace.host, auth=("token", workspace.token), timeout=10)
    workspace.stop()
    said = workspace.stderr.read_text()
    assert "loaded" in said
    assert not any(token in said for token in workspace.users.values())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "x"],
        ["--port", "70000"],
        ["--port", "-1"],
        ["--alias", "nothing"],
        ["--alias", "a=nothing"],
        ["--alias", "a b=local-minilm-l6-v2"],
        ["--alias", "local-minilm-l6-v2=local-minilm-l6-v2"],
        ["--host", "0.0.0.0"],
        ["--host", "::"],
        ["--host", "example.invalid"],
        ["--nonsense"],
        ["extra"],
    ],
)
def test_bad_arguments_are_refused_in_one_sentence(arguments):
    status, out, err = run_and_fail(*arguments)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert err.endswith(".\n")


def test_other_machines_are_let_in_only_when_it_is_meant(make_local_workspace):
    workspace = make_local_workspace("--host", "0.0.0.0", "--allow-remote")
    port = workspace.host.rpartition(":")[2]
    assert requests.get(f"http://127.0.0.1:{port}/.well-known/databricks-config", timeout=10).ok


def test_a_port_in_use_is_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, out, err = run_and_fail("--port", port)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert port in err


def test_a_state_folder_that_cannot_be_used_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "tokens.json").write_text("{")
    for folder in ("file", "broken"):
        status, out, err = run_and_fail("--state", str(tmp_path / folder))
        assert (status, out, err.count("\n")) == (1, "", 1)


def test_https_is_trusted_with_the_bundle_and_not_without(make_local_workspace):
    workspace = make_local_workspace("--tls")
    assert workspace.host.startswith("https://127.0.0.1:")
    assert events(chat(workspace, fault="scripted-0-1", stream=True))[-1] == "[DONE]"
    found = requests.get(f"{workspace.host}/.well-known/databricks-config", verify=workspace.ca_bundle, timeout=10)
    assert found.json()["oidc_endpoint"] == f"{workspace.host}/oidc"
    by_name = workspace.host.replace("127.0.0.1", "localhost")
    assert requests.get(f"{by_name}/.well-known/databricks-config", verify=workspace.ca_bundle, timeout=10).ok
    with pytest.raises(requests.exceptions.SSLError):
        requests.post(workspace.host + CHAT_PATH, json=HELLO, timeout=10)


def test_it_is_ready_soon(tmp_path):
    began = time.monotonic()
    process = launch(tmp_path / "stderr.txt")
    assert process.stdout.readline()
    seconds = time.monotonic() - began
    process.terminate()
    process.wait(30)
    process.stdout.close()
    assert seconds < 30  # 0.7 s on an idle machine


def test_nothing_heavy_is_imported():
    script = (
        "import sys, local_workspace.app\n"
        "print({'mlflow', 'pandas', 'onnxruntime', 'xllamacpp', 'numpy', 'streamlit'} & set(sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "set()"
