"""Falls from a peak: how deep, how long, and whether they were recovered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lotwise.errors import InputError


@dataclass(frozen=True)
class Drawdown:
    """The deepest fall of a curve, and the longest time without a new peak. Places count from 0."""

    depth: float
    """In the curve's unit; 0 where it never fell."""
    share: float | None
    """Of the peak it fell from; ``None`` of a curve that may be 0 or less, such as summed R."""
    peak_at: int
    bottom_at: int
    recovered_at: int | None
    """First place at or above that peak again; ``None``: not yet, or no fall."""
    longest: int
    """Steps of the longest stretch below a peak, up to and with the step that recovers it."""


def of_curve(values: Any) -> Drawdown:
    """The deepest fall of equity, or of any curve.

    The deepest by amount; of several the first. ``share`` is of that fall.

    Raises
    ------
    InputError
        STATS-101 no value; STATS-102 one that is not finite.
    """
    import numpy as np

    curve = np.asarray(values, np.float64)
    if curve.ndim != 1 or curve.size == 0:
        raise InputError("STATS-101", "a curve without a value", "give one or more in a row")
    if not bool(np.isfinite(curve).all()):
        at = int(np.argmin(np.isfinite(curve)))
        raise InputError("STATS-102", f"value {at + 1} of the curve is {curve[at]}", "correct or remove it")
    peaks = np.maximum.accumulate(curve)
    falls = peaks - curve
    bottom = int(np.argmax(falls))
    peak = int(np.argmax(curve == peaks[bottom]))
    depth = float(falls[bottom])
    again = np.flatnonzero(curve[bottom:] >= peaks[bottom])
    recovered = bottom + int(again[0]) if depth > 0 and len(again) else None
    share = depth / float(peaks[bottom]) if float(curve.min()) >= 0 and float(peaks[bottom]) > 0 else None
    return Drawdown(depth, share, peak if depth else bottom, bottom, recovered, _longest(falls))


def of_results(results: Any) -> Drawdown:
    """The deepest fall of the sum of results in R, which begins at 0. Place 0 is before the first result.

    Raises
    ------
    InputError
        STATS-101, STATS-102.
    """
    import numpy as np

    made = np.asarray(results, np.float64)
    if made.ndim != 1 or made.size == 0:
        raise InputError("STATS-101", "no result", "give one or more in a row")
    return of_curve(np.concatenate([[0.0], np.cumsum(made)]))


def _longest(falls: Any) -> int:
    import numpy as np

    peaks = np.flatnonzero(falls == 0)
    gaps = np.diff(peaks)
    recovered = int(gaps.max(where=gaps > 1, initial=0))
    return max(recovered, len(falls) - 1 - int(peaks[-1]))
