"""One call of a custom model: it holds a slot from its first moment until it is over, whichever way it ends."""

import uuid
from collections.abc import AsyncGenerator
from typing import Protocol

import httpx
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from local_workspace.workers.worker import Worker


class Slots(Protocol):
    """Who has the slots."""

    def took(self) -> None:
        """A call begins."""

    def gave_back(self, call: "Call") -> None:
        """A call ends here. It may still run in its worker, when that is known."""


class Call:
    """A slot, taken at once and given back once.

    `worker` is where the call runs, as far as we know, and None once it is known to be over. `reply` is set for a stream,
    which ends later than the function that began it.
    """

    def __init__(self, slots: Slots) -> None:
        self.id = uuid.uuid4().hex
        self.worker: Worker | None = None
        self.reply: httpx.Response | None = None
        self._slots = slots
        self._ended = False
        slots.took()

    def end(self) -> None:
        """Give the slot back. Safe to call twice."""
        if not self._ended:
            self._ended = True
            self._slots.gave_back(self)


class CallStream(StreamingResponse):
    """A streamed reply whose call ends also when the caller is gone before the first event."""

    def __init__(self, events: AsyncGenerator[bytes, None], call: Call, name: str) -> None:
        headers = {"served-model-name": name, "cache-control": "no-cache"}
        super().__init__(events, headers=headers, media_type="text/event-stream")
        self._call = call

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the reply."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._call.end()
