"""The exchange: a request in, a stream of deltas out."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from services.call import Call
from services.chat.reply import ChatReply
from services.chat.request import ChatRequest, check
from services.chat.wire import ChatDelta, chat_from_wire, chat_to_wire
from services.errors import UnexpectedReply, Unreachable
from services.foreign_json import read_json
from services.jobs import Outcome
from services.refusals import failure_in, refused_in_stream
from services.replies import EventStream
from services.transforms import Hooks
from services.wire_body import encoded
from services.workspace import Workspace

_SHORTER = "Clear the conversation, or shorten the message."


def stream_chat(
    workspace: Workspace, request: ChatRequest, call: Call, hooks: Hooks | None = None
) -> Iterator[ChatDelta]:
    """Invoke the endpoint once and yield each delta as it arrives; a reply that comes whole yields its deltas together.

    Raises BadInput here, before anything is sent. The iterator raises any other PlaygroundError: at once if the endpoint
    refuses, part-way if the stream breaks; and CallCancelled after ``call.cancel()``. The body goes
    through *hooks* first, when the iterator begins; TransformFailed then means that nothing was sent.
    """
    check(request)
    body = chat_to_wire(request)
    return _deltas(workspace, request, body, encoded(body, shorter=_SHORTER), call, hooks)


def send_chat(workspace: Workspace, request: ChatRequest, call: Call) -> ChatReply:
    """Invoke the endpoint once and return its whole reply. Raises as stream_chat and its iterator do."""
    reply = ChatReply()
    for delta in stream_chat(workspace, request, call):
        reply.receive(delta, call.record.elapsed())
    reply.ends(Outcome.COMPLETE)
    return reply


def _deltas(
    workspace: Workspace, request: ChatRequest, body: dict[str, Any], content: bytes, call: Call, hooks: Hooks | None
) -> Iterator[ChatDelta]:
    if hooks is not None:
        content = encoded(hooks.shape_request(body), shorter=_SHORTER)
    reply = workspace.invoke(request.path, content, call, name=request.endpoint)
    if isinstance(reply, EventStream):
        # Closed here: an error that is kept would keep the stream, and with it the connection.
        with contextlib.closing(reply.events):
            yield from _streamed(reply.events, request.endpoint)
    else:
        yield from _whole(reply.body, request.endpoint)


def _whole(body: Mapping[str, Any], endpoint: str) -> Iterator[ChatDelta]:
    _raise_if_failed(body, endpoint)
    arrived = False
    for delta in chat_from_wire(body):
        arrived = arrived or _is_answer(delta)
        yield delta
    if not arrived:
        raise _no_answer(endpoint)


def _streamed(events: Iterator[str], endpoint: str) -> Iterator[ChatDelta]:
    ended = arrived = False
    for data in events:
        if data.strip() == "[DONE]":
            ended = True
            break
        for delta in _of_event(data, endpoint):
            ended = ended or delta.finish_reason is not None
            arrived = arrived or _is_answer(delta)
            yield delta
    if not arrived:
        raise _no_answer(endpoint)
    if not ended:
        raise Unreachable(
            f"The stream of {endpoint} ended before its answer did.",
            "What had arrived is kept. Send again for a whole one.",
        )


def _of_event(data: str, endpoint: str) -> Iterator[ChatDelta]:
    try:
        event = read_json(data)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        yield ChatDelta(unreadable=data)
        return
    _raise_if_failed(event, endpoint)
    yield from chat_from_wire(event, data)


def _is_answer(delta: ChatDelta) -> bool:
    """Whether it says more than what the exchange has cost."""
    return delta.usage is None


def _no_answer(endpoint: str) -> UnexpectedReply:
    return UnexpectedReply(f"{endpoint} ended without an answer.", "Send again; see what came in the inspector.")


def _raise_if_failed(event: Mapping[str, Any], endpoint: str) -> None:
    if failure_in(event):
        raise refused_in_stream(endpoint, event)
