"""Results by day and by month, as a calendar reads them.

A day stands in the column of its week, Monday on top; a losing day carries a bar across, so sign does not
rest on colour. Days are those of the journal's own time zone: they come as dates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import MAXYEAR, MINYEAR, date, timedelta
from typing import Any, Final

from lotwise.charts.axes import EDGE, LINE, TEXT_SIZE, Key, head, nothing
from lotwise.charts.heat import heat, heat_step
from lotwise.charts.lettering import Box, text_box
from lotwise.charts.reading import at_most, one_of, plain_number, shown, size_of, words_of
from lotwise.charts.scale import said
from lotwise.charts.svg import Canvas, box_path
from lotwise.errors import InputError

MOST_YEARS: Final = 30
WIDEST_DAY: Final = 18
LEAST_DAY: Final = 9
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SIDE: Final = 44
"""Room for the names of the days."""


def _read(days: Mapping[Any, float]) -> dict[date, float]:
    found: dict[date, float] = {}
    for given, value in one_of(days, Mapping, "days").items():  # type: ignore[type-abstract]
        day: object = given
        if isinstance(day, str):
            try:
                day = date.fromisoformat(day)
            except ValueError:
                raise _no_day(given) from None
        if type(day) is not date or not MINYEAR < day.year < MAXYEAR:  # weeks reach into the next year
            raise _no_day(given)
        if day in found:
            raise InputError("CHART-115", f"{day} is there twice", "give each day once")
        found[day] = plain_number(value, f"days[{day}]")
    return dict(sorted(found.items()))


def _no_day(given: object) -> InputError:
    return InputError("CHART-115", f"{shown(given)} is no day", "give dates, or text such as '2025-06-30'")


def calendar_days(days: Mapping[Any, float], *, title: str, unit: str = "R", width: int = 900) -> str:
    """A cell for each day, a block for each year (two where the width is small).

    Parameters
    ----------
    days
        Result of each day that has one; keys are dates or ISO text.

    Raises
    ------
    InputError
        CHART-102, 103, 113; CHART-107 more than 30 years; CHART-115 a key that is no day, or a day twice.
    """
    size_of(width, 100)
    name, word = words_of(title, "title"), words_of(unit, "unit")
    read = _read(days)
    if not read:
        return nothing(name, "no days", width, 100)
    years = range(min(read).year, max(read).year + 1)
    at_most(len(years), MOST_YEARS, "years")
    halves = (width - 2 * EDGE - _SIDE) / 54 < LEAST_DAY
    cell = min((width - 2 * EDGE - _SIDE) / (28 if halves else 54), WIDEST_DAY)
    blocks = [
        (date(year, first, 1), date(year, last, 31 if last == 12 else 30))
        for year in years
        for first, last in (((1, 6), (7, 12)) if halves else ((1, 12),))
        if any(date(year, first, 1) <= day <= date(year, last, 30 + (last == 12)) for day in read)
    ]
    total = math.fsum(read.values())
    about = f"{len(read):,} days · total {said(_six(total), signed=True)} {word}"
    keys = [Key("day above 0", "up", "box"), Key("day below 0 (bar across)", "down", "box")]
    top = head(Canvas(width, 1), name, about, keys)
    tall = 7 * cell + LINE + 12
    canvas = Canvas(width, int(top + len(blocks) * tall + EDGE / 2))
    canvas.heat = True
    head(canvas, name, about, keys)
    most = max(abs(value) for value in read.values()) or 1.0
    for i, (first, last) in enumerate(blocks):
        _block(canvas, top + i * tall, cell, first, last=last, read=read, most=most, unit=word)
    best, worst = max(read, key=lambda day: read[day]), min(read, key=lambda day: read[day])
    told = f"Calendar, {about}, {min(read)} to {max(read)}. Best {best} {said(read[best], signed=True)}, "
    return canvas.finish(name, told + f"worst {worst} {said(read[worst], signed=True)}.")


def _six(value: float) -> float:
    return float(f"{value:.6g}")


def _block(
    canvas: Canvas,
    top: float,
    cell: float,
    first: date,
    *,
    last: date,
    read: Mapping[date, float],
    most: float,
    unit: str,
) -> None:
    canvas.text(EDGE, top + 12, str(first.year), "bold")
    start = top + LINE
    for row, word in ((0, "Mon"), (3, "Thu"), (6, "Sun")):
        canvas.text(EDGE, start + (row + 0.5) * cell + 4, word, "dim", 10)
    left = EDGE + _SIDE
    monday = first - timedelta(first.weekday())
    there: list[Box] = []
    day = first
    signs: dict[int, str] = {}
    while day <= last:
        x, y = left + (day - monday).days // 7 * cell, start + day.weekday() * cell
        if day.day == 1:
            box = text_box(x, top + 12, MONTHS[day.month - 1], TEXT_SIZE)
            if not any(box.meets(other, 3) for other in there):
                canvas.text(x, top + 12, MONTHS[day.month - 1], "dim")
                there.append(box)
        value = read.get(day)
        if value is None:
            canvas.rect(x, y, cell - 1.5, cell - 1.5, "shade")
        else:
            step = heat_step(value, -most, most)
            canvas.rect(
                x, y, cell - 1.5, cell - 1.5, f"h{step}", f"{day}: {said(_six(value), signed=True)} {unit}"
            )
            if value < 0:
                wide = (cell - 1.5) * 0.5
                bar = box_path(x + wide / 2, y + wide - 0.6, wide, 1.2)
                signs[step] = signs.get(step, "") + bar
        day += timedelta(1)
    for step, d in sorted(signs.items()):
        canvas.path(d, f"i{step}")


def calendar_months(days: Mapping[Any, float], *, title: str, unit: str = "R", width: int = 900) -> str:
    """Sums by month, a row for each year with its total, the values in the cells.

    Raises
    ------
    InputError
        As :func:`calendar_days`.
    """
    size_of(width, 100)
    name = words_of(title, "title")
    read = _read(days)
    if not read:
        return nothing(name, "no days", width, 100)
    years = range(min(read).year, max(read).year + 1)
    at_most(len(years), MOST_YEARS, "years")
    rows: list[list[float]] = []
    texts: list[list[str]] = []
    for year in years:
        inside = [
            [value for day, value in read.items() if (day.year, day.month) == (year, month)]
            for month in range(1, 13)
        ]
        sums = [math.fsum(values) if values else math.nan for values in inside]
        whole = math.fsum(value for values in inside for value in values)
        rows.append([*sums, math.nan])
        texts.append(
            ["" if math.isnan(value) else signed_short(value) for value in sums] + [signed_short(whole)]
        )
    totals = [row[-1] for row in texts]
    labels = [f"{year}  {total}" for year, total in zip(years, totals, strict=True)]
    return heat(
        labels,
        MONTHS,
        [row[:12] for row in rows],
        title=name,
        texts=[row[:12] for row in texts],
        unit=f"{words_of(unit, 'unit')} by month; the row names its year and total",
        width=width,
    )


def signed_short(value: float) -> str:
    """A result in a cell: sign and three digits.

    >>> signed_short(2.3149), signed_short(-0.2), signed_short(1234.5), signed_short(0.0)
    ('+2.31', '−0.2', '+1,230', '0')
    """
    return said(float(f"{value:.3g}"), signed=True)
