"""One workspace's list of endpoints, as a visit holds it: shown at once, renewed behind what is shown. No Streamlit in here."""

import threading
import time
from collections.abc import Callable

from services.endpoints import Endpoint
from services.errors import PlaygroundError

List = Callable[[], list[Endpoint]]


class EndpointCache:
    """The last list that came, and at most one thread that asks for the next. Read and used from any thread."""

    def __init__(self) -> None:
        self.listed: list[Endpoint] | None = None
        self.as_of = 0.0
        """When that list came, seconds since the epoch."""
        self.error: PlaygroundError | None = None
        """Why no newer one came; None where the last attempt brought one."""
        self.revision = 0
        """Grows with each attempt that is over."""
        self._changed = threading.Condition()
        self._tried = float("-inf")
        self._wanted = 0
        self._outdated = False
        self._asking = False

    @property
    def asking(self) -> bool:
        """Whether a list is being asked for now."""
        return self._asking

    def is_due(self, seconds: float, after_failure: float) -> bool:
        """Whether it is time to ask: the last attempt is so many seconds ago, or its list is known to be outdated."""
        if self._outdated:
            return True
        return not self._asking and time.monotonic() - self._tried > (after_failure if self.error else seconds)

    def outdated(self) -> None:
        """Something was changed: the next use asks again, even while an answer is under way, which may not have it yet."""
        self._outdated = True

    def forget(self, name: str) -> None:
        """Leave out an endpoint that is known to be gone."""
        with self._changed:
            if self.listed is not None:
                self.listed = [endpoint for endpoint in self.listed if endpoint.name != name]

    def ask(self, list_now: List) -> None:
        """Ask in a thread of its own; while one asks already, it asks once more when it is through."""
        with self._changed:
            self._wanted += self._outdated or not self._asking
            self._outdated = False
            if self._asking:
                return
            self._asking = True
        threading.Thread(target=self._run, args=(list_now,), name="list endpoints", daemon=True).start()

    def first(self) -> list[Endpoint]:
        """The list once there is one. Raises PlaygroundError when it did not come."""
        with self._changed:
            self._changed.wait_for(lambda: not self._asking)
            if self.listed is None:
                raise self.error or _bug()
            return self.listed

    def _run(self, list_now: List) -> None:
        again = True
        while again:
            wanted, listed, error = self._wanted, None, None
            try:
                listed = list_now()
            except PlaygroundError as refusal:
                error = refusal
            except BaseException:
                self._ends(None, _bug(), wanted, over=True)
                raise  # threading prints it: a bug stays loud
            again = self._ends(listed, error, wanted)

    def _ends(
        self, listed: list[Endpoint] | None, error: PlaygroundError | None, wanted: int, *, over: bool = False
    ) -> bool:
        """Take in what an attempt brought; whether there has to be another."""
        with self._changed:
            self.error, self._tried = error, time.monotonic()
            if listed is not None:
                self.listed, self.as_of = listed, time.time()
            self.revision += 1
            self._asking = not over and self._wanted > wanted
            self._changed.notify_all()
            return self._asking


def _bug() -> PlaygroundError:
    return PlaygroundError(
        "Brickyard itself failed while it read the list of endpoints.",
        "The server's log has the details; please report them.",
    )
