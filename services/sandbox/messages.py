"""What goes to a worker and what is believed of its answer: JSON both ways, and of the answer nothing but its form.

A worker has run somebody's code: its answer is that code's, whatever it says. So it is measured before it is parsed, and then
every part of it is looked at.
"""

import json
import math
import re
from collections.abc import Collection
from typing import Any

from services.sandbox.records import Fault, Frame, Hook, Limits, Result, Status

SOURCE_CHARACTERS = 200_000
ARGUMENT_BYTES = 16 << 20
PRINTED_CHARACTERS = 64 << 10
MESSAGE_CHARACTERS = 2000
LINE_CHARACTERS = 200
NAME_CHARACTERS = 80
FRAMES = 20
DEPTH = 64
VALUES = 250_000
"""A request of 150 embeddings of 1,536 dimensions; a million take seconds of the app's time to look at."""
DIGITS = 309
"""Of an integer of 1,024 bits, the runner's limit; longer ones cost time that grows with their square."""
MOST_LOST = 10**12
_LARGEST_PLACE = 10_000_000
_NUMBERS = {int, bool, type(None)}
_HALF = re.compile("[\ud800-\udfff]")

# Control characters but newline and tab, and those that turn the direction of what follows: nobody can read what they did.
_UNREADABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_SAID_BY_WORKERS = {status.value: status for status in (Status.OK, Status.ERROR, Status.REJECTED, Status.MEMORY)}


class NotAJob(Exception):
    """The source or the argument cannot be given to a worker. Its text says why, without a full stop."""


class NotAReply(Exception):
    """A worker's answer is not what ``reply`` reads. Its text says why, without a full stop."""


def job(source: str, hook: Hook, argument: Any, limits: Limits, *, any_import: bool = False) -> bytes:
    """The worker's job, as ``inside/runner.py`` takes it. Raises NotAJob."""
    if len(source) > SOURCE_CHARACTERS:
        raise NotAJob(f"the source is longer than {SOURCE_CHARACTERS:,} characters")
    if hook is Hook.INPUT and not isinstance(argument, dict):
        raise NotAJob("the request is no JSON object")
    asked = {
        "source": source,
        "hook": hook.value,
        "argument": argument,
        "reply_bytes": limits.reply_bytes,
        "any_import": any_import,
    }
    try:
        data = json.dumps(asked, allow_nan=False).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise NotAJob(f"what it would be given is not JSON: {error}"[:MESSAGE_CHARACTERS]) from None
    if len(data) > ARGUMENT_BYTES:
        raise NotAJob(f"what it would be given is larger than {ARGUMENT_BYTES:,} bytes of JSON")
    return data


def most_bytes(limits: Limits) -> int:
    """How long an answer is read at most: refusals hold the prints too, whatever the limit."""
    return limits.reply_bytes + (1 << 20)


def reply(data: bytes, hook: Hook, seconds: float) -> Result:
    """The run that *data* tells of. Never raises: what cannot be read is a rejected run."""
    try:
        return _result(_parsed(data), hook, seconds)
    except NotAReply as problem:
        return failed(Status.REJECTED, "ReturnValueError", str(problem), seconds)


def failed(status: Status, kind: str, message: str, seconds: float = 0.0) -> Result:
    """A run that failed for a reason of ours."""
    return Result(status, fault=Fault(kind, message), seconds=seconds)


def _parsed(data: bytes) -> dict[str, Any]:
    # Each value of an array or object costs tens of bytes here and few there; text may hold such characters too.
    if data.count(b",") + data.count(b"[") + data.count(b"{") > VALUES:
        raise NotAReply(f"it returned more than {VALUES:,} values")
    try:
        # ASCII is what the runner writes; of bytes, json would guess the encoding.
        answer = _plain(json.loads(data.decode("ascii"), parse_constant=_refuse, parse_int=_integer), 0)
    except (ValueError, RecursionError):  # the first for bytes that are no ASCII too
        raise NotAReply("it gave an answer that cannot be read") from None
    if not isinstance(answer, dict):
        raise NotAReply("it gave an answer that cannot be read")
    return answer


