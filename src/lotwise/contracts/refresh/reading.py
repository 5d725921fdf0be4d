"""Reads fields of a raw answer as exact text, or says what contradicts itself."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from lotwise.contracts.facts_file import UNKNOWN

Raw = Mapping[str, object]
"""One object of an answer. Numbers are text or int: the fetching parses JSON so."""

_NUMBER = re.compile(r"-?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,2})?")
_MOST_DECIMALS: Final = 30


class Contradiction(Exception):
    """An answer that contradicts itself or the format; the text says how."""


def require(condition: bool, reason: str) -> None:
    """Refuse the contract, with the reason, unless the condition holds."""
    if not condition:
        raise Contradiction(reason)


def text(raw: Raw, name: str) -> str:
    """A text that must be there."""
    value = raw.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Contradiction(f"{name} is missing")
    return value.strip()


def part(raw: Raw, name: str) -> Raw:
    """An object inside an object; empty where it is missing."""
    value = raw.get(name)
    return value if isinstance(value, Mapping) else {}


def parts(raw: Raw, name: str) -> Sequence[Raw]:
    """The objects of a list inside an object; none where it is missing."""
    value = raw.get(name)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def decimal(raw: Raw, name: str) -> Decimal | None:
    """A number, exact; None where the venue leaves it out or empty."""
    value = raw.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise Contradiction(f"{name} is {value!r}: not read as text")
    if not _NUMBER.fullmatch(str(value).strip()):
        raise Contradiction(f"{name} is {str(value)[:40]!r}: not a number")
    return Decimal(str(value).strip())


def plain(number: Decimal) -> str:
    """Decimal text without trailing zeros or exponent.

    >>> plain(Decimal("0.0100")), plain(Decimal("1E+3")), plain(Decimal("-0"))
    ('0.01', '1000', '0')
    """
    written = format(number, "f")  # not normalize(): that rounds to the precision of a context
    if "." in written:
        written = written.rstrip("0").rstrip(".")
    return "0" if number == 0 else written


def stated(raw: Raw, *names: str) -> Decimal:
    """The first of these fields that is there, which must not be negative."""
    for name in names:
        number = decimal(raw, name)
        if number is not None:
            require(number >= 0, f"{name} is {plain(number)}: negative")
            return number
    raise Contradiction(f"{names[0]} is missing")


def positive(raw: Raw, *names: str) -> str:
    """As :func:`stated`, above 0: a tick, a lot, a contract's size."""
    number = stated(raw, *names)
    require(number > 0, f"{names[0]} is 0")
    return plain(number)


def optional(raw: Raw, name: str) -> str:
    """A size that may be missing, never negative; 0 counts as not told."""
    number = decimal(raw, name)
    if number is None:
        return UNKNOWN
    require(number >= 0, f"{name} is {plain(number)}: negative")
    return plain(number) if number else UNKNOWN


def rate(raw: Raw, name: str) -> str:
    """A rate as a fraction, any sign; unknown where it is missing."""
    number = decimal(raw, name)
    return UNKNOWN if number is None else plain(number)


def fee(raw: Raw, name: str) -> str:
    """A fee rate as a fraction. More than 1 % is taken for a percentage and refused."""
    number = decimal(raw, name)
    if number is None:
        return UNKNOWN
    require(abs(number) <= Decimal("0.01"), f"{name} is {plain(number)}: a percentage, or over 1 %")
    return plain(number)


def step(raw: Raw, name: str) -> str:
    """The step of a number of decimals: 3 is 0.001."""
    number = stated(raw, name)
    require(number == int(number) <= _MOST_DECIMALS, f"{name} is {plain(number)}: no count of decimals")
    return plain(Decimal(1).scaleb(-int(number)))


def instant(raw: Raw, name: str) -> datetime.datetime | None:
    """A stamp in milliseconds; None where it is missing or 0."""
    number = decimal(raw, name)
    if not number:
        return None
    require(number == int(number) and 0 < number < 10**13, f"{name} is {plain(number)}: no stamp")
    return datetime.datetime.fromtimestamp(int(number) // 1000, datetime.UTC)


def day(raw: Raw, name: str) -> str:
    """The UTC day of a stamp in milliseconds."""
    found = instant(raw, name)
    return found.date().isoformat() if found else UNKNOWN


def expiry(raw: Raw, name: str) -> str:
    """The instant of delivery of a dated contract, which must be told."""
    found = instant(raw, name)
    if found is None:
        raise Contradiction(f"a dated contract without {name}")
    return found.strftime("%Y-%m-%dT%H:%M:%SZ")
