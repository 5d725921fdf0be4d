"""Lines over time or over a number: series, equity with its drawdown, small multiples, a spark line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from lotwise.charts.axes import (
    AXIS_ROOM,
    BELOW,
    EDGE,
    LINE,
    TEXT_SIZE,
    Key,
    across_axis,
    gutter_of,
    head,
    mark_count,
    nothing,
    time_axis,
    value_axis,
)
from lotwise.charts.lettering import Box, fit, text_width
from lotwise.charts.panels import course
from lotwise.charts.reading import (
    at_most,
    each_of,
    plain_numbers,
    rising_times,
    same_length,
    size_of,
    words_of,
)
from lotwise.charts.scale import Scale, log_marks, log_reach, reach, round_marks, said
from lotwise.charts.svg import Canvas
from lotwise.charts.theme import SERIES
from lotwise.charts.thin import area_path, line_path, pieces
from lotwise.charts.times import HOUR, span_text
from lotwise.errors import InputError

MOST_SERIES: Final = 12
MOST_MULTIPLES: Final = 60
LEAST_TILE: Final = 150
"""Least pixels of a small picture among others."""
TILE_HEIGHT: Final = 84
UNDER_WATER: Final = 90


@dataclass(frozen=True)
class Series:
    """A line: its name, where (nanoseconds UTC, or plain numbers) and how much; gaps are None or NaN."""

    label: str
    where: Any
    values: Any


_Read = tuple[str, list[float], list[float]]


def _read(series: Sequence[Series], times: bool) -> list[_Read]:
    at_most(len(series), MOST_SERIES, "lines")
    found = []
    for one in each_of(series, Series, "series"):
        label = words_of(one.label, "label")
        where: list[Any] = rising_times(one.where, f"{label} where") if times else _rising(one.where, label)
        values = plain_numbers(one.values, f"{label} values", gaps=True)
        same_length(where=where, values=values)
        found.append((label, where, values))
    return found


def _rising(values: Any, name: str) -> list[float]:
    found = plain_numbers(values, f"{name} where")
    for i in range(1, len(found)):
        if found[i] < found[i - 1]:
            raise InputError(
                "CHART-106", f"{name} where[{i}] is {found[i]}, after {found[i - 1]}", "sort by it"
            )
    return found


def _stretch(where: Sequence[float], times: bool) -> tuple[float, float]:
    """First and last place on the axis; a lone moment gets half an hour on each side."""
    low, high = min(where), max(where)
    if low < high:
        return low, high
    return (low - HOUR // 2, high + HOUR // 2) if times else reach([low])


def lines(
    series: Sequence[Series],
    *,
    title: str,
    unit: str = "",
    area: bool = False,
    log: bool = False,
    zero: bool = False,
    width: int = 720,
    height: int = 240,
) -> str:
    """Lines over time as an SVG picture.

    Parameters
    ----------
    area
        Fill between each line and 0, or the foot of the picture where 0 is not in it.
    log, zero
        A logarithmic scale; whether 0 must be seen.
    height
        Of the plot; words come on top of it.

    Raises
    ------
    InputError
        CHART-101, 102, 103, 106, 107, 113; CHART-110 a value that is not above 0 on a logarithmic scale.
    """
    read = _read(series, times=True)
    where = [time for _, times, _ in read for time in times]
    size_of(width, height)
    name = words_of(title, "title")
    if not where:
        return nothing(name, "no values", width, height)
    about = span_text(int(min(where)), int(max(where))) + (f" · {words_of(unit, 'unit')}" if unit else "")
    low, high = _stretch(where, times=True)
    figure = _Figure(name, about, read, low, high, log=log, area=area, zero=zero, width=width, height=height)
    return figure.paint(times=True, where_unit="")


def curve(
    series: Sequence[Series],
    *,
    title: str,
    where_unit: str,
    unit: str,
    area: bool = False,
    zero: bool = True,
    width: int = 720,
    height: int = 240,
) -> str:
    """Lines over a number, e.g. the cost of a fill over its size.

    Raises
    ------
    InputError
        CHART-101, 102, 103, 107, 113; CHART-106 places that fall.
    """
    read = _read(series, times=False)
    where = [place for _, places, _ in read for place in places]
    size_of(width, height)
    name = words_of(title, "title")
    if not where:
        return nothing(name, "no values", width, height)
    about = f"{words_of(unit, 'unit')} over {words_of(where_unit, 'where_unit')}"
    low, high = _stretch(where, times=False)
    figure = _Figure(
        name, about, read, low, high, log=False, area=area, zero=zero, width=width, height=height
    )
    return figure.paint(times=False, where_unit=where_unit)


@dataclass(frozen=True)
class _Figure:
    name: str
    about: str
    read: list[_Read]
    low: float
    high: float
    log: bool
    area: bool
    zero: bool
    width: int
    height: int

    def _keys(self) -> list[Key]:
        return [Key(label, f"s{i % SERIES}") for i, (label, _, _) in enumerate(self.read) if label]

    def paint(self, times: bool, where_unit: str) -> str:
        every = [value for _, _, values in self.read for value in values]
        low, high = log_reach(every) if self.log else reach(every, zero=self.zero)
        marks = (log_marks if self.log else round_marks)(low, high, mark_count(self.height))
        top = head(Canvas(self.width, 1), self.name, self.about, self._keys()) + 4
        canvas = Canvas(self.width, int(top + self.height + AXIS_ROOM + (0 if times else LINE) + 2))
        head(canvas, self.name, self.about, self._keys())
        labels = [mark.label for mark in marks] + ["UTC"]
        plot = Box(EDGE, top, self.width - gutter_of(labels, self.width), top + self.height)
        up = Scale(low, high, plot.bottom, plot.top, log=self.log)
        across = Scale(self.low, self.high, plot.left, plot.right)
        if times:
            time_axis(canvas, [plot], across)
        else:
            most = max(2, int((plot.right - plot.left) / 90))
            across_axis(canvas, [plot], across, marks=round_marks(self.low, self.high, most))
            canvas.text(plot.right, plot.bottom + BELOW + LINE, where_unit, "dim", anchor="end")
        value_axis(canvas, plot, up, marks)
        base = up.at(0) if not self.log and low <= 0 <= high else plot.bottom
        for i, (_, where, values) in enumerate(self.read):
            found = pieces(where, values, across.at, up.at)
            if self.area:
                canvas.path(area_path(found, base), f"a{i % SERIES}")
            canvas.path(line_path(found), f"s{i % SERIES}")
        told = ". ".join(f"{label or 'Line'}: {course(values)}" for label, _, values in self.read)
        return canvas.finish(self.name, f"{self.about}. {told}.")


def drawdown(values: Sequence[float]) -> list[float]:
    """How far each value is below the highest so far, as a negative share in percent; NaN stays NaN.

    Raises
    ------
    InputError
        CHART-110 a highest value that is not above 0: it has no shares.

    Examples
    --------
    >>> drawdown([100.0, 110.0, 99.0])
    [0.0, 0.0, -10.0]
    """
    found = []
    top = -math.inf
    for i, value in enumerate(values):
        if math.isnan(value):
            found.append(value)
            continue
        top = max(top, value)
        if top <= 0:
            raise InputError("CHART-110", f"equity[{i}] is {said(value)}", "begin with equity above 0")
        found.append((value - top) / top * 100)
    return found


def equity(
    time_ns: Any,
    values: Any,
    *,
    title: str,
    unit: str,
    log: bool = False,
    width: int = 720,
    height: int = 200,
) -> str:
    """Equity, and under it how far it is under water, over one axis of time.

    Raises
    ------
    InputError
        CHART-101, 102, 103, 106, 113; CHART-110 equity that does not begin above 0 (never 0 or less where
        log).
    """
    size_of(width, height)
    name = words_of(title, "title")
    ((_, times, money),) = _read([Series("equity", time_ns, values)], times=True)
    below = drawdown(money)
    known = [value for value in below if not math.isnan(value)]
    if not known:
        return nothing(name, "no values", width, height)
    low, high = _stretch(times, times=True)
    about = f"{span_text(int(times[0]), int(times[-1]))} · {words_of(unit, 'unit')}"
    bottom, peak = log_reach(money) if log else reach(money)
    marks = (log_marks if log else round_marks)(bottom, peak, mark_count(height))
    deep = min(known) * 1.05 or -1.0
    top = head(Canvas(width, 1), name, about) + 4
    canvas = Canvas(width, int(top + height + LINE + 4 + UNDER_WATER + AXIS_ROOM + 2))
    head(canvas, name, about)
    under = round_marks(deep, 0, 3)
    labels = [*(mark.label for mark in marks), *(mark.label for mark in under), "UTC"]
    plot = Box(EDGE, top, width - gutter_of(labels, width), top + height)
    sea = Box(plot.left, plot.bottom + LINE + 4, plot.right, plot.bottom + LINE + 4 + UNDER_WATER)
    across = Scale(low, high, plot.left, plot.right)
    time_axis(canvas, [plot, sea], across)
    up = Scale(bottom, peak, plot.bottom, plot.top, log=log)
    value_axis(canvas, plot, up, marks)
    canvas.path(line_path(pieces(times, money, across.at, up.at)), "s0")
    down = Scale(deep, 0, sea.bottom, sea.top)
    canvas.text(sea.left, sea.top - 5, fit("under water, %", TEXT_SIZE, sea.right - sea.left), "dim")
    value_axis(canvas, sea, down, under)
    found = pieces(times, below, across.at, down.at)
    canvas.path(area_path(found, sea.top), "downa")
    canvas.path(line_path(found), "downl")
    told = f"Deepest drawdown {said(round(min(known), 4))} %, at the end {said(round(known[-1], 4))} %"
    return canvas.finish(name, f"Equity, {about}: {course(money)}. {told}.")


def sparkline(values: Any, *, title: str, width: int = 120, height: int = 28) -> str:
    """A line without axes, for a table; a dot marks the end, a thin line where it began.

    Raises
    ------
    InputError
        CHART-101, CHART-102, CHART-103, CHART-113.
    """
    size_of(width, height, least_width=24, least_height=12)
    name = words_of(title, "title")
    read = plain_numbers(values, "values", gaps=True)
    canvas = Canvas(width, height)
    known = [(i, value) for i, value in enumerate(read) if not math.isnan(value)]
    if not known:
        canvas.line(2, height / 2, width - 2, height / 2, "axis")
        return canvas.finish(name, "No values.")
    low, high = reach([value for _, value in known])
    across, up = Scale(0, max(len(read) - 1, 1), 3, width - 5), Scale(low, high, height - 3, 3)
    begun = up.at(known[0][1])
    canvas.line(2, begun, width - 2, begun, "grid")
    canvas.path(line_path(pieces(range(len(read)), read, across.at, up.at)), "s0")
    canvas.rect(across.at(known[-1][0]) - 2, up.at(known[-1][1]) - 2, 4, 4, "f0")
    return canvas.finish(name, f"{course(read)}.".capitalize())


def small_multiples(
    series: Sequence[Series], *, title: str, shared: bool = False, unit: str = "", width: int = 720
) -> str:
    """Many small lines over one stretch of time, each with its name and last value.

    Parameters
    ----------
    shared
        Whether all have one scale of values; if not, each fills its tile.

    Raises
    ------
    InputError
        CHART-101, 102, 103, 106, 113; CHART-107 more than 60 of them.
    """
    size_of(width, TILE_HEIGHT)
    name = words_of(title, "title")
    at_most(len(series), MOST_MULTIPLES, "small pictures")
    read = [row for one in series for row in _read([one], times=True)]
    where = [time for _, times, _ in read for time in times]
    if not where:
        return nothing(name, "no values", width, TILE_HEIGHT)
    low, high = _stretch(where, times=True)
    scales = "one scale for all" if shared else "each on its own scale"
    about = " · ".join(
        filter(None, [span_text(int(min(where)), int(max(where))), scales, words_of(unit, "unit")])
    )
    top = head(Canvas(width, 1), name, about)
    columns = max(1, min(len(read), (width - EDGE) // (LEAST_TILE + EDGE)))
    tile = (width - EDGE) / columns - EDGE
    rows = -(-len(read) // columns)
    canvas = Canvas(width, int(top + rows * (TILE_HEIGHT + EDGE)))
    head(canvas, name, about)
    whole = reach([value for _, _, values in read for value in values])
    for i, (label, times, values) in enumerate(read):
        left, start = EDGE + i % columns * (tile + EDGE), top + i // columns * (TILE_HEIGHT + EDGE)
        plot = Box(left, start + LINE + 2, left + tile, start + TILE_HEIGHT)
        known = [value for value in values if not math.isnan(value)]
        last = said(float(f"{known[-1]:.5g}")) if known else "none"
        room = tile - text_width(last, TEXT_SIZE) - 8
        canvas.text(left, start + 11, fit(label, TEXT_SIZE, room), "ink")
        canvas.text(plot.right, start + 11, last, "dim", anchor="end")
        canvas.rect(plot.left, plot.top, tile, plot.bottom - plot.top, "shade")
        bottom, peak = whole if shared else reach(values)
        up, across = Scale(bottom, peak, plot.bottom - 2, plot.top + 2), Scale(low, high, left, plot.right)
        if known:
            canvas.line(left, up.at(known[0]), plot.right, up.at(known[0]), "grid")
        canvas.path(line_path(pieces(times, values, across.at, up.at)), "s0")
    told = " ".join(f"{label}: {course(values)}." for label, _, values in read)
    return canvas.finish(name, f"{about}. {told}")
