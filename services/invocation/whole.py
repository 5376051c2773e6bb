"""A stream that is over, as one value: what ``transform_output`` is given of it. Pure."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from services.chat.assembly import completion_of, told_usage
from services.chat.reply import ChatReply
from services.chat.wire import chat_from_wire
from services.foreign_json import read_json

_ENDS = ("response.completed", "response.incomplete", "response.failed")
"""Events of the Responses API that hold the whole response."""
_ITEM_DONE = "response.output_item.done"
"""Holds one whole item. MLflow's agents send these, and need not send an end."""

Event = dict[str, Any]


def whole_of_events(events: Sequence[str]) -> Any:
    """What the API would have sent whole: a chat completion, a text completion, a response.

    Of events that are pieces of none of these, a list of what each of them holds.
    """
    values = [_value(data) for data in events if data.strip() != "[DONE]"]
    objects = [value for value in values if isinstance(value, dict)]
    ways: tuple[Callable[[list[Event]], Event | None], ...] = (_chat, _completion, _response)
    return next((whole for way in ways if (whole := way(objects)) is not None), values)


def _chat(events: list[Event]) -> Event | None:
    if not any("delta" in choice for choice in _choices(events)):
        return None
    return completion_of(_received(events))


def _completion(events: list[Event]) -> Event | None:
    """Of completions: each choice's ``text`` grows by pieces."""
    if not any(isinstance(choice.get("text"), str) for choice in _choices(events)):
        return None
    grown: dict[int, Event] = {}
    for event in events:
        for place, choice in enumerate(_choices([event])):
            index = choice["index"] if isinstance(choice.get("index"), int) else place
            whole = grown.setdefault(index, {"index": index, "text": "", "finish_reason": None})
            whole["text"] += choice["text"] if isinstance(choice.get("text"), str) else ""
            whole["finish_reason"] = choice.get("finish_reason") or whole["finish_reason"]
    told = _received(events)
    named = {name: text for name, text in (("id", told.id), ("model", told.model)) if text}
    choices = [whole for _, whole in sorted(grown.items())]
    return named | {"object": "text_completion", "choices": choices} | told_usage(told)


def _response(events: list[Event]) -> Event | None:
    for event in reversed(events):
        if event.get("type") in _ENDS and isinstance(event.get("response"), dict):
            return dict(event["response"])
    items = [event["item"] for event in events if event.get("type") == _ITEM_DONE and "item" in event]
    return {"object": "response", "output": items} if items else None


def _received(events: list[Event]) -> ChatReply:
    reply = ChatReply(bounded=False)
    for event in events:
        for delta in chat_from_wire(event):
            reply.receive(delta, 0.0)
    return reply


def _choices(events: list[Event]) -> Iterator[Event]:
    for event in events:
        choices = event.get("choices")
        yield from (one for one in (choices if isinstance(choices, list) else ()) if isinstance(one, dict))


def _value(data: str) -> Any:
    try:
        return read_json(data)
    except ValueError:
        return data
