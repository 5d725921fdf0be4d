"""Volume profiles by day or session: many at once, several as one, and as they grow.

All days of a history are one compiled pass. Each day has rows of its own size, so that a quiet day and a wild
one both have some hundreds; days that are to be put together need one size for all.

Source: as :mod:`lotwise.analysis.profile`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lotwise.analysis.profile import (
    MOST_ROWS,
    VALUE_AREA8,
    Profile,
    Rows,
    of_bars,
    point_of_control,
    value_area,
)
from lotwise.errors import InputError
from lotwise.rule import rule

if TYPE_CHECKING:
    import numpy as np

DAY_NS: Final = 86_400_000_000_000


@rule
def day_ranges(
    starts: Sequence[int], lows_ticks: Sequence[int], highs_ticks: Sequence[int], lows: Rows, highs: Rows
) -> int:
    """Lowest and highest price of each day. The first bar whose high is below its low, else -1."""
    for day in range(len(starts) - 1):
        first = starts[day]
        low, high = lows_ticks[first], highs_ticks[first]
        for i in range(first, starts[day + 1]):
            if highs_ticks[i] < lows_ticks[i]:
                return i
            low, high = min(low, lows_ticks[i]), max(high, highs_ticks[i])
        lows[day], highs[day] = low, high
    return -1


@rule
def add_days(
    starts: Sequence[int],
    lows_ticks: Sequence[int],
    highs_ticks: Sequence[int],
    lots: Sequence[int],
    bases_ticks: Sequence[int],
    row_ticks: Sequence[int],
    offsets: Sequence[int],
    rows: Rows,
) -> None:
    """Spread each day's bars over its rows, as :func:`lotwise.analysis.profile.add_bars` does.

    A day's rows begin at its offset; before the next day's there is one place more, which ends as 0.
    """
    for day in range(len(starts) - 1):
        base, row, begin = bases_ticks[day], row_ticks[day], offsets[day]
        for i in range(starts[day], starts[day + 1]):
            first = (lows_ticks[i] - base) // row
            count = (highs_ticks[i] - base) // row - first + 1
            each = lots[i] // count
            at = begin + first
            rows[at] += each + 1
            rows[at + count] -= each
            rows[at + lots[i] - each * count] -= 1
        total = 0
        for i in range(begin, offsets[day + 1]):
            total += rows[i]
            rows[i] = total


@rule
def close_days(
    rows: Sequence[int], offsets: Sequence[int], share8: int, controls: Rows, lows: Rows, highs: Rows
) -> None:
    """Point of control and value area of each day; -1 where a day has no volume."""
    for day in range(len(offsets) - 1):
        held = rows[offsets[day] : offsets[day + 1] - 1]
        control = point_of_control(held)
        controls[day], lows[day], highs[day] = control, -1, -1
        if control >= 0:
            lows[day], highs[day] = value_area(held, control, share8)


@rule
def develop(
    rows: Rows,
    prices_ticks: Sequence[int],
    lots: Sequence[int],
    base_ticks: int,
    row_ticks: int,
    ends: Sequence[int],
    share8: int,
    controls: Rows,
    lows: Rows,
    highs: Rows,
) -> None:
    """Add trades; at each end, point of control and value area of what traded so far, of its range alone.

    Nothing that comes later has a say: rows that no trade has reached do not count, not even for the middle.
    """
    low, high, i = len(rows), -1, 0
    for at in range(len(ends)):
        while i < ends[at]:
            row = (prices_ticks[i] - base_ticks) // row_ticks
            rows[row] += lots[i]
            low, high, i = min(low, row), max(high, row), i + 1
        controls[at], lows[at], highs[at] = -1, -1, -1
        if high >= 0:
            held = rows[low : high + 1]
            control = point_of_control(held)
            if control >= 0:
                first, last = value_area(held, control, share8)
                controls[at], lows[at], highs[at] = low + control, low + first, low + last


@dataclass(frozen=True)
class Days:
    """The profiles of days, one after the other."""

    open_ns: np.ndarray[Any, Any]
    base_ticks: np.ndarray[Any, Any]
    """Lowest price of each day's row 0."""
    row_ticks: np.ndarray[Any, Any]
    """Ticks of a row, by day."""
    offsets: np.ndarray[Any, Any]
    """Rows of day ``i`` are ``offsets[i]`` to ``offsets[i + 1] - 1``; the place left over is 0."""
    lots: np.ndarray[Any, Any]
    """int64: volume of the rows of all days."""
    controls: np.ndarray[Any, Any]
    """Row of the point of control of each day; -1 without volume. So also the value area's rows."""
    value_lows: np.ndarray[Any, Any]
    value_highs: np.ndarray[Any, Any]
    share8: int = VALUE_AREA8

    def __len__(self) -> int:
        return len(self.open_ns)

    def __getitem__(self, day: int) -> Profile:
        """The profile of one day; a view, nothing is copied."""
        day = range(len(self))[day]
        return Profile(
            base_ticks=int(self.base_ticks[day]),
            row_ticks=int(self.row_ticks[day]),
            lots=self.lots[self.offsets[day] : self.offsets[day + 1] - 1],
            control=int(self.controls[day]),
            value_low=int(self.value_lows[day]),
            value_high=int(self.value_highs[day]),
        )

    def __iter__(self) -> Iterator[Profile]:
        return (self[day] for day in range(len(self)))


