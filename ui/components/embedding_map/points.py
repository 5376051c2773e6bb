"""What a map is made of, and how it travels to the browser: as few bytes as the picture needs."""

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

STEPS = 254
"""Of a scale: classes 0 to 253."""
UNKNOWN = 254
"""The class of points about which nothing is known: no label, no cluster, no value. Drawn in grey, below the others."""
HIDDEN = 255
"""The class of points that are not drawn."""
MOST_TEXTS = 2_000
"""With more points than that no texts are sent to the browser: they weigh fifteen times the points."""
LONGEST_TEXT = 80

Classes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class MapPoints:
    """Points and their colours."""

    coordinates: npt.NDArray[np.floating]
    """(n, 2) or (n, 3). A point with a coordinate that is not finite is not drawn, and keeps its number."""
    classes: Classes
    """(n,) which entry of the legend, or which step of the scale; UNKNOWN, HIDDEN."""
    texts: Sequence[str] | None = None
    """Shown at the pointer; sent for up to MOST_TEXTS points, cut to LONGEST_TEXT characters."""

    def __post_init__(self) -> None:
        shape, count = self.coordinates.shape, len(self.classes)
        if len(shape) != 2 or shape[1] not in (2, 3):
            raise ValueError(f"coordinates are (n, 2) or (n, 3), not {shape}")
        if self.classes.dtype != np.uint8 or self.classes.shape != (shape[0],):
            raise ValueError(f"{shape[0]} points have {count} classes of {self.classes.dtype}")
        if self.texts is not None and len(self.texts) != shape[0]:
            raise ValueError(f"{shape[0]} points have {len(self.texts)} texts")

    def __len__(self) -> int:
        return int(self.coordinates.shape[0])

    @property
    def dims(self) -> int:
        """2 or 3."""
        return int(self.coordinates.shape[1])


@dataclass(frozen=True)
class LegendEntry:
    """One class: its place in the legend is its number in ``classes``."""

    label: str
    count: int
    rest: bool = False
    """Whether it is what has no class of its own: the last entry, whose name does not stand on the map."""


@dataclass(frozen=True)
class Scale:
    """Classes are steps from *low* to *high*."""

    low: float
    high: float
    title: str

    def classes(self, values: npt.NDArray[np.floating]) -> Classes:
        """The step of each value; UNKNOWN for what is not finite. What lies beyond an end of the scale is at that end."""
        span = self.high - self.low
        share = (values - self.low) / span if span > 0 else np.where(np.isfinite(values), 0.5, np.nan)
        steps = np.rint(np.clip(share, 0, 1) * (STEPS - 1))
        return np.where(np.isfinite(steps), steps, UNKNOWN).astype(np.uint8)


_HEADER = struct.Struct("<II6d")


def pack_coordinates(points: MapPoints) -> bytes:
    """Number of points, of dimensions, low and extent of each axis (three each, float64), then uint16 x, y(, z).

    Little endian. Each axis is spread over 0 to 65535, so that no coordinate is wrong by more than 1/65535 of its extent, which
    is 0 where all are equal. A row that is not finite travels as zeros: its class hides it.
    """
    seen = np.isfinite(points.coordinates).all(axis=1)
    coordinates = np.asarray(points.coordinates, dtype=np.float64)
    low, extent = np.zeros(3), np.zeros(3)
    if seen.any():
        low[: points.dims] = coordinates[seen].min(axis=0)
        extent[: points.dims] = coordinates[seen].max(axis=0) - low[: points.dims]
    places = np.zeros(coordinates.shape, dtype="<u2")
    spread = np.where(extent > 0, extent, 1.0)[: points.dims]
    places[seen] = np.rint((coordinates[seen] - low[: points.dims]) / spread * 65535)
    return _HEADER.pack(len(points), points.dims, *low, *extent) + places.tobytes()


def pack_classes(points: MapPoints) -> bytes:
    """One byte a point."""
    seen = np.isfinite(points.coordinates).all(axis=1)
    return np.where(seen, points.classes, np.uint8(HIDDEN)).tobytes()


def pack_texts(texts: Sequence[str], longest: int = LONGEST_TEXT) -> bytes:
    """A JSON list."""
    short = [text if len(text) <= longest else text[: longest - 1] + "…" for text in texts]
    return json.dumps(short, ensure_ascii=False, separators=(",", ":")).encode("utf-8", errors="replace")
