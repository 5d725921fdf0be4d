"""What a series lacks: stretches that are held, and those still to be asked for; nothing is asked here.

A stretch counts times in nanoseconds, or ids of trades: both are whole numbers in one order.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

from lotwise.market.store import DAY_NS

if TYPE_CHECKING:
    import polars as pl

    from lotwise.market.store import Series, Store

END: Final = 2**63 - 1
"""Later than any time and any id."""


class Span(NamedTuple):
    """From ``start`` on and before ``end``."""

    start: int
    end: int


def runs(values: pl.Series, step: int) -> list[Span]:
    """Stretches of values at most ``step`` apart; each ends one step after its last value.

    >>> import polars as pl
    >>> runs(pl.Series([7, 1, 2, 3, 3]), 1)
    [Span(start=1, end=4), Span(start=7, end=8)]
    """
    import polars as pl

    ordered = values.unique().sort()
    if ordered.is_empty():
        return []
    breaks = (ordered.diff() > step).fill_null(True)
    firsts = ordered.filter(breaks)
    lasts = pl.concat([ordered.shift(1).filter(breaks).slice(1), ordered.tail(1)])
    return [Span(first, last + step) for first, last in zip(firsts, lasts, strict=True)]


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same stretches in order; those that touch or overlap are one.

    >>> merged([Span(5, 8), Span(0, 2), Span(2, 3), Span(6, 7)])
    [Span(start=0, end=3), Span(start=5, end=8)]
    """
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


def lacking(wanted: Span, held: Iterable[Span]) -> list[Span]:
    """What of ``wanted`` is in none of the held stretches.

    >>> lacking(Span(0, 10), [Span(2, 3), Span(5, 20)])
    [Span(start=0, end=2), Span(start=3, end=5)]
    """
    found, at = [], wanted.start
    for span in merged(held):
        if min(span.start, wanted.end) > at:
            found.append(Span(at, min(span.start, wanted.end)))
        at = max(at, span.end)
    if at < wanted.end:
        found.append(Span(at, wanted.end))
    return found


def between(held: Iterable[Span]) -> list[Span]:
    """The gaps inside: after one held stretch and before the next.

    >>> between([Span(5, 8), Span(0, 2)])
    [Span(start=2, end=5)]
    """
    whole = merged(held)
    return [Span(left.end, right.start) for left, right in itertools.pairwise(whole)]


def uneven(times: Sequence[int], slack: int) -> list[Span]:
    """Gaps of a series whose interval may change: a step wider than both steps beside it.

    Funding is paid every 8, 4 or 1 hours, and the venue changes which. A change is a step equal to the one
    on one of its sides; a missing payment makes a step wider than both. At an end there is one side only.

    Parameters
    ----------
    times
        In order, each once.
    slack
        Steps that differ by less are equal: venues stamp some ms late.

    >>> uneven([0, 8, 16, 32, 40, 44, 48], 1)
    [Span(start=17, end=32)]
    """
    steps = [right - left for left, right in itertools.pairwise(times)]
    found = []
    for at, step in enumerate(steps):
        beside = steps[max(at - 1, 0) : at] + steps[at + 1 : at + 2]
        if beside and all(step - one >= slack for one in beside):
            found.append(Span(times[at] + 1, times[at + 1]))
    return found


def held(store: Store, series: Series, column: str, step: int, within: Span) -> list[Span]:
    """Stretches of ``column`` that the store holds of rows whose time is ``within``, read day by day."""
    import polars as pl

    found: list[Span] = []
    for day in store.days(series):
        start = (day.day - date(1970, 1, 1)).days * DAY_NS
        if start < within.end and start + DAY_NS > within.start:
            rows = pl.scan_parquet(day.path).filter(
                pl.col("time_ns").is_between(within.start, within.end, closed="left")
            )
            found += runs(rows.select(column).collect().to_series(), step)
    return merged(found)
