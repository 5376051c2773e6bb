"""The native engine's processes: they end when they should, leave nothing, and without the required walls nothing runs."""

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

from services.sandbox import Hook, Limits, Sandbox, Status
from services.sandbox.native import NativeEngine
from tests.local_workspaces import eventually

ROOT = Path(__file__).parents[3]
IDENTITY = "def transform_input(**request):\n    return request\n"
LOOP = "def transform_input(**request):\n    while True:\n        pass\n"


def zygote_of(engine: NativeEngine) -> psutil.Process:
    """Told by the engine itself: other tests' sandboxes may start and end in this process meanwhile."""
    return psutil.Process(engine._running().process.pid)


def is_gone(process: psutil.Process) -> bool:
    """A zombie has gone; nobody may be there to reap it."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def unix_sockets() -> set[tuple[int, int]]:
    """Their descriptors and what each is: an engine opens no other, and one that another test closes hides no leak.

    Found without /proc/self/fd: a process that hides its memory hides that too.
    """
    found = set()
    for descriptor in range(512):
        try:
            status = os.fstat(descriptor)
            if stat.S_ISSOCK(status.st_mode):
                looked_at = socket.socket(fileno=descriptor)
                looked_at.detach()
                if looked_at.family == socket.AF_UNIX:
                    found.add((descriptor, status.st_ino))
        except OSError:  # it is closed
            pass
    return found


def test_two_hundred_runs_leave_neither_descriptors_nor_processes_nor_memory():
    engine = NativeEngine()
    sandbox = Sandbox(engine)
    assert sandbox.run(IDENTITY, Hook.INPUT, {"a": 1}).status is Status.OK
    zygote = zygote_of(engine)
    assert Path(f"/proc/{zygote.pid}/oom_score_adj").read_text() == "1000\n"  # it goes before the app where memory ends
    open_now, memory = unix_sockets(), psutil.Process().memory_info().rss
    for number in range(200):
        assert sandbox.run(IDENTITY, Hook.INPUT, {"a": number}).value == {"a": number}
    assert not unix_sockets() - open_now
    assert psutil.Process().memory_info().rss - memory < 16 << 20
    assert zygote.memory_info().rss < 40 << 20
    eventually(lambda: not zygote.children())
    sandbox.close()
    assert is_gone(zygote)
    assert unix_sockets() < open_now


def test_a_run_that_does_not_end_is_ended_in_time_and_says_so():
    sandbox = Sandbox(NativeEngine())
    assert sandbox.state.available
    try:
        began = time.monotonic()
        result = sandbox.run(LOOP, Hook.INPUT, {}, limits=Limits(wall_seconds=0.5))
        assert (
            0.5 <= time.monotonic() - began < 10
        )  # a busy machine is no failure; for want of an end it would be never
        assert (result.status, result.seconds, result.fault.message) == (
            Status.TIMEOUT,
            0.5,
            "it ran longer than 0.5 s",
        )
        processor = sandbox.run(LOOP, Hook.INPUT, {}, limits=Limits(wall_seconds=60, cpu_seconds=1))
        assert (processor.status, processor.seconds) == (Status.TIMEOUT, 1)
        assert processor.fault.message == "it ran longer than 1 s of processor time"
    finally:
        sandbox.close()


def test_a_zygote_that_is_killed_is_followed_by_another():
    engine = NativeEngine()
    sandbox = Sandbox(engine)
    assert sandbox.state.available
    try:
        zygote = zygote_of(engine)
        zygote.kill()
        assert sandbox.run(IDENTITY, Hook.INPUT, {"a": 1}).value == {"a": 1}
        another = zygote_of(engine)
        assert another != zygote
        results = []
        runs = [
            threading.Thread(target=lambda: results.append(sandbox.run(LOOP, Hook.INPUT, {}, user="me")))
            for _ in range(2)
        ]
        for run in runs:
            run.start()
        eventually(lambda: len(another.children()) == 2)
        children = another.children()
        another.kill()
        for run in runs:
            run.join()
        assert {result.status for result in results} <= {Status.CRASHED, Status.TIMEOUT}
        eventually(lambda: all(map(is_gone, children)), timeout=2.0)
        assert sandbox.run(IDENTITY, Hook.INPUT, {"a": 1}).value == {"a": 1}
    finally:
        sandbox.close()


def test_an_app_that_is_killed_takes_everything_with_it():
    script = (
        "import os, threading, time\nfrom services.sandbox import Hook, Limits, Sandbox\n"
        "from services.sandbox.native import NativeEngine\nsandbox = Sandbox(NativeEngine())\n"
        "limits = Limits(wall_seconds=60, cpu_seconds=60)\nprint(sandbox.state.available, flush=True)\n"
        f"sandbox.run({LOOP!r}, Hook.INPUT, {{}}, limits=limits)\n"
    )
    app = subprocess.Popen([sys.executable, "-B", "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert app.stdout.readline() == "True\n"
        alive = eventually(lambda: len(found := psutil.Process(app.pid).children(recursive=True)) == 2 and found)
    finally:
        app.send_signal(signal.SIGKILL)
        app.wait()
        app.stdout.close()
    eventually(lambda: all(map(is_gone, alive)))  # of the 60 s that its loop may take


def test_a_zygote_outlives_the_thread_that_started_it():
    """Each run of a page's script has a thread of its own."""
    engine = NativeEngine()
    sandbox = Sandbox(engine)
    starter = threading.Thread(target=lambda: sandbox.state)
    starter.start()
    starter.join()
    try:
        zygote = zygote_of(engine)
        assert sandbox.run(IDENTITY, Hook.INPUT, {"a": 1}).value == {"a": 1}
        assert zygote == zygote_of(engine)
    finally:
        sandbox.close()


