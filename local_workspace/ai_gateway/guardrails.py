"""Guardrails that work without a model: forbidden words in what goes to an endpoint and in what it answers.

A word is found wherever it stands, in any case; whether the platform looks for whole words is not known. An answer is looked
at when it comes in one piece: a stream passes, as the platform's guardrails for answers do not support streaming.
"""

import json
from collections.abc import Iterator
from typing import Any

from starlette.responses import Response

from local_workspace.ai_gateway.config import Side, keywords_of
from local_workspace.ai_gateway.token_counts import UsageReader
from local_workspace.refusals import guardrail_triggered

ASKED = ("messages", "prompt", "input")
ANSWERED = ("choices", "output", "messages", "predictions")
INNER = ("message", "content", "text")


def check_input(gateway: dict[str, Any] | None, body: dict[str, Any] | None) -> None:
    """Raise RefusalError (400) when `body`, a parsed request, holds a forbidden word."""
    if _forbidden(gateway, "input", body or {}, ASKED):
        raise guardrail_triggered("input", {"prompt_tokens": 0, "total_tokens": 0})


def check_output(gateway: dict[str, Any] | None, response: Response) -> None:
    """Raise RefusalError (400) when `response`, a whole reply in JSON, holds a forbidden word."""
    whole = getattr(response, "body", b"")
    is_json = response.headers.get("content-type", "").startswith("application/json")
    if not whole or not is_json or not keywords_of(gateway, "output"):
        return
    try:
        reply = json.loads(whole)
    except (ValueError, RecursionError):  # what a provider or a model sends need not be JSON as it should be
        reply = {"output": bytes(whole).decode(errors="replace")}
    if isinstance(reply, dict) and _forbidden(gateway, "output", reply, ANSWERED):
        reader = UsageReader()
        reader.feed(bytes(whole))
        reader.finish()
        said, asked = reader.output_tokens or 0, reader.input_tokens or 0
        raise guardrail_triggered(
            "output", {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}
        )


def _forbidden(gateway: dict[str, Any] | None, side: Side, body: dict[str, Any], fields: tuple[str, ...]) -> bool:
    words = [word.casefold() for word in keywords_of(gateway, side)]
    if not words:
        return False
    texts = (text.casefold() for field in fields for text in _texts(body.get(field)))
    return any(word in text for text in texts for word in words)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for name in INNER:
            yield from _texts(value.get(name))
