"""What the map's Python half sends to the browser, and what it believes of what comes back."""

import struct

import numpy as np
import pytest

from ui.components.embedding_map import HIDDEN, PALETTE, UNKNOWN, MapPoints, MapSeen, Scale, render_html, within_view
from ui.components.embedding_map.map import _seen
from ui.components.embedding_map.points import pack_classes, pack_coordinates, pack_texts

NAN = float("nan")
LASSO = {"coordinates": "drawn", "polygon": [[0, 0], [2, 0], [2, 2]], "matrix": None}


def points(rows: object, dims: int = 2, texts: list[str] | None = None) -> MapPoints:
    """Points of class 0."""
    coordinates = np.array(rows, dtype=np.float32).reshape(-1, dims)
    return MapPoints(coordinates, np.zeros(len(coordinates), dtype=np.uint8), texts)


@pytest.mark.parametrize("dims", [2, 3])
def test_points_arrive_to_a_part_in_65535_of_the_extent_and_weigh_five_or_seven_bytes(dims: int) -> None:
    given = np.random.default_rng(0).normal(size=(10_000, dims)).astype(np.float32) * [1e-3, 5e4, 1.0][:dims] + 7e5
    packed = pack_coordinates(points(given, dims))
    extent = np.ptp(given.astype(np.float32), axis=0)
    assert (np.abs(unpack_coordinates(packed) - given.astype(np.float32)) <= extent / 65535).all()
    assert len(packed) + len(pack_classes(points(given, dims))) <= (2 * dims + 1) * len(given) + 64


@pytest.mark.parametrize(
    "rows", [[], [[3, 4]], [[3, 4]] * 5, [[3, 1], [3, 2]], [[NAN, 0]], [[NAN, 0], [1, 2], [float("inf"), 1], [5, 6]]]
)
def test_few_equal_and_missing_points_travel_and_those_without_a_place_are_hidden(rows: list[list[float]]) -> None:
    given = points(rows)
    there = np.isfinite(given.coordinates).all(axis=1)
    assert np.allclose(unpack_coordinates(pack_coordinates(given))[there], given.coordinates[there], atol=1e-4)
    assert (np.frombuffer(pack_classes(given), dtype=np.uint8) == np.where(there, 0, HIDDEN)).all()


def test_what_does_not_belong_together_is_refused() -> None:
    for coordinates, classes, texts in [
        (np.zeros((3, 2)), np.zeros(2, dtype=np.uint8), None),
        (np.zeros((3, 4)), np.zeros(3, dtype=np.uint8), None),
        (np.zeros((3, 2)), np.zeros(3, dtype=np.int64), None),
        (np.zeros((3, 2)), np.zeros(3, dtype=np.uint8), ["a"]),
    ]:
        with pytest.raises(ValueError, match=r"coordinates|classes|texts"):
            MapPoints(coordinates, classes, texts)


def test_steps_of_a_scale_are_where_the_values_are() -> None:
    scale = Scale(0, 10, "Words")
    steps = scale.classes(np.array([0, 5, 10, -3, 99, NAN]))
    assert steps.tolist() == [0, 126, 253, 0, 253, UNKNOWN]
    assert Scale(4, 4, "Words").classes(np.array([4.0, NAN])).tolist() == [126, UNKNOWN]


def test_texts_are_cut_and_may_hold_anything() -> None:
    assert pack_texts(["x" * 500, "한국어 \ud800"]) == ('["' + "x" * 79 + '…","한국어 ?"]').encode()


def test_a_lasso_in_three_dimensions_holds_what_was_seen_inside() -> None:
    corners = np.array([[0, 0, 0], [2, 0, 5], [0, 0, 9], [NAN, 0, 0]], dtype=np.float32)
    view = [
        0.5,
        0,
        0,
        0,
        0,
        0.5,
        0,
        0,
        0,
        0,
        0,
        -0.1,
        0,
        0,
        0,
        1,
    ]  # half the size; what is farther than 10 is behind the eye
    square = [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]
    assert within_view(corners, square, view).tolist() == [0, 2]
    assert MapSeen(polygon=tuple(square), matrix=tuple(view)).within(corners).tolist() == [0, 2]
    assert within_view(np.array([[0, 0, 11]]), square, view).tolist() == []


