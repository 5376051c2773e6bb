"""The real app in a process of its own, that knows nothing of this machine's environment and home."""

import os
import random
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.local_workspaces import ROOT, eventually

READY_SECONDS = 90.0
INHERITED = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT")


@dataclass(frozen=True)
class App:
    """A running app. `home` is its HOME, and holds its temporary files; `log` is all that it printed."""

    url: str
    port: int
    process: subprocess.Popen[bytes]
    home: Path
    log: Path

    def stop(self) -> None:
        """End the process, kindly and then not."""
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_app(folder: Path, script: str = "app.py", **environment: str) -> App:
    """`streamlit run` of *script* with *environment* and nothing else, once it answers. *folder* holds its home and its log."""
    home, log = folder / "home", folder / "app.log"
    (home / "tmp").mkdir(parents=True)
    port = free_port()
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    own = {"HOME": str(home), "TMPDIR": str(home / "tmp"), "PYTHONUNBUFFERED": "1"}
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        script,
        "--server.port",
        str(port),
        "--server.headless",
        "true",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**inherited, **own, **environment},
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    app = App(f"http://127.0.0.1:{port}", port, process, home, log)
    try:
        eventually(lambda: process.poll() is not None or _is_healthy(app), READY_SECONDS)
        assert process.poll() is None, "The app ended at its start."
    except AssertionError as failure:
        app.stop()
        raise AssertionError(f"{failure}\n{log.read_text()}") from None
    return app


def _is_healthy(app: App) -> bool:
    try:
        return requests.get(f"{app.url}/_stcore/health", timeout=5).ok
    except requests.RequestException:
        return False


def free_port() -> int:
    """A port that nobody listens on, below those that the system gives to outgoing connections."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
