"""One invocation in a thread of its own: what every kind of it has in common.

The script that started a job only watches. So a dropped websocket or a rerun loses nothing and starts nothing twice, Stop ends
the request itself, and several exchanges are several jobs watched by one script.
"""

import threading
import time
from abc import ABC, abstractmethod
from enum import StrEnum
from typing import Any, Generic, TypeVar

from services.call import Call, CallCancelled
from services.errors import PlaygroundError
from services.readiness import Readiness
from services.transforms import Hooks, TransformFailed
from services.waiting import Waiting, Watcher
from services.workspace import Workspace

UNWATCHED_SECONDS = 120.0
"""A job that nobody has looked at for so long is ended: the endpoint costs money, and its reader is gone."""
NOT_WHOLE = "The reply is longer than what is kept here, so transform_output was not given it."
_SERVED_BY = "served-model-name"


class Bell:
    """Wakes the one thread that watches several jobs."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def ring(self) -> None:
        """Something has changed."""
        self._event.set()

    def wait(self, seconds: float) -> None:
        """Return when something has changed since the last wait, or after *seconds*."""
        self._event.wait(seconds)
        self._event.clear()


class Outcome(StrEnum):
    """How an exchange stands."""

    RUNNING = "running"
    COMPLETE = "complete"
    STOPPED = "stopped"
    FAILED = "failed"


class Reply:
    """What has arrived. Written by the job's thread, read by the script's; once it has an outcome it changes no more."""

    def __init__(self) -> None:
        self.outcome = Outcome.RUNNING
        self.error: PlaygroundError | None = None
        self.ended_because = ""
        """Why we ended it, where it was not the person who did: a sentence, and what to do next."""
        self.shaped = False
        """Whether the person's ``transform_output`` has made something of it."""
        self.shaped_value: Any = None
        """What it made, in JSON values; without meaning unless *shaped*."""
        self.shaping_error: PlaygroundError | None = None
        """Why it made nothing of it; the reply itself is whole all the same."""
        self._lock = threading.Lock()

    def shape(self, value: Any) -> None:
        """Take what the person's function made of it. Without effect once there is an outcome."""
        with self._lock:
            if self.open:
                self.shaped, self.shaped_value = True, value

    @property
    def open(self) -> bool:
        """Whether more may be taken in."""
        return self.outcome is Outcome.RUNNING

    def ends(self, outcome: Outcome, error: PlaygroundError | None = None, because: str = "") -> None:
        """Give it its outcome; only the first one counts. *because* goes into *ended_because*."""
        with self._lock:
            if self.open:
                self.ended_because, self.error = because, error
                self.outcome = outcome  # last: readers take no lock, and look at it first


ReplyKind = TypeVar("ReplyKind", bound=Reply)


class Job(ABC, Generic[ReplyKind]):
    """One exchange under way, or over."""

    asked = "The endpoint"
    """Who is asked, at the begin of a sentence."""

    def __init__(
        self,
        workspace: Workspace,
        endpoint: str,
        reply: ReplyKind,
        bell: Bell,
        unwatched_seconds: float,
        hooks: Hooks | None = None,
    ) -> None:
        """It is stopped when ``watched()`` was not called for *unwatched_seconds*. ``_start`` sends it off.

        *hooks* is the person's transform, for this call alone.
        """
        self.endpoint = endpoint
        self.reply = reply
        self.call = Call()
        self.hooks = hooks
        self.call.record.trace = hooks.trace if hooks else None
        self._bell = bell
        self._watched = time.monotonic()
        self._unwatched_seconds = unwatched_seconds
        self._over = threading.Event()
        self._watcher = Watcher(workspace, endpoint, self.call, self.asked)

    @abstractmethod
    def _exchange(self) -> None:
        """Send once and take in what comes. Raises PlaygroundError and CallCancelled."""

    def _start(self, name: str, known: Readiness | None, *, looks: bool = True) -> None:
        """Send it off. *looks*: whether a long wait may be explained by a look at the endpoint."""
        for work in (self._run, self._guard):
            threading.Thread(target=work, name=f"{name} {self.endpoint}", daemon=True).start()
        if looks:
            self._watcher.start(known, self._over)

    @property
    def running(self) -> bool:
        """Whether more may arrive."""
        return self.reply.open

    @property
    def served_by(self) -> str:
        """The served entity that answered, as the reply's headers name it; empty where they do not."""
        named = (value for name, value in self.call.record.reply_headers.items() if name.lower() == _SERVED_BY)
        return next(named, "")

    @property
    def waiting(self) -> Waiting:
        """What it waits for, as far as is known."""
        return self._watcher.waiting(self._answering_after())

    def _shape(self, reply: Any, *, whole: bool = True) -> None:
        """Give the reply to the person's ``transform_output``, if it is *whole*. What it does wrong does not undo the reply."""
        if self.hooks is None or not self.reply.open:
            return
        if not whole:
            self.hooks.trace.notes.append(NOT_WHOLE)
            return
        self.call.record.ends()  # the endpoint's time, not the function's
        try:
            shaped = self.hooks.shape_reply(reply)
        except TransformFailed as failed:
            self.reply.shaping_error = failed
            return
        if self.hooks.trace.output is not None:
            self.reply.shape(shaped)

    def _answering_after(self) -> float | None:
        """Seconds from the call's begin to the first of the answer; None before."""
        return None

    def watched(self) -> None:
        """Somebody is looking at it."""
        self._watched = time.monotonic()

    def stop(self) -> None:
        """End it now: what has arrived stays, nothing more is taken in, and the request is ended upstream."""
        self._end("")

    def _end(self, because: str) -> None:
        self.reply.ends(Outcome.STOPPED, because=because)
        self.call.cancel()
        self._bell.ring()

    def _run(self) -> None:
        try:
            self._exchange()
            self.reply.ends(Outcome.COMPLETE)
        except CallCancelled:
            self.reply.ends(Outcome.STOPPED)
        except PlaygroundError as error:
            self.reply.ends(Outcome.FAILED, error)
        except BaseException:
            self.reply.ends(Outcome.FAILED, _bug())
            raise  # threading prints it: a bug stays loud
        finally:
            self.call.ends()
            self._over.set()
            self._bell.ring()

    def _guard(self) -> None:
        """Stop it when nobody watches. Its own thread: the other one may be waiting for a first token."""
        while (left := self._watched + self._unwatched_seconds - time.monotonic()) > 0:
            if self._over.wait(left):
                return
        self._end(
            f"Ended after {self._unwatched_seconds:g} s because no page showed it. "
            "What had arrived is kept; ask again for a whole answer."
        )


def _bug() -> PlaygroundError:
    return PlaygroundError(
        "Brickyard itself failed while it read the answer.",
        "The server's log has the details; please report them. What had arrived is kept.",
    )
