"""A transform at work on one call: the request before it is sent, the reply when it is whole."""

import re
from difflib import SequenceMatcher
from typing import Any

from services.errors import BadInput, PlaygroundError, Side
from services.sandbox import Fault, Hook, Limits, Result, Sandbox, Status
from services.transforms.envelope import Envelope
from services.transforms.records import HookRun, Transform, TransformTrace

NOTHING_SENT = "Nothing was sent."
REPLY_KEPT = "The reply is kept as it came."
DRY_RUN = Limits(wall_seconds=1.5)
"""A person waits for a dry run, and is to read of an endless loop within 2 s."""
_NO_SUCH, _NEITHER = "NoSuchHook", "NoHooks"
"""What the sandbox calls a fault: there is only the other function, or one of nearly that name; there is none."""
_NEAR = re.compile(r"; (\w+) may be it, misspelt$")
_ALIKE = 0.88
"""From here on it is the same word: one letter more, less or other. ``transform_ouput`` is 0.87 like ``transform_input``."""
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
        self,
        sandbox: Sandbox,
        transform: Transform,
        *,
        envelope: Envelope = Envelope.BODY,
        user: str = "",
        limits: Limits | None = None,
    ) -> None:
        """*user* is whose run it is, for the sandbox's fairness; *limits* of each function, None for the sandbox's own.

        Raises BadInput for a transform that is gone: a call without it could send what it was to take out.
        """
        if transform.gone:
            raise BadInput(f"The transform “{transform.name}” is gone.", f"{NOTHING_SENT} Choose another one, or none.")
        self._limits = limits
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

    def check_needs_no_request(self) -> None:
        """For a body that is no object, which cannot be given by name. Raises BadInput where there is a ``transform_input``:
        then nothing may be sent, since it would leave unshaped."""
        if self._run(Hook.INPUT, {}) is not None:
            raise BadInput(
                "transform_input takes a JSON object by its keys, and this body is none.",
                f"{NOTHING_SENT} Make the body an object, or send it without a transform.",
            )

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
        run = run_hook(self._sandbox, self.trace.transform.source, hook, value, user=self._user, limits=self._limits)
        if run is None:
            self.trace.missing.add(hook)
        return run


def run_hook(
    sandbox: Sandbox, source: str, hook: Hook, value: Any, *, user: str = "", limits: Limits | None = DRY_RUN
) -> HookRun | None:
    """The dry run: what *hook* of *source* makes of *value*, with nothing sent. None where *source* does not define it."""
    result = sandbox.run(source, hook, value, user=user, limits=limits)
    return None if _is_missing(result, hook) else HookRun(hook, value, result)


def _is_missing(result: Result, hook: Hook) -> bool:
    """Whether the other function is there and this one is not: a pair may be half.

    Not where one has nearly its name: by a slip of the keyboard a body would pass unshaped.
    """
    fault = result.fault
    # Rejected: an exception that the code raises may be called so too, and must not let the body pass unshaped.
    return (
        result.status is Status.REJECTED and fault is not None and fault.type == _NO_SUCH and not _misspelt(fault, hook)
    )


def _misspelt(fault: Fault, hook: Hook) -> bool:
    """Whether the function that is named as like it is so: ``transform_item`` may be there for itself."""
    found = _NEAR.search(fault.message)
    return found is not None and SequenceMatcher(None, found[1], hook.value).ratio() >= _ALIKE


def _raise_if_failed(run: HookRun, then: str) -> None:
    if run.result.status is not Status.OK:
        raise failure(run, then)


def _mend(run: HookRun) -> str:
    """What to do about an exception."""
    fault, given = run.result.fault, run.before
    if fault is None or fault.type != "KeyError" or not isinstance(given, dict) or not given:
        return "Mend that line, and try it with a dry run."
    if fault.message.strip("'") == "prompt" and "messages" in given:
        return "A chat body has messages, and no prompt: the starter “Chat from a prompt” shows how to take one for the other."
    names = ", ".join(str(name)[:40] for name in list(given)[:8])
    return f"What it was given has {names}{' and more' if len(given) > 8 else ''}."


def _amend(run: HookRun) -> str:
    """What to do about what was rejected."""
    fault = run.result.fault
    if fault is not None and fault.type == _NO_SUCH:
        return f"Rename it to {run.hook.value}."
    if fault is not None and fault.type == _NEITHER:
        return "Define one of them, or both."
    return "Change what the function takes or returns."


def failure(run: HookRun, then: str = "") -> TransformFailed:
    """A failed run as a sentence and a next step; *then* is what came of the call."""
    fault, name = run.result.fault, run.hook.value
    message = fault.message if fault else ""
    where = f", line {fault.line}" if fault and fault.line else ""
    said, hint = {
        Status.ERROR: (
            f"{name}{where}: {fault.type if fault else 'Error'}: {message}",
            _mend(run),
        ),
        Status.REJECTED: (f"{name}: {message}.", _amend(run)),
        Status.TIMEOUT: (
            f"{name} ran longer than {run.result.seconds:g} s and was stopped.",
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
