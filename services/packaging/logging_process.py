"""The process that logs a model, seen from here: started with what it needs and no more, and ended."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO

from services.call import CallCancelled
from services.errors import PlaygroundError, Side
from services.packaging.log_child import MOST_WRITTEN
from services.packaging.model_source import PackedSource
from services.settings import child_environment
from services.wire_record import REDACTED
from services.workspace import Workspace

SECONDS = 240.0
"""MLflow's import takes some, and the local workspace starts its registry for it."""
_ROOT = Path(__file__).parents[2]
_PASSED_ON = frozenset({"PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH"})
_SHOWN = 500
_READ_BYTES = 64 << 10


class LoggingProcess:
    """At most one of them."""

    def __init__(self, seconds: float = SECONDS) -> None:
        """*seconds* is how long one may take."""
        self._seconds = seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def run(self, workspace: Workspace, source: PackedSource, home: str) -> str:
        """Run *source* with the token of *workspace*, and return the version that was registered.

        *home* is the empty folder that the code finds as its home. Raises PlaygroundError, and CallCancelled after ``stop()``.
        """
        token = str(workspace.sdk.config.token)
        order = {"host": workspace.host, "token": token, "source": source.code, "log": source.log}
        environment = {name: value for name, value in child_environment().items() if name in _PASSED_ON} | {
            "HOME": home
        }
        # Files, not pipes: what prints without end would fill this process, and what it has started could keep a pipe open.
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
            self._run(json.dumps(order).encode(), environment, said, complained)
            if self._stopped:
                raise CallCancelled
            if complained.seek(0, os.SEEK_END) >= MOST_WRITTEN:
                raise _failed(f"it printed more than {MOST_WRITTEN >> 20} MB")
            version = _version(_last(said))
            if not version:
                raise _failed(_last_line(_last(complained).replace(token, REDACTED)))
            return version

    def _run(self, order: bytes, environment: dict[str, str], said: IO[bytes], complained: IO[bytes]) -> None:
        """Start it, and return when it has ended."""
        with self._lock:
            if self._stopped:
                raise CallCancelled
            process = self._process = subprocess.Popen(
                [sys.executable, "-m", "services.packaging.log_child"], cwd=_ROOT, env=environment,
                stdin=subprocess.PIPE, stdout=said, stderr=complained, start_new_session=True,
            )  # fmt: skip
        with process:  # at its end the pipe is closed, and the process has left the table
            try:
                process.communicate(order, timeout=self._seconds)
            except subprocess.TimeoutExpired:
                raise PlaygroundError(
                    f"The model was not logged after {self._seconds:g} s, and its process was ended.",
                    "Look for a loop that does not end outside the two functions.",
                    side=Side.HERE,
                ) from None
            finally:
                with self._lock:
                    _end(process)
                    self._process = None

    def stop(self) -> None:
        """End it, and what its code has started in its session."""
        with self._lock:
            self._stopped = True
            if self._process is not None:
                _end(self._process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _last(file: IO[bytes]) -> str:
    """The end of what was written to *file*."""
    file.seek(max(0, file.seek(0, os.SEEK_END) - _READ_BYTES))
    return file.read().decode("utf-8", errors="replace")


def _version(said: str) -> str:
    """The version in the last line; empty where it has none."""
    try:
        found = json.loads(said.splitlines()[-1])["version"]
    except (ValueError, KeyError, TypeError, IndexError):
        return ""
    return found if isinstance(found, str) else ""


def _last_line(complained: str) -> str:
    lines = [line.strip() for line in complained.splitlines() if line.strip()]
    return (lines or ["its process ended without a word"])[-1][:_SHOWN]


def _failed(why: str) -> PlaygroundError:
    return PlaygroundError(
        f"The model could not be logged: {why}",
        "Run the transform once, to see that it loads; the script shows the whole error.",
        side=Side.HERE,
    )
