"""From the lines of the gateway's process to replies of the workspace, with every credential of the call taken out."""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from local_workspace.external_models.failures import Failure
from local_workspace.refusals import RefusalError, bad_request, error_event, external_model_failed
from local_workspace.web.event_stream import DONE

REDACTED = b"[redacted]"
SHORTEST_REDACTED = 8  # shorter ones are in every other word; as keys they protect nothing


class Redaction:
    """Takes credentials out of bytes, as they are and as JSON writes them. Its `repr` holds none."""

    def __init__(self, credentials: list[str]) -> None:
        found: set[bytes] = set()
        for text in credentials:
            if len(text) >= SHORTEST_REDACTED:
                found |= {
                    text.encode(),
                    json.dumps(text)[1:-1].encode(),
                    json.dumps(text, ensure_ascii=False)[1:-1].encode(),
                }
        self._found = sorted(found, key=len, reverse=True)

    def __call__(self, text: bytes) -> bytes:
        """`text` without them."""
        for credential in self._found:
            text = text.replace(credential, REDACTED)
        return text


def refusal_of(provider: str, line: bytes) -> RefusalError:
    """The refusal that a Failure becomes."""
    failure = Failure(**json.loads(line))
    if failure.kind == "parameter":
        return bad_request(str(failure.error))
    return external_model_failed(provider, failure.status, failure.error, failure.retry_after)


class PassedStream(Response):
    """A stream whose chunks are passed on as they are: `data:` lines, one ASGI message each, `data: [DONE]`.

    `lines` are those after `first`. A failure after the first chunk becomes an error event, and then the stream ends.
    `when_over` is told how many chunks were sent, and how it ended: 200, a failure's status, or 499 when the caller hung up.
    """

    def __init__(
        self,
        provider: str,
        first: bytes,
        lines: AsyncGenerator[bytes, None],
        headers: dict[str, str],
        when_over: Callable[[int, int], None],
    ) -> None:
        super().__init__(headers=headers | {"cache-control": "no-cache"}, media_type="text/event-stream")
        del self.headers["content-length"]
        self._provider = provider
        self._first = first
        self._lines = lines
        self._when_over = when_over
        self._sent = 0
        self._status = 499

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the reply."""
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async with aclosing(self._events()) as events:
                async for event in events:
                    await send({"type": "http.response.body", "body": event, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._when_over(self._sent, self._status)

    async def _events(self) -> AsyncGenerator[bytes, None]:
        async with aclosing(self._lines) as lines:
            yield self._event(self._first)
            try:
                async for line in lines:
                    yield self._event(line)
            except RefusalError as refusal:  # the gateway's own end, not the provider's words
                self._status = refusal.status
                yield error_event(refusal)

    def _event(self, line: bytes) -> bytes:
        if line.startswith(b"C"):
            self._sent += 1
            return b"data: " + line[1:] + b"\n\n"
        if line.startswith(b"F"):
            refusal = refusal_of(self._provider, line[1:])
            self._status = refusal.status
            return error_event(refusal)
        self._status = 200
        return DONE
