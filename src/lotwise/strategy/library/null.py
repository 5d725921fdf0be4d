"""The null: entries at random with a plain stop. What a strategy has to beat before it is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lotwise.kernel.layout import LONG, SHORT
from lotwise.records.signal import Signal, Target
from lotwise.strategy.api import Answer, Bar, Columns, Signals, Strategy, View
from lotwise.units import Rate8, Ticks

WHOLE8 = Rate8(100_000_000)
MASK = 2**64 - 1

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, Any]


class Null(Strategy):
    """A coin decides, once in so many bars; the stop a share of the price away, the target twice as far.

    Parameters
    ----------
    one_in
        A signal at one bar in so many.
    stop8
        Distance of the stop, share of the price in 1e-8.
    seed
        Another seed, other coins; the same seed always the same.
    """

    def __init__(self, one_in: int = 240, stop8: int = 1_000_000, seed: int = 1) -> None:
        self.one_in, self.stop8, self.seed = one_in, stop8, seed

    def on_bar(self, bar: Bar, view: View) -> Answer:
        """What the coin says of this bar."""
        coin = _mixed((bar.time_ns ^ self.seed) & MASK)
        away = bar.close_ticks * self.stop8 // 10**8
        if coin // 2 % self.one_in or away <= 0:
            return None
        side, close = LONG if coin % 2 else SHORT, bar.close_ticks
        return Signal(
            side=side,
            stop_ticks=Ticks(close - side * away),
            targets=(Target(Ticks(close + side * 2 * away), WHOLE8),),
            reason="a coin",
        )

    def signals(self, bars: Columns) -> Signals:
        """The same in columns."""
        import numpy as np

        coins = _mixed_all(bars.time_ns.astype(np.uint64) ^ np.uint64(self.seed))
        away, close = bars.close_ticks * self.stop8 // 10**8, bars.close_ticks
        rows = np.flatnonzero((coins // np.uint64(2) % np.uint64(self.one_in) == 0) & (away > 0))
        side = np.where(coins[rows] % np.uint64(2) == 1, LONG, SHORT)
        return Signals(
            rows=rows,
            side=side,
            stop_ticks=close[rows] - side * away[rows],
            targets=[(close[rows] + 2 * side * away[rows], WHOLE8)],
        )


def _mixed(word: int) -> int:
    """A word well stirred: the finaliser of splitmix64 (Steele, Lea, Flood 2014)."""
    word = (word + 0x9E3779B97F4A7C15) & MASK
    word = ((word ^ word >> 30) * 0xBF58476D1CE4E5B9) & MASK
    word = ((word ^ word >> 27) * 0x94D049BB133111EB) & MASK
    return word ^ word >> 31


def _mixed_all(words: Numbers) -> Numbers:
    """:func:`_mixed` of an array of unsigned words."""
    import numpy as np

    words = words + np.uint64(0x9E3779B97F4A7C15)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    stirred: Numbers = words ^ (words >> np.uint64(31))
    return stirred
