"""Bars and funding of several contracts as one feed, in the order of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lotwise.errors import InputError
from lotwise.kernel.layout import dtype_of
from lotwise.kernel.portfolio_rows import FeedRow
from lotwise.kernel.tape import BarRow
from lotwise.market.replay import Feed, bar_rows
from lotwise.strategy.api import Columns

if TYPE_CHECKING:
    import numpy as np

    from lotwise.contracts.contract import Contract

    Rows = np.ndarray[Any, Any]


def feed_of(feeds: Sequence[Feed], step_ns: int, off_tick: str = "refuse", off_lot: str = "refuse") -> Rows:
    """The bars of all feeds, by time, at one time in the order of the feeds.

    Raises
    ------
    InputError
        BACKTEST-101 no bars at all, and what :func:`lotwise.market.replay.bar_rows` refuses.
    """
    parts = [bar_rows(feed, step_ns, off_tick=off_tick, off_lot=off_lot) for feed in feeds]
    return merged(parts)


def merged(parts: Sequence[Rows]) -> Rows:
    """Rows of several contracts as one feed; contract ``c`` is the c-th part.

    Raises
    ------
    InputError
        BACKTEST-101.
    """
    import numpy as np

    count = sum(len(part) for part in parts)
    if count == 0:
        raise InputError("BACKTEST-101", "there is no bar to play", "name a span that the store holds")
    rows = np.zeros(count, dtype_of(FeedRow))
    at = 0
    for c, part in enumerate(parts):
        there = rows[at : at + len(part)]
        for name in BarRow.__slots__:
            there[name] = part[name]
        there["contract"] = c
        at += len(part)
    return rows[np.lexsort((rows["contract"], rows["time_ns"]))]


def columns_of(contracts: Sequence[Contract], feed: Rows) -> list[tuple[Columns, Rows]]:
    """The bars of each contract as columns, and the feed's rows that they are; the feed is read once."""
    import numpy as np

    count = len(contracts)
    numbers = np.clip(feed["contract"], -1, count)
    order = np.argsort(numbers, kind="stable")
    ends = np.searchsorted(numbers[order], np.arange(count + 1))
    names = ("time_ns", "open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots")
    columns = [feed[name][order] for name in names]
    return [
        (Columns(contract, *(column[start:end] for column in columns)), order[start:end])
        for contract, start, end in zip(contracts, ends[:-1], ends[1:], strict=True)
    ]
