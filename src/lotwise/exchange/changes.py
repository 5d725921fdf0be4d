"""Changes of the market on demand: gaps, funding spikes, a drought, partial fills.

A change rewrites the market's events from one event on, and the kernel plays what comes of it: no fill is
made here. Changes are kept with the state, so that a venue that is started again has the same past.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from lotwise.exchange.tape import Tape
from lotwise.kernel.layout import RATE
from lotwise.kernel.state import BAR, FUNDING, INDEX, MARK, QUOTE, TRADE, ContractRow, EventRow

BASIS: Final = 10_000
"""Basis points of the whole."""
RATE_OF_BASIS: Final = RATE // BASIS
GAP: Final = "gap"
SPIKE: Final = "funding"
DROUGHT: Final = "drought"
PARTIAL: Final = "partial"
CHANGES: Final = {
    GAP: "prices jump by so many basis points of the last, and stay there as long as it lasts",
    SPIKE: "the next count fundings have a rate of so many basis points",
    DROUGHT: "one lot at the best prices, each so many basis points farther away",
    PARTIAL: "so many lots are there to be taken after each event",
}
"""Kind to what it does; ``value`` is what the words count."""
BOUNDS: Final = {
    GAP: (-9_000, BASIS),
    SPIKE: (-1_000, 1_000),
    DROUGHT: (0, 5_000),
    PARTIAL: (0, 10**9),
}
"""Least and most value."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change, with the event it begins at settled."""

    kind: str
    value: int
    contract: int = -1
    """-1: all."""
    count: int = -1
    """Of fundings; -1: as long as it lasts."""
    from_event: int = 0
    from_ns: int = 0
    until_event: int = 0
    """0: no end."""
    until_ns: int = 0
    script: str = ""
    """The entry of a script that it was made of: it is made once, however often the server is started."""

    def holds(self, position: int, time_ns: int) -> bool:
        """Whether it holds for an event."""
        begun = position >= self.from_event and time_ns >= self.from_ns
        over = 0 < self.until_event <= position or 0 < self.until_ns <= time_ns
        return begun and not over


class Changer:
    """Applies the changes of one market, event by event in their order.

    Parameters
    ----------
    rows
        The contracts' rows: their choices follow the changes.
    bounds_ticks
        The highest prices that the arithmetic is proved for.
    """

    def __init__(self, rows: Sequence[ContractRow], bounds_ticks: Sequence[int]) -> None:
        self.changes: list[Change] = []
        self._rows = rows
        self._bounds = bounds_ticks
        self._first = [(row.volume_share8, row.spread_ticks) for row in rows]
        self._shifts: dict[tuple[int, int], int] = {}
        """Ticks of a gap, by its number and the contract's."""
        self._spikes: dict[tuple[int, int], int] = {}

    def add(self, change: Change) -> None:
        """Take one up."""
        self.changes.append(change)

    def played(self, position: int, event: EventRow, tape: Tape) -> Iterator[EventRow]:
        """What comes of an event: itself, changed, and what a partial market leaves to be taken."""
        c, kind = event.contract, event.kind
        share8, spread = self._first[c]
        left = -1
        shift = wide = 0
        for number, change in enumerate(self.changes):
            if change.contract not in (-1, c) or not change.holds(position, event.time_ns):
                continue
            if change.kind == GAP:
                shift += self._shift(number, change, tape)
            elif change.kind == DROUGHT:
                wide = max(1, tape.last_ticks * change.value // BASIS)
                spread = max(spread, 2 * wide)
            elif change.kind == PARTIAL:
                left, share8 = change.value, RATE
            elif kind == FUNDING and self._is_spiked(number, change, c):
                event.rate8 = change.value * RATE_OF_BASIS
        self._rows[c].volume_share8, self._rows[c].spread_ticks = share8, spread
        if shift:
            _shifted(event, min(shift, 2 * self._bounds[c] // 3), self._rows[c].tick_size8)
        if wide and kind == QUOTE:
            event.bid_ticks, event.ask_ticks = max(1, event.bid_ticks - wide), event.ask_ticks + wide
            event.bid_lots = event.ask_lots = 1
        if left >= 0:
            event.lots = min(event.lots, left) if kind == TRADE else event.lots
            event.volume_lots = min(event.volume_lots, left) if kind == BAR else event.volume_lots
        yield event
        if left >= 0 and kind == QUOTE and tape.last_ticks:
            yield EventRow(
                kind=TRADE, contract=c, time_ns=event.time_ns, price_ticks=tape.last_ticks, lots=left
            )

    def _shift(self, number: int, change: Change, tape: Tape) -> int:
        """Ticks of a gap, settled at the first event that has a price before it."""
        found = self._shifts.get((number, tape.contract))
        if found is None and tape.last_ticks:
            found = tape.last_ticks * change.value // BASIS
            self._shifts[number, tape.contract] = found
        return found or 0

    def _is_spiked(self, number: int, change: Change, c: int) -> bool:
        done = self._spikes.get((number, c), 0)
        self._spikes[number, c] = done + 1
        return change.count < 0 or done < change.count


def _shifted(event: EventRow, shift: int, tick_size8: int) -> None:
    """All prices of an event so many ticks farther, none below one tick."""
    if event.kind == QUOTE:
        event.bid_ticks = max(1, event.bid_ticks + shift)
        event.ask_ticks = max(event.bid_ticks + 1, event.ask_ticks + shift)
    elif event.kind == TRADE:
        event.price_ticks = max(1, event.price_ticks + shift)
    elif event.kind == BAR:
        for name in ("open", "high", "low", "close"):
            setattr(event, f"{name}_ticks", max(1, getattr(event, f"{name}_ticks") + shift))
            if mark8 := getattr(event, f"mark_{name}8"):
                setattr(event, f"mark_{name}8", max(1, mark8 + shift * tick_size8))
    elif event.kind in (MARK, INDEX, FUNDING) and event.price8:
        event.price8 = max(1, event.price8 + shift * tick_size8)
