"""Why a deployment failed: the sentence that says so, and what the workspace recorded of it."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from services.endpoints import Config, EndpointDetail, Event, ServedEntity, get_build_logs, get_logs, list_events
from services.errors import PlaygroundError
from services.workspace import Workspace

Found = TypeVar("Found")
_COMPLAINT = re.compile(r"error|fail|exception|denied|not found|unable|cannot", re.IGNORECASE)


@dataclass(frozen=True)
class Evidence:
    """What is known of a failure."""

    sentence: str
    """Why, in the workspace's own words; empty where it does not say."""
    entity: str = ""
    """The served entity that failed; empty where none says so."""
    events: tuple[Event, ...] = ()
    """What happened to the endpoint, the newest first."""
    build_log: str = ""
    log: str = ""
    missing: tuple[PlaygroundError, ...] = ()
    """What could not be had, and why."""


def evidence_of(workspace: Workspace, detail: EndpointDetail) -> Evidence:
    """Ask for the events, and for the logs of the served entity that failed. Never raises PlaygroundError."""
    missing: list[PlaygroundError] = []

    def had(ask: Callable[[], Found], otherwise: Found) -> Found:
        try:
            return ask()
        except PlaygroundError as error:
            missing.append(error)
            return otherwise

    name, failed = detail.endpoint.name, _failed(detail.pending or detail.config)
    no_events: list[Event] = []
    events = had(lambda: list_events(workspace, name), no_events)
    entity = failed.name if failed else ""
    build_log = had(lambda: get_build_logs(workspace, name, entity), "") if failed else ""
    log = had(lambda: get_logs(workspace, name, entity), "") if failed else ""
    sentence = (
        (failed.message if failed else "")
        or _complaint(event.message for event in events)
        or _complaint(reversed(f"{build_log}\n{log}".splitlines()))
    )
    return Evidence(sentence, entity, tuple(events), build_log, log, tuple(missing))


def _failed(config: Config | None) -> ServedEntity | None:
    entities = config.entities if config else ()
    return next((one for one in entities if one.deployment == "DEPLOYMENT_FAILED"), None)


def _complaint(newest_first: Iterable[str]) -> str:
    """The newest line that complains; empty where none does."""
    return next((line.strip() for line in newest_first if _COMPLAINT.search(line)), "")
