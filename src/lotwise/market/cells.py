"""Cells of any type as exact numbers: text, whole numbers, decimals, floats, times.

:mod:`lotwise.market.columns` reads text alone and says what is wrong with it; this reads what most files hold
in one step, and leaves the rest to that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lotwise.errors import InputError
from lotwise.market import columns
from lotwise.market.columns import LATEST_NS, Place

if TYPE_CHECKING:
    import polars as pl

_UUID: Final = r"^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$"
_MOMENT: Final = "%Y-%m-%d %H:%M:%S%.f"


def numbers(column: pl.Series, place: Place) -> pl.Series:
    """A column of prices or quantities, of any type, exactly, with 18 decimals.

    Raises
    ------
    InputError
        DATA-110 no number, DATA-111 more than 18 decimals, DATA-124 the same of a float.
    """
    import polars as pl

    if column.dtype.is_decimal() or column.dtype.is_integer():
        return column.cast(pl.Decimal(38, columns.MOST_DECIMALS))
    texts = column.cast(pl.String)
    if column.dtype.is_float():
        parts = texts.str.extract_groups(r"^-?\d*\.?(?<fraction>\d*)e-(?<power>\d+)$")
        fine = (
            parts.struct.field("fraction").str.len_bytes() + parts.struct.field("power").cast(pl.Int64)
            > columns.MOST_DECIMALS
        ).fill_null(False)
        if bool(fine.any()):
            at = int(fine.arg_max() or 0)
            raise InputError(
                "DATA-124",
                f"{place.row(at)}: {column.name} is the float {texts[at]}, more than"
                f" {columns.MOST_DECIMALS} decimals",
                hint="round it where it is written; no venue counts so finely",
            )
    return columns.exact(texts, place)


def moments_ns(column: pl.Series, place: Place) -> pl.Series:
    """A column of times as nanoseconds: stamps in s, ms, us, ns, seconds with fractions, dates in UTC.

    Raises
    ------
    InputError
        DATA-110, DATA-114 where a text is no time, or the column mixes units.
    """
    import polars as pl

    if column.dtype.is_temporal():
        return column.dt.epoch("ns").cast(pl.Int64)
    whole = column.cast(pl.Int64, strict=False)
    if not whole.has_nulls() and len(whole):
        low, high = int(whole.min()), int(whole.max())  # type: ignore[arg-type]
        begin = 1
        for end, factor in (
            (columns.SECONDS_END, 10**9),
            (columns.MILLIS_END, 10**6),
            (columns.MICROS_END, 10**3),
            (columns.LATEST_NS + 1, 1),
        ):
            if begin <= low and high < end and high * factor <= columns.LATEST_NS:
                return whole * factor
            begin = end
    texts = column.cast(pl.String)
    if not whole.has_nulls() or not len(texts):
        return columns.stamps_ns(texts, place)
    first = str(texts[int(whole.is_null().arg_max() or 0)])
    if first.count("-") >= 2:
        return _dates_ns(texts, place)
    if first.replace(".", "", 1).isdigit():
        return _seconds_ns(texts, place)
    return columns.stamps_ns(texts, place)


def _dates_ns(texts: pl.Series, place: Place) -> pl.Series:
    """``2025-05-04 00:00:00.123``, with a T and a Z or without, or a day alone; UTC."""
    import polars as pl

    plain = (
        texts.str.replace("T", " ", literal=True)
        .str.replace(r"(Z|\+00:?00| UTC)$", "")
        .str.replace(r"^(\d{4}-\d\d-\d\d)$", "$1 00:00:00")
    )
    found = plain.str.to_datetime(_MOMENT, time_unit="ns", strict=False).dt.epoch("ns")
    bad = found.is_null() | (found <= 0) | (found > LATEST_NS)
    if bool(bad.any()):
        at = int(bad.arg_max() or 0)
        raise InputError(
            "DATA-114",
            f"{place.row(at)}: {texts.name} is {texts[at]!r}, which is no time between 1970 and 2100",
            hint="write UTC as 2025-05-04 00:00:00, or a stamp",
        )
    return found.cast(pl.Int64)


def _seconds_ns(texts: pl.Series, place: Place) -> pl.Series:
    """Seconds with fractions, exactly."""
    found = columns.whole(columns.exact(texts, place), 9, place)
    bad = (found <= 0) | (found > LATEST_NS)
    if bool(bad.any()):
        at = int(bad.arg_max() or 0)
        raise InputError(
            "DATA-114",
            f"{place.row(at)}: {texts.name} is {texts[at]}, which are no seconds between 1970 and 2100",
            hint="name the column of the time",
        )
    return found


def not_later(times: pl.Series, latest_ns: int, place: Place) -> None:
    """Refuse stamps of the future: what has not happened is no market data.

    Raises
    ------
    InputError
        DATA-136 where a stamp is later.
    """
    late = times > latest_ns
    if bool(late.any()):
        from lotwise.market.check import at_time

        at = int(late.arg_max() or 0)
        raise InputError(
            "DATA-136",
            f"{place.row(at)}: {at_time(times[at])} is in the future; now it is before {at_time(latest_ns)}",
            hint="see the unit of the stamps, and this machine's clock",
        )


def flags(column: pl.Series, place: Place) -> pl.Series:
    """True and false however written; of a taker's side, true where he sold (the buyer was the maker).

    Raises
    ------
    InputError
        DATA-115 where a text is neither.
    """
    import polars as pl

    if column.dtype == pl.Boolean:
        return column
    texts = column.cast(pl.String)
    yes, no = (texts == "true") | (texts == "True"), (texts == "false") | (texts == "False")
    if bool((yes | no).all()):
        return yes.rename(column.name)
    if column.name == "buyer_is_maker":
        words = texts.str.to_lowercase()
        sold, bought = words == "sell", words == "buy"
        if bool((sold | bought).all()):
            return sold.rename(column.name)
    return columns.flags(texts, place)


def ids(column: pl.Series, place: Place) -> pl.Series:
    """Counts, and ids: whole numbers as they are, UUIDs as :func:`uuid_ids`.

    Raises
    ------
    InputError
        DATA-110, DATA-112, DATA-113; DATA-129 where some are UUIDs and one is not.
    """
    import polars as pl

    if column.dtype.is_float():
        return columns.whole(numbers(column, place), 0, place)
    whole = column.cast(pl.Int64, strict=False)
    if not whole.has_nulls():
        return whole
    texts = column.cast(pl.String)
    if column.name == "id" and bool(texts.head(1).str.contains(_UUID).all()):
        return uuid_ids(texts, place)
    return columns.counts(texts, place)


def uuid_ids(texts: pl.Series, place: Place) -> pl.Series:
    """UUIDs as whole numbers: the same UUID is the same number in every file.

    Of the 32 digits the first 12 and the 14th to 16th: 60 bits, without the 13th, which only says the
    version. Of ten million trades of a day two share a number once in 23,000 days; the check finds it.

    Raises
    ------
    InputError
        DATA-129 where a text is no UUID.
    """
    odd = ~texts.str.contains(_UUID)
    if bool(odd.any()):
        at = int(odd.arg_max() or 0)
        raise InputError(
            "DATA-129",
            f"{place.row(at)}: {texts.name} is {texts[at]!r}, which is no UUID as the one before it",
            hint="the file is damaged: fetch it again",
        )
    digits = texts.str.slice(0, 8) + texts.str.slice(9, 4) + texts.str.slice(15, 3)
    return digits.str.to_integer(base=16).rename(texts.name)
