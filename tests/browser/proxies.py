"""What stands between a browser and the app: a wire that can be cut, and a proxy like that of Databricks Apps."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Mapping

import trustme

HEAD_LIMIT = 65_536


class Proxy:
    """Forwards TCP connections to a port of this machine, byte for byte."""

    def __init__(self, upstream_port: int) -> None:
        self._upstream_port = upstream_port
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name=f"proxy {self.port}", daemon=True).start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> int:
        """Close every connection that is open now, with a reset; how many those were."""
        with self._lock:
            connections, self._connections = self._connections, set()
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        return len(connections) // 2

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                browser, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(browser,), daemon=True).start()

    def _serve(self, browser: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as open_sockets:
            open_sockets.enter_context(browser)
            browser = open_sockets.enter_context(self._greeted(browser))
            head = self._head(browser)
            app = open_sockets.enter_context(socket.create_connection(("127.0.0.1", self._upstream_port)))
            with self._lock:
                self._connections |= {browser, app}
            app.sendall(head)
            back = threading.Thread(target=_pump, args=(app, browser), daemon=True)
            back.start()
            _pump(browser, app)
            back.join()
            with self._lock:
                self._connections -= {browser, app}

    def _greeted(self, browser: socket.socket) -> socket.socket:
        return browser

    def _head(self, browser: socket.socket) -> bytes:
        """What goes first to the app, before the rest of what *browser* says."""
        del browser
        return b""


class DatabricksAppsProxy(Proxy):
    """Speaks HTTPS, rewrites Host, drops the browser's own X-Forwarded-* and puts in what it knows of the visitor.

    *visitor* has those headers; a test changes it between connections.
    """

    def __init__(self, upstream_port: int, name: str) -> None:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert(name).configure_cert(self._tls)
        self.name = name
        self.visitor: Mapping[str, str] = {}
        super().__init__(upstream_port)

    @property
    def url(self) -> str:
        """Its address, as the browser knows it."""
        return f"https://{self.name}:{self.port}"

    def _greeted(self, browser: socket.socket) -> socket.socket:
        return self._tls.wrap_socket(browser, server_side=True)

    def _head(self, browser: socket.socket) -> bytes:
        head = b""
        while b"\r\n\r\n" not in head and len(head) < HEAD_LIMIT and (piece := browser.recv(HEAD_LIMIT)):
            head += piece
        lines, _, rest = head.partition(b"\r\n\r\n")
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
        return b"\r\n".join([first, *kept, *added]) + b"\r\n\r\n" + rest

    def _replaces(self, header: bytes) -> bool:
        name = header.split(b":", 1)[0].lower()
        return name in (b"host", b"connection") or name.startswith(b"x-forwarded-")


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65_536):
            sink.sendall(piece)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
