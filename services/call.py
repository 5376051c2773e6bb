"""One HTTP exchange that another thread can end, and the connections that make it possible.

A person presses Stop while a thread of ours is blocked in recv(), perhaps before the first byte of the reply. Closing the
response object from outside waits for that recv. Shutting the socket down does not: the blocked call returns at once and the
server sees the connection close. So a connection tells the call of its thread which socket it uses, at each request, and takes it
back when it returns to its pool: kept-alive connections are used again by later calls, which are none of this one's business.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from services.wire_record import WireRecord

_current: ContextVar["Call | None"] = ContextVar("call", default=None)


class CallCancelled(Exception):
    """The call was ended from our side."""


class Call:
    """One exchange: its wire record, and the means to end it."""

    def __init__(self) -> None:
        self.record = WireRecord()
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        """Whether cancel() was called."""
        return self._cancelled

    def cancel(self) -> None:
        """End the exchange now, wherever it is. From any thread; a second time does nothing."""
        with self._lock:
            self._cancelled = True
            if self._socket is not None:
                with contextlib.suppress(OSError):  # the other side was faster
                    # Not SSLSocket.shutdown: that one drops the TLS state under the thread that is reading.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    @contextlib.contextmanager
    def sending(self) -> Iterator[None]:
        """Within it, the connection that this thread uses is this call's. Raises CallCancelled when it is too late."""
        if self._cancelled:
            raise CallCancelled
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def hurry(self, seconds: float) -> None:
        """Let reads from now on fail after *seconds* of silence."""
        with self._lock:
            if self._socket is not None:
                with contextlib.suppress(OSError):  # closed already
                    self._socket.settimeout(seconds)

    def ends(self) -> None:
        """Let go of the connection and stop the record's clock."""
        self._lets_go()
        self.record.ends()

    def _uses(self, connected: socket.socket | None, *, leaves: bool = False) -> None:
        with self._lock:
            if self._cancelled:
                raise CallCancelled
            self._socket = connected
            if leaves:
                self.record.leaves()

    def _lets_go(self) -> None:
        with self._lock:
            self._socket = None


class _Reporting:
    """A connection that tells the call of its thread which socket carries it."""

    call: Call | None = None
    sock: socket.socket | None

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]  # urllib3's connection comes next in the order of bases
        self._report()

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:
            self.connect()  # urllib3 would do it halfway through the request; a refused connection has sent nothing
        self._report(leaves=True)
        super().request(*args, **kwargs)  # type: ignore[misc]

    def _report(self, *, leaves: bool = False) -> None:
        self.call = _current.get()
        if self.call is not None:
            self.call._uses(self.sock, leaves=leaves)


class _TakingBack:
    """A pool that takes a connection from its call before another call can have it."""

    def _put_conn(self, connection: Any) -> None:
        if connection is not None and connection.call is not None:
            connection.call._lets_go()
            connection.call = None
        super()._put_conn(connection)  # type: ignore[misc]  # urllib3's pool comes next in the order of bases


class _HTTPConnection(_Reporting, HTTPConnection):
    pass


class _HTTPSConnection(_Reporting, HTTPSConnection):
    pass


class _HTTPPool(_TakingBack, HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(_TakingBack, HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class CancellableAdapter(HTTPAdapter):
    """Never retries: a chat request costs money and may run tools."""

    def __init__(self) -> None:
        super().__init__(pool_connections=4, pool_maxsize=32, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make pools whose connections report to their call."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Make a proxy's pools of the same kind."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
        return manager
