"""An interval of a mean without resampling, for many groups at once and at any level.

Results of trades lean to one side: many small losses, few large gains. Student's interval forgets that;
Hall's takes the skewness out by a cubic that never turns round, and puts it back at the ends.

Source: Hall (1992), On the removal of skewness by transformation, J. R. Statist. Soc. B 54, 221-228.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any, Final

from lotwise.errors import InputError
from lotwise.stats.intervals import LEVEL, Interval, two_sided

FEWEST_FOR_INTERVAL: Final = 3
"""Values from which a skewness can be told at all."""


def skewed_mean(values: Any, level: float = LEVEL) -> Interval:
    """The mean of values, with an interval that minds their skewness.

    Parameters
    ----------
    values
        Three finite numbers or more. Values that are all the same have no interval but themselves.

    Raises
    ------
    InputError
        STATS-101 fewer; STATS-104.
    """
    import numpy as np

    sample = np.asarray(values, np.float64)
    if sample.ndim != 1 or len(sample) < FEWEST_FOR_INTERVAL:
        raise InputError(
            "STATS-101", f"{sample.size} values have no such interval", f"give {FEWEST_FOR_INTERVAL} or more"
        )
    apart = sample - sample.mean()
    return from_moments(
        len(sample),
        float(sample.mean()),
        float((apart**2).sum()),
        cubes=float((apart**3).sum()),
        level=level,
    )


def from_moments(count: int, mean: float, squares: float, *, cubes: float, level: float) -> Interval:
    """The same from sums over a group: the squares and cubes of what its values differ from their mean by."""
    if squares <= 1e-24 * count * max(1.0, mean * mean):
        return Interval(mean, mean, mean, level, "all the same")
    error = math.sqrt(squares / (count - 1) / count)
    lean = (cubes / count) / (squares / count) ** 1.5
    z = two_sided(level)
    low, high = (mean - error * _back(side * z, lean, count) for side in (1, -1))
    return Interval(mean, low, high, level, "hall")


def _back(z: float, lean: float, count: int) -> float:
    """Hall's inverse: which Studentised mean a normal quantile comes from."""
    root = math.sqrt(count)
    if abs(lean) < 1e-9:
        return z
    return 3 * root / lean * (math.cbrt(1 + lean * (z / root - lean / (6 * count))) - 1)


def bonferroni(level: float, looks: int) -> float:
    """The level each of so many intervals needs so that all of them hold together at ``level``.

    >>> round(bonferroni(0.95, 10), 6)
    0.995
    """
    return 1 - (1 - level) / max(1, looks)


def two_sided_chance(z: float) -> float:
    """How often a normal figure lies at least so far from 0, on either side."""
    return 2 * (1 - NormalDist().cdf(abs(z)))
