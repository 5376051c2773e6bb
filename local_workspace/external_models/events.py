"""A provider's server-sent events, line by line into the JSON of each; and whether the stream came to its end."""

import json
from collections.abc import AsyncGenerator, AsyncIterable
from typing import Any

from local_workspace.external_models.failures import bad_answer, provider_failed

_FIELDS = (b"event", b"id", b"retry", b"")  # the last is a comment
BROKEN_OFF = "The stream ended before the answer was complete."


async def events(lines: AsyncIterable[bytes]) -> AsyncGenerator[str, None]:
    """The JSON object of each event, as text, until [DONE].

    Raises FailedError at what is no event, and at the end of a stream of chat or completions chunks that never finished:
    neither [DONE] nor a finish_reason. A connection that closes says nothing itself.
    """
    waiting: list[bytes] = []
    unfinished = False
    async for line in lines:
        text = line.rstrip(b"\r\n")
        if text:
            _take(text, waiting)
            continue
        if (data := _joined(waiting)) == "[DONE]":
            return
        if data:
            unfinished = _is_unfinished(_parsed(data), unfinished)
            yield data
    if data := _joined(waiting):  # the last event may lack its empty line
        if data == "[DONE]":
            return
        unfinished = _is_unfinished(_parsed(data), unfinished)
        yield data
    if unfinished:
        raise provider_failed(502, BROKEN_OFF)


def _take(text: bytes, waiting: list[bytes]) -> None:
    field, _, value = text.partition(b":")
    if field == b"data":
        waiting.append(value.removeprefix(b" "))
    elif field not in _FIELDS:
        raise bad_answer("The provider's answer is no stream of events: it has a line that is no field of one.")


def _joined(waiting: list[bytes]) -> str:
    data = b" ".join(waiting).strip()  # JSON may be spread over lines; between two of them any space does
    waiting.clear()
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise bad_answer("The provider's stream holds an event that is not UTF-8.") from error


def _parsed(data: str) -> dict[str, Any]:
    try:
        event = json.loads(data)
    except ValueError as error:
        raise bad_answer("The provider's stream holds an event that is not valid JSON.") from error
    if not isinstance(event, dict):
        raise bad_answer("The provider's stream holds an event that is not a JSON object.")
    return event


def _is_unfinished(event: dict[str, Any], before: bool) -> bool:
    """Whether the stream may not end after `event`."""
    choices = event.get("choices")
    if not isinstance(choices, list) or not choices:
        return before
    reasons = [choice.get("finish_reason") for choice in choices if isinstance(choice, dict)]
    return before and not any(reasons) if before else not any(reasons)