def test_runs_share_nothing_and_may_be_at_the_same_time(native):
    source = "SEEN = []\ndef transform_input(**request):\n    SEEN.append(request)\n    return {'seen': SEEN}\n"
    results: dict[int, list] = {}
    threads = [
        threading.Thread(
            target=lambda n=n: results.update({n: native.run(source, Hook.INPUT, {"n": n}, user=str(n)).value})
        )
        for n in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {n: {"seen": [{"n": n}]} for n in range(16)}


def test_somebody_who_loops_keeps_nobody_else_waiting(native):
    endless, patient = Limits(wall_seconds=60, cpu_seconds=60), Limits(wall_seconds=20)
    loops = [
        threading.Thread(target=native.run, args=(LOOP, Hook.INPUT, {}), kwargs={"user": f"{n % 3}", "limits": endless})
        for n in range(6)
    ]
    for loop in loops:
        loop.start()
    looping = eventually(lambda: len(found := zygote_of(native._engine).children()) == 6 and found)
    try:
        began = time.monotonic()
        for number in range(6):
            assert native.run(IDENTITY, Hook.INPUT, {"a": number}, user="else", limits=patient).value == {"a": number}
        assert time.monotonic() - began < 20  # some 50 ms on an idle machine; whoever waits for a loop waits for 60 s
        assert all(loop.is_alive() for loop in loops)
    finally:
        for process in looping:
            process.kill()
        for loop in loops:
            loop.join()


def test_without_seccomp_no_code_runs():
    """Neither by way of the sandbox nor past it: a child that is not confined does not even read its job."""
    script = """
import sys, tempfile, pathlib
from tests.services.sandbox import kernel
kernel.give_up_root()
kernel.hide("landlock")
kernel.hide("seccomp")
from services.sandbox import Hook, Limits, Sandbox
from services.sandbox.native import NativeEngine
with tempfile.TemporaryDirectory() as folder:
    marker = pathlib.Path(folder) / "marker"
    source = "def transform_output(path):\\n    open(path, 'w')\\n    return 1\\n"
    engine = NativeEngine(any_import=True)
    sandbox = Sandbox(engine)
    print(sandbox.state.available, "|", sandbox.state.reason)
    print(sandbox.run(source, Hook.OUTPUT, str(marker)).status)
    print([layer.name for layer in engine.start() if not layer.active])
    print(engine.run(source, Hook.OUTPUT, str(marker), Limits()).status)
    print(marker.exists())
    engine.close()
"""
    done = subprocess.run(
        [sys.executable, "-B", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.splitlines() == [
        "False | System calls (seccomp): This system does not offer it: the kernel takes no filter of system calls.",
        "unavailable",
        "['System calls (seccomp)', 'Files (Landlock)']",
        "unavailable",
        "False",
    ], done.stderr


def test_a_process_of_the_same_user_cannot_look_into_the_app():
    """As somebody who is not root: root may look anywhere."""
    script = """
import pathlib, subprocess, sys
from tests.services.sandbox import kernel
kernel.give_up_root()
def look():
    program = "import os; print(len(open(f'/proc/{os.getppid()}/environ').read()) > 0)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    print("PermissionError" if "PermissionError" in done.stderr else done.stdout.strip())
look()
from services.sandbox import Sandbox
from services.sandbox.native import NativeEngine
sandbox = Sandbox(NativeEngine())
print(sandbox.state.available)
look()
sandbox.close()
"""
    done = subprocess.run(
        [sys.executable, "-B", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.split() == ["True", "True", "PermissionError"], done.stderr
