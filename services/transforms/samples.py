"""Samples to try a transform on: as a person types them, and what a task's endpoint answers. Pure."""

import json
from typing import Any

from services.errors import BadInput
from services.typed_json import any_value

MOST_SAMPLE = 1_000_000
"""Characters."""
_ANSWER = "Hello! How can I help you today?"
_MESSAGE = {"role": "assistant", "content": _ANSWER}
_CHAT = {"object": "chat.completion", "choices": [{"index": 0, "message": _MESSAGE, "finish_reason": "stop"}]}
_COMPLETION = {"object": "text_completion", "choices": [{"index": 0, "text": _ANSWER, "finish_reason": "stop"}]}
_EMBEDDING = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.1, -0.2, 0.3]}]}
_RESPONSES = {
    "object": "response",
    "output": [{"type": "message", "content": [{"type": "output_text", "text": _ANSWER}]}],
}
_AGENT = {"messages": [_MESSAGE]}
_OF_TASK = {
    "llm/v1/chat": _CHAT,
    "llm/v1/completions": _COMPLETION,
    "llm/v1/embeddings": _EMBEDDING,
    "agent/v1/responses": _RESPONSES,
    "agent/v2/chat": _AGENT,
}


def sample_reply(task: str) -> Any:
    """The smallest reply of an endpoint with that task; of a custom model's where the task is empty or unknown."""
    return _OF_TASK.get(task, {"predictions": [_ANSWER]})


def read_sample(text: str, what: str) -> Any:
    """The JSON value that was typed as the sample *what*. Raises BadInput, saying where it is none."""
    if len(text) > MOST_SAMPLE:
        raise BadInput(f"The sample {what} has {len(text):,} characters; {MOST_SAMPLE:,} are taken.", "Shorten it.")
    if not text.strip():
        raise BadInput(f"There is no sample {what}.", "Type one, or press “Use its sample”.")
    return any_value(text, f"The sample {what}")


def read_sample_request(text: str) -> dict[str, Any]:
    """The same for a request, which is an object. Raises BadInput."""
    value = read_sample(text, "request")
    if not isinstance(value, dict):
        raise BadInput("The sample request is JSON, but not an object.", 'Put it into braces, such as {"prompt": …}.')
    return value


def sample_text(value: Any) -> str:
    """A value as JSON for people. Half a character, which a reply may hold, becomes a question mark."""
    return json.dumps(value, indent=2, ensure_ascii=False).encode("utf-8", errors="replace").decode()
