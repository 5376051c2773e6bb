"""What an attack would like to reach, and whether it did: secrets, listeners, a folder, another process, other people's runs."""

import copy
import ctypes
import json
import os
import re
import secrets
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil

from services.sandbox import Hook, Limits, Result, Status

HERE = Path(__file__).parent
ATTACKS = {attack["id"]: attack for attack in json.loads((HERE / "attacks" / "index.json").read_text())}
HOOKS = {"input": Hook.INPUT, "output": Hook.OUTPUT, "load": Hook.LOAD}
GRACE_SECONDS = 0.5
LEFT_OVER_SECONDS = 1.0
MOST_GROWTH = 64 << 20
NEXT_PERSONS = """
import json, re
def transform_input(**request):
    return {"sum": sum(request["numbers"]), "sorted": sorted(request["numbers"]), "length": len(request["text"]),
            "words": re.findall("[a-z]+", request["text"]), "json": json.loads(json.dumps(request)), "upper": str.upper("é")}
"""
NEXT_GIVEN = {"numbers": [3, 1, 2], "text": "it is me"}
NEXT_EXPECTED = {
    "sum": 6, "sorted": [1, 2, 3], "length": 8, "words": ["it", "is", "me"], "json": NEXT_GIVEN, "upper": "É",
}  # fmt: skip

OK, ERROR, REJECTED, TIMEOUT = Status.OK, Status.ERROR, Status.REJECTED, Status.TIMEOUT
MEMORY, CRASHED = Status.MEMORY, Status.CRASHED
ENDS = {
    "timeout": {TIMEOUT},
    "memory": {MEMORY, CRASHED},
    "timeout-or-memory": {TIMEOUT, MEMORY, CRASHED},
    "timeout-or-truncated": {TIMEOUT, OK, ERROR},
    "timeout-or-error": {TIMEOUT, ERROR, MEMORY},
    "timeout-or-rejected": {TIMEOUT, REJECTED, OK},
    "error": {ERROR, REJECTED, CRASHED},
    "error-or-timeout": {ERROR, TIMEOUT},
    "error-truncated": {ERROR, MEMORY},
    "rejected-result": {REJECTED},
    "plain-or-rejected": {REJECTED, OK},
}
"""How an attack of a class may end; of a class that is not here, in any way."""
ALSO_ENDS = {"R09_return_giant": {MEMORY, ERROR}}


