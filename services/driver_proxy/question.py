"""What an app on a driver is asked: made of a prompt, or any JSON. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.errors import BadInput
from services.typed_json import any_value, as_object

PROMPT, STOP = "prompt", "stop"
MORE = "More parameters (JSON)"
"""What the field of the other keys is called."""


def question(prompt: str, stop: Sequence[str], more: str, fields: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The body that LangChain's ``Databricks`` would send: the prompt, the parameters, and the stop texts if there are any.

    *fields*: parameters with fields of their own, None for one that is empty and not sent. *more* is a JSON object with others as
    text, or empty. Raises BadInput, also where it names prompt, stop or one of *fields* that is filled in once more.
    """
    filled = {name: value for name, value in (fields or {}).items() if value is not None}
    keys = as_object(more, f"“{MORE}”") if more.strip() else {}
    if twice := sorted(keys.keys() & {PROMPT, STOP, *filled}):
        raise BadInput(f"“{MORE}” names {twice[0]} again.", "Take it out there; it has a field of its own.")
    return {PROMPT: prompt} | filled | keys | ({STOP: list(stop)} if stop else {})


def any_json(text: str, what: str = "The body") -> Any:
    """The JSON value that was typed; None for nothing at all. Raises BadInput, saying where it is none."""
    if not text.strip():
        return None
    value = any_value(text, what)
    if value is None:
        raise BadInput(f"{what}: null cannot be told from no body.", "Leave it empty, or wrap it into an object.")
    return value


def headers_of(text: str) -> tuple[tuple[str, str], ...]:
    """The headers that were typed, one ``Name: value`` a line. Raises BadInput for a line without a colon."""
    found = []
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if line.strip() and not colon:
            raise BadInput("A line of the headers has no colon.", "Write one header a line, such as X-Team: red.")
        if line.strip():
            found.append((name.strip(), value.strip()))
    return tuple(found)
