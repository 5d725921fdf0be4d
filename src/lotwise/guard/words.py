"""How a refusal writes times, spans and shares: exact where it must be, short where it may be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from lotwise.kernel.arith import INT64_MAX
from lotwise.units import scaled_text, shown_down, shown_up

SECOND_NS: Final = 10**9
MILLISECOND_NS: Final = 10**6
_UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
PERCENT_DECIMALS: Final = 2


def span_text(span_ns: int) -> str:
    """A span in its two largest units; below a minute to the millisecond; rounded up.

    >>> span_text(7_800 * SECOND_NS), span_text(10_000_000_001), span_text(90_061 * SECOND_NS)
    ('2 h 10 min', '10.001 s', '1 d 1 h')
    """
    if span_ns < 60 * SECOND_NS:
        return f"{scaled_text(-(-span_ns // MILLISECOND_NS), 3)} s"
    seconds = -(-span_ns // SECOND_NS)
    parts: list[tuple[int, str]] = []
    for name, size in _UNITS:
        count, seconds = divmod(seconds, size)
        if count or parts:
            parts.append((count, name))
    return " ".join(f"{count} {name}" for count, name in parts[:2] if count)


def instant_text(time_ns: int) -> str:
    """An instant in UTC, to the second where it is not a whole minute.

    >>> instant_text(1_796_909_400 * SECOND_NS)
    '2026-12-10 13:30 UTC'
    """
    when = datetime.fromtimestamp(time_ns // SECOND_NS, tz=UTC)
    return f"{when:%Y-%m-%d %H:%M:%S} UTC" if when.second else f"{when:%Y-%m-%d %H:%M} UTC"


def until_text(until_ns: int, now_ns: int) -> str:
    """When something ends, and how long that is from now.

    >>> until_text(1_796_909_400 * SECOND_NS, now_ns=1_796_900_400 * SECOND_NS)
    'until 2026-12-10 13:30 UTC (another 2 h 30 min)'
    """
    if until_ns >= INT64_MAX:
        return "without an end"
    return f"until {instant_text(until_ns)} (another {span_text(until_ns - now_ns)})"


def percent_up(share8: int) -> str:
    """A share that is too large: two decimals, rounded up, so that it never looks like its bound.

    >>> percent_up(20_000_001)
    '20.01 %'
    """
    return f"{shown_up(scaled_text(share8, 6), PERCENT_DECIMALS)} %"


def percent_down(share8: int) -> str:
    """A share that is too small: two decimals, rounded down.

    >>> percent_down(19_999_999)
    '19.99 %'
    """
    return f"{shown_down(scaled_text(share8, 6), PERCENT_DECIMALS)} %"


def times_text(number8: int) -> str:
    """A multiple in 1e-8, exact.

    >>> times_text(150_000_000)
    '1.5'
    """
    return scaled_text(number8, 8)
