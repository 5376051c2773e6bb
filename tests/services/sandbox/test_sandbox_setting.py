"""What the environment says of transforms: whether they run, and where the portable engine's Python is."""

import sys
from pathlib import Path

import psutil
import pytest

from services.sandbox import Hook, Sandbox, Status, sandbox
from services.sandbox.records import EngineUnavailable
from services.sandbox.webassembly import WebAssemblyEngine
from services.settings import Settings

IDENTITY = "def transform_input(**request):\n    return request\n"


@pytest.mark.parametrize(
    ("said", "on"),
    [
        ({}, True),
        ({"BRICKYARD_TRANSFORMS": ""}, True),
        ({"BRICKYARD_TRANSFORMS": "on"}, True),
        ({"BRICKYARD_TRANSFORMS": " ON "}, True),
        ({"BRICKYARD_TRANSFORMS": "off"}, False),
        ({"BRICKYARD_TRANSFORMS": "0"}, False),
        ({"BRICKYARD_TRANSFORMS": "disabled, please"}, False),
    ],
)
def test_transforms_run_unless_the_environment_says_anything_but_yes(said, on):
    assert Settings.from_environment(said).transforms is on


def test_switched_off_nothing_is_started_and_every_run_says_why(monkeypatch):
    monkeypatch.setenv("BRICKYARD_TRANSFORMS", "off")
    before = set(psutil.Process().children())
    off: Sandbox = sandbox.__wrapped__()  # this process's own stays as it is
    off.start_soon()
    assert not off.state.available
    assert "switched transforms off" in off.state.reason
    result = off.run(IDENTITY, Hook.INPUT, {"prompt": "Hi"})
    assert (result.status, result.value, result.fault.message) == (Status.UNAVAILABLE, None, off.state.reason)
    assert set(psutil.Process().children()) == before
    off.close()


def test_the_interpreter_of_the_portable_engine_is_a_path_or_nobodys():
    assert Settings.from_environment({}).webassembly_python is None
    assert Settings.from_environment({"BRICKYARD_WEBASSEMBLY_PYTHON": ""}).webassembly_python is None
    named = Settings.from_environment({"BRICKYARD_WEBASSEMBLY_PYTHON": "~/there/bin/python"}).webassembly_python
    assert named == Path.home() / "there" / "bin" / "python"


@pytest.mark.parametrize("python", [None, Path("/nowhere/python"), Path(sys.executable)])
def test_without_its_python_the_portable_engine_says_so_and_leaves_nothing(tmp_path, monkeypatch, python):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    engine = WebAssemblyEngine(python)
    with pytest.raises(EngineUnavailable, match="WebAssembly") as problem:
        engine.start()
    assert str(problem.value).endswith(".")
    engine.close()
    assert not list(tmp_path.iterdir())
    only = Sandbox(engine)
    assert (only.state.available, only.state.reason) == (False, str(problem.value))
    assert only.run(IDENTITY, Hook.INPUT, {}).status is Status.UNAVAILABLE
