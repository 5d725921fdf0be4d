"""Daily returns of a run, as other tools read them: quantstats, empyrical, pyfolio, a spreadsheet.

A day is a UTC day; its end is the last point of the curve in it, so with an hourly curve the last hour
counts to the next day. The product of all returns is the whole result, exactly but for the last digit.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lotwise.errors import InputError
from lotwise.units import cash_text

if TYPE_CHECKING:
    Numbers = Any

DAY_NS: Final = 86_400 * 10**9
DECIMALS: Final = Decimal("1e-12")


class Day(NamedTuple):
    """A day of a run."""

    day: date
    equity_cash: int
    """At its end."""
    change: Fraction
    """Of the equity, over the day; 0 once nothing is left."""


def daily(times_ns: Numbers, equity_cash: Numbers) -> list[Day]:
    """Every day from the first point to the last; a day without a point changes nothing.

    Parameters
    ----------
    times_ns, equity_cash
        The curve: the first point is the beginning.
    """
    ends: dict[int, int] = {}
    for time, equity in zip(times_ns.tolist(), equity_cash.tolist(), strict=True):
        ends[time // DAY_NS] = equity
    before, found = int(equity_cash[0]), []
    for number in range(min(ends), max(ends) + 1):
        equity = ends.get(number, before)
        change = Fraction(equity - before, before) if before > 0 else Fraction(0)
        found.append(Day(_date(number), equity, change))
        before = equity
    return found


def _date(number: int) -> date:
    return datetime(1970, 1, 1, tzinfo=UTC).date() + timedelta(days=number)


def write_returns(path: Path, days: list[Day]) -> None:
    """A CSV file with ``date``, ``return`` and ``equity``; the series is what quantstats takes.

    Raises
    ------
    InputError
        BACKTEST-212 it cannot be written.
    """
    rows = [(day.day.isoformat(), str(decimal_of(day.change)), cash_text(day.equity_cash)) for day in days]
    write_rows(path, ("date", "return", "equity"), rows)


def decimal_of(share: Fraction) -> Decimal:
    """A share with 12 decimals."""
    return (Decimal(share.numerator) / Decimal(share.denominator)).quantize(DECIMALS)


def write_rows(path: Path, header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """A CSV file.

    Raises
    ------
    InputError
        BACKTEST-212.
    """
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)
    except OSError as error:
        raise InputError(
            "BACKTEST-212",
            f"{path} cannot be written: {error.strerror or error}",
            "name a file in a folder that is there",
        ) from error
