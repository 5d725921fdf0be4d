"""What resting orders do: icebergs, absorption, large orders that are defended or pulled.

A book shows how much rests at a price, not whose it is, and some venues tell of it only every 50 ms. These
detectors weigh what traded at a price against what the book showed there before and after. They speak when
the evidence suffices, never with hindsight: what they found by a time does not depend on what comes later.

:func:`detect` goes through arrays, :class:`Watch` takes one event at a time and finds the same. How often
they are right is measured on a book with planted orders and decoys: docs/detectors.md has the figures.

Source: the mechanics of reserve orders as venues describe them (a visible part, renewed at once from a hidden
whole when it has traded); the rest is counting, by the rules in :mod:`lotwise.analysis.resting_rules`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lotwise.analysis import resting_rules as rules
from lotwise.analysis.resting_rules import Terms
from lotwise.errors import InputError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Events", "Finding", "Found", "Terms", "Watch", "detect", "merged"]

MOST_ROWS: Final = 1_000_000
"""Price rows that are watched: above it the window is surely wrong."""
ROOM: Final = 1_024


class Found(IntEnum):
    """What was found."""

    ICEBERG = rules.ICEBERG
    """A part of one size was renewed again and again as it traded."""
    ABSORBED = rules.ABSORBED
    """Much more was taken from a price than it ever showed, from one direction, and it held."""
    DEFENDED = rules.DEFENDED
    """A large order was hit and held."""
    PULLED = rules.PULLED
    """A large order near the price went away, more of it withdrawn than traded."""


class Finding(NamedTuple):
    """What a detector found, and what it weighed."""

    what: Found
    time_ns: int
    """When it was found."""
    began_ns: int
    """When the fight for the level began, or the large order arrived."""
    is_bid: bool
    price_ticks: int
    lots: int
    """Lots traded there since it began (against a large order: since it arrived)."""
    size_lots: int
    """One refill; the most that was shown; the large order."""
    times: int
    """Refills counted; lots of the other direction meanwhile; 1 for a large order."""


class Events(NamedTuple):
    """Trades and changes of a book in one order."""

    time_ns: np.ndarray[Any, Any]
    is_trade: np.ndarray[Any, Any]
    is_bid: np.ndarray[Any, Any]
    """The side: of the level, or that the trade took from (True where the buyer is the maker)."""
    prices_ticks: np.ndarray[Any, Any]
    lots: np.ndarray[Any, Any]
    """Traded, or resting there now."""


def merged(trades: tuple[Any, Any, Any, Any], changes: tuple[Any, Any, Any, Any]) -> Events:
    """Trades and changes by time; where times are equal, trades come first: the book tells what they left.

    Parameters
    ----------
    trades
        Columns time_ns, prices_ticks, lots, buyer_is_maker, by time.
    changes
        Columns time_ns, is_bid, prices_ticks, lots (what rests there now), by time. Of a snapshot give the
        levels that it does not hold as well, with 0 lots.

    Raises
    ------
    InputError
        ANALYSIS-256 lengths that differ, times that go back, lots below 0 (of a trade: below 1).
    """
    import numpy as np

    def columns(name: str, given: Any, kinds: tuple[Any, ...]) -> list[Any]:
        if len(given) != len(kinds):
            what = f"{name}: {len(given)} columns, not {len(kinds)}"
            raise InputError("ANALYSIS-256", what, "give the columns that merged names")
        made = [np.ascontiguousarray(column, kind) for column, kind in zip(given, kinds, strict=True)]
        lengths = [len(column) for column in made]
        if len(set(lengths)) > 1:
            raise InputError("ANALYSIS-256", f"{name}: columns of {lengths} rows", "give as many of each")
        if lengths[0] and made[0][0] < 1:
            raise InputError("ANALYSIS-256", f"{name}: a time of {made[0][0]}", "give nanoseconds since 1970")
        if bool((np.diff(made[0]) < 0).any()):
            at = int(np.argmax(np.diff(made[0]) < 0)) + 1
            what = f"{name}: row {at} is of {made[0][at]}, the one before of {made[0][at - 1]}"
            raise InputError("ANALYSIS-256", what, "sort by time")
        return made

    whole, flag = np.int64, np.bool_
    dealt, prices, traded, maker = columns("trades", trades, (whole, whole, whole, flag))
    told, is_bid, levels, resting = columns("changes", changes, (whole, flag, whole, whole))
    for name, lots, least in (("trades", traded, 1), ("changes", resting, 0)):
        if len(lots) and int(lots.min()) < least:
            what = f"{name}: row {int(np.argmin(lots))} has {lots.min()} lots, at least {least}"
            raise InputError("ANALYSIS-256", what, "check the data first")
    times = np.concatenate([dealt, told])
    order = np.argsort(times, kind="stable")
    return Events(
        times[order],
        (np.arange(len(times)) < len(dealt))[order],
        np.concatenate([maker, is_bid])[order],
        np.concatenate([prices, levels])[order],
        np.concatenate([traded, resting])[order],
    )


def detect(
    events: Events, terms: Terms | None = None, base_ticks: int | None = None, rows: int | None = None
) -> list[Finding]:
    """Everything the detectors find among events, in the order of their finding.

    Prices outside the window of ``rows`` prices from ``base_ticks`` on are not watched; without one it goes
    from the lowest to the highest trade, and as far beyond as a large order may be near.

    Raises
    ------
    InputError
        ANALYSIS-257 no trade to place the window by, a window without a row or with too many; ANALYSIS-258
        terms that are negative.
    """
    import numpy as np

    asked = checked(terms or Terms())
    base, count = _window(events, asked, base_ticks=base_ticks, rows=rows)
    inside = (events.prices_ticks >= base) & (events.prices_ticks < base + count)
    times, trade, bid, prices, lots = (np.ascontiguousarray(column[inside]) for column in events)
    levels, sides = np.zeros(2 * count * rules.LEVEL, np.int64), np.array(_sides(), np.int64)
    out = np.zeros(ROOM * rules.FINDING, np.int64)
    at, found = 0, []
    while at < len(times):
        columns = (trade, bid, times, prices - base, lots)
        at, number = rules.see_all.compiled(levels, sides, asked, *columns, at, out)
        found += [_finding(row, base) for row in out.reshape(-1, rules.FINDING)[:number].tolist()]
    return found


class Watch:
    """The detectors, one event at a time, in a fixed window of prices and a fixed memory.

    Raises
    ------
    InputError
        ANALYSIS-257, ANALYSIS-258 as :func:`detect`.
    """

    def __init__(self, base_ticks: int, rows: int, terms: Terms | None = None) -> None:
        self.terms = checked(terms or Terms())
        self.base_ticks, self.rows = base_ticks, _checked_rows(rows)
        self.outside = 0
        """Events at prices outside the window."""
        self._levels, self._sides = [0] * (2 * rows * rules.LEVEL), _sides()
        self._out = [0] * (rules.MOST_AT_ONCE + 1) * rules.FINDING
        self._last_ns = 1

    def trade(self, time_ns: int, price_ticks: int, lots: int, buyer_is_maker: bool) -> list[Finding]:
        """Take a trade; what is found by then. Raises ANALYSIS-256: before the last event, below 1 lot."""
        return self._see(True, buyer_is_maker, time_ns=time_ns, price_ticks=price_ticks, lots=lots)

    def level(self, time_ns: int, is_bid: bool, price_ticks: int, lots: int) -> list[Finding]:
        """Take what rests at a price now; what is found by then. Raises ANALYSIS-256 as :meth:`trade`."""
        return self._see(False, is_bid, time_ns=time_ns, price_ticks=price_ticks, lots=lots)

    def _see(self, is_trade: bool, is_bid: bool, time_ns: int, price_ticks: int, lots: int) -> list[Finding]:
        if lots < is_trade or time_ns < self._last_ns:
            what = f"{lots} lots at {time_ns}, after an event of {self._last_ns}"
            raise InputError("ANALYSIS-256", what, "hand in events in their order")
        row = price_ticks - self.base_ticks
        self._last_ns = time_ns
        if not 0 <= row < self.rows:
            self.outside += 1
            return []
        number = rules.see(
            self._levels,
            self._sides,
            self.terms,
            is_trade=is_trade,
            is_bid=is_bid,
            time_ns=time_ns,
            row=row,
            lots=lots,
            out=self._out,
            number=0,
        )
        cut = (self._out[i * rules.FINDING : (i + 1) * rules.FINDING] for i in range(number))
        return [_finding(row, self.base_ticks) for row in cut]


def checked(terms: Terms) -> Terms:
    """The terms, if none is negative and those that count something are at least 1: else ANALYSIS-258."""
    least = {"refills": 1, "siege_lots": 1, "large_lots": 1, "least_clip_lots": 1}
    for name, value in terms._asdict().items():
        if value < least.get(name, 0):
            what = f"{name} is {value}, at least {least.get(name, 0)}"
            raise InputError("ANALYSIS-258", what, "see the terms of lotwise.analysis.resting")
    return terms


def _sides() -> list[int]:
    sides = [0] * rules.SIDES
    for side in (0, rules.SIDE):
        sides[side + rules.SIEGE_ROW] = sides[side + rules.WALL_ROW] = -1
    return sides


def _finding(row: list[int], base: int) -> Finding:
    kind, time_ns, began, is_bid, place, *weighed = row
    return Finding(Found(kind), time_ns, began, bool(is_bid), base + place, *weighed)


def _window(events: Events, terms: Terms, base_ticks: int | None, rows: int | None) -> tuple[int, int]:
    prices = events.prices_ticks[events.is_trade]
    if (base_ticks is None or rows is None) and not len(prices):
        raise InputError("ANALYSIS-257", "0 trades, and no window", "give base_ticks and rows")
    base = int(prices.min()) - terms.near_rows if base_ticks is None else base_ticks
    count = int(prices.max()) + terms.near_rows + 1 - base if rows is None else rows
    return base, _checked_rows(count)


def _checked_rows(rows: int) -> int:
    if not 1 <= rows <= MOST_ROWS:
        what = f"a window of {rows:,} prices, at most {MOST_ROWS:,}"
        raise InputError("ANALYSIS-257", what, "give base_ticks and rows around the price")
    return rows
