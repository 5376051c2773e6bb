"""The Python half of the map."""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from services.embeddings.numbers import within
from ui.components.embedding_map.colours import in_the_browser
from ui.components.embedding_map.points import (
    MOST_TEXTS,
    LegendEntry,
    MapPoints,
    Scale,
    pack_classes,
    pack_coordinates,
    pack_texts,
)
from ui.components.registered import renderer
from ui.session import entered

_HOME = Path(__file__).parent
_FEW_MARKED = 200
"""More marked points than that travel as one bit for each point."""

_MOST_CORNERS = 1000

Ints = npt.NDArray[np.int64]
Polygon = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class MapSeen:
    """What a person did with the map; nothing of it, where that was done on other coordinates than these."""

    picked: int | None = None
    """The point that was clicked last; None after a click on nothing."""
    polygon: Polygon = ()
    """The lasso, empty for none. In two dimensions in the coordinates' own space; in three in the picture's, -1 to 1."""
    matrix: tuple[float, ...] | None = None
    """In three dimensions: how the coordinates were seen, 4 x 4, column after column; see within_view()."""

    def within(self, coordinates: npt.NDArray[np.floating]) -> Ints:
        """The points inside the lasso; none where there is none."""
        if len(self.polygon) < 3:
            return np.zeros(0, dtype=np.int64)
        if self.matrix is None:
            return np.asarray(within(np.asarray(coordinates, dtype=np.float32), self.polygon), dtype=np.int64)
        return within_view(coordinates, self.polygon, self.matrix)


def within_view(
    coordinates: npt.NDArray[np.floating], polygon: Sequence[tuple[float, float]], matrix: Sequence[float]
) -> Ints:
    """Of points (n, 3), those that stand inside the polygon as seen through the 4 x 4 matrix, which is given by columns."""
    view = np.asarray(matrix, dtype=np.float64).reshape(4, 4).T
    seen = np.asarray(coordinates, dtype=np.float64) @ view[:, :3].T + view[:, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        flat = np.where(seen[:, 3:] > 0, seen[:, :2] / seen[:, 3:], np.nan)
    return np.asarray(within(flat.astype(np.float32), polygon), dtype=np.int64)


def embedding_map(
    points: MapPoints,
    *,
    key: str,
    label: str,
    legend: Sequence[LegendEntry] = (),
    scale: Scale | None = None,
    marked: Sequence[int] = (),
    lines: Sequence[tuple[int, int]] = (),
    dimmed: bool = False,
    focus: int | None = None,
    notes: Mapping[int, str] | None = None,
    caption: str = "",
    height: int = 560,
    let_go: int = 0,
    on_pick: Callable[[MapSeen], None] | None = None,
    on_select: Callable[[MapSeen], None] | None = None,
) -> MapSeen:
    """Draw the map; what the person did with it.

    Other coordinates under the same *key*, of as many points, move into place: what is picked and selected stays, and the view.

    *label* is what a screen reader says. One of *legend* and *scale* says what the classes are; in two dimensions the
    legend's names stand on the map too, where most of a group stands by itself. *marked* points are ringed, and
    with *dimmed* all others are faded. *lines* join two points each. *focus* is the picked point: it is ringed twice, and brought
    into view when it changes. *notes* are texts of single points, for maps of which not every text is sent. *caption* stands on
    the saved picture. *let_go*, counted up,
    takes the lasso away: whoever acted on it has no more use for it. *on_pick* and *on_select* are callbacks
    of Streamlit's kind, before the script: what they keep is not lost when the script is interrupted.

    What was sent once is not sent again as long as it is the same. Coordinates, classes and texts travel each for itself, so
    that a click costs some hundred bytes, and other colours one byte a point.
    """
    parts = {"coordinates": pack_coordinates(points), "classes": pack_classes(points)}
    if points.texts is not None and 0 < len(points) <= MOST_TEXTS:
        parts["texts"] = pack_texts(points.texts)
    names = {part: _name(content) for part, content in parts.items()}
    drawn = names["coordinates"]

    def picked() -> None:
        if on_pick is not None:
            on_pick(_seen(entered(key), drawn, len(points), points.dims))

    def selected() -> None:
        if on_select is not None:
            on_select(_seen(entered(key), drawn, len(points), points.dims))

    with st.container(key=f"{key}-parts", gap=None):
        for part, content in parts.items():
            renderer("embedding_map", _HOME)(key=f"{key}-{part}", data=names[part].encode() + content)
        found = renderer("embedding_map", _HOME)(
            key=key,
            data={
                "parts": names,
                "label": label,
                "legend": [asdict(entry) for entry in legend],
                "scale": asdict(scale) if scale else None,
                "marked": _marks(marked, len(points)),
                "lines": [[int(start), int(end)] for start, end in lines],
                "dimmed": dimmed,
                "focus": focus,
                "notes": {str(index): text for index, text in (notes or {}).items()},
                "caption": caption,
                "height": height,
                "letGo": let_go,
                "colours": in_the_browser(),
            },
            default={"picked": None, "lasso": None},
            on_picked_change=picked,
            on_lasso_change=selected,
        )
    return _seen(found, drawn, len(points), points.dims)


def _name(content: bytes) -> str:
    """What the browser knows these bytes by: they are sent with it in front."""
    return hashlib.sha256(content).hexdigest()[:16]


def _marks(marked: Sequence[int], count: int) -> list[int] | str:
    if len(marked) <= _FEW_MARKED:
        return [int(index) for index in marked]
    bits = np.zeros(count, dtype=bool)
    bits[np.asarray(marked)] = True
    return base64.b64encode(np.packbits(bits, bitorder="little").tobytes()).decode()


def _seen(held: object, drawn: str, count: int, dims: int) -> MapSeen:
    found = held if isinstance(held, Mapping) else {}
    lasso = found.get("lasso")
    polygon, matrix = _polygon(lasso, drawn, dims) if isinstance(lasso, Mapping) else ((), None)
    return MapSeen(_index(found.get("picked"), count), polygon, matrix)


def _index(told: object, count: int) -> int | None:
    index = told.get("index") if isinstance(told, Mapping) else None
    return index if type(index) is int and 0 <= index < count else None


def _polygon(lasso: Mapping[str, Any], drawn: str, dims: int) -> tuple[Polygon, tuple[float, ...] | None]:
    """The browser's word is not trusted to: what is no polygon on these coordinates is none."""
    told, matrix = lasso.get("polygon"), lasso.get("matrix")
    if lasso.get("coordinates") != drawn or not isinstance(told, list) or len(told) > _MOST_CORNERS:
        return (), None
    if (matrix is not None) != (dims == 3):
        return (), None
    try:
        corners = np.array(told, dtype=np.float64).reshape(-1, 2)
        seen_through = None if matrix is None else np.array(matrix, dtype=np.float64).reshape(16)
    except (TypeError, ValueError, OverflowError):
        return (), None
    if not np.isfinite(corners).all() or (seen_through is not None and not np.isfinite(seen_through).all()):
        return (), None
    polygon = tuple((float(x), float(y)) for x, y in corners)
    return polygon, None if seen_through is None else tuple(seen_through.tolist())
