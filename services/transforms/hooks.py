"""A transform at work on one call: the request before it is sent, the reply when it is whole."""

import math
from typing import Any

from services.errors import PlaygroundError, Side
from services.sandbox import Hook, Result, Sandbox, Status
from services.transforms.envelope import Envelope
from services.transforms.records import HookRun, Transform, TransformTrace

NOTHING_SENT = "Nothing was sent."
REPLY_KEPT = "The reply is kept as it came."
RETURNED_NONE = "transform_output returned None, as a function without a return statement does."


class TransformFailed(PlaygroundError):
    """The person's own function failed, or gave what cannot be used."""

    side = Side.TRANSFORM

    def __init__(self, run: HookRun, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.run = run


class Hooks:
    """One transform for one call. Its methods run in the call's thread; *trace* may be read from any."""

    def __init__(
        self, sandbox: Sandbox, transform: Transform, *, envelope: Envelope = Envelope.BODY, user: str = ""
    ) -> None:
        """*user* is whose run it is, for the sandbox's fairness."""
        self.trace = TransformTrace(transform)
        self.envelope = envelope
        self._sandbox = sandbox
        self._user = user

    def shape_request(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body to send. Raises TransformFailed: then nothing may be sent."""
        request = self.envelope.open(body)
        run = self._run(Hook.INPUT, request)
        if run is None:
            return body
        self.trace.input = run
        _raise_if_failed(run, NOTHING_SENT)
        return self.envelope.close(body, run.result.value)

    def shape_reply(self, reply: Any) -> Any:
        """What the person's function makes of the whole *reply*. Raises TransformFailed; the reply itself is not changed."""
        run = self._run(Hook.OUTPUT, self.envelope.open_reply(reply))
        if run is None:
            return reply
        self.trace.output = run
        _raise_if_failed(run, REPLY_KEPT)
        if run.result.value is None:
            self.trace.notes.append(RETURNED_NONE)
        return run.result.value

    def _run(self, hook: Hook, value: Any) -> HookRun | None:
        """The run; None where the source defines no such function, but the other one."""
        result = self._sandbox.run(self.trace.transform.source, hook, value, user=self._user)
        return None if _is_missing(result) else HookRun(hook, value, result)


def run_hook(sandbox: Sandbox, source: str, hook: Hook, value: Any, *, user: str = "") -> HookRun | None:
    """The dry run: what *hook* of *source* makes of *value*, with nothing sent. None where *source* does not define it."""
    result = sandbox.run(source, hook, value, user=user)
    return None if _is_missing(result) else HookRun(hook, value, result)


def _is_missing(result: Result) -> bool:
    """Whether the other function is there and this one is not: a pair may be half."""
    fault = result.fault
    # Rejected: an exception that the code raises may be called so too, and must not let the body pass unshaped.
    return result.status is Status.REJECTED and fault is not None and fault.type == "NoSuchHook"


def _raise_if_failed(run: HookRun, then: str) -> None:
    if run.result.status is not Status.OK:
        raise failure(run, then)


def failure(run: HookRun, then: str = "") -> TransformFailed:
    """A failed run as a sentence and a next step; *then* is what came of the call."""
    fault, name = run.result.fault, run.hook.value
    message = fault.message if fault else ""
    where = f", line {fault.line}" if fault and fault.line else ""
    seconds = math.ceil(run.result.seconds)
    said, hint = {
        Status.ERROR: (
            f"{name}{where}: {fault.type if fault else 'Error'}: {message}",
            "Mend that line, and try it with a dry run.",
        ),
        Status.REJECTED: (f"{name}: {message}.", "Change what the function takes or returns."),
        Status.TIMEOUT: (
            f"{name} ran longer than {seconds} s and was stopped.",
            "Look for a loop that does not end.",
        ),
        Status.MEMORY: (f"{name}{where} needs more memory than a transform may have.", "Make what it builds smaller."),
        Status.CRASHED: (f"The process of {name} ended without a result: {message}.", "Look for endless recursion."),
        Status.BUSY: ("Too many transforms run at once.", "Try again in a moment."),
        Status.UNAVAILABLE: (
            f"Transforms are off here: {message}",
            "Run the call without a transform; the Transforms page says more.",
        ),
    }[run.result.status]
    return TransformFailed(run, said, f"{then} {hint}".strip())
