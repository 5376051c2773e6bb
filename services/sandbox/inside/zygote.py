"""The process that every transform is forked from: it has the modules a transform may use, and nothing else.

Started as ``python -I -S -B -X utf8 -c START DESCRIPTOR MODULE...`` in this folder with an empty environment, by
``native.py``, which is at the other end of that descriptor: a SOCK_SEQPACKET socket. First it sends how its walls stand. Then
each message on it is one run: LIMITS, with two descriptors. The first is the child's, who reads a job from it and writes its
outcome. The second is the leash: what is written to it, or its end, ends the child; then the child's wait status comes back on
it. The socket's end is the zygote's.
"""

import contextlib
import gc
import importlib
import io
import json
import os
import resource
import select
import signal
import socket
import sys
import zoneinfo
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING or __name__ != "__main__":
    from services.sandbox.inside import confine, runner
    from services.sandbox.inside.frames import LENGTH, LIMITS, NOT_CONFINED, STANDS, STATUS
else:  # alone here, and not by import: a transform that looks at its frames must not learn where the app's files are
    for _name in ("frames", "confine", "runner"):
        _module = sys.modules[_name] = ModuleType(_name)
        exec(compile(Path(f"{_name}.py").read_text("utf-8"), f"{_name}.py", "exec"), vars(_module))  # noqa: S102 - our own
    import confine
    import runner
    from frames import LENGTH, LIMITS, NOT_CONFINED, STANDS, STATUS

CHANNEL = 3
"""A child's only descriptor beside 0, 1 and 2, which are /dev/null."""
NICENESS = 5
_BROKEN = 70
_TIME_ZONE_BYTES = 200_000


def main() -> None:
    """Serve until the socket ends."""
    control = socket.socket(fileno=int(sys.argv[1]))
    _be_the_first_to_go()
    runner.preload(sys.argv[2:])
    _keep_time_zones()
    os.chdir("/")
    sys.path[:] = []
    sys.path_importer_cache.clear()
    confine_child = confine.seccomp(CHANNEL)
    walls = {
        "no_new_privileges": confine.no_new_privileges(),
        "landlock": confine.landlock(),
        "hidden": confine.hide_memory(),
        "seccomp": _tried(confine_child),
    }
    gc.collect()
    gc.freeze()  # what is here is shared by the children until a collection would write to it
    control.send(json.dumps(walls).encode())
    _serve(control, confine_child)


def _be_the_first_to_go() -> None:
    """Where the machine's memory ends, the kernel ends a transform, and not the app, which may be larger. Children inherit it."""
    with contextlib.suppress(OSError):  # not every kernel offers it
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")


def _tried(confine_child: Callable[[], str]) -> str:
    """Whether a child can be confined, from one that is made for it."""
    child = os.fork()
    if child == 0:
        os._exit(0 if confine_child() == STANDS else NOT_CONFINED)
    _, status = os.waitpid(child, 0)
    return STANDS if status == 0 else "the kernel takes no filter of system calls"


def _serve(control: socket.socket, confine_child: Callable[[], str]) -> None:
    children: dict[int, tuple[int, socket.socket]] = {}
    poll = select.poll()
    poll.register(control, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == control.fileno():
                message, passed, _, _ = socket.recv_fds(control, LIMITS.size, 2)
                if len(passed) < 2:
                    os._exit(0)  # the app has gone; the kernel ends the children
                leash = socket.socket(fileno=passed[1])
                try:
                    child = _fork(message, passed[0], confine_child)
                except OSError:  # no memory for one: the app hears of the channel's end
                    leash.close()
                    continue
                finally:
                    os.close(passed[0])
                children[leash.fileno()] = child, leash
                poll.register(leash, select.POLLIN)
            else:
                poll.unregister(descriptor)
                _end(*children.pop(descriptor))


def _end(child: int, leash: socket.socket) -> None:
    """Only here are children reaped, so that *child* is still this child."""
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(OSError):  # nobody asked: the outcome had come
        leash.send(STATUS.pack(status), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
    leash.close()


def _fork(message: bytes, channel: int, confine_child: Callable[[], str]) -> int:
    zygote = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        _be_child(zygote, message, channel, confine_child)
    finally:
        os._exit(_BROKEN)


def _be_child(zygote: int, message: bytes, channel: int, confine_child: Callable[[], str]) -> None:
    confine.die_with_parent(signal.SIGKILL)
    if os.getppid() != zygote:
        return  # it ended before that was asked for
    os.nice(NICENESS)
    if channel != CHANNEL:
        os.dup2(channel, CHANNEL)
    os.closerange(CHANNEL + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    _limit(*LIMITS.unpack(message))
    if confine_child() != STANDS:
        os._exit(NOT_CONFINED)
    job = json.loads(b"".join(_read(*LENGTH.unpack(b"".join(_read(LENGTH.size))))))
    runner.execute(job, _reply)
    os._exit(0)


def _limit(cpu_seconds: int, memory_bytes: int) -> None:
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_NOFILE, CHANNEL + 1),
        (resource.RLIMIT_AS, memory_bytes),
    ):
        resource.setrlimit(limit, (value, value))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))  # SIGXCPU can be ignored, the second not


def _read(length: int) -> Iterator[bytes]:
    while length:
        part = os.read(CHANNEL, min(length, 1 << 20))
        if not part:
            os._exit(_BROKEN)
        length -= len(part)
        yield part


def _reply(outcome: bytes, write: Callable[[int, memoryview], int] = os.write) -> None:
    rest = memoryview(LENGTH.pack(len(outcome)) + outcome)
    while rest:
        rest = rest[write(CHANNEL, rest) :]


def _keep_time_zones() -> None:
    """Read the time zones: no file can be opened later, and zoneinfo reads one for each."""
    zones: dict[str, bytes] = {}
    for base in map(Path, zoneinfo.TZPATH):
        for path in base.rglob("*"):
            name = path.relative_to(base).as_posix()
            if name not in zones and not name.startswith(("posix/", "right/")) and path.is_file():
                data = path.read_bytes()[:_TIME_ZONE_BYTES]
                if data.startswith(b"TZif"):
                    zones[name] = data
    common = importlib.import_module("zoneinfo._common")

    def load(name: str) -> io.BytesIO:
        if name not in zones:
            raise zoneinfo.ZoneInfoNotFoundError(f"No time zone found with key {name}")
        return io.BytesIO(zones[name])

    common.load_tzdata = load  # type: ignore[attr-defined] # where both implementations of ZoneInfo look
    zoneinfo.reset_tzpath(to=[])
    zoneinfo.available_timezones = lambda: set(zones)


if __name__ == "__main__":
    main()
