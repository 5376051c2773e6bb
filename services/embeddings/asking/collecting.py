"""Where vectors come together: one array, the figures, and why some texts have none. Not for several threads at once."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from services.embeddings.asking.remaining import Remaining
from services.embeddings.asking.reply_vectors import Found
from services.embeddings.records import Floats, Progress, TextFailure
from services.errors import PlaygroundError, UnexpectedReply

MOST_VECTOR_BYTES = 4_000_000_000
"""Of all vectors of one embedding, 4 a number: one small reply decides how much memory all of them are given."""


class Collected:
    """The vectors of texts, as they come."""

    def __init__(self, texts: Sequence[str], most_bytes: int = MOST_VECTOR_BYTES) -> None:
        """*most_bytes*: more than that is not made room for."""
        self._count = len(texts)
        self._most_bytes = most_bytes
        self._places: dict[str, list[int]] = {}
        for place, text in enumerate(texts):
            self._places.setdefault(text, []).append(place)
        self.vectors: Floats = np.empty((self._count, 0), dtype=np.float32)
        """(texts, dimensions); NaN where there is none yet."""
        self.requests = self.tokens = 0
        self.note = ""
        self.looked_up = False
        """Whether what was here already is known."""
        self._failures: dict[int, PlaygroundError] = {}
        self._cached: set[str] = set()
        self._done = self._failed = self._from_cache = 0
        self._began = time.monotonic()
        self._remaining = Remaining()

    @property
    def unique(self) -> Iterable[str]:
        """Each text once."""
        return self._places.keys()

    def has(self, text: str) -> bool:
        """Whether its vector was in the cache."""
        return text in self._cached

    def will_ask(self, texts: Iterable[str]) -> None:
        """These are going to be asked for; counted for the time that is left."""
        self._remaining.will_ask(texts)

    def take_cached(self, found: Mapping[str, Floats]) -> None:
        """What was here already; only those of one size. Raises UnexpectedReply where there is no room for all."""
        for text, vector in found.items():
            if self._fits(vector.size):
                self._put(text, vector)
                self._cached.add(text)
        self._from_cache = self._done

    def take(self, texts: Sequence[str], found: Sequence[Found]) -> tuple[dict[str, Floats], list[str]]:
        """What a request brought: the vectors that are good, and texts whose kept vectors proved to be of another model.

        The first request that brings vectors decides how long they are, by its majority. Raises UnexpectedReply where there
        is no room for that many as long as that.
        """
        stale = self._settle([vector.size for vector in found if not isinstance(vector, PlaygroundError)])
        good = {}
        for text, vector in zip(texts, found, strict=True):
            if isinstance(vector, PlaygroundError):
                self.fail([text], vector)
            elif not self._fits(vector.size):
                self.fail([text], self._other_size(vector.size))
            else:
                self._put(text, vector)
                good[text] = vector
        self._remaining.asked(texts)
        return good, stale

    def fail(self, texts: Sequence[str], error: PlaygroundError, *, asked: bool = False) -> None:
        """These have no vector. *asked*: with a request of their own, which now counts for the pace."""
        for text in texts:
            places = self._places[text]
            self._failures.update(dict.fromkeys(places, error))
            self._failed += len(places)
        if asked:
            self._remaining.asked(texts)

    def failure(self, text: str) -> PlaygroundError:
        """Why it has no vector."""
        return self._failures[self._places[text][0]]

    def progress(self) -> Progress:
        """The figures now."""
        return Progress(
            texts=self._count,
            done=self._done,
            failed=self._failed,
            cached=self._from_cache,
            repeated=self._count - len(self._places),
            requests=self.requests,
            tokens=self.tokens,
            seconds=time.monotonic() - self._began,
            left_seconds=self._left(),
            note=self.note,
            looked_up=self.looked_up,
        )

    def failures(self) -> tuple[TextFailure, ...]:
        """In the order of the texts."""
        return tuple(TextFailure(place, self._failures[place]) for place in sorted(self._failures))

    def _left(self) -> float | None:
        return 0.0 if self._done + self._failed == self._count else self._remaining.seconds()

    def _fits(self, size: int) -> bool:
        if self.vectors.shape[1] == 0 and size:
            self.vectors = self._room(size)
        return bool(self.vectors.shape[1] == size)

    def _settle(self, sizes: list[int]) -> list[str]:
        """Decide the size by the first vectors that were asked for now; the texts of the cache that are of another one."""
        if not sizes or self._done > self._from_cache:
            return []
        size = Counter(sizes).most_common(1)[0][0]
        if self.vectors.shape[1] in (0, size):
            self._fits(size)
            return []
        stale = list(self._cached)
        self._cached.clear()
        self._done = self._from_cache = 0
        self.vectors = np.empty((self._count, 0), dtype=np.float32)  # let go before there is another
        self.vectors = self._room(size)
        return stale

    def _room(self, size: int) -> Floats:
        try:
            if self._count * size * 4 > self._most_bytes:
                raise MemoryError
            return np.full((self._count, size), np.nan, dtype=np.float32)
        except MemoryError as full:
            raise UnexpectedReply(
                f"{self._count:,} vectors of {size:,} numbers would take {self._count * size * 4 / 1e9:,.1f} GB, and there is "
                f"room for {self._most_bytes / 1e9:,.1f} GB at most.",
                "Embed a sample of the texts, or ask for fewer dimensions.",
            ) from full

    def _put(self, text: str, vector: Floats) -> None:
        places = self._places[text]
        for place in places:  # mostly one: with a list of places numpy takes eight times as long
            self.vectors[place] = vector
        self._done += len(places)

    def _other_size(self, size: int) -> PlaygroundError:
        return UnexpectedReply(
            f"The vector of this text has {size:,} numbers; those of the others have {self.vectors.shape[1]:,}.",
            "Vectors of different lengths cannot be compared: see whether the endpoint serves two models at once.",
        )
