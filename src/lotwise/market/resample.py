"""Bars of another length: longer bars of bars, and bars of trades by time, count or volume.

All in whole numbers: the turnover of a trade is price times quantity, exactly, at the decimals of both. A bar
that the data covers in part is told, or left out; a span without a row makes no bar unless it is asked for.

Bars of count and of volume: M. Lopez de Prado, Advances in Financial Machine Learning, 2018, chapter 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from lotwise.errors import InputError
from lotwise.market.check import at_time, lasting
from lotwise.market.columns import INT64_MAX
from lotwise.market.kinds import BARS, MARKS, TRADES, Scale, Table
from lotwise.rule import rule

if TYPE_CHECKING:
    import polars as pl

DAY_NS: Final = 86_400 * 10**9
WEEK_NS: Final = 7 * DAY_NS
MONDAY_NS: Final = 3 * DAY_NS
"""1970 began on a Thursday: so much later a whole number of weeks ends on a Monday."""
MOST_BARS: Final = 50_000_000
"""More bars than that are a slip in the step, or in a stamp."""

Partial = Literal["keep", "drop"]
"""What becomes of a first or last bar that the data covers in part."""
Fill = Literal["none", "previous_close"]
"""What becomes of a span without a row."""
SUMS: Final[tuple[str, ...]] = ("volume", "turnover", "trades", "taker_buy_volume")


@dataclass(frozen=True)
class Bars:
    """Bars, and how far the data covers them."""

    table: Table
    step_ns: int
    """Length of a bar; 0 where bars are not of time."""
    pieces: pl.Series
    """Rows that each bar was made of; 0 in a bar that was filled."""
    first_partial: bool
    """The first bar begins before the data; never with ``partial="drop"``."""
    last_partial: bool
    """The last bar ends after the data; never with ``partial="drop"``."""


def of_bars(
    table: Table,
    step_ns: int,
    *,
    source_ns: int = 0,
    zone_ns: int = 0,
    partial: Partial = "keep",
    fill: Fill = "none",
) -> Bars:
    """Longer bars of bars, or of bars of the mark.

    Parameters
    ----------
    step_ns
        Length of a bar, whole bars of the table. Bars begin at its multiples since 1970, whole weeks on
        Mondays.
    source_ns
        Length of the table's bars; 0: the least time between two of them.
    zone_ns
        How far the clock of the session is ahead of UTC: with 8 h a day begins at 16:00 UTC.

    Raises
    ------
    InputError
        DATA-601 a step that does not go, DATA-602 another kind or a column is missing, DATA-603 rows out of
        order or off the clock, DATA-604 sums beyond 64 bits, DATA-605 a choice that is none, DATA-606 the
        length of the table's bars cannot be told.
    """
    import polars as pl

    _choices(partial, fill)
    if table.kind not in (BARS, MARKS):
        raise InputError("DATA-602", f"a table of {table.kind.name} where bars or marks belong", "give bars")
    _has(table, ("time_ns", "open", "high", "low", "close"))
    times = table.frame["time_ns"]
    _in_order(times, strictly=True)
    source = source_ns or _least_step(times)
    if source < 1 or step_ns < source or step_ns % source or zone_ns % source:
        raise InputError(
            "DATA-601",
            f"bars of {lasting(step_ns)} in a zone of {lasting(zone_ns)} of bars of {lasting(source)}",
            hint="the step and the zone are whole multiples of the bars there are",
        )
    origin = _origin(step_ns, zone_ns)
    odd = (times - origin) % source != 0
    if bool(odd.any()):
        at = int(odd.arg_max() or 0)
        raise InputError(
            "DATA-603",
            f"row {at}: {at_time(times[at])} is no multiple of {lasting(source)}",
            hint="say how long the bars are (source_ns), or check the table",
        )
    sums = [name for name in SUMS if name in table.frame.columns]
    grouped = table.frame.with_columns(bar=(pl.col("time_ns") - origin) // step_ns)
    made = _grouped(grouped, sums, extremes=("high", "low"))
    covered = (int(times[0]), int(times[-1]) + source) if len(times) else (0, 0)
    whole = Table(table.kind, table.scale, made)
    return _by_time(whole, step_ns, origin, covered=covered, partial=partial, fill=fill)


def of_trades(
    table: Table,
    step_ns: int,
    *,
    since_ns: int | None = None,
    until_ns: int | None = None,
    zone_ns: int = 0,
    partial: Partial = "keep",
    fill: Fill = "none",
) -> Bars:
    """Bars of time of trades.

    Trades do not say which span they cover: without ``since_ns`` and ``until_ns`` it is taken to be from
    the first to the last of them, so the first and the last bar are mostly partial.

    Parameters
    ----------
    since_ns, until_ns
        The span that the trades cover, from and before.
    step_ns, zone_ns, partial, fill
        As in :func:`of_bars`.

    Raises
    ------
    InputError
        DATA-601, DATA-602, DATA-603 trades out of order or outside the span, DATA-604, DATA-605.
    """
    import polars as pl

    _choices(partial, fill)
    _trades(table)
    times = table.frame["time_ns"]
    if step_ns < 1:
        raise InputError("DATA-601", f"bars of {step_ns} ns", hint="a bar lasts 1 ns at least")
    covered = (0, 0)
    if len(times):
        covered = (
            int(times[0]) if since_ns is None else since_ns,
            int(times[-1]) + 1 if until_ns is None else until_ns,
        )
        if covered[0] > int(times[0]) or covered[1] <= int(times[-1]):
            raise InputError(
                "DATA-603",
                f"trades from {at_time(times[0])} to {at_time(times[-1])} in a span from"
                f" {at_time(covered[0])} to {at_time(covered[1])}",
                hint="give the span that the trades cover, or leave it out",
            )
    origin = _origin(step_ns, zone_ns)
    worth, scale = _worth(table)
    made = _grouped(worth.with_columns(bar=(pl.col("time_ns") - origin) // step_ns), list(SUMS))
    return _by_time(Table(BARS, scale, made), step_ns, origin, covered=covered, partial=partial, fill=fill)


def of_trades_by_count(table: Table, count: int, *, partial: Partial = "keep") -> Bars:
    """Bars of so many trades each; the time of a bar is that of its first trade, and may repeat.

    Raises
    ------
    InputError
        DATA-601 a count below 1, DATA-602, DATA-603, DATA-604, DATA-605.
    """
    import polars as pl

    _choices(partial, "none")
    _trades(table)
    if count < 1:
        raise InputError("DATA-601", f"bars of {count} trades", hint="a bar has at least one")
    worth, scale = _worth(table)
    numbered = worth.with_columns(bar=pl.int_range(pl.len(), dtype=pl.Int64) // count)
    return _by_events(_grouped(numbered, list(SUMS)), scale, len(numbered) % count > 0, partial)


def of_trades_by_volume(table: Table, quantity: int, *, partial: Partial = "keep") -> Bars:
    """Bars of at least so much volume each: a bar ends with the trade that fills it, no trade is cut.

    Parameters
    ----------
    quantity
        In units of the table's quantities.

    Raises
    ------
    InputError
        DATA-601 a quantity below 1, DATA-602, DATA-603, DATA-604, DATA-605.
    """
    import numpy as np
    import polars as pl

    _choices(partial, "none")
    _trades(table)
    if quantity < 1:
        raise InputError("DATA-601", f"bars of a volume of {quantity}", hint="a bar has at least 1")
    worth, scale = _worth(table)
    numbers = np.zeros(len(worth), np.int64)
    amounts = np.ascontiguousarray(worth["volume"].to_numpy(), np.int64)
    unfinished = bool(volume_bars.compiled(amounts, quantity, numbers))
    numbered = worth.with_columns(bar=pl.Series(numbers, dtype=pl.Int64))
    return _by_events(_grouped(numbered, list(SUMS)), scale, unfinished, partial)


@rule
def volume_bars(quantities: Sequence[int], wanted: int, bars: list[int]) -> int:
    """Write the number of the bar of each trade; 1 where the last bar is not full, else 0."""
    bar, filled = 0, 0
    for i in range(len(quantities)):
        bars[i] = bar
        filled += min(quantities[i], wanted - filled)
        if filled == wanted:
            bar, filled = bar + 1, 0
    return 1 if filled else 0


def _choices(partial: str, fill: str) -> None:
    if partial not in ("keep", "drop"):
        raise InputError("DATA-605", f"partial is {partial!r}", hint="one of keep, drop")
    if fill not in ("none", "previous_close"):
        raise InputError("DATA-605", f"fill is {fill!r}", hint="one of none, previous_close")


def _has(table: Table, names: tuple[str, ...]) -> None:
    missing = [name for name in names if name not in table.frame.columns]
    if missing:
        raise InputError(
            "DATA-602",
            f"the table has no column {', '.join(missing)}; it has {', '.join(table.frame.columns)}",
            hint=f"a table of {table.kind.name} needs it",
        )


def _trades(table: Table) -> None:
    if table.kind != TRADES:
        raise InputError("DATA-602", f"a table of {table.kind.name} where trades belong", "give trades")
    _has(table, tuple(TRADES.columns))
    _in_order(table.frame["time_ns"], strictly=False)


def _in_order(times: pl.Series, *, strictly: bool) -> None:
    steps = times.diff()
    back = (steps <= 0 if strictly else steps < 0).fill_null(False)
    if bool(back.any()):
        at = int(back.arg_max() or 0)
        raise InputError(
            "DATA-603",
            f"row {at} is of {at_time(times[at])}, the row before it of {at_time(times[at - 1])}",
            hint="sort the rows by time and take out doubles first",
        )


def _least_step(times: pl.Series) -> int:
    """The least time between two rows; 1 for no row at all."""
    if times.is_empty():
        return 1
    if len(times) == 1:
        raise InputError(
            "DATA-606", "one bar does not say how long it is", hint="say it: source_ns=60_000_000_000"
        )
    return int(times.diff().min())  # type: ignore[arg-type]


def _origin(step_ns: int, zone_ns: int) -> int:
    """A time at which a bar begins."""
    return ((-MONDAY_NS if step_ns % WEEK_NS == 0 else 0) - zone_ns) % max(1, step_ns) - max(1, step_ns)


def _worth(table: Table) -> tuple[pl.DataFrame, Scale]:
    """Every trade as a bar of its own, and the scale of such bars."""
    import polars as pl

    scale = Scale(
        price=table.scale.price, quantity=table.scale.quantity, money=table.scale.price + table.scale.quantity
    )
    price, quantity = table.frame["price"], table.frame["quantity"]
    wide = _largest(price) * _largest(quantity) > INT64_MAX
    amount = (pl.col("price").cast(pl.Int128) if wide else pl.col("price")) * pl.col("quantity")
    frame = table.frame.select(
        "time_ns",
        *[pl.col("price").alias(name) for name in ("open", "high", "low", "close")],
        volume=pl.col("quantity"),
        turnover=amount,
        trades=pl.lit(1, dtype=pl.Int64),
        taker_buy_volume=pl.when(pl.col("buyer_is_maker")).then(0).otherwise(pl.col("quantity")),
    )
    return frame, scale


def _largest(numbers: pl.Series) -> int:
    """The largest size, as an integer without end."""
    if numbers.is_empty():
        return 0
    return max(abs(int(numbers.min())), abs(int(numbers.max())))  # type: ignore[arg-type]


def _grouped(
    frame: pl.DataFrame, sums: list[str], extremes: tuple[str, str] = ("open", "open")
) -> pl.DataFrame:
    """Rows put together by their column ``bar``; every sum is exact, or refused."""
    import polars as pl

    wide = [name for name in sums if _largest(frame[name]) * len(frame) > INT64_MAX]
    high, low = extremes
    made = frame.group_by("bar", maintain_order=True).agg(
        pl.col("time_ns").first(),
        pl.col("open").first(),
        pl.col(high).max().alias("high"),
        pl.col(low).min().alias("low"),
        pl.col("close").last(),
        *[(pl.col(name).cast(pl.Int128) if name in wide else pl.col(name)).sum() for name in sums],
        pl.len().cast(pl.Int64).alias("pieces"),
    )
    for name in wide:
        over = made[name].abs() > INT64_MAX
        if bool(over.any()):
            at = int(over.arg_max() or 0)
            raise InputError(
                "DATA-604",
                f"the {name} of the bar at {at_time(made['time_ns'][at])} is {made[name][at]}, beyond"
                f" {INT64_MAX}",
                hint="make shorter bars, or store the table with fewer decimals",
            )
    return made.with_columns(pl.col(name).cast(pl.Int64) for name in sums)


def _by_time(
    made: Table, step_ns: int, origin: int, *, covered: tuple[int, int], partial: Partial, fill: Fill
) -> Bars:
    """Bars of time with their own stamps, filled and cut as asked."""
    import polars as pl

    frame = made.frame.with_columns(time_ns=pl.col("bar") * step_ns + origin)
    if fill == "previous_close" and len(frame):
        frame = _filled(frame, step_ns, origin)
    first = last = False
    if len(frame):
        first = int(frame["time_ns"][0]) < covered[0]
        last = int(frame["time_ns"][-1]) + step_ns > covered[1]
        if partial == "drop":
            kept = (pl.col("time_ns") >= covered[0]) & (pl.col("time_ns") + step_ns <= covered[1])
            frame, first, last = frame.filter(kept), False, False
    return _finished(frame, made, step_ns, ends=(first, last))


def _filled(frame: pl.DataFrame, step_ns: int, origin: int) -> pl.DataFrame:
    """A bar for every span, at the close before it where nothing happened."""
    import polars as pl

    bars = frame["bar"]
    count = int(bars[-1]) - int(bars[0]) + 1
    if count > MOST_BARS:
        raise InputError(
            "DATA-601",
            f"{count:,} bars of {lasting(step_ns)} to fill, at most {MOST_BARS:,}",
            hint="make longer bars, or look for a stamp that is far off",
        )
    every = pl.DataFrame({"bar": pl.int_range(int(bars[0]), int(bars[-1]) + 1, eager=True)})
    zeros = [name for name in (*SUMS, "pieces") if name in frame.columns]
    return (
        every.join(frame, on="bar", how="left", maintain_order="left")
        .with_columns(pl.col("close").forward_fill(), pl.col(zeros).fill_null(0))
        .with_columns(pl.col("open", "high", "low").fill_null(pl.col("close")))
        .with_columns(time_ns=pl.col("bar") * step_ns + origin)
    )


def _by_events(frame: pl.DataFrame, scale: Scale, unfinished: bool, partial: Partial) -> Bars:
    if unfinished and partial == "drop":
        frame, unfinished = frame.head(-1), False
    return _finished(frame, Table(BARS, scale, frame), step_ns=0, ends=(False, unfinished))


def _finished(frame: pl.DataFrame, made: Table, step_ns: int, ends: tuple[bool, bool]) -> Bars:
    names = [name for name in made.kind.columns if name in frame.columns]
    table = Table(made.kind, made.scale, frame.select(names))
    return Bars(table, step_ns, frame["pieces"], first_partial=ends[0], last_partial=ends[1])
