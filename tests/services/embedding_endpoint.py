"""An endpoint for embeddings that does what a test says, and remembers what it was asked."""

import hashlib
import json
import threading
from collections.abc import Callable
from typing import Any

from tests.services.replies import Exchange, Script

Refusal = Callable[[list[str], int], Any]
"""Given the texts of a request and its number, from 0: what to answer in place of vectors, as a script; None for vectors."""


def vector_of(text: str) -> list[float]:
    """Three numbers that a text alone decides."""
    digest = hashlib.sha256(text.encode()).digest()
    return [digest[0] / 255, digest[1] / 255, len(text) / 100]


def answers(body: Any, status: int = 200, **headers: str) -> Script:
    """Reply with JSON, in one packet: a head of its own would cost each of a hundred requests 40 ms of Nagle's waiting."""
    content = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Status", "content-type: application/json", f"content-length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return lambda exchange: exchange.send("\r\n".join(lines).encode() + b"\r\n\r\n" + content)


def refusal(message: str, status: int = 400, **headers: str) -> Script:
    """A refusal in the platform's shape."""
    return answers({"error_code": "BAD_REQUEST", "message": message}, status, **headers)


class ScriptedEndpoint:
    """Give it to `make_reply_server`. It answers in OpenAI's shape, the last text first."""

    def __init__(self, instead: Refusal | None = None, seconds: float = 0.0) -> None:
        self.instead = instead or (lambda *_: None)
        self.seconds = seconds
        self.asked: list[list[str]] = []
        self.bodies: list[dict[str, Any]] = []
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()

    def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        body = json.loads(exchange.received.body)
        texts = body["input"]
        with self._lock:
            number = len(self.asked)
            self.asked.append(texts)
            self.bodies.append(body)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            exchange.pause(self.seconds)
            answer = self.instead(texts, number) or answers(openai_reply(texts))
            answer(exchange)
        finally:
            with self._lock:
                self.at_once -= 1

    @property
    def texts(self) -> list[str]:
        """All that it was asked for, in the order in which it came."""
        return [text for texts in self.asked for text in texts]


def openai_reply(texts: list[str]) -> dict[str, Any]:
    """The last one first, as the specification allows."""
    data = [{"object": "embedding", "index": place, "embedding": vector_of(text)} for place, text in enumerate(texts)]
    return {"object": "list", "data": data[::-1], "usage": {"prompt_tokens": len(texts), "total_tokens": len(texts)}}
