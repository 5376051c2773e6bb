"""How long what is still to be asked for will take, by the pace of late. Not for several threads at once."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable

from services.embeddings.asking.bodies import weight

PACE_SECONDS, PACE_REQUESTS = 10.0, 8
"""The pace is that of so many last seconds, and of so many requests at least: the first ones also open connections."""
FEWEST_SECONDS = 0.5
"""An estimate from less would jump."""


class Remaining:
    """What is to be asked for, what was, and when.

    The shortest texts are asked for first. Where a text costs by its length, the pace in texts promises too much then; where it
    costs by the request, the pace in bytes too little. Which of the two an endpoint is, is not known: the estimate is the
    geometric mean of both, which is wrong by the root of what the worse one would be wrong by.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._texts = self._bytes = 0
        """To be asked for, those that were among them."""
        self._asked_texts = self._asked_bytes = 0
        self._marks: deque[tuple[float, int, int]] = deque()
        """When so many texts and bytes had been asked for."""

    def will_ask(self, texts: Iterable[str]) -> None:
        """These are going to be asked for."""
        for text in texts:
            self._texts += 1
            self._bytes += weight(text)
        if not self._marks:
            self._mark()

    def asked(self, texts: Iterable[str]) -> None:
        """The reply to these is here."""
        for text in texts:
            self._asked_texts += 1
            self._asked_bytes += weight(text)
        self._mark()

    def seconds(self) -> float | None:
        """Until all is asked for; None while that is unknown, and where nothing is left."""
        if not self._marks or self._asked_texts >= self._texts:
            return None
        while len(self._marks) > PACE_REQUESTS and self._marks[0][0] < self._clock() - PACE_SECONDS:
            self._marks.popleft()
        since, texts, size = self._marks[0]
        spent = self._clock() - since
        if self._asked_texts == texts or spent < FEWEST_SECONDS:
            return None
        by_texts = (self._texts - self._asked_texts) / (self._asked_texts - texts)
        by_bytes = (self._bytes - self._asked_bytes) / (self._asked_bytes - size)
        return spent * math.sqrt(by_texts * by_bytes)

    def _mark(self) -> None:
        self._marks.append((self._clock(), self._asked_texts, self._asked_bytes))
