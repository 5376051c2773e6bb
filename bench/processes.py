"""Servers started for a measure, and ended with it."""

import contextlib
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

START_SECONDS = 90
END_SECONDS = 10

# A proxy would stand between the parties; a Databricks or Streamlit setting of this machine would change what is measured.
DROPPED = ("DATABRICKS_", "STREAMLIT_", "CHAINLIT_", "GRADIO_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")

local_http = requests.Session()
local_http.trust_env = False


class MeasureFailed(RuntimeError):
    """What was to be measured could not be; the message goes into the table."""


@dataclass
class Server:
    url: str
    process: psutil.Process
    began: float

    def cpu_seconds(self) -> float:
        """Of the whole process tree, children that have ended included."""
        spent = 0.0
        for process in [self.process, *self.process.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                spent += sum(process.cpu_times()[:4])  # own user and system, then those of ended children
        return spent


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextlib.contextmanager
def running(
    command: list[str], port: int, cwd: Path | None = None, health: str = "/", **settings: str
) -> Iterator[Server]:
    """Start a server, wait until it answers, end it and all its children.

    It gets a home folder of its own, so no configuration of this machine is read and none is written.
    """
    with tempfile.TemporaryDirectory(prefix="brickyard-bench-") as home, Path(home, "server.log").open("w") as log:
        environment = {name: value for name, value in os.environ.items() if not name.upper().startswith(DROPPED)}
        environment |= {"HOME": home, **settings}
        began = time.time()
        child = subprocess.Popen(command, cwd=cwd or home, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            server = Server(f"http://127.0.0.1:{port}", psutil.Process(child.pid), began)
            wait_until_up(server.url + health, child, Path(log.name))
            yield server
        finally:
            end(child)


def wait_until_up(url: str, child: subprocess.Popen, log: Path):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and child.poll() is None:
        with contextlib.suppress(requests.RequestException):
            if local_http.get(url, timeout=2).ok:
                return
        time.sleep(0.02)
    last_lines = " | ".join(log.read_text(errors="replace").strip().splitlines()[-3:])
    raise MeasureFailed(f"{' '.join(map(str, child.args))[:80]} did not start: {last_lines[-300:]}")


def end(child: subprocess.Popen):
    family = []
    with contextlib.suppress(psutil.NoSuchProcess):
        family = psutil.Process(child.pid).children(recursive=True)
    child.terminate()
    try:
        child.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
