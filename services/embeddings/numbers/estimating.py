"""How sure a figure is that was measured on some texts: its interval, by the bootstrap over them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLES = 1_000
AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Estimate:
    """A mean over texts or queries, and where it would lie in 95 of 100 such samples. NaN where there is nothing to measure."""

    value: float
    low: float
    high: float
    of: int
    """How many texts or queries it is the mean of. One has no interval (NaN)."""

    @property
    def told_apart(self) -> bool:
        """Of a difference: whether its interval leaves 0 out."""
        return self.low > 0 or self.high < 0


def mean_of(values: npt.ArrayLike, *, seed: int = 0) -> Estimate:
    """The mean of *values* (n,), and the 2.5th and 97.5th percentile of the means of resamples."""
    found = np.asarray(values, dtype=np.float64)
    count = len(found)
    if count < 2:
        return Estimate(float(found[0]) if count else np.nan, np.nan, np.nan, count)
    random = np.random.default_rng(seed)
    means = np.empty(RESAMPLES)
    size = max(1, AT_ONCE // count)
    for start in range(0, RESAMPLES, size):
        drawn = random.integers(0, count, (min(size, RESAMPLES - start), count), dtype=np.int32)
        means[start : start + len(drawn)] = found[drawn].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(found.mean()), float(low), float(high), count)
