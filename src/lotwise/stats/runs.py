"""Streaks, and what chance alone would give: the longest run, and whether wins and losses cluster."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from lotwise.errors import InputError
from lotwise.stats.means import two_sided_chance
from lotwise.stats.trades import longest_run

EXACT: Final = 2_000
"""Trials up to which the chance is counted exactly; beyond, by Feller's root, which is closer than 1e-9."""


@dataclass(frozen=True)
class LongestRun:
    """The longest run that was seen, and the run that independent trials of the same share make."""

    longest: int
    usual: int
    """Half of such histories have a longest run of at most so many."""
    high: int
    """19 of 20 have at most so many."""
    chance: float
    """How often chance alone gives a run at least as long as the one seen."""


@dataclass(frozen=True)
class Clusters:
    """Wald and Wolfowitz: how often the sign changes, against independent trials in the same numbers."""

    runs: int
    expected: float
    chance: float
    """Two-sided: how often independent trials are as far from the expected number, or farther."""


def no_run(length: int, count: int, share: float) -> float:
    """How likely ``count`` independent trials hold no run of ``length`` hits.

    Raises
    ------
    InputError
        STATS-101 a length below 1, a negative count; STATS-104 a share outside 0 to 1.

    Source: Feller (1968), An Introduction to Probability Theory I, XIII.7.

    Examples
    --------
    >>> no_run(2, 3, 0.5)
    0.625
    """
    if length < 1 or count < 0:
        raise InputError("STATS-101", f"a run of {length} in {count} trials", "give 1 or more")
    if not 0 <= share <= 1:
        raise InputError("STATS-104", f"the share of hits is {share}", "give a share from 0 to 1")
    if length > count or share == 0:
        return 1.0
    if share == 1:
        return 0.0
    miss, whole = 1 - share, share**length
    if count > EXACT:
        return _by_root(length, count, share)
    chances = [1.0] * length + [1 - whole]
    for at in range(length + 1, count + 1):
        chances.append(chances[-1] - miss * whole * chances[at - length - 1])
    return max(0.0, chances[count])


def _by_root(length: int, count: int, share: float) -> float:
    if share >= length / (length + 1):
        return 0.0  # such a run comes within a few dozen trials, and there are thousands
    miss, whole, x = 1 - share, share**length, 1.0
    for _ in range(200):
        after = 1 + miss * whole * x ** (length + 1)
        if abs(after - x) < 1e-16:
            break
        x = after
    log = math.log((1 - share * x) / ((length + 1 - length * x) * miss)) - (count + 1) * math.log(x)
    return min(1.0, math.exp(log))


def longest_of(flags: Any) -> LongestRun:
    """The longest run of trues, beside what chance gives.

    Raises
    ------
    InputError
        STATS-101 no flag.
    """
    import numpy as np

    held = np.asarray(flags, np.bool_)
    if held.ndim != 1 or not held.size:
        raise InputError("STATS-101", "no trial", "give one or more in a row")
    count, share = len(held), float(held.mean())
    longest = longest_run(held)

    def within(wanted: float) -> int:
        length = 0
        while length < count and no_run(length + 1, count, share) < wanted:
            length += 1
        return length

    chance = 1 - no_run(longest, count, share) if longest else 1.0
    return LongestRun(longest, within(0.5), within(0.95), chance)


def clusters(flags: Any) -> Clusters | None:
    """Whether trues and falses come in clusters; ``None`` where there are fewer than ten of either.

    Source: Wald & Wolfowitz (1940), On a test whether two samples are from the same population.
    """
    import numpy as np

    held = np.asarray(flags, np.bool_)
    hits = int(held.sum())
    misses = len(held) - hits
    if min(hits, misses) < 10:  # the normal form of the test asks for ten of each
        return None
    runs = 1 + int(np.count_nonzero(held[1:] != held[:-1]))
    count = hits + misses
    expected = 1 + 2 * hits * misses / count
    spread = (expected - 1) * (expected - 2) / (count - 1)
    return Clusters(runs, expected, two_sided_chance((runs - expected) / math.sqrt(spread)))
