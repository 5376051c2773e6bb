"""The sandbox before its engine: which one is used, when it is off, and what it refuses itself."""

import ast
from pathlib import Path

import pytest

from services.sandbox import Hook, Layer, Limits, Result, Sandbox, Status, sandbox
from services.sandbox.records import EngineUnavailable

ROOT = Path(__file__).parents[3]
STANDS = Layer("A wall", True, True, "It stands.")


class Engine:
    """Answers what it is told. Without an answer it does what an honest engine does with the sandbox's own trials."""

    def __init__(
        self, name: str, *layers: Layer, missing: str = "", lets: tuple[str, ...] = (), identity: bool = True
    ) -> None:
        self.name, self.layers, self.missing, self.lets, self.identity = name, layers, missing, lets, identity
        self.ran: list[str] = []
        self.closed = 0

    def start(self) -> tuple[Layer, ...]:
        if self.missing:
            raise EngineUnavailable(self.missing)
        return self.layers

    def run(self, source: str, _hook: Hook, argument: object, _limits: Limits) -> Result:
        self.ran.append(source)
        if "ATTEMPTS" in source:
            return Result(Status.OK, list(self.lets))
        return Result(Status.OK, argument if self.identity else {})

    def close(self) -> None:
        self.closed += 1


def test_the_first_engine_that_holds_is_used():
    first, second, third = Engine("first", missing="There is none."), Engine("second", STANDS), Engine("third", STANDS)
    box = Sandbox(first, second, third)
    assert (box.state.available, box.state.engine, box.state.reason, box.state.layers) == (
        True,
        "second",
        "",
        (STANDS,),
    )
    assert box.run("x", Hook.INPUT, {"a": 1}).value == {"a": 1}
    assert (first.ran, second.ran[-1], third.ran) == ([], "x", [])
    box.close()
    assert second.closed == 1


@pytest.mark.parametrize(
    ("engine", "reason"),
    [
        (Engine("e", missing="There is none."), "There is none."),
        (Engine("e", Layer("Seccomp", False, True, "Not here.")), "Seccomp: Not here."),
        (
            Engine("e", STANDS, lets=("open a file", "open a socket")),
            "The sandbox let a transform open a file, open a socket.",
        ),
        (Engine("e", STANDS, identity=False), "A transform that changes nothing did not work: ok."),
    ],
)
def test_an_engine_that_does_not_hold_is_not_used(engine, reason):
    box = Sandbox(engine)
    assert (box.state.available, box.state.engine, box.state.reason) == (False, "", reason)
    assert engine.closed == 1
    tried = len(engine.ran)
    result = box.run("x", Hook.INPUT, {})
    assert (result.status, result.fault.message, len(engine.ran)) == (Status.UNAVAILABLE, reason, tried)


def test_a_machine_that_was_too_busy_is_tried_again_later_and_not_at_each_look():
    engine = Engine("e", missing="No answer.")
    patient, eager = Sandbox(engine), Sandbox(engine, retry_seconds=0)
    assert not patient.state.available
    assert not eager.state.available
    engine.missing = ""
    assert not patient.state.available
    assert eager.state.available


def test_an_admin_switches_transforms_off(monkeypatch):
    monkeypatch.setenv("BRICKYARD_TRANSFORMS", "off")
    sandbox.cache_clear()
    try:
        assert not sandbox().state.available
        assert "switched transforms off" in sandbox().state.reason
        assert sandbox().run("x = 1", Hook.LOAD).status is Status.UNAVAILABLE
    finally:
        sandbox.cache_clear()


def test_what_is_no_job_is_rejected_and_not_raised(native):
    for source, hook, argument in (
        ("#" * 200_001, Hook.LOAD, None),
        ("", Hook.INPUT, ["no object"]),
        ("", Hook.OUTPUT, {1, 2}),
        ("", Hook.OUTPUT, float("inf")),
    ):
        result = native.run(source, hook, argument)
        assert (result.status, result.fault.type) == (Status.REJECTED, "ArgumentError")
        assert result.fault.message


def test_a_user_who_has_two_runs_waits_for_a_third(native):
    assert native._admission._of_one_user == 2
    places = [native._admission.place("me") for _ in range(2)]
    assert all(place.__enter__() for place in places)
    assert native.run("x = 1", Hook.LOAD, user="me").status is Status.BUSY
    assert native.run("x = 1", Hook.LOAD, user="you").status is Status.OK
    for place in places:
        place.__exit__(None, None, None)
    assert native.run("x = 1", Hook.LOAD, user="me").status is Status.OK


EVALUATES = {"eval", "exec", "compile", "literal_eval", "ast.parse", "ast.literal_eval", "ast.compile", "builtins.exec"}
UNPICKLES = {"pickle", "cloudpickle", "dill", "marshal", "shelve", "joblib", "ast", "code", "codeop"}


def test_nothing_of_the_app_evaluates_text_or_unpickles_bytes():
    found = []
    inside = ROOT / "services" / "sandbox" / "inside"
    sources = [ROOT / "app.py", *(path for name in ("services", "ui", "pages") for path in (ROOT / name).rglob("*.py"))]
    assert len(sources) > 100
    for path in sources:
        if inside in path.parents:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in EVALUATES:
                found.append(f"{path}:{node.lineno}")
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [f"{path}:{node.lineno}" for name in names if name.split(".")[0] in UNPICKLES]
    assert found == []
