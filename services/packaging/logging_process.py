"""The process that logs a model, seen from here: started with what it needs and no more, and ended."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from services.call import CallCancelled
from services.errors import PlaygroundError, Side
from services.packaging.model_source import PackedSource
from services.settings import child_environment
from services.wire_record import REDACTED
from services.workspace import Workspace

SECONDS = 240.0
"""MLflow's import takes some, and the local workspace starts its registry for it."""
_ROOT = Path(__file__).parents[2]
_PASSED_ON = frozenset({"PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH"})
_SHOWN = 500


class LoggingProcess:
    """At most one of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
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
        with self._lock:
            if self._stopped:
                raise CallCancelled
            process = self._process = subprocess.Popen(
                [sys.executable, "-m", "services.packaging.log_child"], cwd=_ROOT, env=environment, text=True,
                encoding="utf-8", errors="replace", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                start_new_session=True,
            )  # fmt: skip
        try:
            said, complained = process.communicate(json.dumps(order), timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise PlaygroundError(
                f"The model was not logged after {SECONDS:g} s, and its process was ended.",
                "Look for a loop that does not end outside the two functions.",
                side=Side.HERE,
            ) from None
        finally:
            with self._lock:
                _end(process)
                self._process = None
        if self._stopped:
            raise CallCancelled
        return _version(said) or _raise_failed(complained.replace(token, REDACTED))

    def stop(self) -> None:
        """End it, and what its code has started."""
        with self._lock:
            self._stopped = True
            if self._process is not None:
                _end(self._process)


def _end(process: "subprocess.Popen[str]") -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _version(said: str) -> str:
    """The version in the last line; empty where it has none."""
    try:
        found = json.loads(said.splitlines()[-1])["version"]
    except (ValueError, KeyError, TypeError, IndexError):
        return ""
    return found if isinstance(found, str) else ""


def _raise_failed(complained: str) -> str:
    lines = [line.strip() for line in complained.splitlines() if line.strip()]
    raise PlaygroundError(
        f"The model could not be logged: {(lines or ['its process ended without a word'])[-1][:_SHOWN]}",
        "Only the admin may register models. Run the transform once, to see that it loads; the script shows the whole error.",
        side=Side.HERE,
    )
