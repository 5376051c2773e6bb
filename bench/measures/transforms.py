"""What the sandbox costs: one hook call beside the same function called here, and in a fresh Python of its own."""

import contextlib
import json
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from bench.processes import MeasureFailed
from bench.report import OURS, Row, at_most
from bench.setup import Setup
from bench.subjects import PEERS
from services.sandbox import Hook, Limits, Sandbox, Status
from services.sandbox.native import NativeEngine
from services.sandbox.webassembly import WebAssemblyEngine
from services.settings import Settings

HERE, FRESH, PORTABLE = "in process", "fresh python", "webassembly"
SOURCE = """def transform_input(**request):
    request["messages"][-1]["content"] += " Be concise."
    return request
"""
SPINS = "def transform_input(**request):\n    while True: pass\n"
PARKS = "import time\ndef transform_input(**request):\n    time.sleep(1.5)\n    return request\n"
NEIGHBOURS = 6
WARM_UP = 10
Call = Callable[[dict[str, Any]], Any]


def transform_hooks(setup: Setup) -> list[Row]:
    """All in the bench's own process, as the app runs it: admission, messages and doubts included."""
    with contextlib.ExitStack() as stack:
        calls: dict[str, Call] = {HERE: called_here, FRESH: in_a_fresh_python}
        python = Settings.from_environment().webassembly_python
        if python is not None:
            calls[PORTABLE] = through(begun(stack, Sandbox(WebAssemblyEngine(python))))
        else:
            setup.notes.append("webassembly: BRICKYARD_WEBASSEMBLY_PYTHON names no interpreter that has it")
        rows = []
        ours = None
        if not setup.peers_only:
            ours = begun(stack, Sandbox(NativeEngine()))
            calls[OURS] = through(ours)
        rows += timed("1 kB", calls, request(1), setup.sizes.hook_calls, at_most(5), at_most(10))
        rows += timed("1 MB", calls, request(1000), setup.sizes.large_hook_calls, at_most(60), {})
        if ours is not None:
            with spinning(ours):
                alone = {OURS: calls[OURS]}
                name = f"1 kB, {NEIGHBOURS} neighbours spin"
                rows += timed(name, alone, request(1), setup.sizes.hook_calls // 2, {}, at_most(500))
            rows += memory(setup, ours)
    return [*rows, *([] if setup.peers_only else [start(setup)])]


def request(kilobytes: int) -> dict[str, Any]:
    """A chat of messages of a kilobyte each."""
    line = "Bricks are laid in courses; a wall of them bears what stands on it. "
    return {"messages": [{"role": "user", "content": (line * 15)[:960]} for _ in range(kilobytes)]}


def begun(stack: contextlib.ExitStack, sandbox: Sandbox) -> Sandbox:
    stack.callback(sandbox.close)
    if not sandbox.state.available:
        raise MeasureFailed(sandbox.state.reason)
    return sandbox


def through(sandbox: Sandbox) -> Call:
    def call(argument: dict[str, Any]) -> Any:
        result = sandbox.run(SOURCE, Hook.INPUT, argument, user="bench", limits=Limits(10))
        if result.status is not Status.OK:
            raise MeasureFailed(f"a call ended as {result.status}: {result.fault}")
        return result.value

    return call


def called_here(argument: dict[str, Any]) -> Any:
    namespace: dict[str, Any] = {}
    exec(SOURCE, namespace)
    return namespace["transform_input"](**json.loads(json.dumps(argument)))


def in_a_fresh_python(argument: dict[str, Any]) -> Any:
    command = [sys.executable, "-I", "-S", PEERS / "fresh_python.py"]
    given = json.dumps({"source": SOURCE, "argument": argument})
    return json.loads(subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout)


def timed(
    name: str, calls: dict[str, Call], argument: dict[str, Any], rounds: int, median: dict, worst: dict
) -> list[Row]:
    """Round by round, so that whatever else the machine does hits all."""
    expected = called_here(argument)
    spent: dict[str, list[float]] = {who: [] for who in calls}
    for number in range(WARM_UP + rounds):
        for who, call in calls.items():
            began = time.perf_counter()
            value = call(argument)
            took = 1000 * (time.perf_counter() - began)
            if value != expected:
                raise MeasureFailed(f"{who} gave another value")
            if number >= WARM_UP:
                spent[who].append(took)
    p99 = {who: statistics.quantiles(times, n=100, method="inclusive")[98] for who, times in spent.items()}
    return [
        Row(f"Hook call, {name}: p50", "ms", {who: statistics.median(t) for who, t in spent.items()}, FRESH, **median),
        Row(f"Hook call, {name}: p99", "ms", p99, FRESH, **worst),
    ]


@contextlib.contextmanager
def spinning(sandbox: Sandbox) -> Iterator[None]:
    """Other people, each with as many endless loops as one may have at once; one that was ended is followed by the next."""
    over = threading.Event()

    def neighbour(number: int) -> None:
        while not over.is_set():
            sandbox.run(SPINS, Hook.INPUT, {}, user=f"neighbour {number // 2}")

    threads = [threading.Thread(target=neighbour, args=(number,)) for number in range(NEIGHBOURS)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def memory(setup: Setup, sandbox: Sandbox) -> list[Row]:
    """The sandbox hides its memory from others of the same user, so this takes root."""
    thread = threading.Thread(target=lambda: sandbox.run(PARKS, Hook.INPUT, {}, user="bench"))
    thread.start()
    time.sleep(0.7)
    try:
        [zygote] = [one for one in psutil.Process().children() if any("zygote.py" in word for word in one.cmdline())]
        [worker] = zygote.children()
        figures = {"Zygote": megabytes(zygote, "Rss"), "A call's process, private": megabytes(worker, "Private_Dirty")}
    except (PermissionError, psutil.AccessDenied):
        setup.notes.append("memory: only root may read that of a process that hides it")
        figures = {"Zygote": None, "A call's process, private": None}
    finally:
        thread.join()
    aims = {"Zygote": at_most(40), "A call's process, private": at_most(8)}
    return [Row(name, "MB", {OURS: figure}, **aims[name]) for name, figure in figures.items()]


def megabytes(process: psutil.Process, kind: str) -> float:
    said = re.search(rf"^{kind}: +(\d+) kB", Path(f"/proc/{process.pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(said[1]) / 1024


def start(setup: Setup) -> Row:
    """From nothing to the walls tried; median."""
    took = []
    for _ in range(setup.sizes.cold_starts):
        with contextlib.ExitStack() as stack:
            began = time.perf_counter()
            begun(stack, Sandbox(NativeEngine()))
            took.append(time.perf_counter() - began)
    return Row("Sandbox ready, its walls tried", "s", {OURS: statistics.median(took)}, **at_most(1))
