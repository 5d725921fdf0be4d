"""How much of the account to risk so that it grows fastest, and what growth a risk gives."""

from __future__ import annotations

import math
from typing import Any, Final

from lotwise.errors import InputError

HALVINGS: Final = 200


def kelly(results_r: Any, weights: Any = None) -> float:
    """The share of equity at risk (1 R) with the largest expected growth of the logarithm.

    0 where there is no edge; infinite where no result loses.

    Parameters
    ----------
    results_r
        Results in R, costs in.
    weights
        How likely each is; all the same unless given.

    Raises
    ------
    InputError
        STATS-101 no result, or weights that do not fit.

    Source: Kelly (1956), A new interpretation of information rate.

    Examples
    --------
    >>> round(kelly([2.0, -1.0], [0.45, 0.55]), 4)
    0.175
    """
    results, shares = _weighed(results_r, weights)
    if float((results * shares).sum()) <= 0:
        return 0.0
    worst = float(results[shares > 0].min())
    if worst >= 0:
        return math.inf
    low, high = 0.0, -1 / worst
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if float((shares * results / (1 + middle * results)).sum()) > 0:
            low = middle
        else:
            high = middle
    return low


def growth(results_r: Any, risk: float, weights: Any = None) -> float:
    """Expected growth of the logarithm of equity in a trade at this share at risk; -inf: it can lose all.

    Raises
    ------
    InputError
        STATS-101.
    """
    import numpy as np

    results, shares = _weighed(results_r, weights)
    kept = 1 + risk * results[shares > 0]
    if float(kept.min()) <= 0:
        return -math.inf
    return float((shares[shares > 0] * np.log(kept)).sum())


def _weighed(results_r: Any, weights: Any) -> tuple[Any, Any]:
    import numpy as np

    results = np.asarray(results_r, np.float64)
    if results.ndim != 1 or results.size == 0 or not bool(np.isfinite(results).all()):
        raise InputError("STATS-101", f"{results.size} results", "give one or more finite results in R")
    shares = np.full(len(results), 1.0) if weights is None else np.asarray(weights, np.float64)
    if shares.shape != results.shape or float(shares.min()) < 0 or float(shares.sum()) <= 0:
        raise InputError("STATS-101", f"{shares.size} weights of {results.size} results", "give each a share")
    return results, shares / shares.sum()
