"""Text to whole numbers, exactly: the one place where decimals of a file become integers.

``file`` and ``first_row`` are for the error: a row is counted as a person counts the file's lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lotwise.errors import InputError

if TYPE_CHECKING:
    import polars as pl

INT64_MAX: Final = 2**63 - 1
MOST_DECIMALS: Final = 18
"""More than any venue writes; a column that needs more is refused."""
SECONDS_END: Final = 10**11
MILLIS_END: Final = 10**14
MICROS_END: Final = 10**17
"""Stamps below these are seconds, milliseconds, microseconds: unmistakable from 1973 to 5138."""
LATEST_NS: Final = 4_102_444_800 * 10**9
"""The year 2100: a later stamp is no stamp."""


@dataclass(frozen=True)
class Place:
    """Where a column was read: its file, and the line of its first row."""

    file: str
    first_row: int = 1

    def row(self, at: int) -> str:
        """Words for row ``at`` of the column."""
        return f"{self.file}, row {self.first_row + at}"


def exact(texts: pl.Series, place: Place) -> pl.Series:
    """The numbers of a column of text, with 18 decimals.

    Raises
    ------
    InputError
        DATA-110 where a text is no number, DATA-111 where it has more than 18 decimals.
    """
    import polars as pl

    numbers = texts.cast(pl.Decimal(38, MOST_DECIMALS), strict=False)
    odd = numbers.is_null()
    if bool(odd.any()):
        at = int(odd.arg_max() or 0)
        raise InputError(
            "DATA-110",
            f"{place.row(at)}: {texts.name} is {texts[at]!r}, which is no number",
            hint="the file is damaged or of another kind: fetch it again, or name its kind",
        )
    fine = texts.str.contains(rf"\.\d{{{MOST_DECIMALS + 1},}}")
    if bool(fine.any()):
        at = int(fine.arg_max() or 0)
        raise InputError(
            "DATA-111",
            f"{place.row(at)}: {texts.name} is {texts[at]}, more than {MOST_DECIMALS} decimals",
            hint="round it where it is written; no venue counts so finely",
        )
    return numbers


def decimals_of(numbers: pl.Series) -> int:
    """The fewest decimals that hold every number of an exact column."""
    for places in range(MOST_DECIMALS):
        if bool((numbers.round(places) == numbers).all()):
            return places
    return MOST_DECIMALS


def whole(numbers: pl.Series, decimals: int, place: Place) -> pl.Series:
    """An exact column as whole numbers of 10 ** -decimals.

    Raises
    ------
    InputError
        DATA-112 where a number is not within 64 bits, DATA-113 where it has more decimals.
    """
    import polars as pl

    wide = numbers.abs() > INT64_MAX // 10**decimals
    if bool(wide.any()):
        at = int(wide.arg_max() or 0)
        raise InputError(
            "DATA-112",
            f"{place.row(at)}: {numbers.name} is {numbers[at].normalize():f}, which does not fit 64 bits"
            f" with {decimals} decimals",
            hint="the file is damaged, or its columns stand in another order",
        )
    fine = numbers.round(decimals) != numbers
    if bool(fine.any()):
        at = int(fine.arg_max() or 0)
        raise InputError(
            "DATA-113",
            f"{place.row(at)}: {numbers.name} is {numbers[at].normalize():f}, more than {decimals} decimals",
            hint="store it at a finer scale",
        )
    grown = numbers.to_frame("number").select((pl.col("number") * 10**decimals).cast(pl.Int64))
    return grown["number"].rename(numbers.name)


def counts(texts: pl.Series, place: Place) -> pl.Series:
    """A column of whole numbers: counts and ids.

    Raises
    ------
    InputError
        DATA-110, DATA-112, DATA-113.
    """
    return whole(exact(texts, place), 0, place)


def stamps_ns(texts: pl.Series, place: Place) -> pl.Series:
    """A column of stamps in s, ms, us or ns, told apart by their size, as nanoseconds.

    Raises
    ------
    InputError
        DATA-110 where a text is no number, DATA-114 where a stamp is none, or the column mixes units.
    """
    import polars as pl

    given = counts(texts, place)
    at = pl.col("at")
    factor = (
        pl.when(at < SECONDS_END)
        .then(10**9)
        .when(at < MILLIS_END)
        .then(10**6)
        .when(at < MICROS_END)
        .then(10**3)
        .otherwise(1)
    )
    judged = given.to_frame("at").select(at, factor=factor)
    factors = judged["factor"].unique()
    if len(factors) > 1:
        odd = judged["factor"] != judged["factor"][0]
        row = int(odd.arg_max() or 0)
        raise InputError(
            "DATA-114",
            f"{place.row(row)}: {texts.name} is {given[row]}, another unit of time than {given[0]} before it",
            hint="a file has stamps of one unit: split it where the unit changes",
        )
    found = (given * int(factors[0]) if len(factors) else given).rename(texts.name)
    bad = (found <= 0) | (found > LATEST_NS)
    if bool(bad.any()):
        row = int(bad.arg_max() or 0)
        raise InputError(
            "DATA-114",
            f"{place.row(row)}: {texts.name} is {given[row]}, which is no time between 1970 and 2100",
            hint="name the column of the time",
        )
    return found


def flags(texts: pl.Series, place: Place) -> pl.Series:
    """A column of true and false, however written.

    Raises
    ------
    InputError
        DATA-115 where a text is neither.
    """
    import polars as pl

    words = {"true": True, "false": False, "1": True, "0": False}
    found = texts.str.to_lowercase().replace_strict(words, default=None, return_dtype=pl.Boolean)
    odd = found.is_null()
    if bool(odd.any()):
        at = int(odd.arg_max() or 0)
        raise InputError(
            "DATA-115",
            f"{place.row(at)}: {texts.name} is {texts[at]!r}, neither true nor false",
            hint="the file is damaged or of another kind",
        )
    return found.rename(texts.name)
