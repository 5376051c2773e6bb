"""JSON schemas of the three tasks, for the description of an endpoint that serves an external model."""

from typing import Any

from local_workspace.invocations.request_bodies import ChatBody, CompletionsBody, EmbeddingsBody
from local_workspace.serving.records import CHAT, COMPLETIONS, EMBEDDINGS
from local_workspace.web.bodies import Body, takes

_BODIES: dict[str, type[Body]] = {CHAT: ChatBody, COMPLETIONS: CompletionsBody, EMBEDDINGS: EmbeddingsBody}
_USAGE = {"type": "object", "additionalProperties": {}}


def of_task(task: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Schemas of a body and of its reply. Both leave room: providers take and give fields of their own."""
    body = takes(_BODIES[task])["requestBody"]["content"]["application/json"]["schema"]
    if task == CHAT:
        message = {"type": "object", "properties": {"role": {"type": "string"}}, "required": ["role"]}
        body["properties"]["messages"]["items"] = message
    return _open(body), _reply(task)


def _open(schema: Any) -> Any:
    """The schema without what it says of other fields than its own."""
    if isinstance(schema, dict):
        return {name: _open(value) for name, value in schema.items() if name != "additionalProperties"}
    return [_open(item) for item in schema] if isinstance(schema, list) else schema


def _reply(task: str) -> dict[str, Any]:
    if task == EMBEDDINGS:
        vector = {"anyOf": [{"type": "array", "items": {"type": "number"}}, {"type": "string"}]}
        item = {"type": "object", "properties": {"index": {"type": "integer"}, "embedding": vector}}
        return _object({"object": {"type": "string"}, "data": {"type": "array", "items": item}, "usage": _USAGE})
    said = {"message": {"type": "object"}} if task == CHAT else {"text": {"type": "string"}}
    choice = {"index": {"type": "integer"}, "finish_reason": {"type": ["string", "null"]}} | said
    choices = {"type": "array", "items": {"type": "object", "properties": choice}}
    return _object({"id": {"type": ["string", "null"]}, "choices": choices, "usage": _USAGE})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties | {"model": {"type": "string"}}}
