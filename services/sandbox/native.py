"""The native engine: on Linux, one process a run, forked from a zygote that has no secret and confined by the kernel.

A run costs one message and two socket pairs. Of what a child writes nothing is evaluated, unpickled or believed.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.sandbox import messages
from services.sandbox.inside import confine
from services.sandbox.inside.frames import LENGTH, LIMITS, NOT_CONFINED, STANDS, STATUS
from services.sandbox.messages import failed
from services.sandbox.records import EngineUnavailable, Hook, Layer, Limits, Result, Status

INSIDE = Path(__file__).with_name("inside")
START = 'exec(compile(open("zygote.py", encoding="utf-8").read(), "zygote.py", "exec"))'
"""Runs the zygote in its folder without telling it, and so any transform, where that is."""
START_SECONDS = 15.0
"""What a start may take on a machine with much else to do; alone it takes a third of a second."""
END_SECONDS = 2.0
"""What the zygote may take to end a child."""


@dataclass(frozen=True)
class _Zygote:
    process: "subprocess.Popen[bytes]"
    control: socket.socket
    walls: dict[str, str]

    def end(self) -> None:
        """End it; the kernel ends its children."""
        self.control.close()
        self.process.kill()
        self.process.wait()


class NativeEngine:
    """One zygote; one that died is followed by the next when it is needed."""

    name = "native"

    def __init__(self, *, any_import: bool = False, modules: Sequence[str] = ()) -> None:
        """*any_import* leaves the friendly import list out and *modules* are there beside it: to test the walls behind it."""
        self._any_import = any_import
        self._modules = modules
        self._starting = threading.Lock()
        self._zygote: _Zygote | None = None

    def start(self) -> tuple[Layer, ...]:
        """Begin, and say which layers stand. From then on no process of the same user can look into this one either.

        Raises EngineUnavailable.
        """
        hidden = confine.hide_memory()
        return _layers(self._running().walls, hidden)

    def run(self, source: str, hook: Hook, argument: Any, limits: Limits) -> Result:
        """Run *hook* of *source* once. Never raises for what the code does."""
        try:
            job = messages.job(source, hook, argument, limits, any_import=self._any_import)
        except messages.NotAJob as problem:
            return failed(Status.REJECTED, "ArgumentError", str(problem))
        try:
            # a second time where the zygote has died; the first left no trace, if it ran at all
            result = self._attempt(job, hook, limits) or self._attempt(job, hook, limits)
        except EngineUnavailable as problem:
            return failed(Status.UNAVAILABLE, "SandboxError", str(problem))
        except OSError as problem:
            return failed(Status.BUSY, "Busy", f"this machine has no room for another run: {problem.strerror}")
        return result or failed(Status.CRASHED, "SandboxError", "the sandbox's own process ended")

    def close(self) -> None:
        """End the zygote and its children."""
        with self._starting:
            zygote, self._zygote = self._zygote, None
        if zygote is not None:
            zygote.end()

    def _running(self) -> _Zygote:
        with self._starting:
            if self._zygote is not None and self._zygote.process.poll() is not None:
                self._zygote.end()
                self._zygote = None
            if self._zygote is None:
                self._zygote = _begin(self._modules)
            return self._zygote

    def _replace(self, zygote: _Zygote) -> None:
        """End one that does not answer, unless another thread has done so."""
        with self._starting:
            if self._zygote is not zygote:
                return
            self._zygote = None
        zygote.end()

    def _attempt(self, job: bytes, hook: Hook, limits: Limits) -> Result | None:
        """The run; None where the zygote is no more. Raises EngineUnavailable."""
        zygote = self._running()
        began = time.monotonic()
        with contextlib.ExitStack() as stack:
            pairs = [socket.socketpair(), socket.socketpair()]
            (channel, channels_end), (leash, leashs_end) = pairs
            for end in (channel, channels_end, leash, leashs_end):
                stack.enter_context(end)
            try:
                asked = LIMITS.pack(limits.cpu_seconds, limits.memory_bytes)
                socket.send_fds(zygote.control, [asked], [channels_end.fileno(), leashs_end.fileno()])
            except OSError:
                self._replace(zygote)
                return None
            channels_end.close()
            leashs_end.close()
            try:
                data = _exchange(channel, job, began + limits.wall_seconds, messages.most_bytes(limits))
                return messages.reply(data, hook, time.monotonic() - began)
            except messages.NotAReply as problem:
                return failed(Status.REJECTED, "ReturnValueError", str(problem), time.monotonic() - began)
            except TimeoutError:
                if _wait_status(leash) is None:
                    self._replace(zygote)
                return _timed_out(limits.wall_seconds)
            except (EOFError, OSError):
                status = _wait_status(leash)
            if status is None:
                self._replace(zygote)
                return None
            return _ended(status, time.monotonic() - began, limits)


def _begin(modules: Sequence[str]) -> _Zygote:
    """Start a zygote and hear how its walls stand. Raises EngineUnavailable."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    python = getattr(sys, "_base_executable", None) or sys.executable  # not a venv's: it has no packages to offer
    arguments = [python, "-I", "-S", "-B", "-X", "utf8", "-c", START, str(theirs.fileno()), *modules]
    with theirs:
        try:
            process = subprocess.Popen(
                arguments,
                env={"LC_ALL": "C.UTF-8"},
                cwd=INSIDE,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        except OSError as problem:
            ours.close()
            raise EngineUnavailable(f"The sandbox's process does not start: {problem.strerror}.") from problem
    ours.settimeout(START_SECONDS)
    try:
        walls = json.loads(ours.recv(4096))
    except (OSError, ValueError) as problem:
        _Zygote(process, ours, {}).end()
        raise EngineUnavailable("The sandbox's process ended, or did not answer, when it was started.") from problem
    return _Zygote(process, ours, walls)


def _layers(walls: dict[str, str], hidden: str) -> tuple[Layer, ...]:
    def layer(name: str, outcome: str, says: str, *, required: bool = False) -> Layer:
        stands = outcome == STANDS
        return Layer(name, stands, required, says if stands else f"This system does not offer it: {outcome}.")

    return (
        layer(
            "A process a run", STANDS, "Ends with the run. It has no environment, file or connection.", required=True
        ),
        layer(
            "System calls (seccomp)",
            walls["seccomp"],
            "Code can compute and answer: it can open nothing, connect to nothing, start nothing and signal nothing.",
            required=True,
        ),
        layer(
            "No new privileges", walls["no_new_privileges"], "No program gives it another user's rights.", required=True
        ),
        layer("Files (Landlock)", walls["landlock"], "The kernel refuses every file a second time."),
        layer(
            "Hidden memory", hidden or walls["hidden"], "No process of the same user can look into this app's memory."
        ),
        layer("Limits", STANDS, "Time, memory, output and what comes back are limited.", required=True),
    )


def _exchange(channel: socket.socket, job: bytes, deadline: float, most: int) -> bytes:
    """The outcome of *job*. Raises TimeoutError, EOFError or OSError where none comes, NotAReply where it is too long."""
    channel.settimeout(_left(deadline))
    channel.sendall(LENGTH.pack(len(job)) + job)
    (length,) = LENGTH.unpack(_receive(channel, LENGTH.size, deadline))
    if length > most:
        raise messages.NotAReply("its answer is too large")
    return _receive(channel, length, deadline)


def _receive(channel: socket.socket, length: int, deadline: float) -> bytes:
    received = bytearray()
    while len(received) < length:
        channel.settimeout(_left(deadline))
        part = channel.recv(min(length - len(received), 1 << 20))
        if not part:
            raise EOFError
        received += part
    return bytes(received)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _wait_status(leash: socket.socket) -> int | None:
    """End the child, if it has not ended, and hear how it ended; None where nobody answers."""
    try:
        leash.shutdown(socket.SHUT_WR)
        status: int = STATUS.unpack(_receive(leash, STATUS.size, time.monotonic() + END_SECONDS))[0]
    except (OSError, EOFError):
        return None
    return status


def _timed_out(limit: float, of: str = "") -> Result:
    """*limit*, in seconds: what the clock shows when the child has been ended says nothing of the code."""
    return failed(Status.TIMEOUT, "Timeout", f"it ran longer than {limit:g} s{of}", limit)


def _ended(status: int, seconds: float, limits: Limits) -> Result:
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGXCPU:
        return _timed_out(limits.cpu_seconds, " of processor time")
    if code == NOT_CONFINED:
        return failed(Status.UNAVAILABLE, "SandboxError", "The kernel did not confine a process.")
    if code == -signal.SIGSYS:
        return failed(Status.CRASHED, "Crashed", "it made a system call that no transform needs", seconds)
    how = f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
    return failed(Status.CRASHED, "Crashed", how, seconds)
