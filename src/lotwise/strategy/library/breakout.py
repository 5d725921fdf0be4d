"""Breakout: a close above the highest high of the last bars, or below the lowest low."""

from __future__ import annotations

from lotwise.kernel.layout import LONG, SHORT
from lotwise.records.signal import Signal, Target
from lotwise.strategy.api import Answer, Bar, Columns, Signals, Strategy, View
from lotwise.strategy.parts import UNKNOWN, TrueRange, Window
from lotwise.units import Rate8, Ticks

HALF8, WHOLE8 = Rate8(50_000_000), Rate8(100_000_000)


class Breakout(Strategy):
    """Half out at one risk, then break-even; the rest at three risks, or when the other side breaks.

    Parameters
    ----------
    bars
        The highest high and the lowest low are of so many bars before the present one.
    ranges
        The stop stands so many mean true ranges away.
    """

    def __init__(self, bars: int = 60, ranges: int = 3) -> None:
        self.bars, self.ranges = bars, ranges
        self._highs, self._lows, self._range = Window(bars), Window(bars), TrueRange(bars)

    def on_bar(self, bar: Bar, view: View) -> Answer:
        """A breakout of the bars before, in the direction of the close."""
        side = 0
        if self._highs.is_full:
            side = (bar.close_ticks > self._highs.highest) - (bar.close_ticks < self._lows.lowest)
        self._highs.update(bar.high_ticks)
        self._lows.update(bar.low_ticks)
        ticks = self._range.update(bar.high_ticks, bar.low_ticks, bar.close_ticks)
        away = (ticks or 0) * self.ranges
        if side == 0 or not 0 < away < bar.close_ticks // 2:
            return None
        close = bar.close_ticks
        return Signal(
            side=side,
            stop_ticks=Ticks(close - side * away),
            targets=(
                Target(Ticks(close + side * away), HALF8),
                Target(Ticks(close + side * 3 * away), HALF8),
            ),
            breakeven_after=1,
            reason=f"close beyond {self.bars} bars",
        )

    def signals(self, bars: Columns) -> Signals:
        """The same in columns."""
        import numpy as np

        tops, bottoms = Window.tops(bars.high_ticks, self.bars), Window.bottoms(bars.low_ticks, self.bars)
        before = slice(None, -1)
        side = np.zeros(len(bars), np.int64)
        known = tops[before] != UNKNOWN
        side[1:][known & (bars.close_ticks[1:] > tops[before])] = LONG
        side[1:][known & (bars.close_ticks[1:] < bottoms[before])] = SHORT
        ranges = TrueRange.of(bars.high_ticks, bars.low_ticks, bars.close_ticks, self.bars)
        away = np.where(ranges == UNKNOWN, 0, ranges * self.ranges)
        rows = np.flatnonzero((side != 0) & (away > 0) & (away < bars.close_ticks // 2))
        side, away, close = side[rows], away[rows], bars.close_ticks[rows]
        return Signals(
            rows=rows,
            side=side,
            stop_ticks=close - side * away,
            targets=[(close + side * away, HALF8), (close + side * 3 * away, HALF8)],
            breakeven_after=1,
        )
