"""Order flow: who was in a hurry, at which price, and what the price made of it.

A trade whose buyer is the maker was a seller's market order: its lots hit the bid. All other lots were bought
at the ask. Delta is bought minus sold lots; cumulative volume delta (CVD) is its running sum; a footprint is
both volumes of every price row of a bar. Everything is whole lots, so every figure is exact.

These are compiled and take whole arrays; :mod:`lotwise.analysis.flow_stream` takes one trade at a time and
finds the same.

Source: the definitions that footprint charts share (bid x ask volume by price, the diagonal comparison of the
ask volume of a row with the bid volume of the row below it).
"""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lotwise.errors import InputError
from lotwise.kernel.arith import INT64_MAX, mul_div_ceil
from lotwise.kernel.layout import RATE
from lotwise.rule import rule

if TYPE_CHECKING:
    import numpy as np

MOST_CELLS: Final = 50_000_000
"""Footprint cells of one answer, and rows of one bar: above it a price is surely wrong."""
RATIO8: Final = 300_000_000
"""Three times the volume across the diagonal."""
STACK_ROWS: Final = 3
"""Rows of imbalance, one above the other, that make a stack."""

Lots = MutableSequence[int]
Marks = MutableSequence[int]
BULLISH: Final = 1
"""The price made a lower low and the CVD did not."""
BEARISH: Final = -1
"""The price made a higher high and the CVD did not."""


@rule
def bar_sums(
    rows: Lots,
    prices_ticks: Sequence[int],
    lots: Sequence[int],
    buyer_is_maker: Sequence[bool],
    row_ticks: int,
    starts: Sequence[int],
    bought: Lots,
    sold: Lots,
    lows: Lots,
    highs: Lots,
) -> None:
    """Bought and sold lots, lowest and highest row of each bar; the row of each trade goes to ``rows``.

    A bar without a trade has its low one row above its high: it has no cells.
    """
    for bar in range(len(starts) - 1):
        up, down, low, high = 0, 0, 1, 0
        for i in range(starts[bar], starts[bar + 1]):
            row = prices_ticks[i] // row_ticks
            rows[i] = row
            if low > high:
                low, high = row, row
            low, high = min(low, row), max(high, row)
            if buyer_is_maker[i]:
                down += lots[i]
            else:
                up += lots[i]
        bought[bar], sold[bar], lows[bar], highs[bar] = up, down, low, high


@rule
def fill_cells(
    rows: Sequence[int],
    lots: Sequence[int],
    buyer_is_maker: Sequence[bool],
    starts: Sequence[int],
    lows: Sequence[int],
    offsets: Sequence[int],
    bid_lots: Lots,
    ask_lots: Lots,
) -> None:
    """Add each trade to the cell of its bar and row; a bar's cells begin at its offset."""
    for bar in range(len(starts) - 1):
        first = offsets[bar] - lows[bar]
        for i in range(starts[bar], starts[bar + 1]):
            if buyer_is_maker[i]:
                bid_lots[first + rows[i]] += lots[i]
            else:
                ask_lots[first + rows[i]] += lots[i]


@rule
def outweighs(lots: int, across_lots: int, ratio8: int, least_lots: int) -> bool:
    """Whether lots are at least the least and at least so many times those across the diagonal."""
    wanted = mul_div_ceil(across_lots, ratio8, RATE)
    return wanted >= 0 and lots >= wanted and lots >= least_lots


@rule
def mark_imbalances(
    bid_lots: Sequence[int],
    ask_lots: Sequence[int],
    offsets: Sequence[int],
    ratio8: int,
    least_lots: int,
    buys: Marks,
    sells: Marks,
) -> None:
    """Mark (1) the cells whose ask volume outweighs the bid volume a row below, and the mirror image.

    The lowest row of a bar has nothing below it and the highest nothing above: they have no such diagonal.
    """
    for bar in range(len(offsets) - 1):
        first, end = offsets[bar], offsets[bar + 1]
        for i in range(first + 1, end):
            if outweighs(ask_lots[i], bid_lots[i - 1], ratio8=ratio8, least_lots=least_lots):
                buys[i] = 1
            if outweighs(bid_lots[i - 1], ask_lots[i], ratio8=ratio8, least_lots=least_lots):
                sells[i - 1] = 1


