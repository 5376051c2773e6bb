"""One call of an endpoint that has just become ready: does it answer?"""

import json
import threading
from enum import StrEnum
from typing import Any

from services.endpoints import EndpointDetail
from services.errors import PlaygroundError
from services.invocation import InvocationJob, get_test_body
from services.jobs import Bell
from services.workspace import Workspace

UNWATCHED_SECONDS = 600.0
"""It waits for its answer although nobody looks: a model that sleeps may take minutes, and the person comes back to see it."""


class TrialStep(StrEnum):
    """How far the call is."""

    WAITING = "waiting"
    """For the endpoint to be ready."""
    ASKING = "asking"
    """How the endpoint wants to be asked."""
    SENT = "sent"
    UNKNOWN = "unknown"
    """Nothing was sent: the endpoint does not say how it wants to be asked."""
    REFUSED = "refused"
    """Nothing was sent: why not is in ``error``."""
    STOPPED = "stopped"


class Trial:
    """The call: made once, when it is told to begin."""

    def __init__(self, workspace: Workspace, endpoint: str) -> None:
        self.step = TrialStep.WAITING
        self.job: InvocationJob | None = None
        """The call itself, once it was sent."""
        self.body: dict[str, Any] | None = None
        self.error: PlaygroundError | None = None
        self._workspace = workspace
        self._endpoint = endpoint
        self._lock = threading.Lock()

    @property
    def open(self) -> bool:
        """Whether more may come of it."""
        return self.step in (TrialStep.WAITING, TrialStep.ASKING) or (self.job is not None and self.job.running)

    @property
    def body_text(self) -> str:
        """What is sent, as JSON for people; empty while nothing is."""
        return "" if self.body is None else json.dumps(self.body, indent=2, ensure_ascii=False)

    @property
    def answer(self) -> str:
        """What came back in short: a text, the predictions, how long an embedding is; empty where that cannot be told."""
        body = self.job.reply.body if self.job is not None else None
        return _answer(body) if body else ""

    def begin(self, detail: EndpointDetail) -> None:
        """Ask how the endpoint wants to be asked, and ask it. Never raises PlaygroundError."""
        if not self._turns(TrialStep.WAITING, TrialStep.ASKING):
            return
        try:
            found = get_test_body(self._workspace, detail)
            if found is None:
                self._turns(TrialStep.ASKING, TrialStep.UNKNOWN)
                return
            path, self.body = found
            self._send(path, self.body)
        except PlaygroundError as error:
            self.error = error
            self._turns(TrialStep.ASKING, TrialStep.REFUSED)

    def stop(self) -> None:
        """End it; what has arrived stays."""
        with self._lock:
            job = self.job
            if job is None and self.step in (TrialStep.WAITING, TrialStep.ASKING):
                self.step = TrialStep.STOPPED
        if job is not None:
            job.stop()

    def _send(self, path: str, body: dict[str, Any]) -> None:
        with self._lock:  # so that stop() comes before it or finds the job
            if self.step is TrialStep.ASKING:
                self.job = InvocationJob(
                    self._workspace, self._endpoint, body, Bell(), path=path, unwatched_seconds=UNWATCHED_SECONDS
                )
                self.step = TrialStep.SENT

    def _turns(self, from_: TrialStep, to: TrialStep) -> bool:
        with self._lock:
            if self.step is from_:
                self.step = to
                return True
            return False


def _answer(body: dict[str, Any]) -> str:
    choice = _first(body.get("choices"))
    message = choice.get("message")
    text = message.get("content") if isinstance(message, dict) else choice.get("text")
    if isinstance(text, str):
        return text
    vector = _first(body.get("data")).get("embedding")
    if isinstance(vector, list):
        return f"An embedding of {len(vector)} numbers."
    predictions = body.get("predictions")
    return "" if predictions is None else json.dumps(predictions, ensure_ascii=False)


def _first(value: Any) -> dict[str, Any]:
    return value[0] if isinstance(value, list) and value and isinstance(value[0], dict) else {}
