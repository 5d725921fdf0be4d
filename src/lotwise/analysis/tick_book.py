"""A book through its changes: best prices and depth after each message, as arrays or as it happens.

The book is a dense window of price rows, one a tick. :func:`depth_series` plays all changes of a day, and
:class:`TickBook` takes one message at a time and finds the same. Neither checks the ids of the messages: that
is a rebuild's work, and comes before.
"""

from __future__ import annotations

from collections.abc import Iterable, MutableSequence, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lotwise.analysis.depth import BP, Book, book, check_bp, imbalance8
from lotwise.errors import InputError
from lotwise.rule import rule

if TYPE_CHECKING:
    import numpy as np

MOST_ROWS: Final = 20_000_000
"""Price rows of a book: above it a price is surely wrong."""

Lots = MutableSequence[int]


@rule
def set_level(side_lots: Lots, row: int, lots: int, best: int, is_bid: bool) -> int:
    """Write what rests in a row of one side; the best row of that side after it (-1: the side is empty)."""
    side_lots[row] = lots
    if lots > 0:
        if best < 0:
            return row
        return max(best, row) if is_bid else min(best, row)
    if row != best:
        return best
    step = -1 if is_bid else 1
    while 0 <= row < len(side_lots) and side_lots[row] == 0:
        row += step
    return row if 0 <= row < len(side_lots) else -1


@rule
def within(
    side_lots: Sequence[int], base_ticks: int, best: int, mid2_ticks: int, bp: int, is_bid: bool
) -> int:
    """Lots of one side whose price is at most so many basis points from the mid (given twice)."""
    found, row = 0, best
    while 0 <= row < len(side_lots):
        off2 = mid2_ticks - 2 * (base_ticks + row) if is_bid else 2 * (base_ticks + row) - mid2_ticks
        if off2 * BP > mid2_ticks * bp:
            break
        found += side_lots[row]
        row += -1 if is_bid else 1
    return found


@rule
def follow_book(
    snapshot: Sequence[bool],
    is_bid: Sequence[bool],
    rows: Sequence[int],
    lots: Sequence[int],
    starts: Sequence[int],
    bids: Lots,
    asks: Lots,
    base_ticks: int,
    bp: int,
    told: Sequence[Lots],
) -> int:
    """Play messages into a book; after each, best bid and ask row, and lots within bp. Rows left out.

    Message ``m`` is rows ``starts[m]`` to ``starts[m + 1]``; one that is a snapshot empties the book first.
    ``told`` is four columns: best bid row, best ask row (-1: none), bid and ask lots within bp of the mid.
    """
    bid, ask, outside = -1, -1, 0
    for m in range(len(starts) - 1):
        if snapshot[starts[m]]:
            for row in range(len(bids)):
                bids[row], asks[row] = 0, 0
            bid, ask = -1, -1
        for i in range(starts[m], starts[m + 1]):
            if rows[i] < 0 or rows[i] >= len(bids):
                outside += 1
            elif is_bid[i]:
                bid = set_level(bids, rows[i], lots[i], best=bid, is_bid=True)
            else:
                ask = set_level(asks, rows[i], lots[i], best=ask, is_bid=False)
        told[0][m], told[1][m] = bid, ask
        if bid >= 0 and ask >= 0:
            mid2 = 2 * base_ticks + bid + ask
            told[2][m] = within(bids, base_ticks, best=bid, mid2_ticks=mid2, bp=bp, is_bid=True)
            told[3][m] = within(asks, base_ticks, best=ask, mid2_ticks=mid2, bp=bp, is_bid=False)
    return outside


class DepthSeries(NamedTuple):
    """Both sides after each message."""

    time_ns: np.ndarray[Any, Any]
    best_bid_ticks: np.ndarray[Any, Any]
    """0 where nothing is bid."""
    best_ask_ticks: np.ndarray[Any, Any]
    """0 where nothing is asked."""
    bid_lots: np.ndarray[Any, Any]
    """Within so many basis points of the mid; 0 where a side is empty."""
    ask_lots: np.ndarray[Any, Any]
    outside: int
    """Rows at prices outside the window that were left out."""

    @property
    def spread_ticks(self) -> np.ndarray[Any, Any]:
        """Best ask less best bid; 0 or less is a crossed book. Without meaning where a side is empty."""
        spread: np.ndarray[Any, Any] = self.best_ask_ticks - self.best_bid_ticks
        return spread

    @property
    def imbalance8(self) -> np.ndarray[Any, Any]:
        """(bid - ask) / (bid + ask) of the lots, at 1e-8, toward zero."""
        import numpy as np

        pairs = zip(self.bid_lots.tolist(), self.ask_lots.tolist(), strict=True)
        return np.array([imbalance8(bid, ask) for bid, ask in pairs], np.int64)


