"""Watch one deployment, in a thread of its own.

The page that began it only looks: one may leave, come back, or reload.
"""

import threading
import time
from dataclasses import dataclass
from enum import StrEnum

from services.deployments.evidence import Evidence, evidence_of
from services.deployments.stages import Progress, Stage, Stages
from services.deployments.trial import Trial
from services.endpoints import Config, EndpointDetail, get_endpoint_detail
from services.errors import NotFound, PlaygroundError
from services.workspace import Workspace

GIVE_UP_SECONDS = 30 * 60.0
"""The platform's own waiter gives up after 20 minutes; images of large models take longer."""
SHORTEST, LONGEST = 1.0, 10.0
"""Seconds between two questions."""
ENOUGH = 2
"""So many answers in a row must say that something is not there: right after a change, one of them may be early."""


class Ending(StrEnum):
    """How a deployment ended, or that it did not yet."""

    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    """What was asked for does not serve; what served before, if anything, still does."""
    EMPTY = "empty"
    """It is there, and serves nothing: no config was asked for."""
    STOPPED = "stopped"
    """It neither serves nor updates."""
    DELETED = "deleted"
    NOT_MADE = "not made"
    """The change whose answer was lost was not made."""
    GIVEN_UP = "given up"
    LEFT = "left"
    """Nobody watches any more."""


_LAST_PROGRESS = {
    Ending.READY: Progress.DONE,
    Ending.EMPTY: Progress.DONE,
    Ending.FAILED: Progress.FAILED,
    Ending.NOT_MADE: Progress.FAILED,
}


@dataclass(frozen=True)
class Sent:
    """What was sent, as far as its answer says. Nothing in it: only to be watched."""

    answer: EndpointDetail | None = None
    """None: no answer came, or nothing was sent from here."""
    lost: PlaygroundError | None = None
    """Why no answer came, although the change had left."""
    before: EndpointDetail | None = None
    """The endpoint as it was; None for one that was to be created."""


