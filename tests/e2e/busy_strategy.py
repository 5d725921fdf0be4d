"""A strategy that trades at nearly every bar: at the market, then by a ladder of limit orders."""

from __future__ import annotations

from lotwise.records.signal import Entry, Signal, Target
from lotwise.strategy.api import Answer, Bar, Strategy, View
from lotwise.units import Rate8, Ticks

SECOND = 10**9
PERCENT8 = 10**6
MARKET, NEAR, FAR = range(3)
"""Ways in: at the market, a ladder that partly fills at once, one that waits below."""
LADDERS = {NEAR: ((-60, 40), (40, 30), (90, 30)), FAR: ((30, 40), (70, 30), (110, 30))}
"""Ticks away from the close, share in percent."""


class Busy(Strategy):
    """Three ways in, by turns: two targets, break-even after the first, closed after ``hold`` seconds."""

    def __init__(self, width: int = 900, hold: int = 150, only: int = -1) -> None:
        self.width, self.hold, self.only = width, hold, only

    def on_bar(self, bar: Bar, view: View) -> Answer:
        """A trade wherever nothing stands."""
        if view.lots or view.waits:
            return None
        number = bar.time_ns // (60 * SECOND)  # a session that starts again goes on in its turn
        way = number % 3 if self.only < 0 else self.only
        side = 1 if bar.close_ticks >= bar.open_ticks else -1
        last = bar.close_ticks
        entries = tuple(
            Entry(Ticks(last - side * away), Rate8(share * PERCENT8)) for away, share in LADDERS.get(way, ())
        )
        targets = tuple(Target(Ticks(last + side * away), Rate8(50 * PERCENT8)) for away in (200, 700))
        return Signal(
            side=side,
            stop_ticks=Ticks(last - side * self.width),
            entries=entries,
            entry_valid_ns=90 * SECOND if entries else 0,
            targets=targets,
            breakeven_after=1,
            hold_ns=self.hold * SECOND,
            reason="busy",
        )
