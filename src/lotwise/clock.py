"""Time as a thing that is handed in. Only this module may ask the machine what time it is."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from typing import NewType, Protocol

TimeNs = NewType("TimeNs", int)
"""Nanoseconds since 1970-01-01 UTC."""

_NS_PER_SECOND = 1_000_000_000


class Clock(Protocol):
    """What a stage needs to know about time."""

    def now_ns(self) -> TimeNs:
        """Nanoseconds since the epoch, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ns(self) -> TimeNs:
        """Nanoseconds since the epoch, UTC."""
        return TimeNs(time.time_ns())


class FixedClock:
    """A clock that stands still: tests and replays."""

    def __init__(self, time_ns: int) -> None:
        self._time_ns = TimeNs(time_ns)

    def now_ns(self) -> TimeNs:
        """The time it was given."""
        return self._time_ns


def utc_date(time_ns: TimeNs) -> date:
    """The UTC calendar day of a stamp.

    >>> utc_date(TimeNs(0)).isoformat()
    '1970-01-01'
    """
    return datetime.fromtimestamp(time_ns // _NS_PER_SECOND, tz=UTC).date()