class Deployment:
    """One endpoint on its way."""

    def __init__(
        self,
        workspace: Workspace,
        endpoint: str,
        sent: Sent,
        *,
        trial: bool = False,
        under_way_seconds: float = 0.0,
        give_up_seconds: float = GIVE_UP_SECONDS,
    ) -> None:
        """Begin to watch. *trial*: when the endpoint is ready, call it once. *under_way_seconds*: how long it lasts already."""
        self.workspace = workspace
        self.endpoint = endpoint
        self.sent = sent
        self.ending = Ending.RUNNING
        self.detail = sent.answer
        """The endpoint as it was seen last."""
        self.trouble: PlaygroundError | None = None
        """Why the last question had no answer; it is asked again."""
        self.evidence: Evidence | None = None
        """After a failure: what the workspace says of it."""
        self.ended_ms: int | None = None
        """When it was over."""
        self.trial = Trial(workspace, endpoint) if trial else None
        """The call that is made when it is ready; None where none is wanted."""
        self._give_up_seconds = give_up_seconds
        self._began = time.monotonic() - under_way_seconds
        self._stages = Stages()
        self._doubts = 0
        self._left = threading.Event()
        self._first_stages()
        threading.Thread(target=self._run, name=f"deployment of {endpoint}", daemon=True).start()

    @property
    def running(self) -> bool:
        """Whether the deployment is under way, as far as is known."""
        return self.ending is Ending.RUNNING

    @property
    def changing(self) -> bool:
        """Whether there is something to look at again: the deployment, or the call that follows it."""
        trial = self.ending is Ending.READY and self.trial is not None and self.trial.open
        return self.running or trial

    @property
    def stages(self) -> tuple[Stage, ...]:
        """What has happened and what is under way, in order."""
        return self._stages.shown()

    def elapsed(self) -> float:
        """Seconds since it began; they stand still when it is over."""
        ended = self._stages.ended_at
        return self._now() if ended is None else ended

    def leave(self) -> None:
        """Watch no more, and end the call that follows. The deployment itself goes on."""
        self._left.set()
        if self.running:
            self._ends(Ending.LEFT)
        if self.trial is not None:
            self.trial.stop()

    def _now(self) -> float:
        return time.monotonic() - self._began

    def _first_stages(self) -> None:
        if self.sent.lost is not None:
            self._stages.begins("sent", "Sent, but its answer was lost: looking whether it arrived", 0.0)
        elif self.sent.answer is not None:
            self._stages.begins("sent", "Accepted by the workspace", 0.0)
            self._show(self.sent.answer)
        else:
            self._stages.begins("sent", "Looking at the endpoint", self._now())

    def _run(self) -> None:
        wait = SHORTEST if self.sent.answer is not None else 0.0
        give_up_at = time.monotonic() + self._give_up_seconds
        try:
            while self.running and not self._left.wait(wait):
                self._look()
                if self.running and time.monotonic() > give_up_at:
                    self._ends(Ending.GIVEN_UP)
                wait = min(LONGEST, max(SHORTEST, self._now() / 5))
        finally:
            if self.running:  # a bug, which threading prints
                self._ends(Ending.LEFT)

    def _look(self) -> None:
        try:
            detail = get_endpoint_detail(self.workspace, self.endpoint)
        except NotFound as missing:
            self.trouble = missing
            self._doubt(Ending.NOT_MADE if self._may_not_be_made() else Ending.DELETED)
        except PlaygroundError as trouble:
            self.trouble = trouble
        else:
            self.trouble = None
            self._sees(detail)

    def _may_not_be_made(self) -> bool:
        return self.sent.lost is not None and self.sent.before is None and self.detail is None

    def _doubt(self, ending: Ending) -> None:
        self._doubts += 1
        if self._doubts >= ENOUGH:
            self.trouble = None
            self._ends(ending)

    def _sees(self, detail: EndpointDetail) -> None:
        known = self.detail or self.sent.before
        if known is not None and known.endpoint.id and detail.endpoint.id not in ("", known.endpoint.id):
            self._ends(Ending.DELETED)  # the name is another endpoint's by now
        elif self._not_arrived(detail):
            self._doubt(Ending.NOT_MADE)
        elif not self._is_early(detail):
            self._doubts = 0
            self._takes(detail)

    def _takes(self, detail: EndpointDetail) -> None:
        self.detail = detail
        self._show(detail)
        ending = _ending_of(detail)
        if ending is Ending.FAILED:
            self.evidence = evidence_of(self.workspace, detail)
        if ending is not Ending.RUNNING and not self._left.is_set():
            self._ends(ending)
            if ending is Ending.READY and self.trial is not None:
                self.trial.begin(detail)

    def _show(self, detail: EndpointDetail) -> None:
        now, config = self._now(), detail.pending or detail.config
        if self.sent.lost is not None:
            self._stages.ends("sent", Progress.DONE, now, "Sent; its answer was lost, but it has arrived")
        else:
            self._stages.ends("sent", Progress.DONE, now)
        self._stages.of_config(config, now)
        if detail.endpoint.updating:
            version = f"Config version {config.version}" if config and config.version is not None else "The config"
            self._stages.begins("config", f"{version}: being put in place", now)

    def _not_arrived(self, detail: EndpointDetail) -> bool:
        """Whether the endpoint is as it was before the change whose answer was lost."""
        before = self.sent.before
        if before is None or self.sent.lost is None or self.detail is not None:
            return False
        return not detail.endpoint.updating and _mark(detail) == _mark(before)

    def _is_early(self, detail: EndpointDetail) -> bool:
        """Whether this answer is older than the change's own."""
        answered, seen = _version(self.sent.answer), _version(detail)
        if answered is None or seen is None or seen >= answered:
            return False
        before = self.sent.before
        return not _is_failed(detail) or (before is not None and _mark(detail) == _mark(before))

    def _ends(self, ending: Ending) -> None:
        now = self._now()
        if ending is Ending.READY:
            self._stages.ends("config", Progress.DONE, now, "The config is in place")
        elif ending is Ending.FAILED:
            self._stages.ends("config", Progress.FAILED, now, "The config could not be put in place")
        self._stages.all_end(now, _LAST_PROGRESS.get(ending, Progress.CUT))
        self.ended_ms = int(time.time() * 1000)
        self.ending = ending  # last: readers look at it first


def _version(detail: EndpointDetail | None) -> int | None:
    config = (detail.pending or detail.config) if detail else None
    return config.version if config else None


def _mark(detail: EndpointDetail) -> tuple[object, ...]:
    """What a change of the config changes."""
    return _version(detail), detail.endpoint.updated_ms


def _ending_of(detail: EndpointDetail) -> Ending:
    endpoint = detail.endpoint
    if endpoint.updating or not isinstance(detail.wire.get("state"), dict):
        return Ending.RUNNING
    if _is_failed(detail):
        return Ending.FAILED
    return Ending.READY if endpoint.ready else _not_ready(detail.pending or detail.config)


def _not_ready(config: Config | None) -> Ending:
    """Not updating and not ready: the platform may say so for a moment before it begins, and of one that is stopped."""
    if config is None or not config.entities:
        return Ending.EMPTY
    under_way = ("DEPLOYMENT_CREATING", "DEPLOYMENT_RECOVERING")
    return Ending.RUNNING if any(one.deployment in under_way for one in config.entities) else Ending.STOPPED


def _is_failed(detail: EndpointDetail) -> bool:
    state = detail.wire.get("state")
    cancelled = isinstance(state, dict) and state.get("config_update") == "UPDATE_CANCELED"
    return detail.endpoint.update_failed or cancelled
