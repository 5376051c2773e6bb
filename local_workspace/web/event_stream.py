"""A streamed reply: server-sent events, `data:` lines only, one ASGI message each, and `data: [DONE]`."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from local_workspace import refusals

DONE = b"data: [DONE]\n\n"


def encode_event(value: dict[str, Any]) -> bytes:
    """One event. Texts stay as they are: a reader must cope with UTF-8."""
    return f"data: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


class EventStream(Response):
    """Sends `chunks` as they come. A refusal after the first becomes an error event, and then the stream ends.

    mlflow's reader stops with an error at any comment or `event:` line, so there are none. The iterator is closed with
    the reply, whichever way it ends.
    """

    def __init__(self, chunks: AsyncGenerator[dict[str, Any], None], headers: dict[str, str]) -> None:
        super().__init__(headers=headers | {"cache-control": "no-cache"}, media_type="text/event-stream")
        del self.headers["content-length"]
        self._chunks = chunks

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the reply."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with aclosing(self._events()) as events:
            async for event in events:
                await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _events(self) -> AsyncGenerator[bytes, None]:
        try:
            async with aclosing(self._chunks) as chunks:
                async for chunk in chunks:
                    yield encode_event(chunk)
            yield DONE
        except refusals.RefusalError as refusal:
            yield refusals.error_event(refusal)
