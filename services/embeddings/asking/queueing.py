"""Which texts are asked for next, how many at once, and when to wait or to give up. Not for several threads at once."""

import math
import time
from collections import deque
from collections.abc import Iterable

from services.embeddings.asking.bodies import weight
from services.embeddings.asking.refused_batches import Meaning, alike
from services.errors import PlaygroundError, TooManyRequests

MOST_WAITS = 6
"""Waits in a row without a success: 1, 2, 4... 32 s, a minute in all, where the endpoint does not say how long."""
MOST_WAKING = 12
"""The same for an endpoint that wakes: five minutes."""
LONGEST_WAIT = 30.0
LONGEST_ASKED_WAIT = 300.0
"""Seconds; an endpoint that asks for more is come back to by the person."""
MOST_LOST = 3
"""Requests in a row that nobody knows the end of."""
MOST_ALONE, MOST_ALONE_AT_FIRST = 32, 8
"""Texts in a row that are refused alone and in the same way; the latter where no text was taken yet: then it is the request."""
_EASE = 8
"""Successes in a row after which one more request may be under way, up to what was asked for."""


class Queue:
    """Requests to come."""

    def __init__(self, at_once: int, patience: float = math.inf) -> None:
        """*patience*: seconds that are waited in all, where the endpoint asks to wait."""
        self._patience = patience
        self._waiting: deque[list[str]] = deque()
        self._at_once = self._allowed = at_once
        self.under_way = 0
        self.succeeded = False
        """Whether any text was taken."""
        self._most: int | None = None
        self._most_bytes: int | None = None
        self._good = self._good_bytes = 0
        """The largest request that was taken."""
        self._until = self._paused_at = 0.0
        self._waits = self._lost = self._smooth = self._alone = 0
        self._alone_said = ""

    @property
    def over(self) -> bool:
        """Whether nothing is to be asked and nothing under way."""
        return not self._waiting and not self.under_way

    @property
    def pause(self) -> float:
        """Seconds for which nothing may be sent."""
        return max(0.0, self._until - time.monotonic())

    def put(self, batches: Iterable[list[str]]) -> None:
        """These are to be asked for, before those that wait."""
        self._waiting.extendleft(reversed([batch for batch in batches if batch]))

    def next(self) -> list[str] | None:
        """What to send now; None where nothing can be."""
        if not self._waiting or self.under_way >= self._allowed or self.pause:
            return None
        batch = self._waiting.popleft()
        cut = self._cut(batch)
        if cut < len(batch):
            self._waiting.appendleft(batch[cut:])
        self.under_way += 1
        return batch[:cut]

    def _cut(self, batch: list[str]) -> int:
        """How many of these can be in one request, by what was learned."""
        cut = min(len(batch), self._most or len(batch))
        if self._most_bytes is None:
            return cut
        size = 0
        for place, text in enumerate(batch[:cut]):
            size += weight(text)
            if size > self._most_bytes:
                return max(1, place)
        return cut

    def taken(self, batch: list[str]) -> None:
        """The endpoint took it."""
        self.succeeded = True
        self._good = max(self._good, len(batch))
        self._good_bytes = max(self._good_bytes, sum(map(weight, batch)))
        self._waits = self._lost = self._alone = 0
        self._smooth += 1
        if self._smooth % _EASE == 0:
            self._allowed = min(self._at_once, self._allowed + 1)

    def wait(self, batch: list[str], error: PlaygroundError, sent_at: float) -> str | None:
        """Ask for it again, after a while; why all waits, as a sentence. None where it was waited often enough.

        *sent_at* is on time.monotonic()'s clock: several that were under way together are one reason to wait.
        """
        limited = isinstance(error, TooManyRequests)
        if sent_at >= self._paused_at:
            self._waits += 1
            self._smooth = 0
            self._allowed = max(1, self._allowed // 2) if limited else self._allowed
            self._paused_at = time.monotonic()
        if self._waits > (MOST_WAITS if limited else MOST_WAKING) or (error.retry_after or 0) > LONGEST_ASKED_WAIT:
            return None
        asked = error.retry_after
        seconds = asked if asked is not None else min(2.0 ** (self._waits - 1), LONGEST_WAIT)
        until = max(self._until, time.monotonic() + seconds)
        self._patience -= max(0.0, until - max(self._until, time.monotonic()))
        if self._patience < 0:
            return None
        self._until = until
        self.put([batch])
        because = "Too many requests" if limited else "It cannot answer yet"
        return f"{because}: waits {seconds:g} s{', as the endpoint asks' if asked is not None else ''}."

    def divide(self, batch: list[str], meaning: Meaning, named: int | None) -> None:
        """Ask for its halves, and remember what was too large; where one text is *named*, for that one and for the others."""
        half = (len(batch) + 1) // 2
        if meaning is Meaning.REFUSED and named is not None:
            self.put([[batch[named]], batch[:named] + batch[named + 1 :]])
            return
        if meaning is Meaning.TOO_MANY:
            self._most = max(self._good, len(batch) // 2, 1)
        elif meaning is Meaning.TOO_MUCH:
            self._most_bytes = max(self._good_bytes, sum(map(weight, batch)) // 2)
        self.put([batch[:half], batch[half:]])

    def refused_alone(self, error: PlaygroundError) -> None:
        """A text was refused on its own. While none was taken, all refusals are alike, however an endpoint words them."""
        said = alike(error)
        self._alone = self._alone + 1 if said == self._alone_said or not self.succeeded else 1
        self._alone_said = said

    @property
    def hopeless(self) -> bool:
        """Whether texts were refused alone and alike so often that halving finds nothing more."""
        return self._alone >= (MOST_ALONE if self.succeeded else MOST_ALONE_AT_FIRST)

    def lost(self) -> bool:
        """A request was lost; whether it is better to end."""
        self._lost += 1
        return self._lost >= MOST_LOST