class Changes(NamedTuple):
    """Rows of an order book's changes, one a level, in their order: what rests there now."""

    time_ns: Any
    message: Any
    """A number that the rows of one message share: the venue's last id."""
    snapshot: Any
    is_bid: Any
    prices_ticks: Any
    lots: Any

    def checked(self) -> Changes:
        """The same as contiguous arrays.

        Raises
        ------
        InputError
            ANALYSIS-254 no row, lengths that differ, negative lots, a price below 1.
        """
        import numpy as np

        kinds = (np.int64, np.int64, np.bool_, np.bool_, np.int64, np.int64)
        made = Changes(
            *(np.ascontiguousarray(column, kind) for column, kind in zip(self, kinds, strict=True))
        )
        lengths = [len(column) for column in made]
        if len(set(lengths)) > 1 or not lengths[0]:
            raise InputError(
                "ANALYSIS-254", f"columns of {lengths} rows", "give as many of each, at least one"
            )
        wrong = (made.lots < 0) | (made.prices_ticks < 1)
        if bool(wrong.any()):
            at = int(np.argmax(wrong))
            what = f"row {at}: {made.lots[at]} lots at {made.prices_ticks[at]} ticks"
            raise InputError("ANALYSIS-254", what, "lots are 0 or more, a price is 1 tick or more")
        return made

    def starts(self) -> np.ndarray[Any, Any]:
        """Where each message begins, and the end of the last."""
        import numpy as np

        other = (self.message[1:] != self.message[:-1]) | (self.snapshot[1:] != self.snapshot[:-1])
        return np.concatenate([[0], np.flatnonzero(other) + 1, [len(self.message)]]).astype(np.int64)


def depth_series(
    changes: Changes, bp: int = 10, base_ticks: int | None = None, rows: int | None = None
) -> DepthSeries:
    """Play a book's changes; best prices and the lots within ``bp`` basis points after each message.

    The book is a window of price rows from ``base_ticks`` on; without one it spans all prices given.

    Raises
    ------
    InputError
        ANALYSIS-254 (see :class:`Changes`); ANALYSIS-255 a window without a row or with too many, bp below 0.
    """
    import numpy as np

    check_bp(bp)
    changes = changes.checked()
    base = int(changes.prices_ticks.min()) if base_ticks is None else base_ticks
    count = int(changes.prices_ticks.max()) - base + 1 if rows is None else rows
    check_window(count)
    starts = changes.starts()
    bids, asks = np.zeros(count, np.int64), np.zeros(count, np.int64)
    told = np.zeros((4, len(starts) - 1), np.int64)
    outside = follow_book.compiled(
        changes.snapshot,
        changes.is_bid,
        changes.prices_ticks - base,
        changes.lots,
        starts,
        bids,
        asks,
        base,
        bp,
        tuple(told),
    )
    best = np.where(told[:2] >= 0, told[:2] + base, 0)
    return DepthSeries(changes.time_ns[starts[:-1]], best[0], best[1], told[2], told[3], int(outside))


class Touch(NamedTuple):
    """Both sides of a :class:`TickBook` after a message: a row of :class:`DepthSeries`."""

    best_bid_ticks: int
    best_ask_ticks: int
    bid_lots: int
    ask_lots: int


class TickBook:
    """A book as rows of ticks, one message at a time: as much memory at the end as at the beginning.

    It believes what it is told. Prices outside its window are counted in ``outside`` and left out.

    Raises
    ------
    InputError
        ANALYSIS-255 a window without a row or with too many, bp below 0.
    """

    def __init__(self, base_ticks: int, rows: int, bp: int = 10) -> None:
        check_window(rows)
        check_bp(bp)
        self.base_ticks, self.bp, self.outside = base_ticks, bp, 0
        self.bids, self.asks = [0] * rows, [0] * rows
        self._bid = self._ask = -1

    def update(self, levels: Iterable[tuple[bool, int, int]], snapshot: bool = False) -> Touch:
        """Take the levels of a message, each (is bid, price in ticks, lots there now); what is then best.

        Raises
        ------
        InputError
            ANALYSIS-254 negative lots, a price below 1; the book is as it was.
        """
        given = list(levels)
        for is_bid, price, lots in given:
            if lots < 0 or price < 1:
                what = f"{lots} lots {'bid' if is_bid else 'asked'} at {price} ticks"
                raise InputError("ANALYSIS-254", what, "lots are 0 or more, a price is 1 tick or more")
        if snapshot:
            self.bids, self.asks = [0] * len(self.bids), [0] * len(self.asks)
            self._bid = self._ask = -1
        for is_bid, price, lots in given:
            row = price - self.base_ticks
            if not 0 <= row < len(self.bids):
                self.outside += 1
            elif is_bid:
                self._bid = set_level(self.bids, row, lots, best=self._bid, is_bid=True)
            else:
                self._ask = set_level(self.asks, row, lots, best=self._ask, is_bid=False)
        return self.touch()

    def touch(self) -> Touch:
        """The best prices (0: none) and the lots within bp of the mid, as they stand."""
        bid, ask, base = self._bid, self._ask, self.base_ticks
        near = [0, 0]
        if bid >= 0 and ask >= 0:
            mid2 = 2 * base + bid + ask
            near[0] = within(self.bids, base, best=bid, mid2_ticks=mid2, bp=self.bp, is_bid=True)
            near[1] = within(self.asks, base, best=ask, mid2_ticks=mid2, bp=self.bp, is_bid=False)
        best = [base + row if row >= 0 else 0 for row in (bid, ask)]
        return Touch(best[0], best[1], bid_lots=near[0], ask_lots=near[1])

    def levels(self) -> Book:
        """The book as it stands, for :func:`cost`. Raises ANALYSIS-251 where a side is empty."""
        sides = (
            [(self.base_ticks + row, lots) for row, lots in enumerate(side) if lots]
            for side in (self.bids, self.asks)
        )
        return book(*sides)


def check_window(rows: int) -> None:
    """Refuse a window without a row or with too many: ANALYSIS-255."""
    if not 1 <= rows <= MOST_ROWS:
        what = f"a book of {rows:,} price rows, at most {MOST_ROWS:,}"
        raise InputError("ANALYSIS-255", what, "give the window: base_ticks and rows around the price")