@rule
def find_stacks(marks: Sequence[int], offsets: Sequence[int], rows: int, firsts: Lots, ends: Lots) -> int:
    """Runs of at least so many marked cells within one bar: where they begin and end. How many there are."""
    found = 0
    for bar in range(len(offsets) - 1):
        run = 0
        for i in range(offsets[bar], offsets[bar + 1]):
            run = run + 1 if marks[i] != 0 else 0
            last = i + 1 == offsets[bar + 1] or marks[i + 1] == 0
            if run >= rows and last:
                firsts[found], ends[found] = i + 1 - run, i + 1
                found += 1
    return found


@rule
def divergence_at(
    highs_ticks: Sequence[int], lows_ticks: Sequence[int], cvd_lots: Sequence[int], first: int, bar: int
) -> int:
    """Divergence of a bar from those of [first, bar): 1 bullish, -1 bearish, 0 none or both.

    A higher high than all of them, with a CVD below that of the latest bar that had their highest high, is
    bearish; a lower low than all, with a CVD above that of the latest bar of their lowest low, is bullish.
    """
    if first >= bar:
        return 0
    top, bottom = first, first
    for i in range(first + 1, bar):
        if highs_ticks[i] >= highs_ticks[top]:
            top = i
        if lows_ticks[i] <= lows_ticks[bottom]:
            bottom = i
    bearish = highs_ticks[bar] > highs_ticks[top] and cvd_lots[bar] < cvd_lots[top]
    bullish = lows_ticks[bar] < lows_ticks[bottom] and cvd_lots[bar] > cvd_lots[bottom]
    if bearish == bullish:
        return 0
    return BEARISH if bearish else BULLISH


@rule
def mark_divergences(
    highs_ticks: Sequence[int],
    lows_ticks: Sequence[int],
    cvd_lots: Sequence[int],
    window: int,
    signs: Marks,
) -> None:
    """The divergence of every bar from the ``window`` bars before it; 0 until there are as many."""
    for bar in range(window, len(cvd_lots)):
        signs[bar] = divergence_at(highs_ticks, lows_ticks, cvd_lots, first=bar - window, bar=bar)


class Stack(NamedTuple):
    """Imbalances of one side, one above the other, within a bar."""

    bar: int
    is_buy: bool
    low_row: int
    high_row: int


@dataclass(frozen=True)
class Footprint:
    """Order flow of bars: a row a bar, and the cells of all bars one after the other."""

    row_ticks: int
    """Ticks of a price row; row ``n`` begins at ``n * row_ticks``."""
    bought_lots: np.ndarray[Any, Any]
    sold_lots: np.ndarray[Any, Any]
    low_rows: np.ndarray[Any, Any]
    """Lowest row of each bar; one above the highest where nothing traded."""
    offsets: np.ndarray[Any, Any]
    """Cells of bar ``i`` are ``offsets[i]`` to ``offsets[i + 1]``, the lowest row first."""
    bid_lots: np.ndarray[Any, Any]
    """Lots sold into the bid, by cell."""
    ask_lots: np.ndarray[Any, Any]
    """Lots bought at the ask, by cell."""

    @property
    def delta_lots(self) -> np.ndarray[Any, Any]:
        """Bought minus sold lots of each bar."""
        delta: np.ndarray[Any, Any] = self.bought_lots - self.sold_lots
        return delta

    @property
    def cvd_lots(self) -> np.ndarray[Any, Any]:
        """Cumulative volume delta at the end of each bar."""
        import numpy as np

        return np.cumsum(self.delta_lots)


@dataclass(frozen=True)
class Imbalances:
    """Diagonal imbalances of a footprint."""

    buys: np.ndarray[Any, Any]
    """1 where the ask volume of a cell outweighs the bid volume a row below."""
    sells: np.ndarray[Any, Any]
    """1 where the bid volume of a cell outweighs the ask volume a row above."""
    stacks: tuple[Stack, ...]
    """By bar, buys before sells, from the lowest row up."""


