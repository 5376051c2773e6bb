"""How endpoints do in detail, asked for beside the script: a list does not say what sleeps, failed or was stopped."""

import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from services.background import in_background
from services.endpoints import Endpoint, EndpointDetail, get_endpoint_detail
from services.errors import PlaygroundError
from services.readiness import Readiness, can_sleep, readiness_of
from services.workspace import Workspace

FRESH_SECONDS = 10.0
SETTLING_SECONDS = 2.0
"""The same for what is under way."""
KEPT_SECONDS = 60.0
"""How long an answer counts while no newer one has come."""


@dataclass
class _Look:
    asked_at: float
    answer: "Future[EndpointDetail]"
    detail: EndpointDetail | None = None
    """The last that came."""
    came_at: float = 0.0


class Looks:
    """The last looks at some endpoints. Used by the threads of one visitor."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: WeakKeyDictionary[Workspace, dict[str, _Look]] = WeakKeyDictionary()

    def readiness(self, workspace: Workspace, listed: Endpoint) -> Readiness:
        """What a call will meet, as far as is known now; never waits.

        Asks for the endpoint's details where *listed* leaves something open and the last answer is not fresh. A failure to
        ask leaves it at what is known; the call itself will tell.
        """
        if listed.ready and not can_sleep(listed):
            return readiness_of(listed)
        with self._lock:
            looks = self._of.setdefault(workspace, {})
            now = time.monotonic()
            look = looks.get(listed.name)
            if look is None or (look.answer.done() and now - look.asked_at > _pause(look)):
                look = looks[listed.name] = _asked(workspace, listed.name, look, now)
            _take_in(look, now)
            known = look.detail if look.detail is not None and now - look.came_at < KEPT_SECONDS else None
        return readiness_of(known or listed)

    def is_first(self, workspace: Workspace, name: str) -> bool:
        """Whether the first look at it is still under way."""
        with self._lock:
            look = self._of.get(workspace, {}).get(name)
            return look is not None and look.detail is None and not look.answer.done()

    def forget(self, name: str) -> None:
        """What is known of that endpoint is no longer true."""
        with self._lock:
            for looks in self._of.values():
                looks.pop(name, None)

    def let_go(self, of: Workspace) -> None:
        """Forget that workspace; a question under way ends by itself, within seconds."""
        with self._lock:
            self._of.pop(of, None)


def _asked(workspace: Workspace, name: str, before: _Look | None, now: float) -> _Look:
    answer = in_background(lambda: get_endpoint_detail(workspace, name), f"look at {name}")
    if before is None:
        return _Look(now, answer)
    _take_in(before, now)
    return _Look(now, answer, before.detail, before.came_at)


def _take_in(look: _Look, now: float) -> None:
    if not look.answer.done():
        return
    failure = look.answer.exception()
    if failure is None:
        if look.detail is not look.answer.result():
            look.detail, look.came_at = look.answer.result(), now
    elif not isinstance(failure, PlaygroundError):
        raise failure  # a bug stays loud


def _pause(look: _Look) -> float:
    detail = look.detail
    return SETTLING_SECONDS if detail is not None and readiness_of(detail).settling else FRESH_SECONDS
