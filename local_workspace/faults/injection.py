"""Failures on request: what can be asked for, by header or queued over HTTP, and who gets which.

`X-Local-Fault: scripted-50-20 break-after-5` asks for two faults on one request. `POST /_local/faults` queues words for
requests to come, optionally those whose path begins with `path`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from local_workspace import refusals
from local_workspace.faults.effects import reply_with
from local_workspace.faults.words import Fault, parse_faults
from local_workspace.identity.authentication import OPEN_PATHS

__all__ = ["Fault", "FaultInjection", "FaultQueue", "QueuedFault"]

HEADER = b"x-local-fault"


@dataclass
class QueuedFault:
    """Words that wait for `times` requests whose path begins with `path` (any path but sign-in's when it is None)."""

    words: str
    path: str | None
    times: int

    def concerns(self, path: str) -> bool:
        """Whether a request at `path` takes this one. Clients probe the open paths unasked, so those must be named."""
        return path.startswith(self.path) if self.path else not path.startswith(OPEN_PATHS)

    def to_wire(self) -> dict[str, Any]:
        """The fault as `GET /_local/faults` lists it."""
        return {"fault": self.words, "path": self.path, "times": self.times}


class FaultQueue:
    """Queued faults, first come first served."""

    def __init__(self) -> None:
        self._queued: list[QueuedFault] = []

    def add(self, fault: QueuedFault) -> None:
        """Queue a fault. Raises RefusalError (400) when its words are not known."""
        parse_faults(fault.words)
        self._queued.append(fault)

    def list(self) -> list[QueuedFault]:
        """What is still waiting."""
        return list(self._queued)

    def clear(self) -> None:
        """Forget every queued fault."""
        self._queued.clear()

    def take(self, path: str) -> str:
        """The words for a request at `path`, used up once; empty when there are none."""
        for fault in self._queued:
            if fault.concerns(path):
                fault.times -= 1
                self._queued = [queued for queued in self._queued if queued.times > 0]
                return fault.words
        return ""


class FaultInjection:
    """ASGI middleware: does to the reply what the request's header and the queue ask for. `scope["faults"]` has them all."""

    def __init__(self, app: ASGIApp, queue: FaultQueue) -> None:
        self._app = app
        self._queue = queue

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] not in {"http", "websocket"} or scope["path"].startswith("/_local/"):
            await self._app(scope, receive, send)
            return
        words = " ".join(filter(None, (_in_header(scope), self._queue.take(scope["path"]))))
        try:
            scope["faults"] = faults = parse_faults(words)
        except refusals.RefusalError as refusal:
            await refusals.render(refusal)(scope, receive, send)
            return
        scope["log_entry"].fault = words or None
        serve: Callable[..., Any] = self._app if not faults else reply_with(faults, self._app)
        await serve(scope, receive, send)


def _in_header(scope: Scope) -> str:
    value = dict(scope["headers"]).get(HEADER, b"").decode("latin-1")
    return re.sub(r"[\s,]+", " ", value).strip()
