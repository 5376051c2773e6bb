"""The portable engine: CPython in WebAssembly (eryx), in a helper process. For machines whose kernel cannot confine code.

Never in this process: a few lines of hostile code overflow the WebAssembly stack, which ends the process they run in.
"""

import contextlib
import importlib.util
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from services.sandbox import messages
from services.sandbox.messages import failed
from services.sandbox.records import EngineUnavailable, Hook, Layer, Limits, Result, Status
from services.settings import bare_environment

HOST = Path(__file__).with_name("inside") / "webassembly_host.py"
READY_SECONDS = 60.0
"""What a start may take: the first one unpacks an interpreter of 45 MB."""
GRACE_SECONDS = 1.0
"""Beyond a run's own limit, before the helper is ended from outside."""
WAIT_SECONDS = 10.0
"""What a run may wait for those before it: the helper does one at a time."""
BEGIN_SECONDS = 5.0
"""What a helper that is ready may take to read a job."""
LIMITS = struct.Struct(">dQQ")
READY, BEGUN, REPLY, TIMEOUT, MEMORY = b"+", b"B", b"R", b"T", b"M"
"""What its frames begin with, as services/sandbox/inside/webassembly_host.py has it. Any other: its interpreter died."""
LAYERS = (
    Layer(
        "WebAssembly", True, True, "The code's Python has memory of its own, and no file, network or process at all."
    ),
    Layer(
        "A process of its own",
        True,
        True,
        "What ends that Python does not end the app. It has none of the app's environment, files or connections.",
    ),
    Layer(
        "Limits", True, True, "Memory and time are limited inside; a second later the process is ended from outside."
    ),
    Layer("One Python a call", True, True, "Nothing that one call changes is there for the next."),
)

NOT_STARTED = failed(Status.UNAVAILABLE, "SandboxError", "Python in WebAssembly did not start.")


