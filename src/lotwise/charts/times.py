"""Marks of time at sensible steps, from milliseconds to years, always UTC and always said so."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from lotwise.charts.lettering import text_width
from lotwise.charts.scale import Mark

MS: Final = 1_000_000
SECOND: Final = 1_000 * MS
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY

FIXED_STEPS: Final = (
    *(step * MS for step in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(step * SECOND for step in (1, 2, 5, 10, 15, 30)),
    *(step * MINUTE for step in (1, 2, 5, 10, 15, 30)),
    *(step * HOUR for step in (1, 2, 3, 4, 6, 12)),
    DAY,
    2 * DAY,
    WEEK,
    2 * WEEK,
)
MONTH_STEPS: Final = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600)
LABEL_GAP: Final = 14
"""Pixels between two labels."""
_MONDAY: Final = 4 * DAY
"""1970-01-05, the first Monday."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def moment(time_ns: int) -> datetime:
    """The UTC moment, to the microsecond."""
    return _EPOCH + timedelta(microseconds=time_ns // 1_000)


def nanoseconds(when: datetime) -> int:
    """Nanoseconds since 1970 of a UTC moment."""
    return (when - _EPOCH) // timedelta(microseconds=1) * 1_000


def time_text(time_ns: int) -> str:
    """A moment in full: date, hour and minute, seconds where there are any.

    >>> time_text(1_746_316_800_000_000_000), time_text(1_746_316_805_250_000_000)
    ('2025-05-04 00:00', '2025-05-04 00:00:05.250')
    """
    when = moment(time_ns)
    text = f"{when:%Y-%m-%d %H:%M}"
    if time_ns % MINUTE:
        text += f":{when:%S}"
    if time_ns % SECOND:
        text += f".{when.microsecond // 1000:03d}"
    return text


def span_text(start_ns: int, end_ns: int) -> str:
    """Two moments and the zone, the day once where it is the same."""
    start, end = time_text(start_ns), time_text(end_ns)
    if start == end:
        return f"{start} UTC"
    return f"{start} to {end[11:] if end[:10] == start[:10] else end} UTC"


def length_text(length_ns: int) -> str:
    """A length of time in its largest whole unit.

    >>> length_text(60 * SECOND), length_text(36 * HOUR), length_text(3 * DAY)
    ('1 min', '36 h', '3 d')
    """
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s"), (MS, "ms")):
        if length_ns % unit == 0:
            return f"{length_ns // unit} {name}"
    return f"{length_ns} ns"


def _fixed_label(time_ns: int, step: int) -> str:
    when = moment(time_ns)
    if time_ns % DAY == 0:
        return f"{when.day} {when:%b}" if (when.month, when.day) != (1, 1) else f"{when.year:04d}"
    if step >= MINUTE:
        return f"{when:%H:%M}"
    return f"{when:%H:%M:%S}" if step >= SECOND else f"{when:%S}.{when.microsecond // 1000:03d}"


def _month_starts(start_ns: int, end_ns: int, step: int) -> list[int]:
    """Firsts of every so many months within, counted from January of year 0."""
    when = moment(start_ns)
    month = -(-(when.year * 12 + when.month - 1) // step) * step
    found = []
    while month // 12 <= moment(end_ns).year:
        at = nanoseconds(datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC))
        if start_ns <= at <= end_ns:
            found.append(at)
        month += step
    return found


def time_marks(start_ns: int, end_ns: int, room: float, size: int = 11) -> list[Mark]:
    """Marks from start to end that fit a room of so many pixels side by side.

    A day is named where it begins, a year where it begins; between them stand hours or months.
    """
    span = max(end_ns - start_ns, 1)
    for step in FIXED_STEPS:
        if span / step * (text_width("00:00", size) + LABEL_GAP) > room:
            continue
        base = _MONDAY if step >= WEEK else 0
        first = base + -(-(start_ns - base) // step) * step
        marks = [Mark(at, _fixed_label(at, step)) for at in range(first, end_ns + 1, step)]
        if _apart(marks, span / room, size):
            return marks
    for months in MONTH_STEPS:
        if span / (months * 28 * DAY) * (text_width("0000", size) + LABEL_GAP) > 2 * room:
            continue
        marks = []
        for at in _month_starts(start_ns, end_ns, months):
            when = moment(at)
            marks.append(Mark(at, f"{when:%b}" if when.month != 1 else f"{when.year:04d}"))
        if _apart(marks, span / room, size):
            return marks
    return []


def _apart(marks: list[Mark], ns_per_pixel: float, size: int) -> bool:
    """Whether no two neighbours come too near."""
    nearest = math.inf
    for before, after in pairwise(marks):
        half = (text_width(before.label, size) + text_width(after.label, size)) / 2
        nearest = min(nearest, (after.value - before.value) / ns_per_pixel - half)
    return nearest >= LABEL_GAP