def session_starts(time_ns: Any, session_ns: int = DAY_NS, offset_ns: int = 0) -> tuple[Any, Any]:
    """Cut sorted rows into sessions of one length; those without a row are left out.

    Parameters
    ----------
    offset_ns
        How long after midnight UTC (or after any whole number of sessions) a session opens.

    Returns
    -------
    tuple
        When each session opens, and the index of its first row with one more for the end of the last.

    Raises
    ------
    InputError
        ANALYSIS-101 no row, times that go back, a session below 1 ns.
    """
    import numpy as np

    times = np.ascontiguousarray(time_ns, np.int64)
    if len(times) == 0 or session_ns < 1:
        what = f"{len(times)} rows, sessions of {session_ns} ns"
        raise InputError("ANALYSIS-101", what, "give at least 1")
    if bool((times[1:] < times[:-1]).any()):
        at = int(np.argmax(times[1:] < times[:-1])) + 1
        raise InputError("ANALYSIS-101", f"row {at} is earlier than the one before it", "sort by time")
    opens, starts = [], []
    at = 0
    while at < len(times):
        opened = (int(times[at]) - offset_ns) // session_ns * session_ns + offset_ns
        opens.append(opened)
        starts.append(at)
        at = int(np.searchsorted(times, opened + session_ns))
    return np.array(opens, np.int64), np.array([*starts, len(times)], np.int64)


def of_days(
    open_ns: Any,
    starts: Any,
    lows_ticks: Any,
    highs_ticks: Any,
    lots: Any,
    *,
    row_ticks: Any = None,
    rows: int = 400,
    share8: int = VALUE_AREA8,
) -> Days:
    """The profile of every day, from bars; from trades exactly, with their prices as lows and as highs.

    Parameters
    ----------
    open_ns, starts
        As :func:`session_starts` cuts them.
    row_ticks
        Ticks of a row: one number for all days, or one a day. Without it each day has at most ``rows`` rows.

    Raises
    ------
    InputError
        ANALYSIS-101 columns that do not fit, a high below its low, a negative volume; ANALYSIS-102 rows.
    """
    import numpy as np

    low, high, lot = (np.ascontiguousarray(column, np.int64) for column in (lows_ticks, highs_ticks, lots))
    opens, cuts = np.ascontiguousarray(open_ns, np.int64), np.ascontiguousarray(starts, np.int64)
    _check_days(opens, cuts, lengths=(len(low), len(high), len(lot)))
    if int(lot.min()) < 0:
        raise InputError(
            "ANALYSIS-101", f"row {int(np.argmin(lot))}: a negative volume", "check the data first"
        )
    days = len(opens)
    lowest, highest = np.zeros(days, np.int64), np.zeros(days, np.int64)
    wrong = int(day_ranges.compiled(cuts, low, high, lowest, highest))
    if wrong >= 0:
        what = f"bar {wrong}: the high {high[wrong]} is below the low {low[wrong]}"
        raise InputError("ANALYSIS-101", what, "check it")
    row = _row_sizes(row_ticks, rows, span=highest - lowest)
    base = lowest // row * row
    counts = (highest - base) // row + 1
    if int(counts.max()) > MOST_ROWS or float(counts.sum(dtype=np.float64)) > 10 * MOST_ROWS:
        what = f"a day of {int(counts.max()):,} rows, {counts.sum(dtype=np.float64):,.0f} in all"
        raise InputError("ANALYSIS-102", what, "make wider rows")
    offsets = np.append(0, np.cumsum(counts + 1))
    held, found = np.zeros(int(offsets[-1]), np.int64), np.zeros((3, days), np.int64)
    add_days.compiled(cuts, low, high, lot, base, row, offsets, held)
    close_days.compiled(held, offsets, share8, *found)
    return Days(opens, base, row, offsets, held, found[0], found[1], found[2], share8)


def composite(days: Iterable[Profile], share8: int = VALUE_AREA8) -> Profile:
    """Several profiles as one.

    Raises
    ------
    InputError
        ANALYSIS-101 no profile; ANALYSIS-102 rows of different sizes, or not cut at the same prices.
    """
    held = list(days)
    if not held:
        raise InputError("ANALYSIS-101", "no profile to put together", "give at least one")
    row = held[0].row_ticks
    for one in held:
        if one.row_ticks != row or one.base_ticks % row:
            what = f"rows of {row} ticks and of {one.row_ticks}, from {one.base_ticks}"
            raise InputError("ANALYSIS-102", what, "profile the days with one row_ticks")
    import numpy as np

    base = min(one.base_ticks for one in held)
    end = max(one.base_ticks + row * len(one.lots) for one in held)
    whole = of_bars([base], [end - 1], [0], row, share8)
    for one in held:
        first = (one.base_ticks - base) // row
        whole.lots[first : first + len(one.lots)] += one.lots
    control = int(point_of_control.compiled(whole.lots))
    low, high = value_area.compiled(whole.lots, control, share8) if control >= 0 else (-1, -1)
    return Profile(base, row, np.ascontiguousarray(whole.lots), control, int(low), int(high))


