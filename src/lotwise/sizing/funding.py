"""Funding over a hold, from the rates of the past."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from lotwise.errors import InputError
from lotwise.units import Number, Rate8, parse_rate

RATE_COLUMNS = ("rate", "funding_rate", "fundingRate")
"""Names that the column of rates may have in a file."""


def funding_of_history(rates: Sequence[Number], stamps: int, side: int) -> Rate8:
    """Funding this side would have paid over a hold of so many stamps, in 19 of 20 such holds.

    Sums of ``stamps`` rates that follow each other, sorted; the one that 95 % of them do not
    exceed. Income counts as 0.

    Raises
    ------
    InputError
        SIZE-046 fewer rates than the hold has stamps.

    >>> funding_of_history(["0.0001", "0.0003", "-0.0001"], stamps=2, side=1)
    40000
    """
    paid = [side * parse_rate(rate, "funding history") for rate in rates]
    if not 1 <= stamps <= len(paid):
        raise InputError(
            "SIZE-046",
            f"the funding history has {len(paid)} rates, the hold meets {stamps}",
            "give a longer history, or a funding rate",
        )
    sums = sorted(sum(paid[first : first + stamps]) for first in range(len(paid) - stamps + 1))
    return Rate8(max(0, sums[-(-95 * len(sums) // 100) - 1]))


def read_history(path: str | Path) -> list[str]:
    """The rates of a CSV file, oldest first, from its column ``rate`` or ``fundingRate``.

    Raises
    ------
    InputError
        SIZE-047 unreadable, without such a column, or with a line that holds no rate.
    """
    name = Path(path).name
    try:
        with open(path, newline="", encoding="utf-8-sig") as stream:
            lines = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError("SIZE-047", f"{name} cannot be read: {error}", "give a CSV file in UTF-8") from error
    column = next((one for one in RATE_COLUMNS if lines and one in lines[0]), None)
    if column is None:
        raise InputError(
            "SIZE-047", f"{name} has no column of rates", f"name it one of {', '.join(RATE_COLUMNS)}"
        )
    rates = [(line[column] or "").strip() for line in lines]
    for number, rate in enumerate(rates, 2):
        try:
            parse_rate(rate, "rate")
        except InputError as error:
            raise InputError("SIZE-047", f"{name} line {number}: {error.message}", error.hint) from error
    return rates
