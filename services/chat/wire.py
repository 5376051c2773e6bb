"""Chat records to wire JSON and back. Pure.

Replies differ: a delta per event (OpenAI, Foundation Model API), a whole message (no streaming), ChatAgent's ``messages`` and
``delta`` without choices, content as a list of parts where a model reasons. Usage comes once at the end or, cumulative, on
every chunk: the last one counts, they are never added.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.chat.request import ChatRequest
from services.foreign_json import as_text


@dataclass(frozen=True)
class Usage:
    """Tokens, as the endpoint reports them. None: it did not say."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    reasoning_tokens: int | None = None


@dataclass(frozen=True)
class ToolCallPiece:
    """A piece of a call that the model asks for; pieces of the same position belong together."""

    position: int
    name: str = ""
    arguments: str = ""
    id: str = ""


@dataclass(frozen=True)
class ChatDelta:
    """One streamed piece of one answer."""

    choice: int = 0
    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    tool_calls: tuple[ToolCallPiece, ...] = ()
    finish_reason: str | None = None
    usage: Usage | None = None
    unreadable: str = ""
    """An event that is not what the API promises, as it came."""
    id: str = ""
    """Of the whole reply, where the event tells it; so is *model*."""
    model: str = ""


def chat_to_wire(request: ChatRequest) -> dict[str, Any]:
    """The body of the invocation. Raises BadInput for a parameter that cannot be sent."""
    messages = [{"role": message.role, "content": message.content} for message in request.messages]
    return {"messages": messages} | request.parameters.to_wire()


def chat_from_wire(event: Mapping[str, Any], arrived: str = "") -> Iterator[ChatDelta]:
    """The deltas of one event, or of a whole reply. One that has nothing known in it yields an unreadable delta.

    *arrived* is the event's text as it came.
    """
    usage = _usage(event.get("usage"))
    pieces = list(_pieces(event))
    for choice, message, finish_reason in pieces:
        text, reasoning = _content(message.get("content"))
        yield ChatDelta(
            choice=choice,
            text=text,
            reasoning=reasoning or as_text(message.get("reasoning_content")),
            refusal=as_text(message.get("refusal")),
            tool_calls=tuple(_tool_calls(message.get("tool_calls"))),
            finish_reason=finish_reason,
            id=as_text(event.get("id")),
            model=as_text(event.get("model")),
        )
    if usage is not None:
        yield ChatDelta(usage=usage)
    elif not pieces and event.get("choices") != []:  # an empty list is a known thing: usage, or a filter's verdict
        yield ChatDelta(unreadable=arrived or _as_json(event))


def _pieces(event: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any], str | None]]:
    """(choice, message or delta, finish reason) of each answer in the event."""
    choices = event.get("choices")
    for position, choice in enumerate(choices if isinstance(choices, list) else ()):
        if isinstance(choice, dict):
            message = choice.get("delta") if isinstance(choice.get("delta"), dict) else choice.get("message")
            yield (
                _index(choice.get("index"), position),
                message if isinstance(message, dict) else {},
                as_text(choice.get("finish_reason")) or None,
            )
    if isinstance(event.get("delta"), dict):
        yield 0, event["delta"], as_text(event.get("finish_reason")) or None
    messages = event.get("messages")
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict) and message.get("role") == "assistant":
            yield 0, message, None


def _content(content: Any) -> tuple[str, str]:
    """(text, reasoning) of a message's content: a text, nothing, or a list of parts."""
    if not isinstance(content, list):
        return as_text(content), ""
    text, reasoning = "", ""
    for part in content:
        if not isinstance(part, dict):
            text += as_text(part)
        elif part.get("type") == "reasoning":
            summary = part.get("summary")
            parts = summary if isinstance(summary, list) else ()
            reasoning += "".join(as_text(piece.get("text")) for piece in parts if isinstance(piece, dict))
        else:
            text += as_text(part.get("text"))
    return text, reasoning


def _tool_calls(calls: Any) -> Iterator[ToolCallPiece]:
    for position, call in enumerate(calls if isinstance(calls, list) else ()):
        if isinstance(call, dict):
            function = call.get("function")
            function = function if isinstance(function, dict) else {}
            yield ToolCallPiece(
                _index(call.get("index"), position),
                as_text(function.get("name")),
                as_text(function.get("arguments")),
                as_text(call.get("id")),
            )


def _usage(usage: Any) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    details = usage.get("completion_tokens_details")
    details = details if isinstance(details, dict) else {}
    counted = Usage(
        _count(usage.get("prompt_tokens")),
        _count(usage.get("completion_tokens")),
        _count(usage.get("total_tokens")),
        _count(details.get("reasoning_tokens")),
    )
    return None if counted == Usage() else counted


def _as_json(value: Mapping[str, Any]) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "JSON that is nested too deep to be shown"


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _index(value: Any, position: int) -> int:
    return position if _count(value) is None else int(value)