def rolling(days: Days, count: int, share8: int = VALUE_AREA8) -> list[Profile]:
    """The composite of each day with the ``count - 1`` before it; the first days have fewer.

    Raises
    ------
    InputError
        ANALYSIS-102 as :func:`composite`, or a count below 1.
    """
    if count < 1:
        raise InputError("ANALYSIS-102", f"a composite of {count} days", "take at least 1")
    held = list(days)
    return [composite(held[max(0, i + 1 - count) : i + 1], share8) for i in range(len(held))]


class Area(NamedTuple):
    """Point of control and value area as they stand, the lowest price of each row in ticks."""

    control_ticks: int
    low_ticks: int
    high_ticks: int


def developing(
    prices_ticks: Any, lots: Any, ends: Any, row_ticks: int = 1, share8: int = VALUE_AREA8
) -> list[Area | None]:
    """Point of control and value area after so many trades each; None while there is no volume.

    Raises
    ------
    InputError
        ANALYSIS-101 as :func:`lotwise.analysis.profile.of_trades`, or ends out of order; ANALYSIS-102.
    """
    import numpy as np

    whole = of_bars(prices_ticks, prices_ticks, lots, row_ticks, share8)
    prices, volumes = np.ascontiguousarray(prices_ticks, np.int64), np.ascontiguousarray(lots, np.int64)
    cuts = np.ascontiguousarray(ends, np.int64)
    if len(cuts) and (bool((np.diff(cuts) < 0).any()) or cuts[0] < 0 or cuts[-1] > len(prices)):
        what = f"{len(cuts)} ends among {len(prices)} trades, out of order or outside"
        raise InputError("ANALYSIS-101", what, "give them in order")
    found, base = np.zeros((3, len(cuts)), np.int64), whole.base_ticks
    room = np.zeros(len(whole.lots), np.int64)
    develop.compiled(room, prices, volumes, base, row_ticks, cuts, share8, *found)
    told = (base + found * row_ticks).T.tolist()
    return [Area(*at) if rows[0] >= 0 else None for at, rows in zip(told, found.T.tolist(), strict=True)]


@dataclass
class GrowingProfile:
    """A profile one trade at a time: holds one number for each row that has traded."""

    row_ticks: int = 1
    share8: int = VALUE_AREA8
    _rows: dict[int, int] = field(default_factory=dict)

    def update(self, price_ticks: int, lots: int) -> None:
        """Take a trade.

        Raises
        ------
        InputError
            ANALYSIS-101 a negative volume; ANALYSIS-102 a row below 1 tick, or too many rows.
        """
        if lots < 0:
            raise InputError("ANALYSIS-101", f"{lots} lots", "check the data first")
        if self.row_ticks < 1:
            raise InputError(
                "ANALYSIS-102", f"a row of {self.row_ticks} ticks", "a row has at least one tick"
            )
        row = price_ticks // self.row_ticks
        if self._rows and row not in self._rows:
            count = max(row, *self._rows) - min(row, *self._rows) + 1
            if count > MOST_ROWS:
                raise InputError("ANALYSIS-102", f"{count:,} rows, at most {MOST_ROWS:,}", "make wider rows")
        self._rows[row] = self._rows.get(row, 0) + lots

    def area(self) -> Area | None:
        """Point of control and value area as they stand; None while there is no volume."""
        low = min(self._rows, default=0)
        held = [self._rows.get(row, 0) for row in range(low, max(self._rows, default=-1) + 1)]
        control = point_of_control(held)
        if control < 0:
            return None
        first, last = value_area(held, control, self.share8)
        return Area(*((low + row) * self.row_ticks for row in (control, first, last)))


def _check_days(opens: Any, cuts: Any, lengths: tuple[int, int, int]) -> None:
    """Columns of one length, cut into days of at least one row each."""
    fits = len(set(lengths)) == 1 and len(cuts) == len(opens) + 1 >= 2
    if not fits or cuts[0] != 0 or cuts[-1] != lengths[0] or bool((cuts[1:] <= cuts[:-1]).any()):
        what = f"columns of {list(lengths)} rows, {len(opens)} days with {len(cuts)} cuts"
        raise InputError("ANALYSIS-101", what, "cut the rows with session_starts")


def _row_sizes(row_ticks: Any, rows: int, span: Any) -> Any:
    """Ticks of a row by day."""
    import numpy as np

    if row_ticks is None:
        if rows < 2:
            raise InputError("ANALYSIS-102", f"{rows} rows a day", "take at least 2")
        return span // (rows - 1) + 1  # a row begins at a whole multiple: one more may be touched
    sizes = np.ascontiguousarray(np.broadcast_to(np.asarray(row_ticks, np.int64), span.shape))
    if int(sizes.min()) < 1:
        raise InputError("ANALYSIS-102", f"a row of {int(sizes.min())} ticks", "a row has at least one tick")
    return sizes
