"""A draft as text: JSON that a person types, and the sentence for what is wrong with it. Pure."""

import json

from services.endpoint_setup.draft import Body
from services.errors import BadInput
from services.typed_json import any_value

MAX_TEXT = 1_000_000
"""Bytes."""


def shown(body: Body) -> str:
    """The body as JSON for people: indented, every character as it is."""
    return json.dumps(body, indent=2, ensure_ascii=False)


def parsed(text: str) -> Body:
    """The body that *text* is. Raises BadInput, with the line and the column, for what is no JSON object.

    So also for what ``any_value`` refuses, and for more than MAX_TEXT bytes.
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_TEXT:
        raise BadInput(f"This JSON has {size:,} bytes; at most {MAX_TEXT:,} are taken.", "Shorten it.")
    if not text.strip():
        raise BadInput("There is no JSON here.", "Begin with { and end with }.")
    value = any_value(text)
    if not isinstance(value, dict):
        raise BadInput("This JSON is not an object.", "Begin with { and end with }.")
    return value
