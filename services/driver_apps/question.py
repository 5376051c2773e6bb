"""What an app on a driver is asked: made of a prompt, or any JSON. Pure."""

import json
from collections.abc import Sequence
from typing import Any

from services.errors import BadInput

PROMPT, STOP = "prompt", "stop"


def question(prompt: str, stop: Sequence[str], more: str) -> dict[str, Any]:
    """The body that LangChain's ``Databricks`` would send: the prompt, the keys of *more*, and the stop texts if there are any.

    *more* is a JSON object as text, or empty. Raises BadInput, also where it names prompt or stop once more.
    """
    keys = any_json(more, "More keys") if more.strip() else {}
    if not isinstance(keys, dict):
        raise BadInput("More keys are JSON, but not an object.", 'Put them into braces, such as {"temperature": 0.1}.')
    if twice := sorted(keys.keys() & {PROMPT, STOP}):
        raise BadInput(f"More keys name {twice[0]} again.", "Take it out there; it has a field of its own.")
    return {PROMPT: prompt} | keys | ({STOP: list(stop)} if stop else {})


def any_json(text: str, what: str = "The body") -> Any:
    """The JSON value that was typed; None for nothing at all. Raises BadInput, saying where it is none."""
    if not text.strip():
        return None
    try:
        value = json.loads(text)
    except json.JSONDecodeError as wrong:
        raise BadInput(
            f"{what}: not JSON. {wrong.msg}, line {wrong.lineno}, column {wrong.colno}.",
            "Mend it there, then send again.",
        ) from wrong
    except (ValueError, RecursionError) as wrong:  # a number of thousands of digits; nested too deep
        raise BadInput(
            f"{what}: JSON that cannot be read here.", "Make its numbers shorter, or nest it less."
        ) from wrong
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
