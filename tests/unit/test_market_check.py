"""What the check of market data finds, in data made odd on purpose and in the real files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pl = pytest.importorskip("polars")

from lotwise.clock import FixedClock  # noqa: E402
from lotwise.market.check import check  # noqa: E402
from lotwise.market.kinds import BARS, DEPTH, FUNDING, QUOTES, TRADES, Scale, Table  # noqa: E402

MINUTE = 60 * 10**9
HOUR = 60 * MINUTE
FIRST = 1_746_316_800 * 10**9


def bars(count: int = 3_000) -> dict[str, list[Any]]:
    """Bars without fault, with a tick of 0.05 (5 units)."""
    opens = [10_000 + 5 * (i % 40) for i in range(count)]
    return {
        "time_ns": [FIRST + i * MINUTE for i in range(count)],
        "open": opens,
        "high": [price + 20 for price in opens],
        "low": [price - 20 for price in opens],
        "close": [price + 5 for price in opens],
        "volume": [7] * count,
    }


def found(kind: Any, rows: dict[str, list[Any]], **options: Any) -> dict[str, tuple[int, str, str]]:
    """Findings by code."""
    report = check(Table(kind, Scale(price=2), pl.DataFrame(rows)), **options)
    assert report.rows == len(rows["time_ns"])
    return {one.code: (one.count, one.at, one.words) for one in report.findings}


def test_good_bars_have_nothing_odd() -> None:
    assert found(BARS, bars()) == {}
    assert "nothing odd" in check(Table(BARS, Scale(price=2), pl.DataFrame(bars()))).text()


def test_every_fault_of_bars_is_found_once() -> None:
    rows = bars()
    rows["high"][10] += 1  # off the tick
    rows["low"][20], rows["close"][20] = 0, 10_000
    rows["high"][30] = rows["open"][30] - 10
    rows["volume"][40] = 0
    rows["volume"][50] = -1
    for name in rows:
        del rows[name][100:104]
        rows[name].insert(200, rows[name][150])
    told = found(BARS, rows)
    assert told == {
        "gap": (1, "2025-05-04 01:40:00", "4 bars of 1 min missing, at most 4 min at once"),
        "duplicate": (1, "2025-05-04 02:34:00", "rows with the time_ns of an earlier one"),
        "disorder": (1, "2025-05-04 02:34:00", "rows earlier than the row before them"),
        "no_price": (1, "2025-05-04 00:20:00", "prices of zero or less"),
        "off_tick": (1, "2025-05-04 00:10:00", "high 100.71 with a tick of 0.05"),
        "crossed_bar": (1, "2025-05-04 00:30:00", "bars whose high or low is not outermost"),
        "negative": (1, "2025-05-04 00:50:00", "rows with a negative volume"),
        "zero_volume": (1, "2025-05-04 00:40:00", "rows with a volume of zero"),
    }


def test_a_tick_that_is_given_is_taken() -> None:
    count, _, words = found(BARS, bars(), tick=10)["off_tick"]
    assert count == 3_000
    assert words.endswith("with a tick of 0.10")


def test_bars_that_begin_beside_the_minute() -> None:
    rows = bars()
    rows["time_ns"][7] += 3
    assert found(BARS, rows)["jitter"][:2] == (1, "2025-05-04 00:07:00.000000003")


def test_missing_ids_of_trades() -> None:
    ids = [*range(5), *range(9, 20), *range(21, 30)]
    rows = {
        "time_ns": [FIRST + i for i in ids],
        "id": ids,
        "price": [100] * len(ids),
        "quantity": [1] * len(ids),
        "buyer_is_maker": [True] * len(ids),
    }
    assert found(TRADES, rows) == {"gap": (2, "", "5 ids missing, the first after 4")}


def test_ids_that_are_no_running_numbers_have_no_gaps() -> None:
    ids = [i * 7919 % 1009 * 10**12 for i in range(300)]
    rows = {
        "time_ns": [FIRST + i for i in range(300)],
        "id": ids,
        "price": [100] * 300,
        "quantity": [1] * 300,
        "buyer_is_maker": [True] * 300,
    }
    assert found(TRADES, rows) == {}
    rows["id"] = sorted(ids)
    assert found(TRADES, rows)["gap"][0] == 299


def test_rows_of_the_future_are_found_where_the_time_is_known() -> None:
    rows = bars(100)
    now = FIRST + 98 * MINUTE - HOUR
    assert found(BARS, rows, clock=FixedClock(now))["future"][:2] == (1, "2025-05-04 01:39:00")
    assert found(BARS, rows, clock=FixedClock(now + MINUTE)) == {}


def test_quotes_whose_bid_is_not_below_the_ask() -> None:
    rows = {
        "time_ns": [FIRST + i for i in range(4)],
        "id": [3, 5, 9, 11],
        "bid": [100, 101, 102, 99],
        "bid_quantity": [1] * 4,
        "ask": [101, 101, 101, 101],
        "ask_quantity": [1] * 4,
    }
    told = found(QUOTES, rows)
    assert told == {"crossed": (2, "2025-05-04 00:00:00.000000001", "quotes whose bid is not below the ask")}


def depth(*messages: tuple[int, int, int, bool, bool, int, int]) -> dict[str, list[Any]]:
    """Changes of a book: first, last and previous id, snapshot, side, price, quantity."""
    names = list(DEPTH.columns)[1:]
    columns: dict[str, list[Any]] = {"time_ns": [FIRST + one[1] for one in messages]}
    return columns | {name: [one[i] for one in messages] for i, name in enumerate(names)}


def test_gaps_of_a_books_sequence_and_when_it_is_crossed() -> None:
    good = [
        (5, 5, 5, True, True, 100, 1),
        (5, 5, 5, True, False, 105, 1),
        (6, 8, 5, False, True, 101, 2),
        (9, 9, 8, False, False, 104, 2),
    ]
    assert found(DEPTH, depth(*good)) == {}
    lost = (12, 14, 11, False, True, 102, 2)
    crossed = (15, 16, 14, False, True, 104, 1)
    told = found(DEPTH, depth(*good, lost, crossed))
    assert told["sequence_gap"][:2] == (1, "2025-05-04 00:00:00.000000014")
    assert told["crossed"][:2] == (1, "2025-05-04 00:00:00.000000016")
    assert set(told) == {"sequence_gap", "crossed"}
    assert set(found(DEPTH, depth(*good[2:]))) == {"no_snapshot"}
    doubled = found(DEPTH, depth(*good, good[3]))
    assert set(doubled) == {"duplicate"}


@pytest.mark.parametrize(("usual", "shift"), [(8, 3), (4, 1), (8, 0), (1, 0)])
def test_funding_shifted_by_hours(usual: int, shift: int) -> None:
    rows = {"time_ns": [FIRST + (i * usual + shift) * HOUR + i % 9 * 10**6 for i in range(300)]}
    told = found(FUNDING, rows)
    assert set(told) == ({"shifted"} if shift else set())


def test_funding_whose_interval_changes_and_that_misses_some() -> None:
    hours = [*range(0, 400, 8), *range(400, 440, 4), *range(440, 460), *range(460, 860, 8)]
    hours.remove(96)
    told = [one.words for one in check(Table(FUNDING, Scale(), funding(hours))).findings]
    assert told == [
        "the interval goes from 8 h to 4 h",
        "the interval goes from 4 h to 1 h",
        "the interval goes from 1 h to 8 h",
        "payments after a time that is no interval: some are missing",
    ]


def funding(hours: list[int]) -> Any:
    """Stamps at those hours."""
    return pl.DataFrame({"time_ns": [FIRST + hour * HOUR for hour in hours]})


def test_the_known_oddities_of_the_real_files_are_found(shared_data: Path) -> None:
    folder = shared_data / "binance_um_2025-05"
    scales = json.loads((folder / "scale.json").read_text(encoding="utf-8"))["scale"]
    whole = pl.read_parquet(folder / "bars_1m_16sym_ints.parquet")
    odd = {}
    for symbol, scale in scales.items():
        frame = whole.filter(pl.col("symbol") == symbol).select(
            (pl.col("t_min").cast(pl.Int64) * MINUTE).alias("time_ns"),
            *[pl.col(name).cast(pl.Int64) for name in ("open", "high", "low", "close", "volume")],
        )
        table = Table(BARS, Scale(price=scale["price_decimals"], quantity=scale["qty_decimals"]), frame)
        report = check(table)
        assert report.rows > 43_000
        odd |= {symbol: report.findings} if report.findings else {}
    assert {symbol: [one.code for one in found] for symbol, found in odd.items()} == {"SOLUSDT": ["off_tick"]}
    assert odd["SOLUSDT"][0].words == "high 174.733 with a tick of 0.010"
    layer = pl.read_ipc(folder / "funding" / "LAYERUSDT.feather").select(
        time_ns=pl.col("date").dt.epoch("ns")
    )
    (interval,) = check(Table(FUNDING, Scale(rate=8), layer)).findings
    assert (interval.at[:10], interval.words) == ("2025-05-06", "the interval goes from 4 h to 1 h")
    for coin in ("BTC", "ETH"):
        (file,) = (shared_data / "funding").glob(f"{coin}-USDT_binance_*.csv")
        stamps = pl.read_csv(file, infer_schema=False).select(
            time_ns=pl.col("Date").str.to_datetime().dt.epoch("ns")
        )
        (shifted,) = check(Table(FUNDING, Scale(), stamps)).findings
        assert shifted.words.startswith("stamps 3 h after the hours that 8 h divide")
