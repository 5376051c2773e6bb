"""What a call waits for, while it waits: looks at the endpoint from beside the call, and never touches the call itself."""

import threading
from dataclasses import dataclass

from services.call import Call
from services.endpoints import EndpointDetail, get_endpoint_detail
from services.errors import PlaygroundError
from services.readiness import Readiness, ReadinessKind, readiness_of, said_by
from services.workspace import Workspace

LONG_SECONDS = 1.5
"""A wait for headers that is longer is explained; a shorter one costs the workspace no question."""
FIRST_PAUSE, LAST_PAUSE = 2.0, 5.0
_GROWTH = 1.4


@dataclass(frozen=True)
class Stage:
    """One part of a wait."""

    sentence: str
    """It may hold names and messages of others: draw it as such."""
    began: float
    """Seconds since the call began."""
    seconds: float
    """How long it took, or takes so far."""
    over: bool


@dataclass(frozen=True)
class Waiting:
    """One call's wait up to now."""

    stages: tuple[Stage, ...]
    """Oldest first; only the last one may not be over."""
    elapsed: float
    """Seconds since the call began."""
    trouble: str = ""
    """Why the endpoint could not be asked how it does; the call is not concerned."""

    @property
    def is_long(self) -> bool:
        """Whether it is worth more than one line."""
        return self.elapsed >= LONG_SECONDS


class Watcher:
    """Looks after one call: asks how its endpoint does while no headers come."""

    def __init__(self, workspace: Workspace, endpoint: str, call: Call, asked: str = "The endpoint") -> None:
        """*asked* begins the sentence on who has picked up."""
        self._asked = asked
        self._workspace = workspace
        self._endpoint = endpoint
        self._call = call
        self._seen: list[tuple[float, str]] = []
        """What was found, and after how many seconds; appended by one thread, read by others."""
        self._was_asleep = False
        self._trouble = ""

    def start(self, known: Readiness | None, over: threading.Event) -> None:
        """Begin, in a thread of its own that ends with *over* or with the reply's headers. *known*: before the call."""
        if known is not None and known.kind is ReadinessKind.SCALED_TO_ZERO:
            self._was_asleep = True
            self._seen.append((0.0, _WAKING))
        threading.Thread(target=self._look, args=(over,), name=f"look at {self._endpoint}", daemon=True).start()

    def waiting(self, answering_after: float | None = None) -> Waiting:
        """The stages up to now. *answering_after*: seconds from the call's begin to the first of the answer."""
        record = self._call.record
        now = record.elapsed() if record.finished_after is None else record.finished_after
        found = [(0.0, f"Asked {self._endpoint}" if record.sent_at is not None else "Connecting")]
        found += self._seen
        if record.headers_after is not None:
            found = [one for one in found if one[0] <= record.headers_after]
            found.append((record.headers_after, f"{self._asked} has picked up; waiting for the first of its answer"))
        if answering_after is not None:
            found.append((answering_after, "Answering"))
        ends = [began for began, _ in found[1:]] + [now]
        stages = tuple(
            Stage(sentence, began, max(0.0, end - began), place < len(found) - 1 or record.finished_after is not None)
            for place, ((began, sentence), end) in enumerate(zip(found, ends, strict=True))
        )
        return Waiting(stages, now, self._trouble)

    def _look(self, over: threading.Event) -> None:
        if over.wait(LONG_SECONDS):
            return
        pause = FIRST_PAUSE
        while self._call.record.headers_after is None:
            self._ask()
            if over.wait(pause):
                return
            pause = min(LAST_PAUSE, pause * _GROWTH)

    def _ask(self) -> None:
        try:
            detail = get_endpoint_detail(self._workspace, self._endpoint)
        except PlaygroundError as error:  # the call goes on: only the explanation is missing, and that is said
            self._trouble = error.message
            return
        self._trouble = ""
        sentence = self._sentence(detail)
        if not self._seen or self._seen[-1][1] != sentence:
            self._seen.append((self._call.record.elapsed(), sentence))

    def _sentence(self, detail: EndpointDetail) -> str:
        readiness = readiness_of(detail)
        if readiness.kind is ReadinessKind.SCALED_TO_ZERO:
            self._was_asleep = True
            return _WAKING
        if not detail.endpoint.ready:
            return readiness.sentence
        entities = detail.config.entities if detail.config else ()
        said = [
            f"{one.name}: {said_by(one)}" for one in entities if one.message or one.deployment != "DEPLOYMENT_READY"
        ]
        if said:
            return f"Its served entities say: {'; '.join(said)}"
        if self._was_asleep:
            return "It no longer says that it sleeps: it is starting, and has not picked up yet"
        return "It says that it is ready, and has not picked up yet: it may be busy"


_WAKING = "It was scaled to zero: the call wakes it"
