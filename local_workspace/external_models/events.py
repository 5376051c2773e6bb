"""A provider's server-sent events, line by line into the JSON of each; and whether the stream came to its end."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from local_workspace.external_models.failures import bad_answer, parsed, provider_failed

_FIELDS = (b"event", b"id", b"retry", b"")  # the last is a comment
MAX_EVENT_BYTES = 4 * 1024 * 1024
BROKEN_OFF = "The stream ended before the answer was complete."


async def events(lines: AsyncGenerator[bytes, None]) -> AsyncGenerator[str, None]:
    """The JSON object of each event, as text, until [DONE].

    Raises FailedError at what is no event, and at the end of a stream of chat or completions chunks that never finished:
    neither [DONE] nor a finish_reason. A connection that closes says nothing itself.
    """
    waiting: list[bytes] = []
    size = 0
    begun = finished = False
    async with aclosing(_with_last_line(lines)) as all_lines:
        async for line in all_lines:
            if text := line.rstrip(b"\r\n"):
                size += len(text)
                _take(text, waiting, size)
                continue
            size = 0
            if data := _joined(waiting):
                if data == "[DONE]":
                    return
                choices = _choices(data)
                begun = begun or bool(choices)
                finished = finished or any(choice.get("finish_reason") for choice in choices)
                yield data
    if begun and not finished:
        raise provider_failed(502, BROKEN_OFF)


async def _with_last_line(lines: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(lines):
        async for line in lines:
            yield line
    yield b"\n"  # the last event may lack its empty line


def _take(text: bytes, waiting: list[bytes], size: int) -> None:
    if size > MAX_EVENT_BYTES:
        raise bad_answer(f"The provider's stream holds an event larger than {MAX_EVENT_BYTES} bytes.")
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


def _choices(data: str) -> list[dict[str, Any]]:
    """The choices of an event, none where it has no such thing. Raises FailedError when it is no JSON object."""
    try:
        event = parsed(data)
    except ValueError as error:
        raise bad_answer("The provider's stream holds an event that is not valid JSON.") from error
    if not isinstance(event, dict):
        raise bad_answer("The provider's stream holds an event that is not a JSON object.")
    choices = event.get("choices")
    return [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []
