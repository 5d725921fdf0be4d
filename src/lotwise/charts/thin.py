"""Many points made few without a change of what is seen.

Bars are put together by whole slots of time: first open, highest high, lowest low, last close, all the
volume. A line keeps the first, the lowest, the highest and the last point of each pixel column, which paints
the same pixels (U. Jugel et al., "M4: A Visualization-Oriented Time Series Data Aggregation", VLDB 2014).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from lotwise.charts.reading import one_of, rising_times, same_length, whole_numbers
from lotwise.charts.svg import num
from lotwise.charts.times import DAY, HOUR, MINUTE, SECOND
from lotwise.errors import InputError

LENGTHS: Final = (
    *(n * SECOND for n in (1, 2, 5, 10, 15, 30)),
    *(n * MINUTE for n in (1, 2, 3, 5, 10, 15, 20, 30)),
    *(n * HOUR for n in (1, 2, 3, 4, 6, 8, 12)),
    DAY,
)
"""Lengths that traders know a bar by."""


@dataclass(frozen=True)
class Bars:
    """Bars of a market: whole ticks, whole lots, nanoseconds since 1970 UTC; lists or arrays of one length.

    Parameters
    ----------
    time_ns
        Where each bar begins.
    lots
        Volume, or None.
    bar_ns
        Length of a bar; None: the smallest distance between two of them.
    """

    time_ns: Any
    open_ticks: Any
    high_ticks: Any
    low_ticks: Any
    close_ticks: Any
    lots: Any = None
    bar_ns: int | None = None


@dataclass(frozen=True)
class Drawn:
    """Bars as they are drawn, each of ``slots`` bars of ``bar_ns``."""

    time_ns: list[int]
    open_ticks: list[int]
    high_ticks: list[int]
    low_ticks: list[int]
    close_ticks: list[int]
    lots: list[int]
    bar_ns: int
    slots: int = 1

    @property
    def length_ns(self) -> int:
        """Time that one drawn bar stands for."""
        return self.bar_ns * self.slots


def read_bars(bars: Bars) -> Drawn:
    """The bars as plain lists, checked.

    Raises
    ------
    InputError
        CHART-101 lengths; CHART-102 no whole numbers; CHART-105 a bar whose high or low does not hold its
        open and close, a negative volume, a length that is not positive; CHART-106 times that do not
        rise; CHART-118 no Bars.
    """
    times = rising_times(one_of(bars, Bars, "bars").time_ns, "time_ns")
    opens, highs, lows, closes = (
        whole_numbers(values, name)
        for values, name in (
            (bars.open_ticks, "open_ticks"),
            (bars.high_ticks, "high_ticks"),
            (bars.low_ticks, "low_ticks"),
            (bars.close_ticks, "close_ticks"),
        )
    )
    lots = [] if bars.lots is None else whole_numbers(bars.lots, "lots")
    same_length(time_ns=times, open_ticks=opens, high_ticks=highs, low_ticks=lows, close_ticks=closes)
    if bars.lots is not None:
        same_length(time_ns=times, lots=lots)
    for i, (first, high, low, last) in enumerate(zip(opens, highs, lows, closes, strict=True)):
        if not low <= min(first, last) <= max(first, last) <= high:
            raise InputError(
                "CHART-105",
                f"bar {i}: open {first}, high {high}, low {low}, close {last}",
                "the low is the least of the four and the high the most",
            )
    for i, volume in enumerate(lots):
        if volume < 0:
            raise InputError("CHART-105", f"bar {i}: a volume of {volume}", "check the data first")
    bar_ns = bars.bar_ns
    if bar_ns is None:
        bar_ns = min((b - a for a, b in pairwise(times)), default=MINUTE)
    if type(bar_ns) is not int or bar_ns < 1:
        raise InputError("CHART-105", f"a bar of {bar_ns} ns", "give its length in nanoseconds")
    return Drawn(times, opens, highs, lows, closes, lots, bar_ns)


def _round_length(least_ns: int, bar_ns: int) -> int:
    """The shortest round length (whole days above a day) that is long enough and a multiple of a bar."""
    days = -(-least_ns // DAY) * DAY
    return next((ns for ns in (*LENGTHS, days) if ns >= least_ns and ns % bar_ns == 0), least_ns)


def thin_bars(bars: Drawn, columns: int) -> Drawn:
    """The bars in about so many groups of one length, each group one bar; fewer where a round length does.

    Groups begin at multiples of their length since 1970 UTC, as a venue's own longer bars do: the first and
    the last may hold fewer bars. Groups without a bar are left out.
    """
    times = bars.time_ns
    if not times:
        return bars
    slots = (times[-1] - times[0]) // bars.bar_ns + 1
    if slots <= columns:
        return bars
    length = _round_length(-(-slots // max(1, columns)) * bars.bar_ns, bars.bar_ns)
    starts: list[int] = []
    groups: int | None = None
    for i, time in enumerate(times):
        group = time // length
        if group != groups:
            starts.append(i)
            groups = group
    ends = [*starts[1:], len(times)]
    rows = list(zip(starts, ends, strict=True))
    return Drawn(
        [times[a] // length * length for a in starts],
        [bars.open_ticks[a] for a in starts],
        [max(bars.high_ticks[a:b]) for a, b in rows],
        [min(bars.low_ticks[a:b]) for a, b in rows],
        [bars.close_ticks[b - 1] for b in ends],
        [sum(bars.lots[a:b]) for a, b in rows] if bars.lots else [],
        bars.bar_ns,
        slots=length // bars.bar_ns,
    )


Point = tuple[float, float]


def thin_line(points: Sequence[Point]) -> list[Point]:
    """Of each pixel column the first, lowest, highest and last point, in their order; x must not fall."""
    if len(points) < 5:
        return list(points)
    found: list[Point] = []
    start = 0
    for i in range(1, len(points) + 1):
        if i < len(points) and math.floor(points[i][0]) == math.floor(points[start][0]):
            continue
        column = range(start, i)
        low = min(column, key=lambda k: points[k][1])
        high = max(column, key=lambda k: points[k][1])
        found.extend(points[k] for k in sorted({start, low, high, i - 1}))
        start = i
    return found


def pieces(
    xs: Iterable[float], ys: Iterable[float], at_x: Callable[[float], float], at_y: Callable[[float], float]
) -> list[list[Point]]:
    """A line in pixels, cut where a value is NaN."""
    found: list[list[Point]] = [[]]
    for x, y in zip(xs, ys, strict=True):
        if math.isnan(y):
            if found[-1]:
                found.append([])
            continue
        found[-1].append((at_x(x), at_y(y)))
    return [thin_line(piece) for piece in found if piece]


def line_path(found: Sequence[Sequence[Point]]) -> str:
    """Path through the points of each piece; a lone point becomes a dash of two pixels."""
    words: list[str] = []
    for piece in found:
        words.append("M" + " ".join(f"{num(x)} {num(y)}" for x, y in piece))
        if len(piece) == 1:
            x, y = piece[0]
            words[-1] = f"M{num(x - 1)} {num(y)}h2"
    return "".join(words)


def area_path(found: Sequence[Sequence[Point]], base: float) -> str:
    """Path of the area between each piece and a base line."""
    words: list[str] = []
    for piece in found:
        inside = " ".join(f"{num(x)} {num(y)}" for x, y in piece)
        words.append(f"M{num(piece[0][0])} {num(base)}L{inside}V{num(base)}z")
    return "".join(words)


def step_points(points: Sequence[Point]) -> list[Point]:
    """The points of a line that keeps its height until the next one."""
    found = list(points[:1])
    for (_, before), (x, y) in pairwise(points):
        found += [(x, before), (x, y)]
    return found
