"""What every way to arrange points is given, and gives back. Used in the worker's process only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from services.embeddings.layouts.errors import Refused
from services.embeddings.numbers import BLOCK, unit
from services.embeddings.records import Floats, Ints

FEWEST = 15
"""Texts with vectors of their own: below, a text's neighbours are simply all the others."""
REDUCED = 100
"""Dimensions that LocalMAP works with, as its authors' own preparation does."""


class Stage(StrEnum):
    """What a layout is at."""

    STARTING = "starting"
    """The worker's libraries are loaded."""
    COMPILING = "compiling"
    """The first time on a machine, LocalMAP's loops become machine code; later that is found again at once."""
    NEIGHBOURS = "neighbours"
    """Each point's nearest neighbours are looked for."""
    ARRANGING = "arranging"
    """The picture takes shape."""


class Tell(Protocol):
    """Says how far it is, and takes the newest coordinates. Raises Cancelled when the person wants no more of it."""

    def __call__(self, stage: Stage, done: float, coordinates: Floats | None = None) -> None: ...


Arrange = Callable[[Floats, int, int, Tell], tuple[Floats, Mapping[str, Any]]]
"""(unit vectors, all different; dimensions of the picture; seed; tell) to (coordinates, parameters)."""


class Cancelled(Exception):
    """The person wants no more of it."""


@dataclass(frozen=True)
class Points:
    """What is laid out: one point for all texts that have the same vector."""

    vectors: Floats
    """(points, dimensions), unit length, all different."""
    places: Ints
    """(texts,): the point of each text; -1 for one without a usable vector."""

    def spread(self, coordinates: Floats) -> Floats:
        """The coordinates of each text; NaN where it has none."""
        spread: Floats = np.full((len(self.places), coordinates.shape[1]), np.nan, dtype=np.float32)
        there = self.places >= 0
        spread[there] = coordinates[self.places[there]]
        return spread


def read_points(path: Path) -> Points:
    """The vectors of a ``.npy`` file, block by block. Raises Refused."""
    try:
        given = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise Refused(f"The vectors cannot be read: {error}.", "Embed the texts again.") from error
    if given.ndim != 2 or not given.shape[1]:
        raise Refused("What is kept of this run are not vectors.", "Embed the texts again.")
    known: dict[bytes, int] = {}
    kept: Floats = np.empty(given.shape, dtype=np.float32)  # pages that are not written cost no memory
    places: Ints = np.full(len(given), -1, dtype=np.int64)
    for begin in range(0, len(given), BLOCK):
        block = unit(given, slice(begin, begin + BLOCK))
        for row in np.flatnonzero(np.isfinite(block[:, 0])):
            same = (block[row] + 0.0).tobytes()  # -0.0 is 0.0
            point = known.setdefault(blake2b(same, digest_size=16).digest(), len(known))
            kept[point] = block[row]
            places[begin + row] = point
    if len(known) < FEWEST:
        raise Refused(
            f"Only {len(known)} texts have a vector of their own; a neighbour layout needs {FEWEST}.",
            "Look at PCA, or take more texts.",
        )
    return Points(kept[: len(known)], places)
