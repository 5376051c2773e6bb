"""What stands between a browser and the app: a wire that can be cut, and a proxy like that of Databricks Apps."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Mapping

import trustme

HEAD_LIMIT = 65_536


class Proxy:
    """Forwards TCP connections to a port of this machine, byte for byte.

    In one event loop of its own: a TLS socket of the ssl module must not be read and written by two threads at once.
    """

    tls: ssl.SSLContext | None = None

    def __init__(self, upstream_port: int) -> None:
        self._upstream_port = upstream_port
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        listening = asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls, backlog=128, limit=HEAD_LIMIT)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result(10)
        self.port: int = self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> int:
        """Close every connection that is open now, with a reset; how many those were."""

        async def abort() -> int:
            cut, self._writers = self._writers, set()
            for writer in cut:
                writer.transport.abort()
            return len(cut) // 2

        return asyncio.run_coroutine_threadsafe(abort(), self._loop).result(10)

    def close(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._server.close)
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = await self._head(reader)
            app_reader, app_writer = await asyncio.open_connection("127.0.0.1", self._upstream_port)
            self._writers |= {writer, app_writer}
            app_writer.write(head)
            await asyncio.gather(_pump(reader, app_writer), _pump(app_reader, writer))
            self._writers -= {writer, app_writer}
        writer.close()

    async def _head(self, browser: asyncio.StreamReader) -> bytes:
        """What goes first to the app, before the rest of what *browser* says."""
        del browser
        return b""


class DatabricksAppsProxy(Proxy):
    """Speaks HTTPS, rewrites Host, drops the browser's own X-Forwarded-* and puts in what it knows of the visitor.

    *visitor* has those headers; a test changes it between connections.
    """

    def __init__(self, upstream_port: int, name: str) -> None:
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert(name).configure_cert(self.tls)
        self.name = name
        self.visitor: Mapping[str, str] = {}
        super().__init__(upstream_port)

    @property
    def url(self) -> str:
        """Its address, as the browser knows it."""
        return f"https://{self.name}:{self.port}"

    async def _head(self, browser: asyncio.StreamReader) -> bytes:
        lines = (await browser.readuntil(b"\r\n\r\n")).removesuffix(b"\r\n\r\n")
        first, *headers = lines.split(b"\r\n")
        kept = [line for line in headers if not self._replaces(line)]
        if not any(line.lower().startswith(b"upgrade:") for line in headers):
            kept.append(b"Connection: close")  # one request a connection: only its head is rewritten
        else:
            kept.append(b"Connection: Upgrade")
        known = {
            "Host": "app-internal:8000",
            "X-Forwarded-Host": f"{self.name}:{self.port}",
            "X-Forwarded-Proto": "https",
        }
        added = [f"{name}: {value}".encode() for name, value in {**known, **self.visitor}.items()]
        return b"\r\n".join([first, *kept, *added]) + b"\r\n\r\n"

    def _replaces(self, header: bytes) -> bool:
        name = header.split(b":", 1)[0].lower()
        return name in (b"host", b"connection") or name.startswith(b"x-forwarded-")


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await source.read(65_536):
            sink.write(piece)
            await sink.drain()
    sink.close()
