"""Moments as text for a page, in the zone that was chosen."""

from __future__ import annotations

from datetime import datetime

from lotwise.guard.values import zone_of


def moment_text(time_ns: int, zone: str) -> str:
    """A moment to the minute.

    >>> moment_text(0, "UTC")
    '1970-01-01 00:00'
    """
    return f"{datetime.fromtimestamp(time_ns // 10**9, tz=zone_of(zone)):%Y-%m-%d %H:%M}"
