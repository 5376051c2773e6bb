"""OpenAI's API as far as external models need it, on this machine: it knows one key, and answers every question alike."""

import json
from typing import Any

from tests.upstreams import Answer, Asked, Upstream, reply, stream

KEY = "sk-canary-of-the-provider"
ANSWER = "Hello! How can I assist you today?"
USAGE = {"prompt_tokens": 9, "completion_tokens": 8, "total_tokens": 17}


class OpenAiProvider(Upstream):
    """Answers chat, completions and embeddings, whole or streaming; a chat with tools is answered by calling the first."""

    @property
    def base(self) -> str:
        """What `openai_api_base` is set to."""
        return f"{self.url}/v1"

    def answer(self, asked: Asked) -> Answer:
        """What OpenAI would say."""
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return reply({"error": {"message": "Incorrect API key provided.", "code": "invalid_api_key"}}, 401)
        if asked.path == "/v1/embeddings":
            return reply(_embeddings(asked.json))
        kind = {"/v1/chat/completions": _chat, "/v1/completions": _completion}.get(asked.path)
        if kind is None:
            return reply({"error": {"message": f"Unknown request URL: POST {asked.path}"}}, 404)
        if asked.json.get("stream"):
            return stream(*_events(asked.json), "[DONE]")
        return reply(kind(asked.json))


def _head(kind: str, question: dict[str, Any]) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1700000000, "model": f"{question['model']}-0613"}


def _chat(question: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": ANSWER}
    ending = "stop"
    if tools := question.get("tools"):
        function = {"name": tools[0]["function"]["name"], "arguments": json.dumps({"city": "Seoul"})}
        call = {"id": "call_1", "type": "function", "function": function}
        message, ending = {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"
    choices = [{"index": place, "message": message, "finish_reason": ending} for place in range(question.get("n") or 1)]
    return _head("chat.completion", question) | {"choices": choices, "usage": USAGE}


def _completion(question: dict[str, Any]) -> dict[str, Any]:
    choices = [{"index": 0, "text": ANSWER, "finish_reason": "stop", "logprobs": None}]
    return _head("text_completion", question) | {"choices": choices, "usage": USAGE}


def _events(question: dict[str, Any]) -> list[dict[str, Any]]:
    head = _head("chat.completion.chunk", question)
    deltas = [{"role": "assistant", "content": ""}, *({"content": f"{word} "} for word in ANSWER.split())]
    events = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    if (question.get("stream_options") or {}).get("include_usage"):
        events.append({"choices": [], "usage": USAGE})
    return [head | event for event in events]


def _embeddings(question: dict[str, Any]) -> dict[str, Any]:
    texts = question["input"] if isinstance(question["input"], list) else [question["input"]]
    data = [
        {"object": "embedding", "index": place, "embedding": [float(len(text)), 1.0, 0.0]}
        for place, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
    return {"object": "list", "model": question["model"], "data": data, "usage": usage}
