"""A whole chat completion from what has arrived: what a function that knows whole replies can be given. Pure."""

import dataclasses
from typing import Any

from services.chat.reply import Answer, ChatReply
from services.foreign_json import read_json
from services.wire_record import WireRecord


def whole_reply(reply: ChatReply, record: WireRecord) -> Any:
    """The body as it came, where the reply came whole; a streamed one as the API would have sent it whole."""
    if not record.streamed:
        try:
            return read_json(record.reply_body)
        except ValueError:
            pass  # so long that its record has the begin of it only
    return completion_of(reply)


def completion_of(reply: ChatReply) -> dict[str, Any]:
    """The reply as the API would have sent it whole: ``choices`` with a ``message`` each, and ``usage`` where it was told."""
    choices = [
        {"index": index, "message": _message(answer), "finish_reason": answer.finish_reason}
        for index, answer in sorted(reply.answers.items())
    ]
    named = {name: text for name, text in (("id", reply.id), ("model", reply.model)) if text}
    return named | {"object": "chat.completion", "choices": choices} | told_usage(reply)


def told_usage(reply: ChatReply) -> dict[str, Any]:
    """``usage``, where it was told."""
    told = dataclasses.asdict(reply.usage) if reply.usage else {}
    usage = {name: count for name, count in told.items() if count is not None and name != "reasoning_tokens"}
    return {"usage": usage} if usage else {}


def _message(answer: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text}
    if answer.reasoning:
        message["reasoning_content"] = answer.reasoning
    if answer.refusal:
        message["refusal"] = answer.refusal
    if answer.tool_calls:
        message["tool_calls"] = [
            ({"id": one.id} if one.id else {})
            | {"index": index, "type": "function", "function": {"name": one.name, "arguments": one.arguments}}
            for index, one in sorted(answer.tool_calls.items())
        ]
    return message
