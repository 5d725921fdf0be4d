"""Whole columns made text of at once: what an export spends its time on.

A cell is the same text as it is one at a time; a test holds every form against the slow way.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from io import StringIO
from typing import Any, Final, NamedTuple

from lotwise.ledger.export import time_text

MINUTE: Final = 60 * 10**9
MINUTES: Final = 24 * 60
"""In a day."""
SECONDS_DIGITS: Final = 11
"""Of the nanoseconds within a minute: two of the seconds, nine behind the point."""
SAMPLE: Final = 64
"""So many values of a column tell whether its values repeat."""
DAYS: Final = 4_096
"""Days whose text is kept: ten years of trades."""
_NEEDS_CARE: Final = re.compile(r'[\x00-\x1f\x7f",]')
"""Only a cell with one of these may need quotes in CSV; the csv module decides."""
_encoded: Final = json.JSONEncoder(ensure_ascii=False).encode

Text = Callable[[int], str]


class Column(NamedTuple):
    """A column of an export."""

    name: str
    text: Text | None
    """Makes text of its whole numbers; None where its values are told as they are."""
    values: Sequence[Any]


def time_text_by_day(time_ns: int) -> str:
    """As :func:`lotwise.ledger.export.time_text`, which is asked once a day and once a minute of the day.

    >>> time_text_by_day(1_746_316_800_000_000_001)
    '2025-05-04T00:00:00.000000001Z'
    """
    minutes, part = divmod(time_ns, MINUTE)
    day, minute = divmod(minutes, MINUTES)
    digits = str(part).zfill(SECONDS_DIGITS)
    return f"{_day(day)}{_clock()[minute]}{digits[:2]}.{digits[2:]}Z"


@lru_cache(DAYS)
def _day(day: int) -> str:
    return time_text(day * MINUTES * MINUTE)[: len("2025-05-04T")]


@cache
def _clock() -> tuple[str, ...]:
    """``00:00:`` and on to ``23:59:``."""
    start, end = len("2025-05-04T"), len("2025-05-04T00:00:")
    return tuple(time_text(minute * MINUTE)[start:end] for minute in range(MINUTES))


def csv_cell(value: Any) -> str:
    """A value as the csv module writes it in a row of several."""
    if type(value) is str and not _NEEDS_CARE.search(value):
        return value
    line = StringIO()
    csv.writer(line, lineterminator="\n").writerow([value, ""])
    return line.getvalue()[: -len(",\n")]


def csv_lines(columns: Sequence[Column]) -> str:
    """The rows of some columns as lines of CSV."""
    cells = [_cells(column.values, column.text or csv_cell, "") for column in columns]
    return "\n".join(map(",".join, zip(*cells, strict=True))) + "\n"


def json_objects(columns: Sequence[Column]) -> str:
    """The rows of some columns as JSON objects with commas between them, as ``indent=1`` sets them."""
    cells = []
    for name, text, values in columns:
        before = f"  {_encoded(name)}: "
        around = (before, "") if text is None else (before + '"', '"')
        cells.append(_cells(values, text or _encoded, before + "null", around))
    return " {\n" + "\n },\n {\n".join(map(",\n".join, zip(*cells, strict=True))) + "\n }"


def _cells(
    values: Sequence[Any], text: Callable[[Any], str], nothing: str, around: tuple[str, str] = ("", "")
) -> list[str]:
    """Text of every value; of values that repeat it is made once."""
    before, after = around
    some = values[:SAMPLE]
    distinct = values if len(set(some)) * 2 > len(some) else list(set(values))
    if before:
        made = [nothing if one is None else f"{before}{text(one)}{after}" for one in distinct]
    else:  # of a million cells it is the better part of a second
        made = [nothing if one is None else text(one) for one in distinct]
    if distinct is values:
        return made
    known = dict(zip(distinct, made, strict=True))
    return [known[one] for one in values]