class WebAssemblyEngine:
    """One helper, one run at a time. A helper that died or had to be ended is followed by the next one at once."""

    name = "webassembly"

    def __init__(self, python: Path | None = None, *, any_import: bool = False) -> None:
        """*python* is an interpreter that has requirements-webassembly.txt; without one, this process's own.

        *any_import* leaves the friendly import list out, for tests of the walls behind it.
        """
        self._python = python
        self._any_import = any_import
        self._turn = threading.Lock()
        self._folder: Path | None = None
        self._helper: _Helper | None = None

    def start(self) -> tuple[Layer, ...]:
        """Begin, and say which layers stand. Raises EngineUnavailable."""
        if self._python is None and importlib.util.find_spec("eryx") is None:
            raise EngineUnavailable("Python in WebAssembly (requirements-webassembly.txt) is not installed here.")
        with self._turn:
            try:
                self._begun().wait_until_ready()
            except (_HelperDied, OSError) as problem:
                self._drop()
                python = self._python or sys.executable
                raise EngineUnavailable(f"Python in WebAssembly does not start with {python}.") from problem
        return LAYERS

    def run(self, source: str, hook: Hook, argument: Any, limits: Limits) -> Result:
        """Run *hook* of *source* once. Never raises for what the code does."""
        try:
            job = messages.job(source, hook, argument, limits, any_import=self._any_import)
        except messages.NotAJob as problem:
            return failed(Status.REJECTED, "ArgumentError", str(problem))
        if not self._turn.acquire(timeout=WAIT_SECONDS):
            return failed(Status.BUSY, "Busy", "other transforms run")
        try:
            # a second time where the helper was dead before it could begin
            return self._attempt(job, hook, limits) or self._attempt(job, hook, limits) or NOT_STARTED
        finally:
            self._turn.release()

    def close(self) -> None:
        """End the helper and remove its folder."""
        with self._turn:
            self._drop()

    def _attempt(self, job: bytes, hook: Hook, limits: Limits) -> Result | None:
        """The run; None where nothing was begun."""
        most = messages.most_bytes(limits)
        try:
            helper = self._begun()
            helper.wait_until_ready()
            helper.give(LIMITS.pack(limits.wall_seconds, limits.memory_bytes, most) + job)
        except (_HelperDied, OSError):
            self._replace()
            return None
        began = time.monotonic()
        try:
            answer = helper.answer(limits.wall_seconds + GRACE_SECONDS, most)
        except _HelperDied:
            self._replace()
            answer = TIMEOUT if time.monotonic() - began >= limits.wall_seconds else b""
        seconds = time.monotonic() - began
        if answer.startswith(REPLY):
            return messages.reply(answer[1:], hook, seconds)
        if answer.startswith(TIMEOUT):
            return failed(
                Status.TIMEOUT, "Timeout", f"it ran longer than {limits.wall_seconds:g} s", limits.wall_seconds
            )
        if answer.startswith(MEMORY):
            return failed(Status.MEMORY, "MemoryError", "it needs more memory than a transform may have", seconds)
        return failed(Status.CRASHED, "Crashed", "its Python gave up", seconds)

    def _begun(self) -> "_Helper":
        """The helper, which may not be ready yet. Raises OSError where there is no such interpreter."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="brickyard-webassembly-"))  # 0700: it gets native code
        if self._helper is not None and not self._helper.lives:
            self._helper.end()
            self._helper = None
        if self._helper is None:
            self._helper = _Helper(self._python or Path(sys.executable), self._folder)
        return self._helper

    def _replace(self) -> None:
        """Have the next helper begin while nobody waits for it."""
        if self._helper is not None:
            self._helper.end()
            self._helper = None
        with contextlib.suppress(OSError):
            self._begun()

    def _drop(self) -> None:
        if self._helper is not None:
            self._helper.end()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._helper = self._folder = None


class _HelperDied(Exception):
    """It ended, or was ended, before it had answered."""


class _Helper:
    """One helper process. One thread uses it at a time."""

    def __init__(self, python: Path, folder: Path) -> None:
        """Raises OSError where *python* cannot be run."""
        self._process = subprocess.Popen(
            [str(python), "-I", "-B", "-X", "utf8", str(HOST), str(folder)],
            cwd=folder,
            env=bare_environment() | {"TMPDIR": str(folder), "TMP": str(folder), "TEMP": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._ready = False
        self._ended = False

    @property
    def lives(self) -> bool:
        """Whether it can be asked."""
        return not self._ended and self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Raises _HelperDied."""
        if not self._ready:
            self._ready = self._within(READY_SECONDS, b"", 1) == READY
        if not self._ready:
            raise _HelperDied

    def give(self, job: bytes) -> None:
        """Have it begin with *job*. Raises _HelperDied."""
        if self._within(BEGIN_SECONDS, struct.pack(">I", len(job)) + job, 1) != BEGUN:
            raise _HelperDied

    def answer(self, seconds: float, most: int) -> bytes:
        """What came of the job. Raises _HelperDied, also when it had to be ended after *seconds*."""
        return self._within(seconds, b"", most + 1)

    def end(self) -> None:
        """End it, and wait until it has ended."""
        self._kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None  # noqa: S101 — for the type checker; Popen was told to make them
            with contextlib.suppress(OSError):  # what could not be written is written again when it is closed
                pipe.close()

    def _within(self, seconds: float, sent: bytes, most: int) -> bytes:
        # Ending the process is what ends a blocked read or write of its pipes, on every platform.
        watch = threading.Timer(seconds, self._kill)
        watch.start()
        try:
            return self._exchange(sent, most)
        except OSError:
            raise _HelperDied from None
        finally:
            watch.cancel()
            watch.join()  # so that nobody is given a helper that is about to be ended

    def _kill(self) -> None:
        self._ended = True
        self._process.kill()

    def _exchange(self, sent: bytes, most: int) -> bytes:
        jobs, answers = self._process.stdin, self._process.stdout
        assert jobs is not None  # noqa: S101 — for the type checker
        assert answers is not None  # noqa: S101
        if sent:
            jobs.write(sent)
            jobs.flush()
        length = answers.read(4)
        size = struct.unpack(">I", length)[0] if len(length) == 4 else 0
        body = answers.read(size) if 0 < size <= most else b""
        if not body or len(body) < size:
            raise _HelperDied
        return body
