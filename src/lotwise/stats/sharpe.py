"""The Sharpe ratio, and how likely it is real: few returns, fat tails and many trials all flatter it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final

from lotwise.errors import InputError
from lotwise.stats.intervals import LEVEL, two_sided

EULER_MASCHERONI: Final = 0.577_215_664_901_532_9
NORMAL_KURTOSIS: Final = 3.0


@dataclass(frozen=True)
class Returns:
    """What the ratios ask of a series of returns, each over one period."""

    count: int
    sharpe: float
    """Mean over standard deviation (n - 1), of one period; not annualised."""
    skewness: float
    kurtosis: float
    """3 for a normal distribution."""

    def annual(self, periods: float) -> float:
        """The ratio of a year of so many independent periods."""
        return self.sharpe * math.sqrt(periods)


def describe(returns: Any) -> Returns:
    """Sharpe ratio, skewness and kurtosis of returns, or of results in R.

    Raises
    ------
    InputError
        STATS-101 fewer than three; STATS-102 one that is not finite; STATS-111 all the same.
    """
    import numpy as np

    made = np.asarray(returns, np.float64)
    if made.ndim != 1 or made.size < 3:
        raise InputError("STATS-101", f"{made.size} returns", "give three or more in a row")
    if not bool(np.isfinite(made).all()):
        at = int(np.argmin(np.isfinite(made)))
        raise InputError("STATS-102", f"return {at + 1} is {made[at]}", "correct or remove it")
    if float(made.max()) == float(made.min()):
        raise InputError(
            "STATS-111", f"all {made.size} returns are {made[0]}", "there is no risk to divide by"
        )
    left = made - made.mean()
    variance = float((left**2).mean())
    return Returns(
        count=made.size,
        sharpe=float(made.mean() / made.std(ddof=1)),
        skewness=float((left**3).mean()) / variance**1.5,
        kurtosis=float((left**4).mean()) / variance**2,
    )


def probabilistic(found: Returns, benchmark: float = 0.0) -> float:
    """How likely the true ratio is above the benchmark (both of one period).

    Raises
    ------
    InputError
        STATS-101 fewer than two returns; STATS-112 a skewness and kurtosis that no series has.

    Source: Bailey & Lopez de Prado (2012), The Sharpe ratio efficient frontier.
    """
    if found.count < 2:
        raise InputError("STATS-101", f"{found.count} returns", "give two or more")
    deviations = (found.sharpe - benchmark) * math.sqrt(found.count - 1) / math.sqrt(_spread(found))
    return NormalDist().cdf(deviations)


def expected_best(trials: int, variance: float) -> float:
    """The largest ratio to expect of so many independent trials without any skill.

    Parameters
    ----------
    variance
        Of the ratios of the trials, of one period.

    Raises
    ------
    InputError
        STATS-113 no trial, or a negative variance.

    Source: Bailey & Lopez de Prado (2014), The deflated Sharpe ratio.
    """
    if trials < 1 or not (math.isfinite(variance) and variance >= 0):
        raise InputError(
            "STATS-113", f"{trials} trials whose ratios vary by {variance}", "give one trial or more"
        )
    if trials == 1:
        return 0.0
    normal = NormalDist()
    likely = normal.inv_cdf(1 - 1 / trials)
    rare = normal.inv_cdf(1 - 1 / (trials * math.e))
    return math.sqrt(variance) * ((1 - EULER_MASCHERONI) * likely + EULER_MASCHERONI * rare)


def deflated(found: Returns, trials: int, variance: float) -> float:
    """How likely the ratio is more than the luck of the best of so many trials.

    The paper's example: 2.5 a year over 1,250 daily returns, skewness -3, kurtosis 10, the best of 100
    trials with a variance of 1/2 a year, is real with a probability of 0.90.

    Raises
    ------
    InputError
        STATS-101, STATS-112, STATS-113.

    Source: Bailey & Lopez de Prado (2014), The deflated Sharpe ratio, and its numerical example.

    Examples
    --------
    >>> example = Returns(count=1250, sharpe=2.5 / 250**0.5, skewness=-3, kurtosis=10)
    >>> round(deflated(example, trials=100, variance=0.5 / 250), 4)
    0.9004
    """
    return probabilistic(found, expected_best(trials, variance))


def minimum_track_record(found: Returns, benchmark: float = 0.0, level: float = LEVEL) -> float:
    """Returns needed until the ratio, if it stays what it is, is above the benchmark at the level.

    Infinite where it is not above the benchmark.

    Raises
    ------
    InputError
        STATS-104 level; STATS-112.

    Source: Bailey & Lopez de Prado (2012), The Sharpe ratio efficient frontier.
    """
    two_sided(level)
    if found.sharpe <= benchmark:
        return math.inf
    sure = NormalDist().inv_cdf(level) / (found.sharpe - benchmark)
    return 1 + _spread(found) * sure**2


def _spread(found: Returns) -> float:
    """Variance of the estimated ratio times the returns less one."""
    ratio = found.sharpe
    spread = 1 - found.skewness * ratio + (found.kurtosis - 1) / 4 * ratio**2
    if not spread > 0:
        raise InputError(
            "STATS-112",
            f"skewness {found.skewness} with kurtosis {found.kurtosis}",
            "kurtosis is at least 1 + skewness squared",
        )
    return spread
