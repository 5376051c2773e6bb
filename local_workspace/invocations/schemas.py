"""JSON schemas of what each task asks and answers, for OpenAPI documents."""

from typing import Any

from pydantic import BaseModel

from local_workspace.invocations.request_bodies import ChatBody, CompletionsBody, EmbeddingsBody
from local_workspace.serving.records import CHAT, COMPLETIONS, EMBEDDINGS
from local_workspace.web.bodies import schema_of

BODIES: dict[str, type[BaseModel]] = {CHAT: ChatBody, COMPLETIONS: CompletionsBody, EMBEDDINGS: EmbeddingsBody}

_INTEGER = {"type": "integer"}
_USAGE = {
    "type": "object",
    "properties": {"prompt_tokens": _INTEGER, "completion_tokens": _INTEGER, "total_tokens": _INTEGER},
}
_MESSAGE = {"type": "object", "properties": {"role": {"type": "string"}, "content": {}}}
_FINISH = {"index": _INTEGER, "finish_reason": {"type": ["string", "null"]}}
REPLIES: dict[str, dict[str, Any]] = {
    CHAT: {"choices": {"type": "array", "items": {"type": "object", "properties": _FINISH | {"message": _MESSAGE}}}},
    COMPLETIONS: {
        "choices": {"type": "array", "items": {"type": "object", "properties": _FINISH | {"text": {"type": "string"}}}}
    },
    EMBEDDINGS: {
        "data": {
            "type": "array",
            "items": {"type": "object", "properties": {"index": _INTEGER, "embedding": {"type": "array"}}},
        }
    },
}


def schemas_of(task: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schemas of a body and of a whole reply of `task`."""
    reply = {"id": {"type": ["string", "null"]}, "object": {"type": "string"}, "model": {"type": "string"}}
    return schema_of(BODIES[task]), {"type": "object", "properties": reply | REPLIES[task] | {"usage": _USAGE}}


def open_schemas_of(task: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same for a provider's model, which takes and gives fields of its own."""
    body, reply = schemas_of(task)
    if task == CHAT:
        message = {"type": "object", "properties": {"role": {"type": "string"}}, "required": ["role"]}
        body["properties"]["messages"]["items"] = message
    return _open(body), reply


def _open(schema: Any) -> Any:
    """The schema without what it says of other fields than its own."""
    if isinstance(schema, dict):
        return {name: _open(value) for name, value in schema.items() if name != "additionalProperties"}
    return [_open(item) for item in schema] if isinstance(schema, list) else schema
