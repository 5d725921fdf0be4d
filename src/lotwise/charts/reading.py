"""What a picture is given, read once: plain lists of numbers, or a coded error with the place and the fix.

NumPy arrays, polars columns and plain sequences are taken alike; none of those packages is loaded for it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeVar

from lotwise.errors import InputError

INT64: Final = 2**63
FURTHEST: Final = 1e18
"""Largest number drawn; a quintillion of anything is a slip."""
SMALLEST: Final = 1e-18
NARROWEST: Final = 240
WIDEST: Final = 4000
SHOWN: Final = 40
"""Letters of a bad value that a message repeats."""

_DECIMAL: Final = re.compile(r"([0-9]{1,19})(?:\.([0-9]{1,18}))?", re.ASCII)


class TickSize(NamedTuple):
    """A tick size as whole steps of a power of ten: 0.25 is 25 of 1e-2."""

    units: int
    decimals: int

    def text(self, ticks: int) -> str:
        """The exact price of so many ticks.

        >>> TickSize(1, 1).text(3), TickSize(25, 2).text(-5), TickSize(1, 2).text(6_500_000)
        ('0.3', '−1.25', '65,000.00')
        """
        return decimal_text(ticks * self.units, self.decimals)


def decimal_text(units: int, decimals: int) -> str:
    """Whole units of 10**-decimals as text: thousands apart, a true minus, no rounding anywhere.

    >>> decimal_text(-1234567, 2), decimal_text(12, -3)
    ('−12,345.67', '12,000')
    """
    sign = "−" if units < 0 else ""
    if decimals <= 0:
        return f"{sign}{abs(units) * 10**-decimals:,}"
    whole, part = divmod(abs(units), 10**decimals)
    return f"{sign}{whole:,}.{part:0{decimals}d}"


def tick_size_of(value: object) -> TickSize:
    """The tick size from exact text, a whole number or a Decimal.

    Raises
    ------
    InputError
        CHART-104 a float, or no positive plain number of at most 18 decimals.
    """
    if isinstance(value, TickSize) and value.units > 0:
        return value
    exact = isinstance(value, str | int | Decimal) and not isinstance(value, bool)
    text = format(value, "f") if isinstance(value, Decimal) and value.is_finite() else str(value).strip()
    match = _DECIMAL.fullmatch(text) if exact else None
    digits = (match[2] or "").rstrip("0") if match else ""
    units = int(match[1] + digits) if match else 0
    if units <= 0:
        raise InputError(
            "CHART-104",
            f"the tick size is {shown(value)}, a {type(value).__name__}",
            "give a positive number as exact text, such as '0.1'",
        )
    return TickSize(units, len(digits))


def shown(value: object) -> str:
    """A value in a message, short."""
    try:
        text = repr(value)
    except ValueError:  # an int of over 4,300 digits
        text = f"a {type(value).__name__} too long to print"
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def items_of(values: Any, name: str) -> list[Any]:
    """A plain list of what a sequence, an array or a column holds.

    Raises
    ------
    InputError
        CHART-101 not a sequence.
    """
    plain = values.tolist() if hasattr(values, "tolist") else values
    if hasattr(plain, "to_list"):
        plain = plain.to_list()
    if isinstance(plain, str | bytes) or not isinstance(plain, Sequence):
        what = f"{name} is {shown(values)}, a {type(values).__name__}"
        raise InputError("CHART-101", what, "give a list or an array")
    return list(plain)


Kind = TypeVar("Kind")


def each_of(values: Any, kind: type[Kind], name: str) -> list[Kind]:
    """A list whose members are all of one kind.

    Raises
    ------
    InputError
        CHART-101 not a sequence; CHART-118 a member of another kind.
    """
    found = items_of(values, name)
    for i, value in enumerate(found):
        one_of(value, kind, f"{name}[{i}]")
    return found


def one_of(value: Any, kind: type[Kind], name: str) -> Kind:
    """The value, if it is of a kind.

    Raises
    ------
    InputError
        CHART-118 it is of another.
    """
    if not isinstance(value, kind):
        what = f"{name} is {shown(value)}, a {type(value).__name__}"
        raise InputError("CHART-118", what, f"give a {kind.__name__}")
    return value


def whole_numbers(values: Any, name: str) -> list[int]:
    """Whole numbers that fit 64 bits: ticks, lots, nanoseconds.

    Raises
    ------
    InputError
        CHART-101 not a sequence; CHART-102 a float, text, or out of range.
    """
    found = items_of(values, name)
    for i, value in enumerate(found):
        if type(value) is not int:
            found[i] = _whole(value, name, i)
        if not -INT64 <= found[i] < INT64:
            raise InputError(
                "CHART-102", f"{name}[{i}] is {shown(value)}: more than 64 bits", "check the scale"
            )
    return found


def _whole(value: Any, name: str, i: int) -> int:
    plain = value.item() if hasattr(value, "item") else value
    if type(plain) is not int:
        raise InputError(
            "CHART-102",
            f"{name}[{i}] is {shown(value)}: not a whole number",
            "give ticks, lots and nanoseconds as integers",
        )
    return plain


def plain_numbers(values: Any, name: str, gaps: bool = False) -> list[float]:
    """Numbers to draw. Where gaps are allowed, None and NaN are holes, given back as NaN.

    Raises
    ------
    InputError
        CHART-101 not a sequence; CHART-102 no number, not finite, or beyond 1e18.
    """
    found: list[float] = []
    for i, given in enumerate(items_of(values, name)):
        found.append(plain_number(given, f"{name}[{i}]", gaps))
    return found


def plain_number(given: Any, name: str, gaps: bool = False) -> float:
    """One number to draw; the errors of :func:`plain_numbers`."""
    value = given.item() if hasattr(given, "item") else given
    if gaps and value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise InputError("CHART-102", f"{name} is {shown(given)}: not a number", "give numbers")
    if isinstance(value, Decimal) and value.is_snan():
        value = math.nan
    if isinstance(value, int) and abs(value) > INT64:
        value = math.inf
    number = float(value)
    if math.isnan(number) and gaps:
        return math.nan
    if not abs(number) <= FURTHEST:
        raise InputError(
            "CHART-102",
            f"{name} is {shown(given)}: not a number of at most {FURTHEST:.0e}",
            "leave it out, or give None where a gap may be drawn" if gaps else "leave it out",
        )
    return 0.0 if abs(number) < SMALLEST else number


def same_length(**columns: Sequence[object]) -> int:
    """The length that all columns share.

    Raises
    ------
    InputError
        CHART-101 the lengths differ.
    """
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{length} {name}" for name, length in lengths.items())
        raise InputError("CHART-101", f"lengths differ: {said}", "give as many of each")
    return next(iter(lengths.values()))


def rising_times(values: Any, name: str, strict: bool = True) -> list[int]:
    """Nanoseconds since 1970 UTC that only grow.

    Raises
    ------
    InputError
        CHART-101, CHART-102; CHART-106 a time that is not after the one before it.
    """
    times = whole_numbers(values, name)
    for i in range(1, len(times)):
        if times[i] < times[i - 1] or (strict and times[i] == times[i - 1]):
            raise InputError(
                "CHART-106",
                f"{name}[{i}] is {times[i]}, after {times[i - 1]}",
                "sort by time, each time once",
            )
    return times


def words_of(value: object, name: str) -> str:
    """Text, its white space made plain.

    Raises
    ------
    InputError
        CHART-113 not text.
    """
    if not isinstance(value, str):
        raise InputError("CHART-113", f"{name} is {shown(value)}, a {type(value).__name__}", "give text")
    return " ".join(value.split())


def size_of(width: object, height: object, least_width: int = NARROWEST, least_height: int = 60) -> None:
    """Check the size of a picture in pixels.

    Raises
    ------
    InputError
        CHART-103 not whole, too small to hold its words, or above 4000.
    """
    for name, value, least in (("width", width, least_width), ("height", height, least_height)):
        if type(value) is not int or not least <= value <= WIDEST:
            raise InputError(
                "CHART-103",
                f"the {name} is {shown(value)} px",
                f"give a whole number from {least} to {WIDEST}",
            )


def at_most(count: int, most: int, what: str) -> None:
    """Refuse what would be no picture any more.

    Raises
    ------
    InputError
        CHART-107 more than can be told apart or drawn.
    """
    if count > most:
        raise InputError("CHART-107", f"{count:,} {what}, at most {most:,} are drawn", f"give fewer {what}")
