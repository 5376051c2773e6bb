"""Whether the walls hold here, tried with what an attacker would try first. Code that is confined says which attempts failed."""

from typing import Any, Protocol

from services.sandbox.records import Hook, Limits, Result, Status


class Runs(Protocol):
    """What can run a transform."""

    def run(self, source: str, hook: Hook, argument: Any, limits: Limits) -> Result:
        """As an engine does."""


# By way of builtins: the friendly import list must not stand in for the walls.
PROBE = """
def module(name):
    return __import__(name, {})

def fork():
    if module("os").fork() == 0:
        module("os")._exit(0)

ATTEMPTS = {
    "open a file": lambda path: open(path).close(),
    "open a socket": lambda path: module("_socket").socket().bind(("127.0.0.1", 0)),
    "start a process": lambda path: fork(),
    "run a program": lambda path: module("os").execv("/bin/true", ["true"]),
}

def transform_output(path):
    done = []
    for name, attempt in ATTEMPTS.items():
        try:
            attempt(path)
        except (OSError, ImportError, AttributeError):
            continue
        done.append(name)
    return done
"""
IDENTITY = "def transform_input(**request):\n    return request\n"
LIMITS = Limits(wall_seconds=10.0)
"""The first run on a busy machine may take a while."""


def problem(engine: Runs) -> str:
    """Why *engine* is not to be trusted, as a sentence; empty where it held."""
    given = {"prompt": "Hi"}
    result = engine.run(IDENTITY, Hook.INPUT, given, LIMITS)
    if result.status is not Status.OK or result.value != given:
        return f"A transform that changes nothing did not work: {_said(result)}."
    result = engine.run(PROBE, Hook.OUTPUT, __file__, LIMITS)
    if result.status is not Status.OK:
        return f"What tries the sandbox's walls did not end well: {_said(result)}."
    if result.value:
        return f"The sandbox let a transform {', '.join(map(str, result.value))}."
    return ""


def _said(result: Result) -> str:
    return result.fault.message if result.fault else result.status.value