def _refuse(constant: str) -> None:
    raise NotAReply(f"it returned {constant}, which JSON has not")


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > DIGITS:
        raise NotAReply(f"it returned an integer of more than {DIGITS} digits")
    return int(digits)


def _plain(value: Any, depth: int) -> Any:
    if depth > DEPTH:
        raise NotAReply("it returned what is nested too deeply")
    if isinstance(value, str):
        return _encodable(value)
    if isinstance(value, float) and not math.isfinite(value):  # 1e999 is infinite, and no constant
        raise NotAReply("it returned a number that is not finite")
    if isinstance(value, list):
        return value if _only_numbers(value) else [_plain(item, depth + 1) for item in value]
    if isinstance(value, dict):
        if "".join(value).isascii() and _only_numbers(value.values()):
            return value
        return {_encodable(name): _plain(item, depth + 1) for name, item in value.items()}
    return value


def _only_numbers(items: Collection[Any]) -> bool:
    """Whether nothing else has to be looked at, told fast: embeddings have thousands, and whoever attacks 250,000."""
    kinds = set(map(type, items))
    if kinds <= _NUMBERS:
        return True
    return kinds == {float} and all(map(math.isfinite, items))


def _encodable(text: str) -> str:
    """*text*, half characters (lone surrogates) replaced: no HTTP client could send them."""
    return text if text.isascii() else _HALF.sub("\ufffd", text)


def _result(answer: dict[str, Any], hook: Hook, seconds: float) -> Result:
    said = answer.get("status")
    status = _SAID_BY_WORKERS.get(said) if isinstance(said, str) else None
    if status is None:
        raise NotAReply("it gave an answer that cannot be read")
    value = answer.get("value") if status is Status.OK else None
    if status is Status.OK:
        _check_value(value, hook)
    lost = answer.get("printed_lost")
    return Result(
        status,
        value=value,
        printed=_text(answer.get("printed"), PRINTED_CHARACTERS),
        printed_lost=min(lost, MOST_LOST) if type(lost) is int and lost > 0 else 0,
        fault=None if status is Status.OK else _fault(answer.get("fault")),
        seconds=seconds,
    )


def _check_value(value: Any, hook: Hook) -> None:
    if hook is Hook.INPUT and not isinstance(value, dict):
        raise NotAReply("it must return the request, a dict")
    hooks = [one.value for one in (Hook.INPUT, Hook.OUTPUT)]
    if hook is Hook.LOAD and not (isinstance(value, list) and all(name in hooks for name in value)):
        raise NotAReply("it gave an answer that cannot be read")


def _fault(said: Any) -> Fault:
    said = said if isinstance(said, dict) else {}
    frames = said.get("frames")
    kept = tuple(_frame(one) for one in frames[:FRAMES] if isinstance(one, dict)) if isinstance(frames, list) else ()
    return Fault(
        type=_text(said.get("type"), NAME_CHARACTERS) or "Error",
        message=_text(said.get("message"), MESSAGE_CHARACTERS),
        line=_place(said.get("line")),
        column=_place(said.get("column")),
        end_line=_place(said.get("end_line")),
        end_column=_place(said.get("end_column")),
        source=_text(said.get("source"), LINE_CHARACTERS),
        frames=kept,
        frames_total=max(_place(said.get("frames_total")) or 0, len(kept)),
        cause=_text(said.get("cause"), NAME_CHARACTERS),
    )


def _frame(said: dict[str, Any]) -> Frame:
    return Frame(
        line=_place(said.get("line")) or 1,
        function=_text(said.get("function"), NAME_CHARACTERS),
        source=_text(said.get("source"), LINE_CHARACTERS),
        column=_place(said.get("column")),
        end_line=_place(said.get("end_line")),
        end_column=_place(said.get("end_column")),
    )


def _place(said: Any) -> int | None:
    """A line or column, where *said* is one. A bool is an int to Python."""
    return said if type(said) is int and 0 < said < _LARGEST_PLACE else None


def _text(said: Any, characters: int) -> str:
    return _UNREADABLE.sub("", said[:characters]) if isinstance(said, str) else ""
