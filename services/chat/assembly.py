"""A whole chat completion from what has arrived of a stream: what a function that knows whole replies can be given. Pure."""

import dataclasses
from typing import Any

from services.chat.reply import Answer, ChatReply


def completion_of(reply: ChatReply) -> dict[str, Any]:
    """The reply as the API would have sent it whole: ``choices`` with a ``message`` each, and ``usage`` where it was told."""
    choices = [
        {"index": index, "message": _message(answer), "finish_reason": answer.finish_reason}
        for index, answer in sorted(reply.answers.items())
    ]
    told = dataclasses.asdict(reply.usage) if reply.usage else {}
    usage = {name: count for name, count in told.items() if count is not None and name != "reasoning_tokens"}
    return {"object": "chat.completion", "choices": choices} | ({"usage": usage} if usage else {})


def _message(answer: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text}
    if answer.reasoning:
        message["reasoning_content"] = answer.reasoning
    if answer.refusal:
        message["refusal"] = answer.refusal
    if answer.tool_calls:
        message["tool_calls"] = [
            {"index": index, "type": "function", "function": dataclasses.asdict(one)}
            for index, one in sorted(answer.tool_calls.items())
        ]
    return message
