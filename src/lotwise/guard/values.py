"""The single values of a rulebook's file: text to whole numbers, each with the key in its error."""

from __future__ import annotations

import difflib
import re
import zoneinfo
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final

from lotwise.errors import InputError, UnitError
from lotwise.guard.words import SECOND_NS
from lotwise.kernel.layout import LEVERAGE, RATE
from lotwise.units import parse_cash, parse_rate, parse_scaled, shown

LONGEST_NS: Final = 366 * 86_400 * SECOND_NS
"""Longest span: a pause of over a year is a slip."""
MOST: Final = 1_000
"""Largest count and multiple; more is a slip."""
YEARS: Final = range(1971, 2262)
"""Years whose nanoseconds fit 64 bits, and begin after 1970 in every zone."""
_SPANS: Final = {"d": 86_400, "h": 3_600, "min": 60, "s": 1}
_SPAN: Final = re.compile(r"(?:[0-9]{1,9}(?:d|h|min|s))+", re.ASCII)
_PIECE: Final = re.compile(r"([0-9]+)(d|h|min|s)", re.ASCII)


def share(value: object, key: str) -> int:
    """A share above 0 % up to 100 %, with its sign: ``"1%"``, ``"50bp"``.

    Raises
    ------
    InputError
        GUARD-203.
    """
    text = value.strip() if isinstance(value, str) else ""
    if not text.endswith(("%", "bp")):
        hint = f'write {key} = "1%" for one in a hundred; a bare number might be 1 % or all'
        raise InputError("GUARD-203", f"{key} is {shown(value)}: not a share with % or bp", hint)
    rate = _number("GUARD-203", key, value, 0, text)
    if not 0 < rate <= RATE:
        raise InputError(
            "GUARD-203", f"{key} is {shown(value)}", f"give {key} above 0 % up to 100 %, or leave it out"
        )
    return rate


def money(value: object, key: str) -> int:
    """Money above 0.

    Raises
    ------
    InputError
        GUARD-204.
    """
    try:
        cash = parse_cash(value, key)
    except UnitError as error:
        raise InputError("GUARD-204", error.message, f'write {key} = "20"') from error
    if cash <= 0:
        raise InputError("GUARD-204", f"{key} is {shown(value)}", f"give {key} above 0, or leave it out")
    return cash


def count(value: object, key: str) -> int:
    """A whole number from 1.

    Raises
    ------
    InputError
        GUARD-205.
    """
    if type(value) is not int or not 1 <= value <= MOST:
        hint = f"give {key} as a whole number from 1 to {MOST}, or leave it out"
        raise InputError("GUARD-205", f"{key} is {shown(value)}", hint)
    return value


def times(value: object, key: str) -> int:
    """A multiple above 0, in 1e-8: ``"1.5"``, ``2``.

    Raises
    ------
    InputError
        GUARD-206.
    """
    number = _number("GUARD-206", key, value, 8, _without_x(value))
    if not 0 < number <= MOST * RATE:
        hint = f"give {key} above 0 up to {MOST}, or leave it out"
        raise InputError("GUARD-206", f"{key} is {shown(value)}", hint)
    return number


def at_least_once(value: object, key: str) -> int:
    """A multiple of 1 or more, in 1e-8.

    Raises
    ------
    InputError
        GUARD-206.
    """
    number = times(value, key)
    if number < RATE:
        hint = f"give {key} of 1 or more: below it, it lies before the stop"
        raise InputError("GUARD-206", f"{key} is {shown(value)}", hint)
    return number


def times100(value: object, key: str) -> int:
    """A multiple above 0, in hundredths: ``"3"``, ``"2.5x"``.

    Raises
    ------
    InputError
        GUARD-206.
    """
    number = _number("GUARD-206", key, value, 2, _without_x(value))
    if not 0 < number <= MOST * LEVERAGE:
        hint = f"give {key} above 0 up to {MOST}, or leave it out"
        raise InputError("GUARD-206", f"{key} is {shown(value)}", hint)
    return number


def leverage(value: object, key: str) -> int:
    """A leverage of 1 or more, in hundredths.

    Raises
    ------
    InputError
        GUARD-206.
    """
    number = times100(value, key)
    if number < LEVERAGE:
        raise InputError("GUARD-206", f"{key} is {shown(value)}", "there is no leverage below 1")
    return number


