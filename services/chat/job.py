"""A chat exchange in a thread of its own.

The script that started it only watches. So a dropped websocket or a rerun loses nothing and starts nothing twice, Stop ends
the request itself, and several exchanges are several jobs watched by one script.
"""

import threading
import time

from services.call import Call, CallCancelled
from services.chat.exchange import stream_chat
from services.chat.reply import ChatReply, Outcome
from services.chat.request import ChatRequest
from services.errors import PlaygroundError
from services.workspace import Workspace

UNWATCHED_SECONDS = 120.0
"""A job that nobody has looked at for so long is ended: the endpoint costs money, and its reader is gone."""


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


class ChatJob:
    """One exchange under way, or over."""

    def __init__(
        self, workspace: Workspace, request: ChatRequest, bell: Bell, unwatched_seconds: float = UNWATCHED_SECONDS
    ) -> None:
        """Check the request and start it. Raises BadInput before anything is sent.

        It is stopped when ``watched()`` was not called for *unwatched_seconds*.
        """
        self.request = request
        self.reply = ChatReply()
        self.call = Call()
        self._bell = bell
        self._watched = time.monotonic()
        self._unwatched_seconds = unwatched_seconds
        self._over = threading.Event()
        self._deltas = stream_chat(workspace, request, self.call)
        for work in (self._run, self._guard):
            threading.Thread(target=work, name=f"chat {request.endpoint}", daemon=True).start()

    @property
    def running(self) -> bool:
        """Whether more may arrive."""
        return self.reply.outcome is Outcome.RUNNING

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
            for delta in self._deltas:
                self.reply.receive(delta, self.call.record.elapsed())
                self._bell.ring()
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
