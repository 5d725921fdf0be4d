"""What a market is doing: up, down or ranging; calm, normal or wild. States with hysteresis, no look-ahead.

A trend begins where three things agree (the average slopes, the directional index is high, the path is
straight) and ends where one of them has clearly gone: the bounds of entering lie beyond those of leaving,
so a state does not flicker around one bound. Volatility is ranked among its own past, and the rank has two
bounds a state in the same way. A bar's state rests on that bar and those before it.

Sources: Wilder (1978) for the directional index; Kaufman (1995), Smarter Trading, for the efficiency ratio.
The bounds are choices, not laws: :class:`Bounds` takes others.
"""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lotwise.analysis import indicators
from lotwise.analysis import indicators_live as live
from lotwise.analysis.windows import (
    CHUNK,
    WindowSums,
    check_positive,
    column_of,
    number_of,
    period_of,
    positive_of,
    window_sums,
)
from lotwise.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from lotwise.analysis.windows import Floats


class Trend(IntEnum):
    """Where prices go."""

    DOWN = -1
    RANGE = 0
    UP = 1


class Volatility(IntEnum):
    """How much they move, against their own past."""

    CALM = -1
    NORMAL = 0
    WILD = 1


UNKNOWN: Final = -128
"""State of a row before there are enough rows."""


@dataclass(frozen=True)
class Bounds:
    """Periods, and where states begin and end."""

    ema: int = 50
    """Period of the average."""
    slope: int = 10
    """Bars over which its slope is taken, counted in average true ranges."""
    strength: int = 14
    """Period of the directional index and the true range."""
    path: int = 50
    """Bars of the efficiency ratio: how far prices came of how far they went."""
    volatility: int = 60
    """Bars of the volatility."""
    past: int = 1440
    """Values of the volatility among which it is ranked."""
    slope_enters: float = 0.5
    slope_leaves: float = 0.1
    strength_enters: float = 25.0
    strength_leaves: float = 18.0
    path_enters: float = 0.3
    path_leaves: float = 0.15
    wild_enters: float = 0.90
    wild_leaves: float = 0.75
    calm_enters: float = 0.10
    calm_leaves: float = 0.25

    def __post_init__(self) -> None:
        for name in ("ema", "strength", "path", "volatility", "past"):
            period_of(getattr(self, name), name)
        period_of(self.slope, "slope", least=1)
        pairs = [(name, *self._pair(name)) for name in ("slope", "strength", "path", "wild")]
        pairs.append(("calm", self.calm_leaves, self.calm_enters))
        for name, outer, inner in pairs:
            if not 0 <= number_of(inner, name) < number_of(outer, name):
                raise InputError(
                    "ANALYSIS-516",
                    f"the bounds of {name} are {inner} and {outer}: a state must end before it could begin",
                    "leave room between entering and leaving",
                )
        if self.calm_leaves >= self.wild_leaves or self.wild_enters > 1:
            raise InputError(
                "ANALYSIS-516",
                f"calm ends at {self.calm_leaves}, wild at {self.wild_leaves} after {self.wild_enters}",
                "calm must end below where wild ends, and wild begin at 1 or less",
            )

    def _pair(self, name: str) -> tuple[float, float]:
        return getattr(self, f"{name}_enters"), getattr(self, f"{name}_leaves")

    @property
    def rows(self) -> int:
        """Rows until every state is known."""
        return max(self._trend_row(), self.volatility + self.past - 1) + 1

    def _trend_row(self) -> int:
        return max(self.ema - 1 + self.slope, 2 * self.strength - 1, self.path)


class Reading(NamedTuple):
    """The states at a bar, and the numbers they rest on; NaN and ``None`` before there are enough bars."""

    trend: Trend | None
    volatility: Volatility | None
    slope: float
    strength: float
    efficiency: float
    rank: float


