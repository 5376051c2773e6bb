"""Serving: the socket, the certificate, the ready line, and the ways it ends."""

import asyncio
import contextlib
import ipaddress
import logging
import os
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

GRACE_SECONDS = 1
PARENT_POLL_SECONDS = 0.5


class Server(uvicorn.Server):
    """uvicorn, ending on our signals only: its own way re-raises them before temporary files are gone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `serve`."""
        yield


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError: the port is taken, or the host is not this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, since asyncio turns Nagle's 40 ms of waiting off only where it is.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    return listener


def make_certificate(folder: Path, host: str) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context for `host` and localhost, and the file of the authority that clients must trust."""
    import trustme

    authority = trustme.CA()
    bundle = folder / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1", "::1", *({host} - {"localhost", "127.0.0.1", "::1"})).configure_cert(
        context
    )
    return context, bundle


async def serve(
    app: ASGIApp, listener: socket.socket, tls: ssl.SSLContext | None, parent: int, when_ready: Callable[[], None]
) -> None:
    """Serve until SIGTERM, SIGINT, or the end of process `parent`; call `when_ready` once requests are accepted."""
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        ws="websockets-sansio",
        http="h11",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        h11_max_incomplete_event_size=256 * 1024,
    )
    config.load()
    config.ssl = tls
    server = Server(config)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, setattr, server, "should_exit", True)
    watchers = [asyncio.create_task(_tell(server, when_ready)), asyncio.create_task(_end_with(parent, server))]
    await server.serve(sockets=[listener])
    for watcher in watchers:
        watcher.cancel()


async def _tell(server: Server, when_ready: Callable[[], None]) -> None:
    while not server.started:
        await asyncio.sleep(0.005)
    when_ready()


async def _end_with(parent: int, server: Server) -> None:
    # PDEATHSIG would be one call, but it fires when the parent's thread ends, not its process.
    while os.getppid() == parent:
        await asyncio.sleep(PARENT_POLL_SECONDS)
    logging.getLogger(__name__).info("The process that started this workspace has ended, so it ends too.")
    server.should_exit = True
