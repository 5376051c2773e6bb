"""How an app on a driver is doing: one short GET of its /health."""

import time
from dataclasses import dataclass, replace
from enum import StrEnum

from services.call import Call
from services.clusters import get_cluster
from services.driver_proxy.call import send_to
from services.driver_proxy.diagnosis import trouble_in
from services.driver_proxy.direct import direct_address
from services.driver_proxy.target import Target, Via
from services.errors import PlaygroundError, Side
from services.replies import in_time
from services.workspace import Workspace

HEALTH_PATH = "/health"
SECONDS = 10.0
"""What one look may take."""
_NO_ROUTE = {404, 405}


class HealthKind(StrEnum):
    """What was found."""

    WELL = "well"
    ANSWERS = "answers"
    """It is there and has no such route, which is no fault: the contract asks for none."""
    UNWELL = "not well"
    """Its own health says no."""
    AWAY = "away"
    """No app answered, or nobody lets us ask it."""


@dataclass(frozen=True)
class Health:
    """One look."""

    kind: HealthKind
    said: str
    """A sentence; it may hold foreign text."""
    seconds: float
    """What the answer took."""
    at: float
    """When it came, seconds since the epoch."""

    @property
    def seen(self) -> bool:
        """Whether the app was there."""
        return self.kind is not HealthKind.AWAY


def get_health(workspace: Workspace, target: Target, *, alone: bool = False) -> Health:
    """Look once. Never raises for what the app, the proxy or the workspace does: that is the health.

    *alone* is for a direct target (``why_not_directly``).
    """
    call = Call()
    asked = replace(target, method="GET", path=HEALTH_PATH)
    try:
        direct = target.via is Via.DIRECT
        cluster = get_cluster(workspace, target.cluster_id) if direct else None
        address = direct_address(workspace, cluster, alone=alone) if direct else ""
        with in_time(call, SECONDS, target.label):
            answer = send_to(workspace, asked, None, call, driver_address=address)
            if answer.events is not None:
                answer.events.close()
    except PlaygroundError as error:
        return Health(HealthKind.AWAY, error.message, call.record.elapsed(), time.time())
    seconds = call.record.elapsed()
    trouble = trouble_in(answer, asked, seconds)
    kind, said = (HealthKind.WELL, "") if trouble is None else _judged(trouble, answer.status)
    return Health(kind, said, seconds, time.time())


def _judged(trouble: PlaygroundError, status: int) -> tuple[HealthKind, str]:
    if trouble.side not in {Side.APP, Side.YOU} or status in {502, 504}:
        return HealthKind.AWAY, trouble.message
    if status in _NO_ROUTE:
        return HealthKind.ANSWERS, f"It is there, and has no {HEALTH_PATH}."
    return HealthKind.UNWELL, trouble.message
