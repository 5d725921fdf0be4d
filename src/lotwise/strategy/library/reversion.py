"""Mean reversion: oversold against a rising average, overbought against a falling one, out at the average."""

from __future__ import annotations

from lotwise.kernel.layout import LONG, SHORT
from lotwise.records.signal import Signal, Target
from lotwise.strategy.api import Answer, Bar, Columns, Signals, Strategy, View
from lotwise.strategy.parts import MILLION, UNKNOWN, Average, Strength, TrueRange
from lotwise.units import Rate8, Ticks

WHOLE8 = Rate8(100_000_000)
MINUTE_NS = 60 * 10**9


class Reversion(Strategy):
    """Buy when the strength falls below a bound while the price is under its average; out at the average.

    Parameters
    ----------
    span
        Bars of the average.
    strength
        Bars of the relative strength; it is low below ``low`` percent, high above 100 - ``low``.
    ranges
        The stop stands so many mean true ranges away.
    hold_minutes
        The trade is closed after so long.
    """

    def __init__(
        self, span: int = 120, strength: int = 14, low: int = 20, ranges: int = 4, hold_minutes: int = 240
    ) -> None:
        self.span, self.strength, self.low = span, strength, low
        self.ranges, self.hold_minutes = ranges, hold_minutes
        self._average, self._strength, self._range = Average(span), Strength(strength), TrueRange(span)

    def on_bar(self, bar: Bar, view: View) -> Answer:
        """A stretch away from the average that has gone far."""
        average = self._average.update(bar.close_ticks)
        strength = self._strength.update(bar.close_ticks)
        ticks = self._range.update(bar.high_ticks, bar.low_ticks, bar.close_ticks)
        if average is None or strength is None or ticks is None:
            return None
        goal, close = average // MILLION, bar.close_ticks
        high = 10_000 - 100 * self.low
        side = (strength < 100 * self.low and goal > close) - (strength > high and goal < close)
        away = ticks * self.ranges
        if side == 0 or not 0 < away < close // 2:
            return None
        return Signal(
            side=side,
            stop_ticks=Ticks(close - side * away),
            targets=(Target(Ticks(goal), WHOLE8),),
            hold_ns=self.hold_minutes * MINUTE_NS,
            reason=f"strength {strength / 100:.0f} against the average",
        )

    def signals(self, bars: Columns) -> Signals:
        """The same in columns."""
        import numpy as np

        close = bars.close_ticks
        average, strength = Average.of(close, self.span), Strength.of(close, self.strength)
        ranges = TrueRange.of(bars.high_ticks, bars.low_ticks, close, self.span)
        known = (average != UNKNOWN) & (strength != UNKNOWN) & (ranges != UNKNOWN)
        goal, away = average // MILLION, np.where(ranges == UNKNOWN, 0, ranges * self.ranges)
        side = np.zeros(len(bars), np.int64)
        side[known & (strength < 100 * self.low) & (goal > close)] = LONG
        side[known & (strength > 10_000 - 100 * self.low) & (goal < close)] = SHORT
        rows = np.flatnonzero((side != 0) & (away > 0) & (away < close // 2))
        return Signals(
            rows=rows,
            side=side[rows],
            stop_ticks=close[rows] - side[rows] * away[rows],
            targets=[(goal[rows], WHOLE8)],
            hold_ns=self.hold_minutes * MINUTE_NS,
        )
