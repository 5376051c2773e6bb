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
    gone: bool = False
    """It was chosen, and is deleted or renamed since: no call can be made through it, nor in its place without it."""

    @property
    def label(self) -> str:
        """What a run is known by: its name and version."""
        if self.gone:
            return f"{self.name}, which is gone"
        return f"{self.name}, version {self.version}" if self.version else f"{self.name or 'a draft'}, not saved"


@dataclass(frozen=True, eq=False)
class HookRun:
    """What one function did to one value. Each run is one of its own: values of megabytes are never compared."""

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
    """None: it did not run, or *missing* has it."""
    output: HookRun | None = None
    missing: set[Hook] = field(default_factory=set)
    """The functions that were to run, and that the source does not define."""
    notes: list[str] = field(default_factory=list)
    """What a person should know, such as that a reply was not JSON and so was not transformed."""

    def forget(self) -> None:
        """Let go of the values; which transform it was stays."""
        self.input = self.output = None
