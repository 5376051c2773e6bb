"""The worker as a process: what it is started with, what it says, how it ends."""

import contextlib
import json
import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

from services.embeddings.records import Algorithm
from services.errors import PlaygroundError, Side
from services.settings import child_environment

_ROOT = Path(__file__).parents[3]
_PASSED_ON = frozenset({"PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH"})
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
"""With more, one seed gives another picture each time; LocalMAP's loops use one thread anyway."""
_LAST_BYTES = 2_000
_PREFIX = "brickyard-layouts-"
_OLD_SECONDS = 86_400.0
"""Without a new picture for so long, nobody is at work in a folder."""
_COMPILED_LAST = {
    Path(__file__).with_name("steps.py"): "_adding.locals.add",
    Path(__file__).with_name("pairs.py"): "_drawn",
}
"""Of each file of LocalMAP's loops, the last one that is compiled."""


class WorkerProcess:
    """One of them, from its start to its end."""

    def __init__(
        self, compiled: "Compiled | None", hears: Callable[["WorkerProcess", dict[str, Any] | None], None]
    ) -> None:
        """*compiled* is where numba keeps what it has compiled; None: for this process alone.

        *hears* is called, in a thread of its own, with each reply, and with None at the end. Raises PlaygroundError.
        """
        self.loaded: set[Algorithm] = set()
        """Whose libraries it has."""
        self._hears = hears
        _sweep()
        try:
            self._temporary = TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True)
        except OSError as error:  # FileNotFoundError too, where this machine has no folder for temporary files
            raise _not_started(error) from error
        self.folder = Path(self._temporary.name)
        """For what goes to and fro; its user's alone, and gone with it."""
        self._log = self.folder / "log"
        environment = {name: value for name, value in child_environment().items() if name in _PASSED_ON}
        kept = compiled.environment if compiled else {"NUMBA_CACHE_DIR": str(self.folder / "compiled")}
        environment |= {**_ONE_THREAD, **kept}
        try:
            with self._log.open("wb") as log:
                self._popen = subprocess.Popen(
                    [sys.executable, "-W", "ignore", "-m", "services.embeddings.layouts.worker"], cwd=_ROOT,
                    env=environment, text=True, encoding="utf-8",
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                )  # fmt: skip
        except OSError as error:
            self._temporary.cleanup()
            raise _not_started(error) from error
        self._reader = threading.Thread(target=self._read, name="layouts, replies", daemon=True)
        self._reader.start()

    @property
    def id(self) -> int:
        """Of the process."""
        return self._popen.pid

    @property
    def alive(self) -> bool:
        """Whether it can be told anything."""
        return self._popen.poll() is None

    def say(self, **what: Any) -> None:
        """One line. To one that has ended it is not said: that will be heard."""
        assert self._popen.stdin is not None  # noqa: S101 - for the type checker; Popen was given a pipe
        with contextlib.suppress(OSError, ValueError):
            self._popen.stdin.write(json.dumps(what) + "\n")
            self._popen.stdin.flush()

    def end(self) -> None:
        """End it, whatever it is at. A second time without effect."""
        self._popen.kill()
        self._popen.wait()
        self._reader.join()
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._temporary.cleanup()

    def why_it_ended(self) -> str:
        """For people and the log: its last words, or the signal that ended it."""
        status = self._popen.wait()
        with contextlib.suppress(OSError):
            words = self._log.read_bytes()[-_LAST_BYTES:].decode("utf-8", errors="replace").split("\n")
            last = next((word.strip() for word in reversed(words) if word.strip()), "")
            if last and status > 0:
                return last[:300]
        return f"signal {-status}" if status < 0 else f"status {status}"

    def _read(self) -> None:
        assert self._popen.stdout is not None  # noqa: S101 - for the type checker; Popen was given a pipe
        for line in self._popen.stdout:
            with contextlib.suppress(ValueError):  # half a line, of one that was ended
                self._hears(self, json.loads(line))
        self._hears(self, None)


def _not_started(error: OSError) -> PlaygroundError:
    return PlaygroundError(
        f"The process for layouts could not be started: {error.strerror or error}.",
        "Try again when this machine has less to do and room for temporary files; PCA needs no process of its own.",
        side=Side.HERE,
    )


def _sweep() -> None:
    """Take away the folders of apps that were ended before they could do it."""
    with contextlib.suppress(OSError):
        for folder in Path(gettempdir()).glob(f"{_PREFIX}*"):
            found = folder.lstat()
            ours = os.name != "posix" or found.st_uid == os.getuid()
            if ours and stat.S_ISDIR(found.st_mode) and time.time() - found.st_mtime > _OLD_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Compiled:
    """Where numba keeps what it compiles for LocalMAP, so that those 5 seconds are spent once."""

    folder: Path | None
    """One of ours; None where that is beside the code itself."""
    _kept: Path

    @property
    def there(self) -> bool:
        """Whether it was compiled already, as the code is now: numba leaves there what it made of earlier code."""
        try:
            return all(
                any(
                    made.stat().st_mtime >= source.stat().st_mtime
                    for made in self._kept.glob(f"**/{source.stem}.{last}-*.nbi")
                )
                for source, last in _COMPILED_LAST.items()
            )
        except OSError:  # somebody tidies there
            return False

    @property
    def environment(self) -> dict[str, str]:
        """What says so to numba."""
        return {"NUMBA_CACHE_DIR": str(self.folder)} if self.folder else {}


def compiled(state: Path | None) -> Compiled | None:
    """Beside the loops themselves, or else in *state*; None where neither can be written.

    numba runs what it finds there, so *state* is used only where nobody else may write.
    """
    beside = Path(__file__).parent
    if os.access(beside, os.W_OK):
        return Compiled(None, beside / "__pycache__")
    if state is None:
        return None
    place = state / "numba"
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        now = place.stat()
    except OSError:
        return None
    ours = os.name != "posix" or (now.st_uid == os.getuid() and not now.st_mode & 0o022)
    return Compiled(place, place) if ours and os.access(place, os.W_OK) else None