@pytest.mark.parametrize(
    "told",
    [
        None, "x", {"picked": 3}, {"picked": {"index": "3"}}, {"picked": {"index": 3}}, {"picked": {"index": -1}},
        {"lasso": {"coordinates": "drawn", "polygon": [["a", 1]]}}, {"lasso": {"coordinates": "drawn", "polygon": [[1, 2, 3]]}},
        {"lasso": {"coordinates": "drawn", "polygon": [[1, 2], [3, NAN]]}}, {"lasso": {"coordinates": "drawn"}},
        {"lasso": {"coordinates": "drawn", "polygon": [[0, 0], [1, 0], [1, 1]], "matrix": [1, 2]}},
        {"lasso": {"coordinates": "others", "polygon": [[0, 0], [1, 0], [1, 1]]}}, {"lasso": [1]}, {"picked": {"index": True}},
        {"lasso": {**LASSO, "polygon": [[10**400, 0], [1, 0], [1, 1]]}}, {"lasso": {**LASSO, "polygon": [[0, 1]] * 1001}},
        {"lasso": {**LASSO, "matrix": [1.0] * 16}},
    ],
)  # fmt: skip
def test_what_the_browser_cannot_have_meant_is_nothing(told: object) -> None:
    assert _seen(told, "drawn", 3, 2) == MapSeen()


def test_in_three_dimensions_a_lasso_comes_with_a_finite_matrix() -> None:
    view = np.eye(4).ravel().tolist()
    assert _seen({"lasso": {**LASSO, "matrix": view}}, "drawn", 3, 3).matrix == tuple(view)
    assert _seen({"lasso": LASSO}, "drawn", 3, 3) == MapSeen()
    assert _seen({"lasso": {**LASSO, "matrix": [NAN, *view[1:]]}}, "drawn", 3, 3) == MapSeen()


def test_a_lasso_on_these_coordinates_is_believed() -> None:
    seen = _seen({"lasso": LASSO, "picked": {"index": 2}}, "drawn", 3, 2)
    assert seen == MapSeen(picked=2, polygon=((0.0, 0.0), (2.0, 0.0), (2.0, 2.0)))
    assert seen.within(np.array([[1.5, 0.5], [0.1, 1.9]], dtype=np.float32)).tolist() == [0]


def test_classes_differ_for_the_colour_blind_too_and_stand_out_from_both_backgrounds() -> None:
    colours = np.array([[int(one[at : at + 2], 16) / 255 for at in (1, 3, 5)] for one in PALETTE])
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    light = linear @ [0.2126, 0.7152, 0.0722]
    assert (1.05 / (light + 0.05)).min() > 2
    assert ((light + 0.05) / 0.058).min() > 2.5  # the dark theme's background
    red_weak = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    green_weak = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    for sight, few, all_of_them in ((np.eye(3), 0.095, 0.095), (red_weak, 0.085, 0.058), (green_weak, 0.085, 0.058)):
        seen = _oklab(np.clip(linear @ np.array(sight).T, 0, 1))
        apart = np.linalg.norm(seen[:, None] - seen[None], axis=2) + 9 * np.eye(len(seen))
        assert apart[:12, :12].min() > few
        assert apart.min() > all_of_them


def test_the_page_leaves_texts_out_that_are_too_many() -> None:
    few, many = points([[0, 0], [1, 1]]), points(np.zeros((6, 2)))
    assert '"texts"' in render_html(few, ["a", "b"], title="t")
    assert '"texts"' not in render_html(many, ["x" * 1_000_000] * 6, title="t")


def unpack_coordinates(packed: bytes) -> np.ndarray:
    """What the browser makes of it."""
    count, dims, *ends = struct.unpack_from("<II6d", packed)
    places = np.frombuffer(packed, dtype="<u2", offset=56).reshape(count, dims)
    low, extent = np.array(ends[:dims]), np.array(ends[3 : 3 + dims])
    return np.asarray(places / 65535 * extent + low)


def _oklab(linear: np.ndarray) -> np.ndarray:
    """Ottosson 2020."""
    cones = np.array(
        [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
         [0.0883024619, 0.2817188376, 0.6299787005]]
    )  # fmt: skip
    lab = np.array(
        [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
         [0.0259040371, 0.7827717662, -0.8086757660]]
    )  # fmt: skip
    return np.asarray(np.cbrt(linear @ cones.T) @ lab.T)
