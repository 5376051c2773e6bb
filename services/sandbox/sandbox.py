"""The sandbox as the rest of the house sees it: one engine, who may use it how much, and whether it is on at all."""

import functools
import os
import sys
import threading
import time
from typing import Any, Protocol

from services.background import in_background
from services.sandbox import selftest
from services.sandbox.admission import Admission
from services.sandbox.messages import failed
from services.sandbox.records import EngineUnavailable, Hook, Layer, Limits, Result, SandboxState, Status
from services.settings import Settings

PLACES_OF_ONE_USER = 2
PATIENCE_SECONDS = 2.5
"""Longer than a run can hold a place."""

RETRY_SECONDS = 60.0
"""After this a sandbox that did not start is tried again: the machine may have been too busy."""


class Engine(Protocol):
    """One way to confine code. Methods may be called from any thread."""

    name: str

    def start(self) -> tuple[Layer, ...]:
        """Begin, and say which layers stand. May be called again after the engine died. Raises EngineUnavailable."""

    def run(self, source: str, hook: Hook, argument: Any, limits: Limits) -> Result:
        """Run *hook* of *source* once. Never raises for what the code does."""

    def close(self) -> None:
        """End every process of it."""


class Sandbox:
    """Runs transforms. Started on its first use; ``start_soon`` does that beside the script."""

    def __init__(
        self,
        *engines: Engine,
        why_off: str = "There is no sandbox for this system.",
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        """The first of *engines* that holds is used. *why_off*: why there is none, as a sentence."""
        self._engines = engines
        self._why_off = why_off
        self._starting = threading.Lock()
        self._state: SandboxState | None = None
        self._engine: Engine | None = None
        self._retry = retry_seconds
        self._again = 0.0
        # A run may hold its place for seconds; with fewer places than this a few who loop would keep others waiting.
        places = min(8, 4 * (os.cpu_count() or 1))
        self._admission = Admission(places, of_one_user=PLACES_OF_ONE_USER, patience_seconds=PATIENCE_SECONDS)

    @property
    def state(self) -> SandboxState:
        """Whether code can run here. Starts the engine, which takes up to a second the first time."""
        with self._starting:
            if self._state is None or (not self._state.available and self._engines and time.monotonic() > self._again):
                self._state = self._start()
                self._again = time.monotonic() + self._retry
            return self._state

    def run(
        self, source: str, hook: Hook, argument: Any = None, *, user: str = "", limits: Limits | None = None
    ) -> Result:
        """Run *hook* of *source* once in a process of its own; *argument* is the request or the response, in JSON values.

        *user* is who asks, for fairness only: no more than two runs of one user at a time. Never raises for what the code does,
        or for an argument that is not JSON.
        """
        state, engine = self.state, self._engine
        if engine is None:
            return failed(Status.UNAVAILABLE, "SandboxError", state.reason)
        with self._admission.place(user) as admitted:
            if not admitted:
                return failed(Status.BUSY, "Busy", "too many transforms run at once")
            return engine.run(source, hook, argument, limits or Limits())

    def start_soon(self) -> None:
        """Begin in a thread of its own."""
        in_background(lambda: self.state, "start the sandbox")

    def close(self) -> None:
        """End every process of it. The next run would begin again."""
        with self._starting:
            if self._engine is not None:
                self._engine.close()
            self._engine = self._state = None

    def _start(self) -> SandboxState:
        reasons: list[str] = []
        seen: tuple[Layer, ...] = ()
        for engine in self._engines:
            layers, problem = _begun(engine)
            if not problem:
                self._engine = engine
                return SandboxState(True, engine.name, layers=layers)
            engine.close()
            reasons.append(problem)
            seen = seen or layers
        return SandboxState(False, "", " ".join(reasons) or self._why_off, seen)


def _begun(engine: Engine) -> tuple[tuple[Layer, ...], str]:
    """Start *engine* and try its walls: its layers, and why it is not to be used, as a sentence."""
    try:
        layers = engine.start()
    except EngineUnavailable as problem:
        return (), str(problem)
    missing = next((layer for layer in layers if layer.required and not layer.active), None)
    if missing is not None:
        return layers, f"{missing.name}: {missing.says}"
    return layers, selftest.problem(engine)


def _engines() -> list[Engine]:
    """What can confine code here, the best first."""
    engines: list[Engine] = []
    if sys.platform == "linux":
        from services.sandbox.native import NativeEngine

        engines.append(NativeEngine())
    from services.sandbox.webassembly import WebAssemblyEngine

    return [*engines, WebAssemblyEngine(Settings.from_environment().webassembly_python)]


@functools.cache
def sandbox() -> Sandbox:
    """This process's own, with the best engine there is here."""
    if not Settings.from_environment().transforms:
        return Sandbox(why_off="Whoever runs this Brickyard has switched transforms off.")
    return Sandbox(*_engines())