class Stage:
    """This process as an app with secrets. Close it."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.canaries = [f"CANARY-{kind}-{secrets.token_hex(8)}" for kind in ("ENV", "GLOBAL", "HEAP", "FILE")]
        os.environ["CANARY"] = self.canaries[0]
        ctypes.CDLL(None).setenv(b"CANARY", self.canaries[0].encode(), 1)
        globals()["A_CANARY"] = self.canaries[1]
        self.heap = {"token": self.canaries[2]}
        self._stack = ExitStack()
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self.shared = folder / "shared"
        self.shared.mkdir()
        secret = folder / "secret"
        secret.touch(0o600)
        secret.write_text(self.canaries[3])
        tcp = self._stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = self._stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        unix = self._stack.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(str(folder / "socket"))
        unix.listen()
        self.listeners = [tcp, udp, unix]
        for listener in self.listeners:
            listener.setblocking(False)
        self.victim = subprocess.Popen(["sleep", "600"], cwd="/")
        self._stack.callback(self.victim.wait)
        self._stack.callback(self.victim.kill)
        self.probe = {
            "host_pid": os.getpid(),
            "victim_pid": self.victim.pid,
            "port": tcp.getsockname()[1],
            "udp_port": udp.getsockname()[1],
            "unix_socket": str(folder / "socket"),
            "secret_file": str(secret),
            "shared_dir": str(self.shared),
        }
        self._next_person()
        self.here = self._processes()
        self.memory = psutil.Process().memory_info().rss
        self.files_here = self._files()

    def close(self) -> None:
        self._stack.close()

    def attack(self, name: str, limits: Limits) -> tuple[Result, list[str]]:
        """Run one; what it did that it should not have."""
        attack = ATTACKS[name]
        source = (HERE / "attacks" / f"{name}.py").read_text()
        message = {"role": "user", "content": "hello"}
        given = {"model": "m", "messages": [message], "choices": [{"message": message}], "probe": self.probe}
        before = copy.deepcopy(given)
        for _ in range(3):  # a busy machine is no failure: late is what is late each time
            began = time.monotonic()
            result = self.engine.run(source, HOOKS[attack["hook"]], given, limits)
            late = time.monotonic() - began > limits.wall_seconds + GRACE_SECONDS
            too_slow = result.status is TIMEOUT and TIMEOUT not in ENDS.get(attack["expect"], set(Status))
            if not (late or too_slow):
                break
        problems = [*self._by_class(name, attack["expect"], result), *self._leaks(result), *self._traces()]
        return result, problems + ["late"] * late + ["the caller's request changed"] * (given != before)

    def _by_class(self, name: str, expect: str, result: Result) -> list[str]:
        problems = []
        allowed = ENDS.get(expect, set(Status)) | ALSO_ENDS.get(name, set())
        if result.status not in allowed:
            problems.append(f"it ended with {result.status.value}: {result.fault}")
        if expect == "timeout-or-truncated" and result.status is not TIMEOUT and not result.printed_lost:
            problems.append("its output was not cut")
        if expect == "no-syscall" and result.status is OK:
            problems += [
                f"{call} returned {got}" for call, (got, _) in result.value.get("syscalls", {}).items() if got != -1
            ]
        if expect == "rejected-result" and not (result.fault and result.fault.message):
            problems.append("it does not say what is wrong")
        if expect == "inert-text" and re.search("[\x00-\x08\x0b-\x1f\x7f]", result.printed):
            problems.append("control characters came through")
        fault = result.fault
        if fault and (len(fault.message) > 2000 or len(fault.frames) > 20):
            problems.append("its error is too long")
        return problems

    def _leaks(self, result: Result) -> list[str]:
        said = repr(result)
        found = [text for text in (*self.canaries, "root:x:", str(HERE.parents[2]), "inside/") if text in said]
        try:
            json.dumps(result.value, ensure_ascii=False, allow_nan=False).encode()
        except ValueError as error:
            found.append(str(error))
        return [f"it gave {text}" for text in found]

    def _traces(self) -> list[str]:
        problems = [f"{listener} was reached" for listener in self.listeners if self._heard(listener)]
        problems += [f"it wrote {path}" for path in self._files() - self.files_here]
        if self.victim.poll() is not None:
            problems.append("another process was ended")
        began = time.monotonic()
        if self._next_person() > 2:
            problems.append("the next person had to wait")
        while left := self._processes() - self.here:
            if time.monotonic() - began > LEFT_OVER_SECONDS:
                problems.append(f"processes were left: {left}")
                break
        if psutil.Process().memory_info().rss - self.memory > MOST_GROWTH:
            problems.append("the app grew")
        return problems

    def _next_person(self) -> float:
        """The seconds that their run took."""
        began = time.monotonic()
        result = self.engine.run(NEXT_PERSONS, Hook.INPUT, NEXT_GIVEN, Limits(wall_seconds=10))
        assert (result.status, result.value) == (OK, NEXT_EXPECTED), result
        return time.monotonic() - began

    def _files(self) -> set[Path]:
        shared_memory = {path for path in Path("/dev/shm").iterdir() if str(os.getpid()) in path.name}
        return {
            *self.shared.iterdir(),
            *shared_memory,
            *(path for path in [Path("sbx_fill"), Path("/sbx_fill")] if path.exists()),
        }

    @staticmethod
    def _processes() -> set[int]:
        """This process's, and those of the zygote's session, wherever they hang now."""
        ours = {child.pid for child in psutil.Process().children(recursive=True)}
        sessions = set(filter(None, map(_session, ours))) - {os.getsid(0)}
        return ours | {pid for pid in psutil.pids() if _session(pid) in sessions}

    @staticmethod
    def _heard(listener: socket.socket) -> bool:
        try:
            if listener.type == socket.SOCK_DGRAM:
                return bool(listener.recv(1))
            listener.accept()[0].close()
        except BlockingIOError:
            return False
        return True


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None
