"""JSON that a person typed: the one reader of it, and the sentence for what is wrong with it. Pure.

No sentence repeats what was typed: it may hold a key.
"""

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

from services.errors import BadInput
from services.foreign_json import deeper_than

MAX_DEPTH = 50

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
# What people write that JSON has not, by the characters where reading stopped.
_SLIPS = (
    (re.compile(r"'"), "JSON has double quotes."),
    (re.compile(r"#|//|/\*"), "JSON has no comments."),
    (re.compile(r"True|False|None"), "JSON writes true, false and null."),
    (re.compile(r"[}\]]"), "Take the comma before it out, or put in what is missing."),
    (re.compile(r"[“”„‟]"), "Use straight double quotes."),
    (re.compile(r"\Z"), "The text ends too early: a brace, a bracket or a quote is missing at its end."),
)


def any_value(text: str, what: str = "") -> Any:
    """The JSON value that *text* is. Raises BadInput, with the line and the column where there is one.

    So also for what JSON readers pass over in silence: a field that is there twice, NaN, a number beyond any bound, half a
    character; and for more than MAX_DEPTH levels. *what* begins each sentence, such as ``The body``.
    """
    this = what or "This JSON"
    try:
        value = json.loads(text)
    except json.JSONDecodeError as wrong:
        raise _at(text, wrong.pos, f"{what or 'This'} is not JSON", _slip(text, wrong)) from wrong
    except RecursionError as deep:
        raise _too_deep(this) from deep
    except ValueError as long:  # an integer of thousands of digits
        raise BadInput(f"There is a number of thousands of digits in {_inside(this)}.", "Shorten it.") from long
    if deeper_than(MAX_DEPTH, value):
        raise _too_deep(this)
    _refuse_passed_over(text, this)
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as half:
        raise BadInput(f"{this} holds half a character: a \\ud… without its other half.", "Type it again.") from half
    return value


def as_object(text: str, what: str = "The body") -> dict[str, Any]:
    """The JSON object that *text* is. Raises BadInput as ``any_value`` does, and for nothing or another value."""
    if not text.strip():
        raise BadInput(f"{what} is empty.", "Type a JSON object, such as {}.")
    value = any_value(text, what)
    if not isinstance(value, dict):
        raise BadInput(f"{what} is JSON, but not an object.", 'Put it into braces, such as {"inputs": …}.')
    return value


def _slip(text: str, wrong: json.JSONDecodeError) -> str:
    rest = text[wrong.pos : wrong.pos + 5]
    if "Extra data" in wrong.msg:
        return "Something follows after the end of the JSON; take it out."
    if "control character" in wrong.msg or "Unterminated" in wrong.msg:
        return "A text in quotes does not end on its line; write a line break as \\n."
    if "escape" in wrong.msg:
        return "Write a backslash as two."
    found = next((hint for slip, hint in _SLIPS if slip.match(rest)), "")
    return found or f"{wrong.msg}."


def _at(text: str, place: int, what: str, hint: str) -> BadInput:
    line = text.count("\n", 0, place) + 1
    column = place - (text.rfind("\n", 0, place) + 1) + 1
    return BadInput(f"{what}: line {line}, column {column}.", hint)


def _too_deep(this: str) -> BadInput:
    return BadInput(f"{this} is nested more than {MAX_DEPTH} levels deep.", "Flatten it.")


def _inside(this: str) -> str:
    return this[:1].lower() + this[1:]


class _PassedOver(Exception):
    """A reader of JSON would not have said it."""


def _refuse_passed_over(text: str, this: str) -> None:
    """Look for it at the speed of the JSON reader; only where there is something, look for its place."""
    try:
        json.loads(text, object_pairs_hook=_once, parse_float=_finite, parse_constant=_no_constant)
    except _PassedOver:
        _Scan(text, this).run()


def _once(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) != len(pairs):
        raise _PassedOver


def _finite(digits: str) -> None:
    if not math.isfinite(float(digits)):
        raise _PassedOver


def _no_constant(_name: str) -> None:
    raise _PassedOver


@dataclass
class _Scan:
    """One pass over the tokens of a text that is JSON, for where the first thing passed over is."""

    text: str
    this: str
    names: list[set[str] | None] = field(default_factory=list)
    """The names so far in each object that is open; None for a list."""

    def run(self) -> None:
        """Raise BadInput for the first thing found."""
        before: re.Match[str] | None = None
        for token in _TOKEN.finditer(self.text):
            said = token[0]
            if said in "{[":
                self.names.append(set() if said == "{" else None)
            elif said in "}]":
                self.names.pop()
            elif said == ":" and before is not None:
                self._named(before)
            elif said[0] in "-0123456789NI":
                self._number(token)
            before = token

    def _named(self, token: re.Match[str]) -> None:
        name, names = json.loads(token[0]), self.names[-1]
        if names is None:
            return
        if name in names:
            raise _at(self.text, token.start(), f"{self.this} names a field twice", "Take one of the two out.")
        names.add(name)

    def _number(self, token: re.Match[str]) -> None:
        if not math.isfinite(float(token[0])):
            raise _at(self.text, token.start(), f"{self.this} has a number that JSON has not", "Write a finite number.")
