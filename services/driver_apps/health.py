"""How an app on a driver is doing: one short GET of its /health."""

import time
from dataclasses import dataclass, replace
from enum import StrEnum

from services.call import Call
from services.clusters import get_cluster
from services.driver_proxy import Target, Via, can_call_directly
from services.driver_proxy.call import send_to
from services.driver_proxy.diagnosis import trouble_in
from services.errors import BadInput, PlaygroundError, Side
from services.replies import in_time
from services.settings import Settings
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


def get_health(workspace: Workspace, target: Target) -> Health:
    """Look once. Never raises for what the app, the proxy or the workspace does: that is the health."""
    call = Call()
    asked = replace(target, method="GET", path=HEALTH_PATH)
    try:
        address = _address(workspace, target) if target.via is Via.DIRECT else ""
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


def _address(workspace: Workspace, target: Target) -> str:
    """The driver's address, where this process runs on that driver. Raises PlaygroundError."""
    cluster = get_cluster(workspace, target.cluster_id)
    if not can_call_directly(cluster, Settings.from_environment()):
        raise BadInput("Brickyard does not run on that driver.", "Call it through the workspace's proxy.")
    return cluster.driver_address


def _judged(trouble: PlaygroundError, status: int) -> tuple[HealthKind, str]:
    if trouble.side not in {Side.APP, Side.YOU} or status in {502, 504}:
        return HealthKind.AWAY, trouble.message
    if status in _NO_ROUTE:
        return HealthKind.ANSWERS, f"It is there, and has no {HEALTH_PATH}."
    return HealthKind.UNWELL, trouble.message
