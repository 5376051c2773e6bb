"""What a call of an endpoint will meet, said before it is made. Pure: from what the workspace says of the endpoint."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from services.endpoints import Endpoint, EndpointDetail, ServedEntity


class ReadinessKind(StrEnum):
    """How an endpoint stands, seen by somebody who wants to call it."""

    READY = "ready"
    UPDATING = "updating"
    """Its old config answers meanwhile."""
    SCALED_TO_ZERO = "scaled to zero"
    """The first call wakes it."""
    NOT_READY = "not ready yet"
    """Its first deployment is under way."""
    FAILED = "failed"
    """Nothing serves."""
    STOPPED = "stopped"
    EMPTY = "serves nothing"
    NO_PERMISSION = "no permission"
    """It may be seen, not called."""
    UNKNOWN = "not ready"
    """Not ready, and a list does not say why."""


_REFUSES = frozenset(
    {
        ReadinessKind.NOT_READY,
        ReadinessKind.FAILED,
        ReadinessKind.STOPPED,
        ReadinessKind.EMPTY,
        ReadinessKind.NO_PERMISSION,
    }
)
_MAY_NOT_CALL = "CAN_VIEW"


@dataclass(frozen=True)
class Readiness:
    """What a call will meet. Its texts hold names and messages of others: draw them as such."""

    kind: ReadinessKind
    sentence: str
    next_step: str = ""
    """What the person can do; empty where there is nothing to do."""

    remarkable: bool = True
    """Whether the sentence says more than the kind."""

    @property
    def may_send(self) -> bool:
        """Whether a call can be answered. Where that is not known it may be tried."""
        return self.kind not in _REFUSES

    @property
    def settling(self) -> bool:
        """Whether it will change without anybody's doing, so that asking again tells more."""
        return self.kind in (ReadinessKind.NOT_READY, ReadinessKind.UPDATING)


def can_sleep(endpoint: Endpoint) -> bool:
    """Whether it may be scaled to zero without its list entry saying so: only what is deployed for it sleeps."""
    return "custom" in endpoint.providers


def readiness_of(known: Endpoint | EndpointDetail) -> Readiness:
    """What a call will meet, as far as *known* says: a list entry leaves out what sleeps, failed or was stopped."""
    detail = known if isinstance(known, EndpointDetail) else None
    endpoint = detail.endpoint if detail else known
    assert isinstance(endpoint, Endpoint)  # noqa: S101 - for the type checker
    name = endpoint.name
    if endpoint.permission_level == _MAY_NOT_CALL:
        return Readiness(
            ReadinessKind.NO_PERMISSION,
            f"You may see {name}, but not call it.",
            "Ask its owner for CAN QUERY on it (Serving page, Permissions).",
        )
    if endpoint.ready:
        return _serving(endpoint, detail)
    return _not_serving(endpoint, detail)


def _serving(endpoint: Endpoint, detail: EndpointDetail | None) -> Readiness:
    name = endpoint.name
    if detail and detail.scaled_to_zero:
        return Readiness(
            ReadinessKind.SCALED_TO_ZERO,
            f"{name} is scaled to zero: the next call wakes it first, which takes from seconds to minutes.",
            "Send, and wait; Stop ends the wait.",
        )
    notes = " ".join(_notes(detail)) if detail else ""
    if endpoint.updating:
        sentence = f"{name} is being updated; its old config answers meanwhile. {notes}"
        return Readiness(ReadinessKind.UPDATING, sentence.rstrip())
    if endpoint.update_failed:
        sentence = f"{name} is ready, with the config from before its last update, which failed. {notes}"
        return Readiness(ReadinessKind.READY, sentence.rstrip(), "Its page says why the update failed.")
    return Readiness(ReadinessKind.READY, f"{name} is ready. {notes}".rstrip(), remarkable=bool(notes))


def _notes(detail: EndpointDetail) -> Iterator[str]:
    """What is odd about one of several served entities."""
    for entity in detail.config.entities if detail.config else ():
        if entity.scaled_to_zero:
            yield f"Its served entity {entity.name} is scaled to zero: a call that reaches it waits."
        elif entity.deployment not in ("", "DEPLOYMENT_READY"):
            yield f"Its served entity {entity.name} is not up: {said_by(entity)}."


def _not_serving(endpoint: Endpoint, detail: EndpointDetail | None) -> Readiness:
    name = endpoint.name
    if endpoint.updating:
        return Readiness(
            ReadinessKind.NOT_READY,
            f"{name} is being deployed, and answers nothing until that is done.{_reasons(detail, failed=False)}",
            "Wait: this page looks again by itself.",
        )
    if endpoint.update_failed:
        return Readiness(
            ReadinessKind.FAILED,
            f"The deployment of {name} failed, and it serves nothing.{_reasons(detail, failed=True)}",
            "Read its events and logs on its page, then update it.",
        )
    if detail is None or not _says_state(detail):
        return Readiness(
            ReadinessKind.UNKNOWN, f"{name} is not ready.", "Its page says why; a call will probably be refused."
        )
    if detail.config is None and detail.pending is None:
        return Readiness(ReadinessKind.EMPTY, f"{name} serves nothing yet.", "Set up on its page what it serves.")
    if detail.pending is not None:
        return Readiness(
            ReadinessKind.FAILED,
            f"The deployment of {name} was ended before it was done, and it serves nothing.",
            "Update it on its page.",
        )
    return Readiness(ReadinessKind.STOPPED, f"{name} is stopped.", "Start it on its page, or on the Serving page.")


def _says_state(detail: EndpointDetail) -> bool:
    state = detail.wire.get("state")
    return isinstance(state, dict) and "ready" in state


def _reasons(detail: EndpointDetail | None, *, failed: bool) -> str:
    config = (detail.pending or detail.config) if detail else None
    entities = [one for one in config.entities if not failed or "FAILED" in one.deployment] if config else []
    said = [f"{one.name} says: {said_by(one)}" for one in entities if one.message]
    return f" {'; '.join(said).rstrip('.')}." if said else ""


def said_by(entity: ServedEntity) -> str:
    """What the platform says of that entity's deployment: its message, or else its state in plain words."""
    return entity.message.rstrip(". ") or entity.deployment.removeprefix("DEPLOYMENT_").lower() or "nothing"
