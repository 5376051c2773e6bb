"""Watching one invocation from its question to its end, without holding up a byte of the reply."""

import asyncio
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from local_workspace.ai_gateway.token_counts import UsageReader

MAX_KEPT_BYTES = 1024 * 1024  # the platform's limit of a logged payload
Outcome = Literal["running", "complete", "error", "client_closed", "broken"]


@dataclass(eq=False)
class Observation:
    """What is known of one invocation.

    `outcome` is `error` when a stream ended with an error event, `client_closed` when the caller hung up, `broken` when the
    reply ended short of its end otherwise. `status` is None when nothing was sent. Times are in milliseconds, counted from
    when the request was complete; `at` is Unix time in seconds. `request` and `reply` hold at most MAX_KEPT_BYTES, `reply`
    only with `keeps_reply`. `when_over` is called once.
    """

    endpoint: str
    requester: str
    request_id: str
    task: str | None
    request: bytes
    keeps_reply: bool
    when_over: Callable[["Observation"], None]
    client_request_id: str | None = None
    usage_context: dict[str, Any] | None = None
    entity: str = ""
    over: bool = False
    at: float = field(default_factory=time.time)
    began: float = field(default_factory=time.perf_counter)
    status: int | None = None
    outcome: Outcome = "running"
    streamed: bool = False
    first_byte_ms: float | None = None
    total_ms: float = 0.0
    request_bytes: int = 0
    reply_bytes: int = 0
    reply: bytearray = field(default_factory=bytearray)
    usage: UsageReader = field(default_factory=UsageReader)

    def __post_init__(self) -> None:
        self.request_bytes, self.request = len(self.request), self.request[:MAX_KEPT_BYTES]

    def see(self, message: Message) -> None:
        """Take note of an ASGI message of the reply."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.streamed = dict(message["headers"]).get(b"content-type", b"").startswith(b"text/event-stream")
            return
        piece = message.get("body", b"")
        if piece:
            self.see_piece(piece)

    def see_piece(self, piece: bytes) -> None:
        """Take note of a piece of the reply's body."""
        if self.first_byte_ms is None:
            self.first_byte_ms = self._elapsed()
        self.reply_bytes += len(piece)
        self.usage.feed(piece)
        # What `refusals.error_event` and providers send when a stream fails after its first event.
        if self.streamed and piece.startswith(b'data: {"error'):
            self.outcome = "error"
        if self.keeps_reply and len(self.reply) < MAX_KEPT_BYTES:
            self.reply += piece[: MAX_KEPT_BYTES - len(self.reply)]

    def refuse(self, status: int, body: bytes) -> None:
        """Take note of a refusal in place of a reply, and end."""
        if self.over:
            return
        self.status = status
        if body:
            self.see_piece(body)
        self.end("complete")

    def end(self, outcome: Outcome) -> None:
        """Settle how it ended. Only the first time counts."""
        if self.over:
            return
        self.over = True
        self.total_ms = self._elapsed()
        self.outcome = outcome if self.outcome == "running" else self.outcome
        self.usage.finish()
        self.when_over(self)

    def _elapsed(self) -> float:
        return (time.perf_counter() - self.began) * 1000


class Observed(Response):
    """A reply, whole or streaming, that is watched while it is sent."""

    def __init__(self, response: Response, observation: Observation) -> None:
        self._response = response
        self._observation = observation
        self.status_code = response.status_code
        self.raw_headers = response.raw_headers
        self.background = None
        self.body = getattr(response, "body", b"")
        # A caller can hang up after the reply was made and before it is sent; then it is dropped, and nothing else tells.
        weakref.finalize(self, observation.end, "client_closed").atexit = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the reply."""
        outcome: Outcome = "broken"

        async def watched(message: Message) -> None:
            await send(message)
            self._observation.see(message)  # afterwards: only what was sent counts, and the first byte goes unhindered

        try:
            await self._response(scope, receive, watched)
            outcome = "complete"
        except asyncio.CancelledError:
            outcome = "client_closed"
            raise
        finally:
            self._observation.end(outcome)


def observed(response: Response, observation: Observation) -> Response:
    """`response`, watched: `observation` ends with it, however that is."""
    return Observed(response, observation)
