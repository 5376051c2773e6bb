"""The stages of a deployment, as they are seen. No workspace in here."""

import threading
from dataclasses import dataclass, replace
from enum import StrEnum

from services.endpoints import Config, ServedEntity


class Progress(StrEnum):
    """How a stage does."""

    UNDER_WAY = "under way"
    DONE = "done"
    FAILED = "failed"
    CUT = "cut"
    """It did not come to its end: given up by the platform, or the watching ended."""


@dataclass(frozen=True)
class Stage:
    """One stage. Times are seconds since the deployment began."""

    key: str
    label: str
    """For people; names of served entities and models are in it."""
    began: float
    progress: Progress = Progress.UNDER_WAY
    ended: float | None = None
    message: str = ""
    """What the platform says about it."""

    def seconds(self, now: float) -> float:
        """How long it took, or has taken so far."""
        return (now if self.ended is None else self.ended) - self.began


_PROGRESS = {
    "DEPLOYMENT_READY": Progress.DONE,
    "DEPLOYMENT_FAILED": Progress.FAILED,
    "DEPLOYMENT_ABORTED": Progress.CUT,
}
_DOES = {
    "DEPLOYMENT_RECOVERING": "recovering",
    "DEPLOYMENT_READY": "deployed",
    "DEPLOYMENT_FAILED": "could not be deployed",
    "DEPLOYMENT_ABORTED": "not deployed",
}


class Stages:
    """The stages so far. One thread writes, others read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stages: dict[str, Stage] = {}
        self.ended_at: float | None = None
        """When the last of them ended; None while one may still begin."""

    def shown(self) -> tuple[Stage, ...]:
        """The stages in the order in which they began."""
        with self._lock:
            return tuple(self._stages.values())

    def begins(self, key: str, label: str, now: float) -> None:
        """That stage is under way, unless it has been seen before."""
        with self._lock:
            self._stages.setdefault(key, Stage(key, label, now))

    def ends(self, key: str, progress: Progress, now: float, label: str = "", message: str = "") -> None:
        """That stage is over, unless it was already."""
        with self._lock:
            stage = self._stages.get(key)
            if stage is not None and stage.progress is Progress.UNDER_WAY:
                self._stages[key] = replace(
                    stage,
                    progress=progress,
                    ended=now,
                    label=label or stage.label,
                    message=message or stage.message,
                )

    def of_config(self, config: Config | None, now: float) -> None:
        """Bring the stages of the served entities up to what the workspace says of them."""
        for entity in config.entities if config else ():
            self._of_entity(entity, now)

    def all_end(self, now: float, progress: Progress) -> None:
        """Nothing is under way any more."""
        for stage in self.shown():
            self.ends(stage.key, progress, now)
        self.ended_at = now

    def _of_entity(self, entity: ServedEntity, now: float) -> None:
        key = f"entity {entity.name}"
        what = f"{entity.name} ({entity.entity})" if entity.entity not in ("", entity.name) else entity.name
        label = f"{what}: {_DOES.get(entity.deployment, 'being deployed')}"
        with self._lock:
            stage = self._stages.get(key) or Stage(key, label, now)
            if stage.progress is not Progress.UNDER_WAY:
                return
            self._stages[key] = replace(stage, label=label, message=entity.message)
        if progress := _PROGRESS.get(entity.deployment):
            self.ends(key, progress, now)