@dataclass(frozen=True)
class Regimes:
    """States and their numbers, by row."""

    trend: np.ndarray[Any, Any]
    """int8 of :class:`Trend`, or :data:`UNKNOWN`."""
    volatility: np.ndarray[Any, Any]
    """int8 of :class:`Volatility`, or :data:`UNKNOWN`."""
    slope: Floats
    """Change of the average over ``slope`` bars, in average true ranges."""
    strength: Floats
    """Directional index, 0 to 100."""
    efficiency: Floats
    """Efficiency ratio, 0 to 1."""
    rank: Floats
    """Share of the past volatilities that are no larger, itself in it: above 0, to 1."""

    def at(self, row: int = -1) -> Reading:
        """The states of a row."""
        trend, volatility = int(self.trend[row]), int(self.volatility[row])
        return Reading(
            None if trend == UNKNOWN else Trend(trend),
            None if volatility == UNKNOWN else Volatility(volatility),
            float(self.slope[row]),
            float(self.strength[row]),
            float(self.efficiency[row]),
            float(self.rank[row]),
        )


def next_trend(state: int, slope: float, strength: float, efficiency: float, bounds: Bounds) -> int:
    """The trend after a bar, from that before it."""
    lasts = (
        state * slope > bounds.slope_leaves
        and strength > bounds.strength_leaves
        and efficiency > bounds.path_leaves
    )
    if state and lasts:
        return state
    begins = (
        abs(slope) >= bounds.slope_enters
        and strength >= bounds.strength_enters
        and efficiency >= bounds.path_enters
    )
    return (1 if slope > 0 else -1) if begins else 0


def next_volatility(state: int, rank: float, bounds: Bounds) -> int:
    """The volatility's state after a bar, from that before it."""
    if rank >= bounds.wild_enters or (state > 0 and rank > bounds.wild_leaves):
        return 1
    if rank <= bounds.calm_enters or (state < 0 and rank < bounds.calm_leaves):
        return -1
    return 0


def regimes(highs: Any, lows: Any, closes: Any, bounds: Bounds | None = None) -> Regimes:
    """The states at every bar.

    Parameters
    ----------
    highs, lows, closes
        Columns of one length, prices above zero; ticks will do.

    Raises
    ------
    InputError
        ANALYSIS-501 to ANALYSIS-507: numbers, lengths, bars and prices that cannot be, too few rows.
    """
    import numpy as np

    found = bounds or Bounds()
    close = column_of(closes, "close", found.rows)
    check_positive(close, "close")
    strength = indicators.adx(highs, lows, close, found.strength)
    range_ = indicators.atr(highs, lows, close, found.strength)
    average = indicators.ema(close, found.ema)
    slope = np.full(len(close), np.nan)
    moved = average[found.slope :] - average[: -found.slope]
    slope[found.slope :] = _over(moved, range_[found.slope :])
    efficiency = efficiency_ratio(close, found.path)
    rank = rank_in_past(indicators.realised_volatility(close, found.volatility), found.past)
    trend, volatility = np.full(len(close), UNKNOWN, np.int8), np.full(len(close), UNKNOWN, np.int8)
    first, state = found._trend_row(), 0
    numbers = zip(slope[first:].tolist(), strength[first:].tolist(), efficiency[first:].tolist(), strict=True)
    for row, (a, b, c) in enumerate(numbers, first):
        trend[row] = state = next_trend(state, a, b, c, found)
    first, state = found.volatility + found.past - 1, 0
    for row, value in enumerate(rank[first:].tolist(), first):
        volatility[row] = state = next_volatility(state, value, found)
    return Regimes(trend, volatility, slope, strength, efficiency, rank)


def _over(moved: Floats, range_: Floats) -> Floats:
    """Moves in ranges; 0 where there is no range, for then nothing moved."""
    import numpy as np

    return np.divide(moved, range_, out=np.where(np.isnan(moved + range_), np.nan, 0.0), where=range_ > 0)


