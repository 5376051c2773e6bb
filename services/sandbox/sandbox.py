"""The sandbox as the rest of the house sees it: one engine, who may use it how much, and whether it is on at all."""

import functools
from typing import Any, Protocol

from services.sandbox.records import Hook, Layer, Limits, Result, SandboxState, Status


class Engine(Protocol):
    """One way to confine code. Methods may be called from any thread."""

    name: str

    def start(self) -> tuple[Layer, ...]:
        """Begin, and say which layers stand. May be called again after the engine died."""

    def run(self, source: str, hook: Hook, argument: Any, limits: Limits) -> Result:
        """Run *hook* of *source* once. Never raises for what the code does."""

    def close(self) -> None:
        """End every process of it."""


class Sandbox:
    """Runs transforms. Started on its first use; ``start_soon`` does that beside the script."""

    def __init__(self, engine: Engine | None = None, *, why_off: str = "") -> None:
        """*why_off*: why there is no engine, as a sentence."""
        self._engine = engine
        self._why_off = why_off

    @property
    def state(self) -> SandboxState:
        """Whether code can run here. Starts the engine, which takes up to a second the first time."""
        raise NotImplementedError

    def run(
        self, source: str, hook: Hook, argument: Any = None, *, user: str = "", limits: Limits | None = None
    ) -> Result:
        """Run *hook* of *source* once in a process of its own; *argument* is the request or the response, in JSON values.

        *user* is who asks, for fairness only: no more than two runs of one user at a time.
        """
        return Result(Status.UNAVAILABLE)

    def start_soon(self) -> None:
        """Begin in a thread of its own."""

    def close(self) -> None:
        """End every process of it."""


@functools.cache
def sandbox() -> Sandbox:
    """This process's own, with the best engine there is here."""
    return Sandbox()
