"""Order flow as it happens: the figures of :mod:`lotwise.analysis.flow`, one trade or one bar at a time.

The same rules run here as plain Python, so a stream and the arrays cannot disagree.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from lotwise.analysis.flow import (
    RATIO8,
    STACK_ROWS,
    Stack,
    check_cells,
    check_terms,
    divergence_at,
    find_stacks,
    mark_imbalances,
)
from lotwise.errors import InputError


class FlowBar(NamedTuple):
    """A finished bar of a :class:`FlowStream`; its stacks count bars from the first, empty ones included."""

    open_ns: int
    bought_lots: int
    sold_lots: int
    cvd_lots: int
    """At the end of the bar."""
    low_row: int
    bid_lots: tuple[int, ...]
    ask_lots: tuple[int, ...]
    stacks: tuple[Stack, ...]


@dataclass
class FlowStream:
    """Order flow one trade at a time: holds the rows of the bar that is open, and one running sum.

    A bar is told when a trade of a later bar comes, or by :meth:`finish`; bars without a trade are not told.
    """

    bar_ns: int
    row_ticks: int = 1
    ratio8: int = RATIO8
    least_lots: int = 1
    stack_rows: int = STACK_ROWS
    cvd_lots: int = 0
    """Cumulative volume delta after the last trade."""
    _first: int | None = None
    _number: int = 0
    _last_ns: int = 0
    _bid: dict[int, int] = field(default_factory=dict)
    _ask: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_terms(self.ratio8, self.least_lots, self.stack_rows)
        if self.bar_ns < 1 or self.row_ticks < 1:
            what = f"bars of {self.bar_ns} ns, rows of {self.row_ticks} ticks"
            raise InputError("ANALYSIS-203", what, "give at least 1 of each")

    def update(self, time_ns: int, price_ticks: int, lots: int, buyer_is_maker: bool) -> FlowBar | None:
        """Take a trade; the bar before it, where this trade opens another.

        Raises
        ------
        InputError
            ANALYSIS-201 a trade before the last one, a negative volume; ANALYSIS-202 too many rows.
        """
        number, row = time_ns // self.bar_ns, price_ticks // self.row_ticks
        if lots < 0 or (self._first is not None and time_ns < self._last_ns):
            what = f"{lots} lots at {time_ns}, after a trade of {self._last_ns}"
            raise InputError("ANALYSIS-201", what, "hand in trades in their order")
        told = None
        if self._bid and number > self._number:
            told = self.finish()
        elif self._bid and row not in self._bid:
            check_cells(max(row, *self._bid) - min(row, *self._bid) + 1, self.row_ticks)
        if self._first is None:
            self._first = number
        side, across = (self._bid, self._ask) if buyer_is_maker else (self._ask, self._bid)
        side[row] = side.get(row, 0) + lots
        across.setdefault(row, 0)
        self._number, self._last_ns = number, time_ns
        self.cvd_lots += -lots if buyer_is_maker else lots
        return told

    def finish(self) -> FlowBar | None:
        """The open bar as it stands, which is closed; None where no trade came."""
        if not self._bid:
            return None
        low, high = min(self._bid), max(self._bid)
        bid, ask = ([side.get(row, 0) for row in range(low, high + 1)] for side in (self._bid, self._ask))
        told = FlowBar(
            open_ns=self._number * self.bar_ns,
            bought_lots=sum(ask),
            sold_lots=sum(bid),
            cvd_lots=self.cvd_lots,
            low_row=low,
            bid_lots=tuple(bid),
            ask_lots=tuple(ask),
            stacks=self._stacks(low, bid, ask),
        )
        self._bid, self._ask = {}, {}
        return told

    def _stacks(self, low: int, bid: list[int], ask: list[int]) -> tuple[Stack, ...]:
        ends = [0, len(bid)]
        buys, sells = [0] * len(bid), [0] * len(bid)
        mark_imbalances(
            bid, ask, ends, ratio8=self.ratio8, least_lots=self.least_lots, buys=buys, sells=sells
        )
        found = []
        for is_buy, marks in ((True, buys), (False, sells)):
            starts, stops = [0] * (len(bid) + 1), [0] * (len(bid) + 1)
            for i in range(find_stacks(marks, ends, self.stack_rows, firsts=starts, ends=stops)):
                found.append(
                    Stack(self._number - (self._first or 0), is_buy, low + starts[i], low + stops[i] - 1)
                )
        return tuple(found)


class DivergenceStream:
    """Divergences one bar at a time; holds ``window`` bars."""

    def __init__(self, window: int = 20) -> None:
        if window < 1:
            raise InputError("ANALYSIS-204", f"a window of {window} bars", "take 1 bar or more")
        self.window = window
        self._bars: deque[tuple[int, int, int]] = deque(maxlen=window + 1)

    def update(self, high_ticks: int, low_ticks: int, cvd_lots: int) -> int:
        """Take a finished bar: 1 bullish, -1 bearish, else 0."""
        self._bars.append((high_ticks, low_ticks, cvd_lots))
        if len(self._bars) <= self.window:
            return 0
        highs, lows, sums = zip(*self._bars, strict=True)
        return divergence_at(highs, lows, sums, first=0, bar=self.window)
