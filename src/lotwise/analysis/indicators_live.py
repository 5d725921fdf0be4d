"""The indicators of :mod:`lotwise.analysis.indicators`, fed value by value: for sessions that are live.

Each class has ``push``: it takes the next value or bar and returns the indicator there, NaN while there are
too few. What cannot be used is refused, and changes nothing. The error codes are those of the functions.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any

from lotwise.analysis.indicators import (
    NOTHING,
    YEAR_MINUTES,
    check_macd,
    crossed_bar,
    width_of,
    yearly_of,
)
from lotwise.analysis.windows import WindowSums, number_of, period_of, positive_of


class Sma:
    """:func:`~lotwise.analysis.indicators.sma`, value by value."""

    def __init__(self, period: int) -> None:
        self.period = period_of(period)
        self._window: deque[float] = deque()
        self._sum = 0.0

    def push(self, value: Any) -> float:
        """Add a value; the average, or NaN before there are enough. A value refused changes nothing."""
        found = number_of(value, "value")
        self._window.append(found)
        self._sum += found
        if len(self._window) < self.period:
            return math.nan
        total = self._sum
        self._sum -= self._window.popleft()
        return total / self.period


class Ema:
    """:func:`~lotwise.analysis.indicators.ema`, value by value."""

    def __init__(self, period: int) -> None:
        self.period = period_of(period)
        self.value = math.nan
        self._weight = 2.0 / (period + 1)
        self._count, self._sum = 0, 0.0

    def push(self, value: Any) -> float:
        """Add a value; the average, or NaN before there are enough. A value refused changes nothing."""
        found = number_of(value, "value")
        self._count += 1
        if self._count > self.period:
            self.value = (found - self.value) * self._weight + self.value
        else:
            self._sum += found
            if self._count == self.period:
                self.value = self._sum / self.period
        return self.value


class _Wilder:
    """Wilder's average: the mean of the first ``period``, then one part in ``period`` of the new."""

    def __init__(self, period: int) -> None:
        self.period, self.count, self.value = period, 0, 0.0

    def push(self, found: float) -> bool:
        """Add a number; whether there are enough."""
        self.count += 1
        if self.count <= self.period:
            self.value += found
            if self.count == self.period:
                self.value /= self.period
        else:
            self.value = (self.value * (self.period - 1) + found) / self.period
        return self.count >= self.period


class Rsi:
    """:func:`~lotwise.analysis.indicators.rsi`, close by close."""

    def __init__(self, period: int = 14) -> None:
        self.period = period_of(period)
        self._last: float | None = None
        self._gains, self._losses = _Wilder(period), _Wilder(period)

    def push(self, close: Any) -> float:
        """Add a close; the index, or NaN before there are enough. A close refused changes nothing."""
        found = number_of(close, "close")
        last, self._last = self._last, found
        if last is None:
            return math.nan
        change = found - last
        self._gains.push(max(change, 0.0))
        if not self._losses.push(max(-change, 0.0)):
            return math.nan
        moved = self._gains.value + self._losses.value
        return 0.0 if moved < NOTHING else 100.0 * (self._gains.value / moved)


class _Bars:
    """What a bar needs of the one before it."""

    def __init__(self, period: int = 14) -> None:
        self.period = period_of(period)
        self._bars = 0
        self._high = self._low = self._close = 0.0

    def _read(self, high: Any, low: Any, close: Any) -> tuple[float, float, float]:
        read = number_of(high, "high"), number_of(low, "low"), number_of(close, "close")
        if read[0] < read[1]:
            raise crossed_bar(read[0], read[1])
        return read

    def _keep(self, high: float, low: float, close: float) -> None:
        self._high, self._low, self._close = high, low, close
        self._bars += 1


def _true_range(high: float, low: float, last: float) -> float:
    return max(high - low, abs(high - last), abs(low - last))


class Atr(_Bars):
    """:func:`~lotwise.analysis.indicators.atr`, bar by bar."""

    def __init__(self, period: int = 14) -> None:
        super().__init__(period)
        self._ranges = _Wilder(self.period)

    def push(self, high: Any, low: Any, close: Any) -> float:
        """Add a bar; the range, or NaN before there are enough. A bar refused changes nothing."""
        top, bottom, last = self._read(high, low, close)
        full = self._bars > 0 and self._ranges.push(_true_range(top, bottom, self._close))
        self._keep(top, bottom, last)
        return self._ranges.value if full else math.nan


