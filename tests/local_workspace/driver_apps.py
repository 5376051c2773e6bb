"""Apps on a driver, for tests of the driver proxy: what they get and give is bytes, not what a framework makes of them."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

from tests.local_workspace.calls import call
from tests.local_workspaces import LocalWorkspace

CLUSTER = "/api/2.1/clusters/get?cluster_id=0101-000000-local001"
PORTS = range(3000, 8001)
EVERYWHERE = "0.0.0.0"  # as an app on a driver must


class RawApp:
    """A server of plain sockets on a port of the driver's range.

    For each connection `answer(connection, head)` is called in a thread; `head` ends with the empty line, and what came after
    it is in `left`. `heads` has every head in order of arrival.
    """

    def __init__(self, answer: Callable[[socket.socket, bytes], None], host: str) -> None:
        self.heads: list[bytes] = []
        self.left = b""
        self._answer = answer
        self._listener = listener_on_driver(host)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # which also wakes the thread that accepts
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(ConnectionError):
            head = b""
            while b"\r\n\r\n" not in head:
                piece = connection.recv(65536)
                if not piece:
                    return
                head += piece
            head, _, self.left = head.partition(b"\r\n\r\n")
            self.heads.append(head)
            self._answer(connection, head)


def driver_address(workspace: LocalWorkspace) -> str:
    """The address of the running cluster's driver."""
    address: str = call(workspace, "GET", CLUSTER).json()["driver"]["private_ip"]
    return address


def listener_on_driver(host: str = EVERYWHERE) -> socket.socket:
    """A listening socket: from the top, where the example apps of other workspaces begin last."""
    for port in PORTS[-500:0:-1]:
        listener = socket.socket()
        try:
            listener.bind((host, port))
            listener.listen(64)
        except OSError:
            listener.close()
            continue
        return listener
    raise AssertionError("No port from 3000 to 7500 is free.")


@contextlib.contextmanager
def raw_app(answer: Callable[[socket.socket, bytes], None], host: str = EVERYWHERE) -> Iterator[RawApp]:
    """A RawApp for one `with` block."""
    app = RawApp(answer, host)
    try:
        yield app
    finally:
        app.close()


def saying(reply: bytes) -> Callable[[socket.socket, bytes], None]:
    """An answer that is the same bytes for everyone; then the connection closes."""
    return lambda connection, _: connection.sendall(reply)


def header_lines(head: bytes) -> list[bytes]:
    """The header lines of a request or reply, without its first line."""
    return head.split(b"\r\n")[1:]
