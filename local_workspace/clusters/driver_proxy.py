"""The driver proxy: an HTTP call or a websocket to a port of a cluster's driver, passed on byte for byte.

A driver is this machine, at an address of its own where there is one. What the answer says belongs to the app: redirects, cookies
and encodings are not touched.
"""

import asyncio
import contextlib
import importlib
import logging
from collections.abc import AsyncGenerator

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from local_workspace import refusals
from local_workspace.clusters.driver_address import PREFIXES, DriverAddress, address_of
from local_workspace.clusters.proxy_headers import to_app, without_hop_headers
from local_workspace.clusters.records import RUNNING, driver_ip
from local_workspace.clusters.store import ClusterStore
from local_workspace.permissions.store import PermissionStore
from local_workspace.web.fresh_connections import FreshConnections

log = logging.getLogger(__name__)

PATHS = tuple(f"/{prefix}/" for prefix in PREFIXES)

# An app may think as long as it likes: the platform's own limit is not known, and a caller can hang up.
TIMEOUTS = httpx.Timeout(None, connect=5.0)
LAST_STATUS = 599


class DriverProxy:
    """ASGI middleware: serves `/driver-proxy-api/` and `/driver-proxy/`, and leaves every other path to `app`.

    Not routes, since those match decoded paths, and have no place for any method. `own_port` is the workspace's, which is
    never called. Expects `scope["caller"]`.
    """

    def __init__(
        self, app: ASGIApp, clusters: ClusterStore, permissions: PermissionStore, own_port: int | None
    ) -> None:
        self._app = app
        self._clusters = clusters
        self._permissions = permissions
        self._own_port = own_port
        # Below httpx's client, since that keeps cookies, decodes, adds headers and tidies paths.
        self._transport = FreshConnections()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call."""
        if scope["type"] == "lifespan" or not scope["path"].startswith(PATHS):
            await self._app(scope, receive, send)
            return
        try:
            address = address_of(scope)
            self._admit(scope, address)
        except refusals.RefusalError as refusal:
            await refusals.render(refusal)(scope, receive, send)
            return
        serve: ASGIApp = _Websocket(address) if scope["type"] == "websocket" else _Call(address, self._transport)
        await serve(scope, receive, send)

    def _admit(self, scope: Scope, address: DriverAddress) -> None:
        cluster, caller = self._clusters.get(address.cluster_id), scope["caller"]
        if not self._permissions.allows("clusters", cluster.cluster_id, caller, "CAN_ATTACH_TO"):
            raise refusals.missing_permission(caller.user_name, "Attach", "cluster", cluster.cluster_id)
        if cluster.single_user_name not in {None, caller.user_name}:
            raise refusals.single_user_check_failed(caller.user_name, cluster.cluster_id, str(cluster.single_user_name))
        if cluster.state != RUNNING:
            raise refusals.cluster_not_running(cluster.cluster_id, cluster.state)
        if address.port == self._own_port:
            raise refusals.invalid_parameter(f"Port {address.port} is the local workspace itself, not an app.")


class _Websocket:
    def __init__(self, address: DriverAddress) -> None:
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Its library takes 0.1 s to load, which the loop must not wait for.
        module = await asyncio.to_thread(importlib.import_module, "local_workspace.clusters.driver_websocket")
        await module.serve(self._address, scope, receive, send)


class _Call:
    """One HTTP call."""

    def __init__(self, address: DriverAddress, transport: FreshConnections) -> None:
        self._address = address
        self._transport = transport

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._transport.handle_async_request(self._request(scope, receive))
        except httpx.TransportError as error:
            log.info("Port %s of the driver did not answer: %s", self._address.port, type(error).__name__)
            await refusals.render(refusals.bad_gateway())(scope, receive, send)
            return
        async with contextlib.aclosing(response):
            if response.status_code > LAST_STATUS:  # which no server can pass on
                await refusals.render(refusals.bad_gateway())(scope, receive, send)
                return
            await self._pass_back(response, scope, send)

    def _request(self, scope: Scope, receive: Receive) -> httpx.Request:
        headers = to_app(scope["headers"], self._address.port)
        if any(name == b"transfer-encoding" for name, _ in scope["headers"]):
            # A length beside it is a lie to one of the two ends (RFC 9112, 6.3).
            headers = [pair for pair in headers if pair[0] != b"content-length"]
            headers.append((b"transfer-encoding", b"chunked"))
        has_body = any(name in {b"content-length", b"transfer-encoding"} for name, _ in headers)
        return httpx.Request(
            scope["method"],
            f"http://{driver_ip()}:{self._address.port}/",
            headers=headers,
            stream=_Pieces(receive) if has_body else httpx.ByteStream(b""),
            extensions={"target": self._address.target, "timeout": TIMEOUTS.as_dict()},
        )

    async def _pass_back(self, response: httpx.Response, scope: Scope, send: Send) -> None:
        # The date is the workspace's server's, which every reply has already. A length beside chunks is a lie.
        gone = {b"date", b"content-length"} if "transfer-encoding" in response.headers else {b"date"}
        headers = [pair for pair in without_hop_headers(response.headers.raw) if pair[0] not in gone]
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        try:
            async for piece in response.aiter_raw():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except httpx.TransportError as error:
            log.info("Port %s of the driver broke off: %s", self._address.port, type(error).__name__)
            # Returning with the reply unfinished is how ASGI says it: the server then closes the connection.
            scope["log_entry"].outcome = "upstream_broke"
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Pieces(httpx.AsyncByteStream):
    """A request's body as it comes from the caller."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        more = True
        while more:
            message = await self._receive()
            more = message.get("more_body", False)
            if piece := message.get("body", b""):
                yield piece
