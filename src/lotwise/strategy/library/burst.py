"""Momentum burst: a scalp on a bar whose range and volume leave the usual behind."""

from __future__ import annotations

from lotwise.contracts.contract import Contract
from lotwise.kernel.layout import LONG, RATE, SHORT
from lotwise.records.signal import Signal, Target
from lotwise.strategy.api import Answer, Bar, Columns, Signals, Strategy, View
from lotwise.strategy.parts import UNKNOWN, Window
from lotwise.units import Rate8, Ticks

MINUTE_NS = 60 * 10**9
WHOLE8 = Rate8(100_000_000)
PERCENT8 = 1_000_000


class Burst(Strategy):
    """Go with a bar of three times the usual range and volume that closes in its outer quarter.

    The stop stands at the bar's middle, the target twice as far, and time ends it. A move below 1 % is noise,
    one above 3 % is chased; and the target must pay the costs of the trade twice.

    Parameters
    ----------
    bars
        The usual is the mean of so many bars before.
    times
        So many times the usual, range and volume alike.
    hold_minutes
        The trade is closed after so long.
    """

    def __init__(self, bars: int = 30, times: int = 3, hold_minutes: int = 45) -> None:
        self.bars, self.times, self.hold_minutes = bars, times, hold_minutes
        self._range, self._volume, self._taker8 = Window(bars), Window(bars), 0

    def begin(self, contract: Contract) -> None:
        """Learn what taking costs."""
        self._taker8 = contract.fees.taker8 if contract.fees else 0

    def on_bar(self, bar: Bar, view: View) -> Answer:
        """A burst against the bars before."""
        reach, side = bar.high_ticks - bar.low_ticks, 0
        full = self._range.is_full
        wide = full and reach * self.bars >= self.times * self._range.total
        loud = full and bar.volume_lots * self.bars >= self.times * self._volume.total
        self._range.update(reach)
        self._volume.update(bar.volume_lots)
        if wide and loud:
            side = (4 * (bar.high_ticks - bar.close_ticks) <= reach) - (
                4 * (bar.close_ticks - bar.low_ticks) <= reach
            )
        close = bar.close_ticks
        stop = (bar.high_ticks + bar.low_ticks) // 2
        away = (close - stop) * side
        goal = 2 * away
        moved = PERCENT8 * close <= reach * RATE <= 3 * PERCENT8 * close
        pays = goal * RATE >= 2 * (2 * self._taker8 * close)
        if side == 0 or away <= 0 or not moved or not pays or goal >= close:
            return None
        return Signal(
            side=side,
            stop_ticks=Ticks(stop),
            targets=(Target(Ticks(close + side * goal), WHOLE8),),
            hold_ns=self.hold_minutes * MINUTE_NS,
            reason=f"a bar of {self.times} times the usual",
        )

    def signals(self, bars: Columns) -> Signals:
        """The same in columns."""
        import numpy as np

        reach, close = bars.high_ticks - bars.low_ticks, bars.close_ticks
        side = np.zeros(len(bars), np.int64)
        ranges, volumes = (Window.sums(values, self.bars)[:-1] for values in (reach, bars.volume_lots))
        burst = (ranges != UNKNOWN) & (reach[1:] * self.bars >= self.times * ranges)
        burst &= bars.volume_lots[1:] * self.bars >= self.times * volumes
        side[1:][burst] = (
            np.where(4 * (bars.high_ticks - close) <= reach, LONG, 0)
            + np.where(4 * (close - bars.low_ticks) <= reach, SHORT, 0)
        )[1:][burst]
        stop = (bars.high_ticks + bars.low_ticks) // 2
        away = (close - stop) * side
        taker8 = bars.contract.fees.taker8 if bars.contract.fees else 0
        good = (side != 0) & (away > 0) & (2 * away < close)
        good &= (PERCENT8 * close <= reach * RATE) & (reach * RATE <= 3 * PERCENT8 * close)
        good &= 2 * away * RATE >= 4 * taker8 * close
        rows = np.flatnonzero(good)
        return Signals(
            rows=rows,
            side=side[rows],
            stop_ticks=stop[rows],
            targets=[(close[rows] + 2 * side[rows] * away[rows], WHOLE8)],
            hold_ns=self.hold_minutes * MINUTE_NS,
        )
