"""A websocket through the driver proxy: two websockets, and what one says the other hears, until one of them closes."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send
from websockets.asyncio.client import ClientConnection, connect
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus, InvalidURI

from local_workspace import refusals
from local_workspace.clusters.driver_address import DriverAddress
from local_workspace.clusters.proxy_headers import Header, to_app, without_hop_headers
from local_workspace.clusters.records import driver_ip

log = logging.getLogger(__name__)

OPEN_SECONDS = 60.0  # an app may think before it accepts
CLOSE_SECONDS = 2.0
NORMAL, GOING_AWAY, NO_STATUS, ABNORMAL = 1000, 1001, 1005, 1006  # RFC 6455, 7.4.1


class _Connect(connect):
    """A connection that follows no redirect: where to go is the caller's to decide."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


async def serve(address: DriverAddress, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one websocket: refuse it as the app does, or pass messages both ways."""
    await receive()  # websocket.connect
    try:
        app = await _open(address, scope)
    except InvalidURI:
        refusal = refusals.invalid_parameter("The address of a websocket cannot hold a '#'; write %23.")
        await refusals.render(refusal)(scope, receive, send)
    except InvalidStatus as refused:
        await _refused(refused)(scope, receive, send)
    except (OSError, TimeoutError, InvalidHandshake, InvalidMessage) as error:
        log.info("Port %s of the driver took no websocket: %s", address.port, type(error).__name__)
        await refusals.render(refusals.bad_gateway())(scope, receive, send)
    else:
        async with app:
            await _relay(app, receive, send)


async def _open(address: DriverAddress, scope: Scope) -> ClientConnection:
    return await _Connect(
        f"ws://{driver_ip()}:{address.port}{address.target.decode('ascii')}",
        additional_headers=_headers(scope, address.port),
        subprotocols=scope["subprotocols"] or None,
        user_agent_header=None,
        compression=None,
        proxy=None,
        open_timeout=OPEN_SECONDS,
        close_timeout=CLOSE_SECONDS,
        ping_interval=None,
        max_size=None,
    )


def _headers(scope: Scope, port: int) -> list[tuple[str, str]]:
    # What belongs to the opening of one websocket is the library's to write.
    kept = [pair for pair in to_app(scope["headers"], port) if not pair[0].startswith((b"sec-websocket-", b"host"))]
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in kept]


def _refused(refused: InvalidStatus) -> Response:
    reply = refused.response
    if reply.status_code < 200:  # an interim answer in place of one
        return refusals.render(refusals.bad_gateway())
    response = Response(bytes(reply.body or b""), reply.status_code)
    response.raw_headers = [pair for pair in _passed_back(reply.headers) if pair[0] != b"content-length"]
    return response


def _passed_back(headers: Headers) -> list[Header]:
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.raw_items()]
    return [
        pair for pair in without_hop_headers(raw) if pair[0] != b"date" and not pair[0].startswith(b"sec-websocket-")
    ]


async def _relay(app: ClientConnection, receive: Receive, send: Send) -> None:
    """Accept, and pass messages on until one side ends; then the other ends in the same way."""
    headers = _passed_back(app.response.headers) if app.response else []
    await send({"type": "websocket.accept", "subprotocol": app.subprotocol, "headers": headers})
    directions = {asyncio.create_task(_to_caller(app, send)), asyncio.create_task(_to_app(app, receive))}
    try:
        done, _ = await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            await task
    finally:
        for task in directions:
            task.cancel()
        await asyncio.wait(directions)


async def _to_caller(app: ClientConnection, send: Send) -> None:
    with contextlib.suppress(OSError):  # how uvicorn says that the caller is gone
        async for message in _messages(app):
            await send(message)
        # Where the app sent no closing message, neither do we: the server then drops the connection.
        if app.close_code != ABNORMAL:
            code = NORMAL if app.close_code in {None, NO_STATUS} else app.close_code
            await send({"type": "websocket.close", "code": code, "reason": app.close_reason or ""})


async def _messages(app: ClientConnection) -> AsyncGenerator[Message, None]:
    with contextlib.suppress(ConnectionClosed):
        while True:
            message = await app.recv()
            yield {"type": "websocket.send"} | ({"text": message} if isinstance(message, str) else {"bytes": message})


async def _to_app(app: ClientConnection, receive: Receive) -> None:
    with contextlib.suppress(ConnectionClosed):  # which the other direction sees, and tells the caller
        while (message := await receive())["type"] == "websocket.receive":
            text = message.get("text")
            await app.send(text if text is not None else message["bytes"])
        code = message.get("code", NORMAL)
        await app.close(GOING_AWAY if code in {NO_STATUS, ABNORMAL} else code, message.get("reason") or "")
