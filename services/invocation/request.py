"""What is sent, and where. Pure."""

import json
from typing import Any
from urllib.parse import quote

from services.errors import BadInput


def invocation_path(endpoint: str, entity: str = "") -> str:
    """Where an endpoint is invoked; with *entity*, past its traffic split and straight at that served entity."""
    below = f"/served-models/{_quoted(entity)}" if entity else ""
    return f"/serving-endpoints/{_quoted(endpoint)}{below}/invocations"


def as_object(text: str) -> dict[str, Any]:
    """The JSON object that was typed. Raises BadInput, saying where it is none."""
    if not text.strip():
        raise BadInput("The body is empty.", "Type a JSON object, such as {}.")
    try:
        body = json.loads(text)
    except json.JSONDecodeError as wrong:
        raise BadInput(
            f"The body is not JSON: {wrong.msg}, line {wrong.lineno}, column {wrong.colno}.",
            "Mend it there, then send again.",
        ) from wrong
    except (ValueError, RecursionError) as wrong:  # a number of thousands of digits; nested too deep
        raise BadInput(
            "The body is JSON that cannot be read here.", "Make its numbers shorter, or nest it less."
        ) from wrong
    if not isinstance(body, dict):
        raise BadInput("The body is JSON, but not an object.", 'Put it into braces, such as {"inputs": …}.')
    return body


def _quoted(name: str) -> str:
    return quote(name, safe="", errors="replace")