def span(value: object, key: str) -> int:
    """A span of time in ns: ``"15min"``, ``"1h30min"``, ``"10s"``, ``"30d"``.

    Raises
    ------
    InputError
        GUARD-207.
    """
    text = value.replace(" ", "") if isinstance(value, str) else ""
    if not _SPAN.fullmatch(text):
        hint = f'write {key} = "15min"; units are d, h, min and s, e.g. "1h30min"'
        raise InputError("GUARD-207", f"{key} is {shown(value)}: not a span of time", hint)
    found = sum(int(number) * _SPANS[unit] for number, unit in _PIECE.findall(text)) * SECOND_NS
    if not 0 < found <= LONGEST_NS:
        hint = f"give {key} above 0 s up to 366 d, or leave it out"
        raise InputError("GUARD-207", f"{key} is {shown(value)}", hint)
    return found


def instant(value: object, key: str) -> int:
    """An instant in ns UTC: ``"2026-12-10T13:00Z"``, ``"2026-12-10 14:00+01:00"``, or TOML's own.

    Raises
    ------
    InputError
        GUARD-209.
    """
    hint = 'write it with its zone: "2026-12-10T13:00Z", or "2026-12-10T14:00+01:00"'
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError as error:
            raise InputError("GUARD-209", f"{key} is {shown(value)}: not an instant", hint) from error
    if not isinstance(value, datetime):
        raise InputError("GUARD-209", f"{key} is {shown(value)}: not an instant", hint)
    if value.tzinfo is None:
        raise InputError("GUARD-209", f"{key} is {value.isoformat()}: it has no time zone", hint)
    if value.year not in YEARS:
        raise InputError("GUARD-209", f"{key} is {value.isoformat()}", "give a year from 1971 to 2261")
    since = value.astimezone(UTC) - datetime.fromtimestamp(0, tz=UTC)
    return since // timedelta(microseconds=1) * 1_000


def contracts(value: object, key: str) -> tuple[str, ...]:
    """A list of contracts, each ``venue:SYMBOL``.

    Raises
    ------
    InputError
        GUARD-210.
    """
    hint = f'write {key} = ["binance:BTCUSDT"]'
    if not isinstance(value, (list, tuple)):
        raise InputError("GUARD-210", f"{key} is {shown(value)}: not a list", hint)
    for item in value:
        venue, _, symbol = item.partition(":") if isinstance(item, str) else ("", "", "")
        if not venue or not symbol or item != item.strip():
            raise InputError("GUARD-210", f"{key} has {shown(item)}: not venue:SYMBOL", hint)
    return tuple(dict.fromkeys(value))


def zone_name(value: object, key: str) -> str:
    """The name of a time zone that this machine knows.

    Raises
    ------
    InputError
        GUARD-208.
    """
    if not isinstance(value, str):
        raise InputError("GUARD-208", f"{key} is {shown(value)}", f'write {key} = "Europe/Berlin"')
    zone_of(value)
    return value


@lru_cache(maxsize=8)
def zone_of(name: str) -> tzinfo:
    """The time zone of a name; UTC is known everywhere.

    Raises
    ------
    InputError
        GUARD-208.
    """
    if name == "UTC":
        return UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:  # a folder, a path: OSError
        known = zoneinfo.available_timezones()
        hint = "this machine has no time zones: install the package tzdata, or use UTC"
        if known:
            by_city = {zone.rpartition("/")[2].lower(): zone for zone in sorted(known, reverse=True)}
            by_lower = {zone.lower(): zone for zone in known} | by_city | {"utc": "UTC"}
            near = difflib.get_close_matches(name.lower(), by_lower, n=1)
            hint = f"did you mean {by_lower[near[0]]}?" if near else 'write it as "Europe/Berlin"'
        raise InputError("GUARD-208", f"time_zone is {shown(name)}: there is no such zone", hint) from error


def _without_x(value: object) -> object:
    return value.strip().removesuffix("x") if isinstance(value, str) else value


def _number(code: str, key: str, value: object, decimals: int, text: object) -> int:
    """A number, or the error with the key and a code of the guard; 0 decimals: a rate with its sign."""
    try:
        return parse_scaled(text, key, decimals) if decimals else parse_rate(text, key)
    except UnitError as error:
        hint = error.hint if isinstance(value, (str, int)) else f'write {key} = "{value}"'
        raise InputError(code, error.message, hint) from error
