"""How far a figure can be trusted: Wilson's interval of a share, bootstrap intervals of a mean."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final, Literal

from lotwise.errors import InputError

if TYPE_CHECKING:
    import numpy as np

LEVEL: Final = 0.95
RESAMPLES: Final = 10_000
MOST_RESAMPLES: Final = 1_000_000
DRAWN_AT_ONCE: Final = 4_000_000
"""Numbers held at a time: 32 MB of places."""

Method = Literal["bca", "percentile"]


@dataclass(frozen=True)
class Interval:
    """A figure, and between which values it lies with the level's confidence."""

    value: float
    low: float
    high: float
    level: float
    method: str


def wilson(hits: int, count: int, level: float = LEVEL) -> Interval:
    """The share of hits, with Wilson's interval: it stays inside 0 to 1 and holds for few trades too.

    Parameters
    ----------
    hits, count
        How often it happened, of how many; at least one.

    Raises
    ------
    InputError
        STATS-101 no count, or more hits than that; STATS-104 a level that is not between 0 and 1.

    Source: Wilson (1927), Probable inference, the law of succession, and statistical inference.

    Examples
    --------
    >>> found = wilson(8, 10)
    >>> round(found.low, 4), round(found.high, 4)
    (0.4902, 0.9433)
    """
    if count < 1 or not 0 <= hits <= count:
        raise InputError("STATS-101", f"{hits} hits of {count}", "give at least one try, and no more hits")
    z = two_sided(level)
    share, spread = hits / count, z * z / count
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == count else min(1.0, middle + half)
    return Interval(share, low, high, level, "wilson")


def two_sided(level: float) -> float:
    """Standard deviations on either side of the mean that hold the level: 1.96 of 95 %.

    Raises
    ------
    InputError
        STATS-104.
    """
    if not 0 < level < 1:
        raise InputError("STATS-104", f"the level is {level}", "give a share between 0 and 1, e.g. 0.95")
    return NormalDist().inv_cdf((1 + level) / 2)


def bootstrap_mean(
    values: Any,
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    block: int = 1,
    method: Method = "bca",
    seed: int = 7,
) -> Interval:
    """The mean, with an interval from resampling: nothing is assumed of the distribution.

    ``bca`` corrects for bias and skewness; with blocks, for trades that depend on each other, the percentiles
    are taken as they are. Values that are all the same have no interval but themselves.

    Parameters
    ----------
    values
        At least two finite numbers, in the order they came.
    block
        Length of the circular blocks; 1: values are independent. :func:`usual_block` proposes one.

    Raises
    ------
    InputError
        STATS-101 fewer than two; STATS-104 level; STATS-105 block; STATS-109 resamples.

    Source: Efron (1987), Better bootstrap confidence intervals; Politis & Romano (1992) for the blocks.
    """
    import numpy as np

    sample = np.asarray(values, np.float64)
    if sample.ndim != 1 or len(sample) < 2:
        raise InputError("STATS-101", f"{sample.size} values have no interval", "give two or more in a row")
    two_sided(level)
    if not 1 <= block <= len(sample):
        raise InputError(
            "STATS-105", f"blocks of {block} from {len(sample)} values", f"use 1 to {len(sample)}"
        )
    if not 100 <= resamples <= MOST_RESAMPLES:
        raise InputError("STATS-109", f"{resamples} resamples", f"use 100 to {MOST_RESAMPLES:,}")
    mean = float(sample.mean())
    means = np.sort(_resampled_means(sample, resamples, block, seed))
    low, high = (1 - level) / 2, (1 + level) / 2
    told: str = "percentile" if block == 1 else f"percentile, blocks of {block}"
    if method == "bca" and block == 1:
        moved = _bca_shares(sample, means, mean, (low, high))
        if moved is not None:
            (low, high), told = moved, "bca"
    first, last = (float(np.quantile(means, share)) for share in (low, high))
    return Interval(mean, first, last, level, told)


def usual_block(count: int) -> int:
    """A block length where dependence is likely but unknown: the cube root of the count.

    Source: Hall, Horowitz & Jing (1995), On blocking rules for the bootstrap with dependent data.
    """
    return max(1, round(math.cbrt(count)))


def _resampled_means(sample: np.ndarray[Any, Any], resamples: int, block: int, seed: int) -> Any:
    import numpy as np

    chance = np.random.Generator(np.random.PCG64(seed))
    count = len(sample)
    blocks = -(-count // block)
    around = np.concatenate([sample, sample[: block - 1]]) if block > 1 else sample
    sums = np.concatenate([[0.0], np.cumsum(around)])
    whole = sums[block : block + count] - sums[:count]
    rest_length = count - (blocks - 1) * block
    rest = sums[rest_length : rest_length + count] - sums[:count]
    if block == 1:
        whole = rest = sample
    means = np.empty(resamples)
    step = max(1, DRAWN_AT_ONCE // blocks)
    for first in range(0, resamples, step):
        starts = chance.integers(0, count, (min(step, resamples - first), blocks))
        total = whole[starts[:, :-1]].sum(axis=1) + rest[starts[:, -1]]
        means[first : first + len(starts)] = total / count
    return means


def _bca_shares(
    sample: Any, means: Any, mean: float, shares: tuple[float, float]
) -> tuple[float, float] | None:
    """The shares of the resampled means that BCa takes instead; ``None`` where it is not defined."""
    import numpy as np

    below = float(np.mean(means < mean) + np.mean(means == mean) / 2)
    left = sample - mean  # the jackknife's means lie at -left / (count - 1) from theirs
    cube, square = float((left**3).sum()), float((left**2).sum())
    if not 0 < below < 1 or square == 0:
        return None
    normal = NormalDist()
    bias, lean = normal.inv_cdf(below), cube / (6 * square**1.5)
    found = []
    for share in shares:
        z = bias + normal.inv_cdf(share)
        if 1 - lean * z <= 0:
            return None
        found.append(normal.cdf(bias + z / (1 - lean * z)))
    return found[0], found[1]
