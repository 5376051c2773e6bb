"""A stream that is over, as one value: what ``transform_output`` is given of it. Pure."""

import json
from collections.abc import Sequence
from typing import Any

from services.chat.assembly import completion_of
from services.chat.reply import ChatReply
from services.chat.wire import chat_from_wire


def whole_of_events(events: Sequence[str]) -> Any:
    """One chat completion where the events are pieces of one; else a list of what each event holds."""
    values = [_value(data) for data in events if data.strip() != "[DONE]"]
    if not any(_is_piece(value) for value in values):
        return values
    reply = ChatReply()
    for value in values:
        for delta in chat_from_wire(value) if isinstance(value, dict) else ():
            reply.receive(delta, 0.0)
    return completion_of(reply)


def _is_piece(value: Any) -> bool:
    """Whether it is a chunk of a chat completion."""
    choices = value.get("choices") if isinstance(value, dict) else None
    return isinstance(choices, list) and any(isinstance(one, dict) and "delta" in one for one in choices)


def _value(data: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return data