def efficiency_ratio(closes: Any, period: int) -> Floats:
    """Net move over the sum of all moves of the last ``period`` bars, 0 to 1; the first at row ``period``.

    0 where nothing moved. Ticks give exact sums.

    Raises
    ------
    InputError
        ANALYSIS-501 to ANALYSIS-504.
    """
    import numpy as np

    close = column_of(closes, "close", period_of(period) + 1)
    path = np.concatenate(([np.nan], window_sums(np.abs(np.diff(close))[None, :], period)[0]))
    net = np.full(len(close), np.nan)
    net[period:] = np.abs(close[period:] - close[:-period])
    return np.minimum(_over(net, path), 1.0)


def rank_in_past(values: Floats, past: int) -> Floats:
    """Share of the last ``past`` values, itself in it, that are no larger; NaN while any of them is NaN."""
    import numpy as np

    found = np.full(len(values), np.nan)
    for start in range(0, len(values) - past + 1, CHUNK):
        count = min(CHUNK, len(values) - past + 1 - start)
        part = values[start : start + count + past - 1]
        own, below = part[past - 1 :], np.zeros(count, np.int32)
        known = np.cumsum(np.concatenate(([0], np.isnan(part))))
        for j in range(past):
            below += part[j : j + count] <= own
        share = below / past
        share[known[past:] > known[:-past]] = np.nan
        found[start + past - 1 : start + past - 1 + count] = share
    return found


class RegimeLive:
    """:func:`regimes`, bar by bar.

    Numbers agree to the tolerances of :mod:`lotwise.analysis.indicators`; states are the same unless a number
    lies that near a bound.
    """

    def __init__(self, bounds: Bounds | None = None) -> None:
        self.bounds = own = bounds or Bounds()
        self._adx, self._atr = live.Adx(own.strength), live.Atr(own.strength)
        self._ema = live.Ema(own.ema)
        self._volatility = live.RealisedVolatility(own.volatility)
        self._averages: deque[float] = deque(maxlen=own.slope + 1)
        self._closes: deque[float] = deque(maxlen=own.path + 1)
        self._path = WindowSums(1, own.path)
        self._past: deque[float] = deque()
        self._sorted: list[float] = []
        self._trend = self._state = 0

    def push(self, high: Any, low: Any, close: Any) -> Reading:
        """Add a bar; the states after it. A bar refused changes nothing.

        Raises
        ------
        InputError
            ANALYSIS-501, ANALYSIS-504, ANALYSIS-506, ANALYSIS-507.
        """
        last = positive_of(close, "close")
        strength = self._adx.push(high, low, last)  # refuses what cannot be before anything is kept
        range_ = self._atr.push(high, low, last)
        self._averages.append(self._ema.push(last))
        slope = self._slope(range_)
        efficiency = self._efficiency(last)
        rank = self._rank(self._volatility.push(last))
        trend: Trend | None = None
        volatility: Volatility | None = None
        if not math.isnan(slope + strength + efficiency):
            self._trend = next_trend(self._trend, slope, strength, efficiency, self.bounds)
            trend = Trend(self._trend)
        if not math.isnan(rank):
            self._state = next_volatility(self._state, rank, self.bounds)
            volatility = Volatility(self._state)
        return Reading(trend, volatility, slope, strength, efficiency, rank)

    def _slope(self, range_: float) -> float:
        if len(self._averages) <= self.bounds.slope or math.isnan(self._averages[0] + range_):
            return math.nan
        return (self._averages[-1] - self._averages[0]) / range_ if range_ > 0 else 0.0

    def _efficiency(self, close: float) -> float:
        import numpy as np

        self._closes.append(close)
        if len(self._closes) < 2:
            return math.nan
        sums = self._path.push(np.array([abs(close - self._closes[-2])]))
        if sums is None:
            return math.nan
        path = float(sums[0])
        return min(abs(close - self._closes[0]) / path, 1.0) if path > 0 else 0.0

    def _rank(self, value: float) -> float:
        if math.isnan(value):
            return math.nan
        self._past.append(value)
        insort(self._sorted, value)
        if len(self._past) > self.bounds.past:
            gone = self._past.popleft()
            del self._sorted[bisect_right(self._sorted, gone) - 1]
        if len(self._past) < self.bounds.past:
            return math.nan
        return bisect_right(self._sorted, value) / self.bounds.past
