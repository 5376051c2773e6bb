"""How the workspace calls other processes of this machine over HTTP: each request on a connection of its own.

None is kept, since a process that has just ended would fail the next request. And httpcore's pool, which httpx's own
transport is, forgets a connection whose request is cancelled at the wrong moment (httpcore 1.0.9: before the request is
sent): it stays open, and in the pool it stays taken. Callers hang up at any moment, so here each request has its own pool,
and that is closed however the request ends.
"""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

import httpx

# Not used; without it, httpx would read every certificate of the machine to make its own.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class FreshConnections(httpx.AsyncBaseTransport):
    """A transport for `httpx.AsyncClient`, to TCP ports or, with `uds`, to the Unix socket of that path."""

    def __init__(self, uds: str | None = None) -> None:
        self._uds = uds
        self._open: set[httpx.AsyncHTTPTransport] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The response, whose closing closes the connection. Raises httpx.TransportError."""
        transport = httpx.AsyncHTTPTransport(verify=_NO_TLS, trust_env=False, uds=self._uds)
        self._open.add(transport)
        try:
            response = await transport.handle_async_request(request)
        except BaseException:
            await self._close(transport)
            raise
        response.stream = _Closing(response, lambda: self._close(transport))
        return response

    async def _close(self, transport: httpx.AsyncHTTPTransport) -> None:
        self._open.discard(transport)
        await transport.aclose()

    async def aclose(self) -> None:
        """Close every connection; requests under way fail."""
        for transport in [*self._open]:
            await self._close(transport)


class _Closing(httpx.AsyncByteStream):
    """The stream of `response`, which closes the connection after itself."""

    def __init__(self, response: httpx.Response, close: Callable[[], Awaitable[None]]) -> None:
        self._stream = cast(httpx.AsyncByteStream, response.stream)
        self._close = close

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            yield piece

    async def aclose(self) -> None:
        """Close the response and its connection."""
        try:
            await self._stream.aclose()
        finally:
            await self._close()
