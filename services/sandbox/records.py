"""What goes into the sandbox and what comes out of it: plain values, all of which are to be doubted."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Hook(StrEnum):
    """Which of the person's functions is called."""

    INPUT = "transform_input"
    """``transform_input(**request)`` returns the request."""
    OUTPUT = "transform_output"
    """``transform_output(response)`` returns any JSON value."""
    LOAD = "load"
    """The source is only loaded: are there mistakes in it, and which functions does it define?"""


class Status(StrEnum):
    """How a run ended."""

    OK = "ok"
    ERROR = "error"
    """The code raised, or is no Python."""
    REJECTED = "rejected"
    """The code ran, and what it gave cannot be used."""
    TIMEOUT = "timeout"
    MEMORY = "memory"
    CRASHED = "crashed"
    BUSY = "busy"
    """Too many transforms run already; nothing was begun."""
    UNAVAILABLE = "unavailable"
    """Nothing confines code on this machine, or transforms are switched off; nothing was begun."""


class EngineUnavailable(Exception):
    """An engine cannot begin here. Its text says why, as a sentence."""


@dataclass(frozen=True)
class Limits:
    """What one run may take."""

    wall_seconds: float = 2.0
    cpu_seconds: int = 2
    memory_bytes: int = 384 << 20
    reply_bytes: int = 8 << 20


@dataclass(frozen=True)
class Frame:
    """One line of the person's code on the way to an error. Lines and columns count from 1, columns in characters."""

    line: int
    function: str
    source: str
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None


@dataclass(frozen=True)
class Fault:
    """What the code did wrong, and where. Texts are the person's own or made by their code: draw them as foreign."""

    type: str
    """The exception's class, or one of ours, such as ``ReturnValueError``."""
    message: str
    line: int | None = None
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None
    source: str = ""
    """The line itself."""
    frames: tuple[Frame, ...] = ()
    """The person's own lines that led there, outermost first; at most 20."""
    frames_total: int = 0
    cause: str = ""
    """The class of the exception that it was raised from; empty for none."""


@dataclass(frozen=True)
class Result:
    """One run."""

    status: Status
    value: Any = None
    """What the hook returned, as JSON values; for LOAD, the names of the hooks that are defined."""
    printed: str = ""
    """What the code printed, the first 64 KB, control characters removed."""
    printed_lost: int = 0
    """Characters that were printed beyond that."""
    fault: Fault | None = None
    """There unless the status is OK."""
    seconds: float = 0.0


@dataclass(frozen=True)
class Layer:
    """One of the walls around a run."""

    name: str
    active: bool
    required: bool
    """Whether nothing runs without it."""
    says: str
    """What it keeps out; or, where it is not active, why not."""


@dataclass(frozen=True)
class SandboxState:
    """Whether transforms can run here, and behind what."""

    available: bool
    engine: str
    """“native”, “webassembly”; empty where there is none."""
    reason: str = ""
    """Why transforms are off, as a sentence; empty where they are on."""
    layers: tuple[Layer, ...] = ()