def bars_of_time(time_ns: Any, bar_ns: int) -> tuple[Any, Any]:
    """Where each bar of a fixed length begins among sorted trades; bars without a trade are there too.

    Returns
    -------
    tuple
        The opening time of each bar, and the index of its first trade with one more for the end of the last.

    Raises
    ------
    InputError
        ANALYSIS-201 no trade, times that go back, a length below 1 ns, more than 50 million bars.
    """
    import numpy as np

    times = np.ascontiguousarray(time_ns, np.int64)
    if len(times) == 0 or bar_ns < 1:
        raise InputError("ANALYSIS-201", f"{len(times)} trades, bars of {bar_ns} ns", "give at least one")
    back = np.flatnonzero(times[1:] < times[:-1])
    if len(back):
        at = int(back[0]) + 1
        what = f"trade {at} is of {times[at]}, the one before of {times[at - 1]}"
        raise InputError("ANALYSIS-201", what, "sort the trades by time")
    first, last = int(times[0]) // bar_ns, int(times[-1]) // bar_ns
    if last - first >= MOST_CELLS:
        what = f"{last - first + 1:,} bars of {bar_ns} ns, at most {MOST_CELLS:,}"
        raise InputError("ANALYSIS-201", what, "take longer bars, or fewer days")
    opens = np.arange(first, last + 1, dtype=np.int64) * bar_ns
    return opens, np.append(np.searchsorted(times, opens), len(times))


def footprint(
    prices_ticks: Any, lots: Any, buyer_is_maker: Any, starts: Any, row_ticks: int = 1
) -> Footprint:
    """Delta and footprint cells of bars.

    Parameters
    ----------
    prices_ticks, lots
        int64, one a trade.
    buyer_is_maker
        True where a seller hit the bid.
    starts
        Index of the first trade of each bar, and the end of the last: :func:`bars_of_time`, or any other cut.
    row_ticks
        Ticks of a price row.

    Raises
    ------
    InputError
        ANALYSIS-201 lengths that differ, a negative volume, bars out of order; ANALYSIS-202 too many cells.
    """
    import numpy as np

    prices, volumes, maker = _trades(prices_ticks, lots, buyer_is_maker)
    cuts = _cuts(starts, len(prices))
    if row_ticks < 1:
        raise InputError("ANALYSIS-202", f"a row of {row_ticks} ticks", "a row has at least one tick")
    bars, rows = len(cuts) - 1, np.empty(len(prices), np.int64)
    bought, sold, lows, highs = (np.zeros(bars, np.int64) for _ in range(4))
    bar_sums.compiled(rows, prices, volumes, maker, row_ticks, cuts, bought, sold, lows, highs)
    offsets = np.zeros(bars + 1, np.int64)
    check_cells(int((highs.astype(np.float64) - lows + 1).sum()), row_ticks)
    np.cumsum(highs - lows + 1, out=offsets[1:])
    bid, ask = np.zeros(offsets[-1], np.int64), np.zeros(offsets[-1], np.int64)
    fill_cells.compiled(rows, volumes, maker, cuts, lows, offsets, bid, ask)
    return Footprint(row_ticks, bought, sold, low_rows=lows, offsets=offsets, bid_lots=bid, ask_lots=ask)


