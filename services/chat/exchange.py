"""The exchange: a request in, a stream of deltas out."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from services.call import Call
from services.chat.request import ChatRequest, check
from services.chat.wire import ChatDelta, chat_from_wire, chat_to_wire
from services.errors import UnexpectedReply, Unreachable
from services.refusals import refused_in_stream
from services.workspace import EventStream, Workspace


def stream_chat(workspace: Workspace, request: ChatRequest, call: Call) -> Iterator[ChatDelta]:
    """Invoke the endpoint once and yield each delta as it arrives; a reply that comes whole yields its deltas together.

    Raises BadInput here, before anything is sent. The iterator raises any other PlaygroundError: at once if the endpoint
    refuses, part-way if the stream breaks; and CallCancelled after ``call.cancel()``.
    """
    check(request)
    body = chat_to_wire(request)
    return _deltas(workspace, request, body, call)


def _deltas(workspace: Workspace, request: ChatRequest, body: dict[str, Any], call: Call) -> Iterator[ChatDelta]:
    reply = workspace.invoke(request.path, body, call, name=request.endpoint)
    if isinstance(reply, EventStream):
        yield from _streamed(reply.events, request.endpoint)
    else:
        _raise_if_failed(reply.body, request.endpoint)
        yield from chat_from_wire(reply.body)


def _streamed(events: Iterator[str], endpoint: str) -> Iterator[ChatDelta]:
    ended = arrived = False
    for data in events:
        if data.strip() == "[DONE]":
            return
        for delta in _of_event(data, endpoint):
            ended = ended or delta.finish_reason is not None
            arrived = True
            yield delta
    if not arrived:
        raise UnexpectedReply(
            f"{endpoint} ended its stream without an answer.", "Send again; see what came in the inspector."
        )
    if not ended:
        raise Unreachable(
            f"The stream of {endpoint} ended before its answer did.",
            "What had arrived is kept. Send again for a whole one.",
        )


def _of_event(data: str, endpoint: str) -> Iterator[ChatDelta]:
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        yield ChatDelta(unreadable=data)
        return
    _raise_if_failed(event, endpoint)
    yield from chat_from_wire(event)


def _raise_if_failed(event: Mapping[str, Any], endpoint: str) -> None:
    """Failures inside a reply of status 200 come in both shapes: the platform's and OpenAI's."""
    if event.get("error") or ("error_code" in event and "choices" not in event):
        raise refused_in_stream(endpoint, event)
