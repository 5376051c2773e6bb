"""A transform: a person's own functions around a call, as plain source with a name and versions."""

from dataclasses import dataclass, field
from typing import Any

from services.sandbox import Hook, Result, Status

DRAFT = 0
"""The version of what was not saved."""


@dataclass(frozen=True)
class Transform:
    """One version of one transform: a Python module that defines ``transform_input``, ``transform_output``, or both."""

    name: str
    version: int
    """From 1; DRAFT for what was not saved."""
    source: str

    @property
    def label(self) -> str:
        """What a run is known by: its name and version."""
        return f"{self.name}, version {self.version}" if self.version else f"{self.name or 'a draft'}, not saved"


@dataclass(frozen=True)
class HookRun:
    """What one function did to one value."""

    hook: Hook
    before: Any
    """The JSON value that it was given."""
    result: Result

    @property
    def after(self) -> Any:
        """The JSON value that it gave; what it was given, where it failed."""
        return self.result.value if self.result.status is Status.OK else self.before


@dataclass
class TransformTrace:
    """What a transform did in one call. Belongs to the call's wire record; forgotten with its bytes."""

    transform: Transform
    input: HookRun | None = None
    """None: not run, or the source has no such function."""
    output: HookRun | None = None
    notes: list[str] = field(default_factory=list)
    """What a person should know, such as that a reply was not JSON and so was not transformed."""

    def forget(self) -> None:
        """Let go of the values; which transform it was stays."""
        self.input = self.output = None
