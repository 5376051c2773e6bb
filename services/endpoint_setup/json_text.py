"""A draft as text: JSON that a person types, and the sentence for what is wrong with it. Pure.

No sentence repeats what was typed: it may hold a key.
"""

import json
import math
import re
from dataclasses import dataclass, field

from services.endpoint_setup.draft import Body
from services.errors import BadInput

MAX_TEXT = 1_000_000
"""Bytes."""
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


def shown(body: Body) -> str:
    """The body as JSON for people: indented, every character as it is."""
    return json.dumps(body, indent=2, ensure_ascii=False)


def parsed(text: str) -> Body:
    """The body that *text* is. Raises BadInput, with the line and the column, for what is no JSON object.

    So also for what JSON readers pass over in silence: a field that is there twice, NaN, a number beyond any bound, half a
    character; and for more than MAX_TEXT bytes or MAX_DEPTH levels.
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_TEXT:
        raise BadInput(f"This JSON has {size:,} bytes; at most {MAX_TEXT:,} are taken.", "Shorten it.")
    if not text.strip():
        raise BadInput("There is no JSON here.", "Begin with { and end with }.")
    try:
        value = json.loads(text)
    except json.JSONDecodeError as wrong:
        raise _at(text, wrong.pos, "This is not JSON", _slip(text, wrong)) from wrong
    except RecursionError as deep:
        raise _too_deep() from deep
    except ValueError as long:  # an integer of thousands of digits
        raise BadInput("There is a number of thousands of digits in this JSON.", "Shorten it.") from long
    _Scan(text).run()
    if not isinstance(value, dict):
        raise BadInput("This JSON is not an object.", "Begin with { and end with }.")
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as half:
        raise BadInput("This JSON holds half a character: a \\ud… without its other half.", "Type it again.") from half
    return value


def _slip(text: str, wrong: json.JSONDecodeError) -> str:
    rest = text[wrong.pos : wrong.pos + 5]
    if "Extra data" in wrong.msg:
        return "Something follows after the end of the object; take it out."
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


def _too_deep() -> BadInput:
    return BadInput(f"This JSON is nested more than {MAX_DEPTH} levels deep.", "Flatten it.")


@dataclass
class _Scan:
    """One pass over the tokens of a text that is JSON, for what a reader of JSON passes over in silence."""

    text: str
    names: list[set[str] | None] = field(default_factory=list)
    """The names so far in each object that is open; None for a list."""

    def run(self) -> None:
        """Raise BadInput for the first thing found."""
        before: re.Match[str] | None = None
        for token in _TOKEN.finditer(self.text):
            said = token[0]
            if said in "{[":
                self.names.append(set() if said == "{" else None)
                if len(self.names) > MAX_DEPTH:
                    raise _too_deep()
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
            raise _at(self.text, token.start(), "This field is in its object twice", "Take one of the two out.")
        names.add(name)

    def _number(self, token: re.Match[str]) -> None:
        if not math.isfinite(float(token[0])):
            raise _at(self.text, token.start(), "This is no number that JSON has", "Write a finite number.")
