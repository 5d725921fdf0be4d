"""Bars of another length: against plain dictionaries, by their laws, on real bars."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pl = pytest.importorskip("polars")

from lotwise.errors import InputError  # noqa: E402
from lotwise.market import resample  # noqa: E402
from lotwise.market.kinds import BARS, MARKS, QUOTES, TRADES, Scale, Table  # noqa: E402

MINUTE = 60 * 10**9
HOUR = 60 * MINUTE
DAY = 24 * HOUR
START = 20_212 * DAY
TENTHS = Scale(price=1, quantity=3)
NAMES = ("open", "high", "low", "close", "volume", "turnover", "trades", "taker_buy_volume")


def bars_table(minutes: list[int], seed: int) -> Table:
    """A bar for each of the minutes."""
    rng = random.Random(seed)
    rows = []
    for minute in minutes:
        low = rng.randint(900_000, 950_000)
        high = low + rng.randint(0, 500)
        taker = rng.randint(0, 90)
        rows.append(
            (
                START + minute * MINUTE,
                rng.randint(low, high),
                high,
                low,
                rng.randint(low, high),
                taker + rng.randint(0, 40),
                rng.randint(0, 10**9),
                rng.randint(0, 30),
                taker,
            )
        )
    schema = dict.fromkeys(BARS.columns, pl.Int64)
    return Table(BARS, Scale(price=1, quantity=3, money=4), pl.DataFrame(rows, schema=schema, orient="row"))


def trades_table(count: int, seed: int, span_ns: int = 3 * HOUR) -> Table:
    """Trades at random times, several at one."""
    rng = random.Random(seed)
    times = sorted(START + rng.randrange(span_ns) // 10**6 * 10**6 for _ in range(count))
    frame = pl.DataFrame(
        {
            "time_ns": times,
            "id": list(range(count)),
            "price": [rng.randint(900_000, 950_000) for _ in range(count)],
            "quantity": [rng.randint(1, 5_000) for _ in range(count)],
            "buyer_is_maker": [rng.random() < 0.5 for _ in range(count)],
        },
        schema_overrides={"time_ns": pl.Int64},
    )
    return Table(TRADES, TENTHS, frame)


def slow_of_bars(table: Table, step: int, zone: int = 0) -> dict[int, list[int]]:
    """Longer bars with a dictionary."""
    found: dict[int, list[int]] = {}
    for time_ns, *rest in table.frame.rows():
        begin = time_ns - (time_ns + zone) % step
        if begin not in found:
            found[begin] = list(rest)
            continue
        bar = found[begin]
        bar[1], bar[2], bar[3] = max(bar[1], rest[1]), min(bar[2], rest[2]), rest[3]
        for place in range(4, 8):
            bar[place] += rest[place]
    return found


def slow_of_trades(rows: list[Any], key: Any) -> dict[int, list[int]]:
    """Bars of trades with a dictionary; ``key`` says the bar of a row by its place."""
    found: dict[int, list[int]] = {}
    for place, (time_ns, _, price, quantity, maker) in enumerate(rows):
        bar = found.setdefault(key(place, time_ns), [price, price, price, price, 0, 0, 0, 0])
        bar[1], bar[2], bar[3] = max(bar[1], price), min(bar[2], price), price
        bar[4] += quantity
        bar[5] += price * quantity
        bar[6] += 1
        bar[7] += 0 if maker else quantity
    return found


def as_dict(bars: resample.Bars) -> dict[int, list[int]]:
    """Bars by their time."""
    return {row[0]: list(row[1:]) for row in bars.table.frame.rows()}


@given(
    minutes=st.lists(st.integers(0, 400), min_size=2, max_size=60, unique=True),
    seed=st.integers(0, 9),
    partial=st.sampled_from(["keep", "drop"]),
)
def test_in_two_steps_is_as_in_one(minutes: list[int], seed: int, partial: Any) -> None:
    table = bars_table(sorted(minutes), seed)
    five = resample.of_bars(table, 5 * MINUTE, source_ns=MINUTE)
    assert as_dict(five) == slow_of_bars(table, 5 * MINUTE)
    direct = resample.of_bars(table, 15 * MINUTE, source_ns=MINUTE)
    again = resample.of_bars(five.table, 15 * MINUTE, source_ns=5 * MINUTE)
    assert again.table.frame.equals(direct.table.frame)
    whole = resample.of_bars(table, 15 * MINUTE, source_ns=MINUTE, partial=partial)
    assert set(as_dict(whole)) <= set(as_dict(direct))
    assert int(direct.pieces.sum()) == len(table.frame)
    first, last = table.frame["time_ns"][0], table.frame["time_ns"][-1] + MINUTE
    assert direct.first_partial == (direct.table.frame["time_ns"][0] < first)
    assert direct.last_partial == (direct.table.frame["time_ns"][-1] + 15 * MINUTE > last)
    covered = [t for t in as_dict(direct) if first <= t and t + 15 * MINUTE <= last]
    assert list(as_dict(whole)) == (covered if partial == "drop" else list(as_dict(direct)))


def test_partial_bars_are_told_or_left_out_in_two_steps_as_in_one() -> None:
    table = bars_table(list(range(7, 68)), 3)
    kept = resample.of_bars(table, 15 * MINUTE)
    assert (kept.first_partial, kept.last_partial, len(kept.table.frame)) == (True, True, 5)
    assert kept.pieces.to_list() == [8, 15, 15, 15, 8]
    dropped = resample.of_bars(table, 15 * MINUTE, partial="drop")
    assert (dropped.first_partial, dropped.last_partial) == (False, False)
    assert dropped.table.frame.equals(kept.table.frame[1:4])
    five = resample.of_bars(table, 5 * MINUTE, partial="drop").table
    assert resample.of_bars(five, 15 * MINUTE, partial="drop").table.frame.equals(dropped.table.frame)


def test_days_of_another_zone_and_weeks_begin_where_they_should() -> None:
    table = bars_table(list(range(0, 60 * 24 * 15, 30)), 1)
    days = resample.of_bars(table, DAY, source_ns=30 * MINUTE, zone_ns=8 * HOUR)
    assert as_dict(days) == slow_of_bars(table, DAY, zone=8 * HOUR)
    assert {t % DAY for t in as_dict(days)} == {16 * HOUR}
    weeks = resample.of_bars(table, 7 * DAY)
    assert [(t // DAY + 3) % 7 for t in as_dict(weeks)] == [0, 0, 0], "1970-01-01 was a Thursday: day 3"
    assert sum(bar[4] for bar in as_dict(weeks).values()) == table.frame["volume"].sum()


def test_an_empty_span_makes_no_bar_unless_asked() -> None:
    table = bars_table([0, 1, 2, 30, 31], 5)
    assert len(resample.of_bars(table, 5 * MINUTE).table.frame) == 2
    filled = resample.of_bars(table, 5 * MINUTE, fill="previous_close")
    assert [t - START for t in as_dict(filled)] == [i * 5 * MINUTE for i in range(7)]
    close = table.frame["close"][2]
    assert all(as_dict(filled)[START + i * 5 * MINUTE] == [close] * 4 + [0] * 4 for i in range(1, 6))
    assert filled.pieces.to_list() == [3, 0, 0, 0, 0, 0, 2]


@pytest.mark.parametrize("seed", range(20))
def test_bars_of_trades_are_those_of_a_dictionary(seed: int) -> None:
    rng = random.Random(seed)
    table = trades_table(rng.choice((1, 7, 300, 2_000)), seed)
    rows = table.frame.rows()
    step = rng.choice((1, 5, 60)) * MINUTE
    bars = resample.of_trades(table, step)
    assert as_dict(bars) == slow_of_trades(rows, lambda _, t: t - t % step)
    assert bars.table.scale == Scale(price=1, quantity=3, money=4)
    count = rng.choice((1, 3, 50))
    by_count = resample.of_trades_by_count(table, count)
    assert list(map(list, by_count.table.frame.select(NAMES).rows())) == list(
        slow_of_trades(rows, lambda place, _: place // count).values()
    )
    wanted, filled, numbers = rng.choice((1, 5_000, 80_000)), 0, [0]
    for row in rows:
        filled += row[3]
        numbers.append(numbers[-1] + (filled >= wanted))
        filled = 0 if filled >= wanted else filled
    by_volume = resample.of_trades_by_volume(table, wanted)
    slow = list(slow_of_trades(rows, lambda place, _: numbers[place]).values())
    assert list(map(list, by_volume.table.frame.select(NAMES).rows())) == slow
    assert by_volume.last_partial == (filled > 0)
    assert by_count.last_partial == (len(rows) % count > 0)
    whole = resample.of_trades_by_volume(table, wanted, partial="drop")
    assert all(volume >= wanted for volume in whole.table.frame["volume"])
    assert len(whole.table.frame) == len(slow) - (filled > 0)


def test_trades_to_minutes_to_hours_are_trades_to_hours() -> None:
    table = trades_table(4_000, 4)
    span = {"since_ns": START, "until_ns": START + 3 * HOUR}
    minutes = resample.of_trades(table, MINUTE, **span)  # type: ignore[arg-type]
    hours = resample.of_trades(table, HOUR, **span, partial="drop")  # type: ignore[arg-type]
    assert (minutes.first_partial, len(hours.table.frame)) == (False, 3)
    assert resample.of_bars(minutes.table, HOUR).table.frame.equals(hours.table.frame)
    assert resample.of_trades(table, HOUR, partial="drop").table.frame.height == 1, "its span is not told"


def test_sums_beyond_64_bits_are_refused_and_products_that_fit_are_not() -> None:
    big = trades_table(4, 1).frame.with_columns(price=pl.lit(10**12), quantity=pl.lit(4 * 10**6))
    table = Table(TRADES, TENTHS, big)
    with pytest.raises(InputError, match=r"DATA-604.*turnover.*16000000000000000000"):
        resample.of_trades(table, DAY)
    (bar,) = as_dict(resample.of_trades(Table(TRADES, TENTHS, big.head(2)), DAY)).values()
    assert bar[5] == 8 * 10**18
    odd = big.head(2).with_columns(quantity=pl.Series([1, 10**10]), price=pl.Series([10**12, 5]))
    (bar,) = as_dict(resample.of_trades(Table(TRADES, TENTHS, odd), DAY)).values()
    assert bar[5] == 10**12 + 5 * 10**10, "the largest price times the largest quantity never happened"


def test_no_row_makes_no_bar() -> None:
    none = Table(BARS, TENTHS, bars_table([1, 2], 1).frame.head(0))
    assert len(resample.of_bars(none, HOUR, fill="previous_close").table.frame) == 0
    assert (
        len(resample.of_trades(Table(TRADES, TENTHS, trades_table(2, 1).frame.head(0)), 1).table.frame) == 0
    )


def test_what_cannot_be_is_refused() -> None:
    table, trades = bars_table([0, 1, 2, 3], 1), trades_table(9, 1)
    backwards = Table(BARS, table.scale, table.frame.reverse())
    off = Table(BARS, table.scale, table.frame.with_columns(time_ns=pl.col("time_ns") + 1))
    far = Table(
        BARS, table.scale, table.frame.with_columns(time_ns=pl.col("time_ns") - pl.col("time_ns").first())
    )
    cases: list[tuple[str, Any]] = [
        ("DATA-601", lambda: resample.of_bars(table, 90 * 10**9)),
        ("DATA-601", lambda: resample.of_bars(table, 30 * 10**9)),
        ("DATA-601", lambda: resample.of_bars(table, 0)),
        ("DATA-601", lambda: resample.of_bars(table, HOUR, zone_ns=1)),
        ("DATA-601", lambda: resample.of_trades(trades, 0)),
        ("DATA-601", lambda: resample.of_trades(trades, 1, fill="previous_close")),
        ("DATA-601", lambda: resample.of_trades_by_count(trades, 0)),
        ("DATA-601", lambda: resample.of_trades_by_volume(trades, -1)),
        ("DATA-602", lambda: resample.of_bars(trades, HOUR)),
        ("DATA-602", lambda: resample.of_trades(table, HOUR)),
        ("DATA-602", lambda: resample.of_bars(Table(BARS, TENTHS, table.frame.drop("low")), HOUR)),
        ("DATA-602", lambda: resample.of_bars(Table(QUOTES, TENTHS, table.frame), HOUR)),
        ("DATA-603", lambda: resample.of_bars(backwards, HOUR)),
        ("DATA-603", lambda: resample.of_bars(off, HOUR)),
        ("DATA-603", lambda: resample.of_trades(trades, HOUR, since_ns=START + HOUR)),
        ("DATA-605", lambda: resample.of_bars(table, HOUR, partial="maybe")),  # type: ignore[arg-type]
        ("DATA-605", lambda: resample.of_trades(trades, HOUR, fill="zeros")),  # type: ignore[arg-type]
        ("DATA-606", lambda: resample.of_bars(Table(BARS, TENTHS, table.frame.head(1)), HOUR)),
    ]
    assert len(resample.of_bars(far, HOUR).table.frame) == 1
    for number, (code, asked) in enumerate(cases):
        with pytest.raises(InputError) as caught:
            asked()
        assert caught.value.code == code, f"case {number}: {caught.value}"
        assert caught.value.hint or code == "DATA-602"


def test_real_minutes_in_two_steps_are_those_in_one(shared_data: Path) -> None:
    folder = shared_data / "binance_um_2025-05"
    scales = json.loads((folder / "scale.json").read_text(encoding="utf-8"))["scale"]
    whole = pl.read_parquet(folder / "bars_1m_16sym_ints.parquet")
    for symbol, scale in scales.items():
        frame = whole.filter(pl.col("symbol") == symbol).select(
            (pl.col("t_min").cast(pl.Int64) * MINUTE).alias("time_ns"),
            *[pl.col(name).cast(pl.Int64) for name in ("open", "high", "low", "close", "volume")],
        )
        table = Table(BARS, Scale(price=scale["price_decimals"], quantity=scale["qty_decimals"]), frame)
        five, direct = resample.of_bars(table, 5 * MINUTE), resample.of_bars(table, 15 * MINUTE)
        assert resample.of_bars(five.table, 15 * MINUTE).table.frame.equals(direct.table.frame), symbol
        quarters = {time_ns // (15 * MINUTE) for time_ns in frame["time_ns"]}
        assert len(direct.table.frame) == len(quarters)
        assert (direct.first_partial, direct.last_partial) == (True, True), "they begin at 14:18"
        assert int(direct.table.frame["volume"].sum()) == int(frame["volume"].sum())
        slow: dict[int, tuple[int, int]] = {}
        for time_ns, _, high, low, _, _ in frame.rows():
            was = slow.get(time_ns // HOUR, (0, 10**18))
            slow[time_ns // HOUR] = (max(was[0], high), min(was[1], low))
        hours = resample.of_bars(table, HOUR).table.frame
        assert dict(zip(hours["time_ns"] // HOUR, hours.select("high", "low").rows(), strict=True)) == slow
    marks = resample.of_bars(Table(MARKS, table.scale, frame.drop("volume")), HOUR).table
    assert marks.frame.equals(hours.drop("volume"))