class Adx(_Bars):
    """:func:`~lotwise.analysis.indicators.adx`, bar by bar."""

    def __init__(self, period: int = 14) -> None:
        super().__init__(period)
        self._up = self._down = self._range = 0.0
        self._index = _Wilder(self.period)

    def push(self, high: Any, low: Any, close: Any) -> float:
        """Add a bar; the index, or NaN before there are enough. A bar refused changes nothing."""
        top, bottom, last = self._read(high, low, close)
        full = False
        if self._bars:
            self._move(top, bottom)
            if self._bars >= self.period:
                full = self._judge()
        self._keep(top, bottom, last)
        return self._index.value if full else math.nan

    def _move(self, top: float, bottom: float) -> None:
        """Movement and range of a bar into their smoothed sums; the first ``period - 1`` only add."""
        if self._bars >= self.period:
            self._up -= self._up / self.period
            self._down -= self._down / self.period
            self._range -= self._range / self.period
        rise, fall = top - self._high, self._low - bottom
        if fall > 0 and rise < fall:
            self._down += fall
        elif rise > 0 and rise > fall:
            self._up += rise
        self._range += _true_range(top, bottom, self._close)

    def _judge(self) -> bool:
        """The directional index of a bar into its average. One that does not exist counts 0 while the
        average begins, and is passed over later: so TA-Lib does."""
        found = None
        if self._range >= NOTHING:
            down, up = 100.0 * (self._down / self._range), 100.0 * (self._up / self._range)
            if up + down >= NOTHING:
                found = 100.0 * (abs(down - up) / (up + down))
        if found is None and self._index.count >= self.period:
            return True
        return self._index.push(found or 0.0)


class Macd:
    """:func:`~lotwise.analysis.indicators.macd`, close by close."""

    def __init__(self, fast: int = 12, slow: int = 26, signal: int = 9) -> None:
        check_macd(fast, slow, signal)
        self._wait = slow - fast
        self._fast, self._slow, self._signal = Ema(fast), Ema(slow), Ema(signal)
        self._signals = 0

    def push(self, close: Any) -> tuple[float, float, float]:
        """Add a close; line, signal, histogram, NaN before there are enough."""
        slow = self._slow.push(close)
        if self._wait:
            self._wait -= 1
        else:
            self._fast.push(close)
        if math.isnan(slow):
            return math.nan, math.nan, math.nan
        line = self._fast.value - slow
        signal = self._signal.push(line)
        return (math.nan,) * 3 if math.isnan(signal) else (line, signal, line - signal)


class _Window:
    """Mean and deviation of the last values, in the same order of additions as the functions."""

    def __init__(self, period: int) -> None:
        self.period = period_of(period)
        self._window: deque[float] = deque(maxlen=self.period)

    def _measured(self, found: float) -> tuple[float, float] | None:
        self._window.append(found)
        if len(self._window) < self.period:
            return None
        first, total, squares = self._window[0], 0.0, 0.0
        for value in self._window:
            total += value - first
        mean = total / self.period
        for value in self._window:
            away = value - first - mean
            squares += away * away
        return first + mean, math.sqrt(squares / self.period)


class Bollinger(_Window):
    """:func:`~lotwise.analysis.indicators.bollinger`, close by close; a push costs as much as its period."""

    def __init__(self, period: int = 20, width: float = 2.0) -> None:
        super().__init__(period)
        self.width = width_of(width)

    def push(self, close: Any) -> tuple[float, float, float]:
        """Add a close; middle, upper, lower, NaN before there are enough."""
        found = self._measured(number_of(close, "close"))
        if found is None:
            return math.nan, math.nan, math.nan
        reach = self.width * found[1]
        return found[0], found[0] + reach, found[0] - reach


class Zscore(_Window):
    """:func:`~lotwise.analysis.indicators.zscore`, value by value; a push costs as much as its period."""

    def push(self, value: Any) -> float:
        """Add a value; its deviations from the mean, or NaN before there are enough."""
        given = number_of(value, "value")
        found = self._measured(given)
        if found is None:
            return math.nan
        return (given - found[0]) / found[1] if found[1] > 0 else 0.0


class RealisedVolatility:
    """:func:`~lotwise.analysis.indicators.realised_volatility`, close by close."""

    def __init__(self, period: int, bars_a_year: float = YEAR_MINUTES) -> None:
        self.period = period_of(period)
        self.bars_a_year = yearly_of(bars_a_year)
        self._last: float | None = None
        self._sums = WindowSums(1, period)

    def push(self, close: Any) -> float:
        """Add a close; the volatility, or NaN before there are enough. A close refused changes nothing."""
        import numpy as np

        found = positive_of(close, "close")
        last, self._last = self._last, found
        if last is None:
            return math.nan
        change = float(np.log(np.array([found / last]))[0])  # the same routine as over a whole column
        sums = self._sums.push(np.array([change * change]))
        return math.nan if sums is None else math.sqrt(float(sums[0]) / self.period * self.bars_a_year)
