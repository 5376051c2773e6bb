"""The portable engine: the same attacks, met by a Python in WebAssembly with the import list off. For `make webassembly`."""

import json
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from services.sandbox import Hook, Limits, Result, Sandbox, Status
from services.sandbox.webassembly import WebAssemblyEngine
from services.settings import Settings
from tests.local_workspaces import eventually
from tests.services.sandbox.stage import ATTACKS, Stage

pytestmark = pytest.mark.webassembly

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
BENIGN = json.loads((HERE / "benign" / "expected.json").read_text())
LIMITS = Limits(wall_seconds=1.2, memory_bytes=160 << 20)
LATE_SECONDS = 2.0
"""Beyond the limit: half a second in which it ends itself, or one until it is ended and a helper is begun again."""
IDENTITY = "def transform_input(**request):\n    return request\n"
ALSO_ENDS = {
    "memory": Status.ERROR,  # with addresses of 32 bits, what is larger than all of them is an OverflowError
    "rejected-result": Status.CRASHED,  # a list of 100,000 levels overflows that Python's stack as it is freed
}


def new_engine(**options) -> WebAssemblyEngine:
    python = Settings.from_environment().webassembly_python
    assert python, "`make webassembly` says which interpreter has it"
    return WebAssemblyEngine(python, **options)


@pytest.fixture(scope="module")
def engine() -> Iterator[WebAssemblyEngine]:
    """With every import allowed: what is tested is the walls, not the friendly list."""
    engine = new_engine(any_import=True)
    assert all(layer.active for layer in engine.start())
    yield engine
    engine.close()


def helpers() -> list[psutil.Process]:
    alive = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in alive if any("webassembly_host.py" in word for word in child.cmdline())]


class PortableStage(Stage):
    """Knows that the helper may be another one after an attack, and how else an attack may end in this Python."""

    @staticmethod
    def _processes() -> set[int]:
        return Stage._processes() - {helper.pid for helper in helpers()}

    def _by_class(self, name: str, expect: str, result: Result) -> list[str]:
        return [] if result.status is ALSO_ENDS.get(expect) else super()._by_class(name, expect, result)


@pytest.fixture(scope="module")
def stage(engine) -> Iterator[Stage]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANARY", "")  # so that it is gone afterwards
        stage = PortableStage(engine)
        yield stage
        stage.close()


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_contained(engine, stage, name):
    result, problems = stage.attack(name, LIMITS)
    assert set(problems) <= {"late"}
    assert result.seconds <= LIMITS.wall_seconds + LATE_SECONDS
    assert len(helpers()) == 1


def test_the_walls_pass_their_trial(engine):
    assert Sandbox(engine).state.available


def test_ordinary_python_works():
    engine = new_engine()
    try:
        failed = {}
        for name, expected in BENIGN["expected"].items():
            hook = Hook(f"transform_{expected['hook']}")
            argument = BENIGN["request"] if hook is Hook.INPUT else BENIGN["response"]
            result = engine.run((HERE / "benign" / f"{name}.py").read_text(), hook, argument, Limits(5))
            if (result.value, result.printed) != (expected["value"], expected["stdout"]):
                failed[name] = result.fault or result
        assert set(failed) <= {"B34_async_helper", "B37_time_zoneinfo"}, failed  # it has neither asyncio nor time zones
    finally:
        engine.close()


def test_bytes_for_its_descriptors_are_nobodys_reply(engine):
    """Descriptor 1 of the guest is that of its process: what it writes there must not wait in a pipe for the next person."""
    forged = b'R{"status":"ok","value":{"prompt":"forged"}}'
    source = f"""import os
def transform_input(**request):
    for descriptor in range(20):
        try:
            os.write(descriptor, {len(forged).to_bytes(4, "big") + forged!r})
        except OSError:
            pass
    return request
"""
    for number in range(3):
        given = {"number": number}
        assert engine.run(source, Hook.INPUT, given, LIMITS).value == given
        assert engine.run(IDENTITY, Hook.INPUT, given, LIMITS).value == given


def test_a_fault_has_its_place_in_the_code(engine):
    source = "def transform_input(**request):\r\n    雪 = '雪'; return request['nope']\r\n"
    fault = engine.run(source, Hook.INPUT, {}, LIMITS).fault
    assert (fault.type, fault.line, fault.column, fault.frames[0].function) == ("KeyError", 2, 21, "transform_input")
    assert engine.run("def transform_output(response): return 1", Hook.LOAD, None, LIMITS).value == ["transform_output"]
    assert engine.run(IDENTITY, Hook.OUTPUT, 1, LIMITS).fault.type == "NoSuchHook"


def test_what_is_no_json_is_refused_before_anything_runs(engine):
    for argument in ({"number": float("nan")}, {"set": {1}}, ["no object"]):
        assert engine.run(IDENTITY, Hook.INPUT, argument, LIMITS).status is Status.REJECTED


def test_a_helper_that_is_killed_is_followed_by_another(engine):
    helpers()[0].kill()
    assert engine.run(IDENTITY, Hook.INPUT, {"a": 1}, LIMITS).value == {"a": 1}
    [helper] = helpers()
    killer = threading.Timer(0.4, helper.kill)
    killer.start()
    assert engine.run("while True: pass", Hook.LOAD, None, LIMITS).status is Status.CRASHED
    killer.join()
    assert engine.run(IDENTITY, Hook.INPUT, {"a": 1}, LIMITS).value == {"a": 1}


def test_runs_at_the_same_time_wait_for_each_other(engine):
    results = []
    numbers = [
        threading.Thread(target=lambda n=n: results.append(engine.run(IDENTITY, Hook.INPUT, {"n": n}, LIMITS)))
        for n in range(8)
    ]
    for thread in numbers:
        thread.start()
    for thread in numbers:
        thread.join()
    assert sorted(result.value["n"] for result in results) == list(range(8))


def test_the_helper_has_nothing_of_the_app(engine):
    engine.run(IDENTITY, Hook.INPUT, {}, LIMITS)
    [helper] = helpers()
    environment = helper.environ()
    assert set(environment) <= {"TMPDIR", "TMP", "TEMP", "LC_CTYPE"}
    folder = Path(environment["TMPDIR"])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert helper.net_connections() == []


def test_nothing_is_left_when_it_is_closed_nor_when_the_app_is_killed():
    others = set(helpers())
    engine = new_engine()
    engine.start()
    [helper] = set(helpers()) - others
    folder = Path(helper.environ()["TMPDIR"])
    engine.close()
    assert not helper.is_running()
    assert not folder.exists()
    script = (
        "import pathlib, sys, time\nfrom services.sandbox.webassembly import WebAssemblyEngine\n"
        "engine = WebAssemblyEngine(pathlib.Path(sys.argv[1]))\nengine.start()\n"
        "print(engine._folder, flush=True)\ntime.sleep(60)\n"
    )
    python = str(Settings.from_environment().webassembly_python)
    app = subprocess.Popen([sys.executable, "-c", script, python], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    folder = Path(app.stdout.readline().strip())
    [helper] = psutil.Process(app.pid).children()
    assert folder.exists()
    app.send_signal(signal.SIGKILL)
    app.wait()
    app.stdout.close()
    assert eventually(lambda: not folder.exists() and not helper.is_running())
