"""One step of LocalMAP: how its pairs pull and push, and how far the points move for it. Compiled, once a machine.

The forces, their weights and the steps (Adam's) are those of pacmap, as a test compares step by step. pacmap's own functions take
three to four times as long for the same, its import 1.8 s of CPU and its compiling 22 s: it is not needed here.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from services.embeddings.records import Floats

_FIRST_MIDDLE, _LAST_MIDDLE = 1000.0, 3.0
"""Weights of the middle pairs when the first phase begins, and from its end on."""
_KEPT, _KEPT_SQUARE = 0.9, 0.999
"""Adam's: how much of the mean slope, and of the mean square, stays in a step."""
_Add = Callable[[Floats, Floats, Any, float, float, float], None]
_FAST = {"contract", "arcp", "nsz", "reassoc", "afn"}
"""What the compiler may do with sums; that it finds NaN and infinity must stay."""


@dataclass(frozen=True)
class Weights:
    """How strong each kind of pair is in one step."""

    near: float
    middle: float
    far: float


def weights(iteration: int, iterations: tuple[int, int, int]) -> Weights:
    """In this step, from 0, of as many in each phase."""
    first, second, _ = iterations
    if iteration < first:
        done = iteration / first
        return Weights(2, (1 - done) * _FIRST_MIDDLE + done * _LAST_MIDDLE, 1)
    return Weights(3, _LAST_MIDDLE, 1) if iteration < first + second else Weights(1, 0, 1)


class Steps:
    """What is moved."""

    def __init__(self, begin: Floats) -> None:
        """*begin* is (points, 2 or 3)."""
        self.positions: Floats = np.array(begin, dtype=np.float32, order="C")
        self._slopes, self._mean, self._square = (np.zeros_like(self.positions) for _ in range(3))
        self._add = _ADD[self.positions.shape[1]]
        self._taken = 0

    def step(self, near: Any, middle: Any, far: Any, strong: Weights, nearby: float = 0.0) -> None:
        """Move the points once. The pairs are (points, others of each) int32.

        In the third phase near pairs farther apart than *nearby* pull less, and nearer ones more.
        """
        self._slopes[:] = 0
        self._add(self.positions, self._slopes, near, 20 * strong.near, 10, nearby)
        if strong.middle:
            self._add(self.positions, self._slopes, middle, 20_000 * strong.middle, 10_000, 0)
        self._add(self.positions, self._slopes, far, -2 * strong.far, 1, 0)
        self._taken += 1
        rate = math.sqrt(1 - _KEPT_SQUARE**self._taken) / (1 - _KEPT**self._taken)
        _move(self.positions.ravel(), self._slopes.ravel(), self._mean.ravel(), self._square.ravel(), rate)


def _adding(deep: bool) -> _Add:
    """For 3 dimensions, or for 2: to ask for each pair takes a third longer."""

    @numba.njit(
        "void(f4[:,::1], f4[:,::1], i4[:,::1], f4, f4, f4)",
        nogil=True,
        cache=True,
        fastmath=_FAST,
        error_model="numpy",
    )
    def add(positions: Any, slopes: Any, pairs: Any, weight: float, beyond: float, nearby: float) -> None:
        """Add what *pairs* do to the slopes: weight / (beyond + 1 + squared distance)², along the line between the two."""
        one, nothing = np.float32(1), np.float32(0)
        for point in range(pairs.shape[0]):
            x, y = positions[point, 0], positions[point, 1]
            z = positions[point, 2] if deep else nothing
            own_x, own_y, own_z = nothing, nothing, nothing
            for at in range(pairs.shape[1]):
                other = pairs[point, at]
                by_x, by_y = x - positions[other, 0], y - positions[other, 1]
                by_z = z - positions[other, 2] if deep else nothing
                square = one + by_x * by_x + by_y * by_y + by_z * by_z
                share = one / (beyond + square)
                pull = weight * share * share
                if nearby > 0:
                    pull *= nearby / np.sqrt(square)
                own_x += pull * by_x
                own_y += pull * by_y
                slopes[other, 0] -= pull * by_x
                slopes[other, 1] -= pull * by_y
                if deep:
                    own_z += pull * by_z
                    slopes[other, 2] -= pull * by_z
            slopes[point, 0] += own_x
            slopes[point, 1] += own_y
            if deep:
                slopes[point, 2] += own_z

    return add


@numba.njit("void(f4[::1], f4[::1], f4[::1], f4[::1], f4)", nogil=True, cache=True, fastmath=_FAST, error_model="numpy")
def _move(positions: Any, slopes: Any, mean: Any, square: Any, rate: float) -> None:
    new, new_square, least = np.float32(1 - _KEPT), np.float32(1 - _KEPT_SQUARE), np.float32(1e-7)
    for at in range(positions.shape[0]):
        mean[at] += new * (slopes[at] - mean[at])
        square[at] += new_square * (slopes[at] * slopes[at] - square[at])
        positions[at] -= rate * mean[at] / (np.sqrt(square[at]) + least)


_ADD = {2: _adding(False), 3: _adding(True)}
