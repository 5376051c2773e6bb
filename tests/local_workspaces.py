"""A local workspace for tests: its own process, its log of requests, and faults on demand."""

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import requests

ROOT = Path(__file__).parents[1]
READY_SECONDS = 60.0
PATIENCE = 30.0
"""Seconds. A busy machine is no failure: only what never comes is waited for so long."""

Found = TypeVar("Found")


def eventually(condition: Callable[[], Found], timeout: float = PATIENCE) -> Found:
    """What `condition` returns, once that is true. Fails after `timeout` seconds, with what it returned last."""
    deadline = time.monotonic() + timeout
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"Still {found!r} after {timeout} s.")
        threading.Event().wait(0.01)
    return found


@dataclass(frozen=True)
class LoggedRequest:
    """One entry of the workspace's request log. `body` is the exact bytes it received."""

    id: int
    user: str | None
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    status: int | None
    outcome: str
    fault: str | None
    seconds: float
    sent_events: int

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


class LocalWorkspace:
    """A running workspace. `process` is its server; `users` maps "admin" and "analyst" to their tokens."""

    def __init__(self, process: subprocess.Popen[str], stderr: Path, ready: dict[str, Any]) -> None:
        self.process = process
        self.stderr = stderr
        self.ready = ready
        self.host: str = ready["host"]
        self.token: str = ready["token"]
        self.users: dict[str, str] = ready["users"]
        self.ca_bundle: str | None = ready["ca_bundle"]
        self.state = Path(ready["state"])

    def requests(self, since: int = 0) -> list[LoggedRequest]:
        """Requests with an id above `since`, oldest first."""
        found = self._call("GET", f"/_local/requests?since={since}")["requests"]
        kept = LoggedRequest.__dataclass_fields__.keys() - {"body"}
        return [
            LoggedRequest(body=base64.b64decode(entry["body_base64"]), **{name: entry[name] for name in kept})
            for entry in found
        ]

    def last_request(self, path_part: str) -> LoggedRequest:
        """The newest request whose path contains `path_part`."""
        return next(entry for entry in reversed(self.requests()) if path_part in entry.path)

    def settled(self, path_part: str, timeout: float = PATIENCE) -> LoggedRequest:
        """The newest request whose path contains `path_part`, once it is over."""
        eventually(lambda: self.last_request(path_part).outcome != "running", timeout)
        return self.last_request(path_part)

    def clear(self) -> None:
        """Forget logged requests and queued faults."""
        self._call("DELETE", "/_local/requests")
        self._call("DELETE", "/_local/faults")

    def clear_faults(self) -> None:
        """Forget queued faults."""
        self._call("DELETE", "/_local/faults")

    def queue_fault(self, words: str, path: str | None = None, times: int = 1) -> None:
        """Let the next `times` requests whose path begins with `path` meet the fault."""
        self._call("POST", "/_local/faults", {"fault": words, "path": path, "times": times})

    def stop(self) -> None:
        """End the process, kindly and then not."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        response = requests.request(
            method,
            self.host + path,
            headers={"authorization": f"Bearer {self.token}"},
            json=body,
            timeout=10,
            verify=self.ca_bundle or True,
        )
        assert response.ok, f"{method} {path}: {response.status_code} {response.text}\n{self.stderr.read_text()}"
        return response.json()


def launch(stderr: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start `python -m local_workspace` and do not wait for it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DATABRICKS_")}
    with stderr.open("a") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", "local_workspace", *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )


def start_local_workspace(stderr: Path, *arguments: str, models_on_demand: bool = True) -> LocalWorkspace:
    """Start a workspace and wait for its ready line. What it says on stderr goes to the file `stderr`.

    Most tests ask no model of a workspace of their own, and loading them is most of a start.
    """
    process = launch(stderr, *arguments, *(["--models-on-demand"] if models_on_demand else []))
    assert process.stdout is not None
    give_up = threading.Timer(READY_SECONDS, process.kill)
    give_up.start()
    line = process.stdout.readline()
    give_up.cancel()
    if not line:
        process.kill()
        process.wait()
        raise AssertionError(f"The local workspace did not start.\n{stderr.read_text()}")
    return LocalWorkspace(process, stderr, json.loads(line))
