"""The local workspace as a subject, and the engines it is compared with."""

import contextlib
import json
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.processes import MeasureFailed, end, local_http
from bench.subjects import ROOT
from local_workspace.engines import catalog
from local_workspace.engines.text_model import engine_threads

READY_SECONDS = 120


@dataclass(frozen=True)
class Engine:
    """Something that answers chat completions at `url`."""

    url: str
    token: str
    path: str
    model: str


@contextlib.contextmanager
def local_workspace() -> Iterator[Engine]:
    """A workspace of its own, without a visible deployment time."""
    with tempfile.TemporaryDirectory(prefix="brickyard-bench-") as state:
        command = [sys.executable, "-m", "local_workspace", "--state", state, "--deployment-seconds", "0"]
        child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            line = child.stdout.readline()
            if not line:
                raise MeasureFailed("the local workspace did not start")
            ready = json.loads(line)
            name = "local-smollm2-135m-instruct"
            yield Engine(ready["host"], ready["token"], f"/serving-endpoints/{name}/invocations", "")
        finally:
            end(child)


@contextlib.contextmanager
def llama_cpp() -> Iterator[Engine]:
    """llama.cpp's own server, with the workspace's settings and model."""
    key = secrets.token_hex(8)
    order = {
        "model": str(catalog.chat_model_file()),
        "alias": "direct",
        "api_key": key,
        "threads": engine_threads(),
    }
    command = [sys.executable, "-m", "local_workspace.engines.chat_engine"]
    child = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        child.stdin.write(json.dumps(order).encode() + b"\n")
        child.stdin.flush()
        line = child.stdout.readline()
        if not line:
            raise MeasureFailed("llama.cpp did not start")
        yield Engine(json.loads(line)["url"], key, "/v1/chat/completions", "direct")
    finally:
        end(child)


def wait_for_model(engine: Engine) -> None:
    """Ask for one token until there is one."""
    deadline = time.monotonic() + READY_SECONDS
    body = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
    while time.monotonic() < deadline:
        reply = local_http.post(engine.url + engine.path, json=body, headers=authorization(engine), timeout=60)
        if reply.ok:
            return
        time.sleep(0.1)
    raise MeasureFailed(f"{engine.path} gave no token in {READY_SECONDS} s: {reply.text[:200]}")


def authorization(engine: Engine) -> dict[str, str]:
    return {"authorization": f"Bearer {engine.token}"}