def imbalances(
    cells: Footprint, ratio8: int = RATIO8, least_lots: int = 1, stack_rows: int = STACK_ROWS
) -> Imbalances:
    """Diagonal imbalances of a footprint, and the stacks of them.

    Parameters
    ----------
    ratio8
        How many times the volume across the diagonal is an imbalance, at 1e-8.
    least_lots
        An imbalance has at least so many lots; across nothing, they are all it needs.
    stack_rows
        Marked rows, one above the other, that make a stack.

    Raises
    ------
    InputError
        ANALYSIS-203 a ratio, a volume or a stack below 1.
    """
    import numpy as np

    check_terms(ratio8, least_lots, stack_rows)
    count = len(cells.bid_lots)
    buys, sells = np.zeros(count, np.int8), np.zeros(count, np.int8)
    mark_imbalances.compiled(cells.bid_lots, cells.ask_lots, cells.offsets, ratio8, least_lots, buys, sells)
    found: list[Stack] = []
    for is_buy, marks in ((True, buys), (False, sells)):
        firsts, ends = (np.zeros(count // stack_rows + 1, np.int64) for _ in range(2))
        number = int(find_stacks.compiled(marks, cells.offsets, stack_rows, firsts, ends))
        bars = np.searchsorted(cells.offsets, firsts[:number], side="right") - 1
        low = cells.low_rows[bars] + firsts[:number] - cells.offsets[bars]
        high = low + ends[:number] - firsts[:number] - 1
        columns = (bars.tolist(), [is_buy] * number, low.tolist(), high.tolist())
        found += [Stack(*row) for row in zip(*columns, strict=True)]
    return Imbalances(buys, sells, tuple(sorted(found, key=lambda one: (one.bar, not one.is_buy))))


def divergences(highs_ticks: Any, lows_ticks: Any, cvd_lots: Any, window: int = 20) -> np.ndarray[Any, Any]:
    """Bars whose price made a new extreme that the CVD did not confirm: 1 bullish, -1 bearish, else 0.

    Raises
    ------
    InputError
        ANALYSIS-204 lengths that differ, or a window below 1 bar.
    """
    import numpy as np

    columns = [np.ascontiguousarray(column, np.int64) for column in (highs_ticks, lows_ticks, cvd_lots)]
    lengths = [len(column) for column in columns]
    if len(set(lengths)) > 1 or window < 1:
        what = f"highs, lows and CVD of {lengths} bars, a window of {window}"
        raise InputError("ANALYSIS-204", what, "give as many of each, and a window of 1 bar or more")
    signs = np.zeros(lengths[0], np.int8)
    mark_divergences.compiled(*columns, window, signs)
    return signs


def _trades(prices: Any, lots: Any, maker: Any) -> tuple[Any, Any, Any]:
    import numpy as np

    prices, lots = np.ascontiguousarray(prices, np.int64), np.ascontiguousarray(lots, np.int64)
    maker = np.ascontiguousarray(maker, np.bool_)
    if not len(prices) == len(lots) == len(maker):
        what = f"{len(prices)} prices, {len(lots)} volumes, {len(maker)} makers"
        raise InputError("ANALYSIS-201", what, "give as many of each")
    if bool((lots < 0).any()):
        what = f"trade {int(np.argmax(lots < 0))}: a negative volume"
        raise InputError("ANALYSIS-201", what, "check the data first")
    if float(lots.sum(dtype=np.float64)) > INT64_MAX // 2:
        what = f"{lots.sum(dtype=np.float64):.3g} lots in all, at most {INT64_MAX // 2:.3g}"
        raise InputError("ANALYSIS-201", what, "check the data first")
    return prices, lots, maker


def _cuts(starts: Any, count: int) -> Any:
    import numpy as np

    cuts = np.ascontiguousarray(starts, np.int64)
    if len(cuts) < 2 or cuts[0] < 0 or cuts[-1] > count or bool((cuts[1:] < cuts[:-1]).any()):
        what = f"{len(cuts)} places where bars begin and end among {count} trades, out of order or outside"
        raise InputError("ANALYSIS-201", what, "give them in order, from 0 to the number of trades")
    return cuts


def check_cells(count: int, row_ticks: int) -> None:
    """Refuse more cells than :data:`MOST_CELLS`: ANALYSIS-202."""
    if count > MOST_CELLS:
        what = f"{count:,} cells with rows of {row_ticks} ticks, at most {MOST_CELLS:,}"
        raise InputError("ANALYSIS-202", what, "take wider rows, or check for a price far off")


def check_terms(ratio8: int, least_lots: int, stack_rows: int) -> None:
    """Refuse terms of an imbalance below 1: ANALYSIS-203."""
    if min(ratio8, least_lots, stack_rows) < 1:
        what = f"a ratio of {ratio8} at 1e-8, {least_lots} lots, stacks of {stack_rows} rows"
        raise InputError("ANALYSIS-203", what, "give at least 1 of each")
