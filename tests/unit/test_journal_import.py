"""Files of venues brought in: each documented form, a mapping, everything that can be wrong with a file."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterator
from datetime import UTC
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from lotwise.errors import LotwiseError
from lotwise.journal.columns import guessed
from lotwise.journal.contracts import Facts
from lotwise.journal.importing import bring
from lotwise.journal.notes import Notes
from lotwise.journal.reading import Asked, from_ccxt, read_file
from lotwise.journal.shelf import Added, Journal

E8 = 10**8
MS = 10**6
BINANCE = (
    "symbol,id,orderId,side,positionSide,price,qty,quoteQty,"
    "realizedPnl,commission,commissionAsset,time,buyer,maker"
)
ROWS = [
    "BTCUSDT,11,5,BUY,BOTH,94000.0,0.010,940.0,0,0.47,USDT,1746316800000,true,false",
    "BTCUSDT,12,6,SELL,BOTH,95000.0,0.004,380.0,4.0,0.19,USDT,1746316860000,false,false",
    "BTCUSDT,13,7,SELL,BOTH,93000.0,0.006,558.0,-6.0,0.1116,USDT,1746316920000,false,true",
]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    found = Journal.at(tmp_path / "journal.sqlite")
    yield found
    found.close()


def written(folder: Path, *lines: str, name: str = "f.csv", end: str = "\n") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + end, encoding="utf-8")
    return path


def check_refused(code: str, call: Callable[[], object]) -> LotwiseError:
    with pytest.raises(LotwiseError) as caught:
        call()
    assert caught.value.code == code, caught.value
    return caught.value


def read(path: Path, venue: str = "binance", facts: Facts | None = None, **more: object):  # type: ignore[no-untyped-def]
    return read_file(path, Asked(venue, **more), facts or Facts())  # type: ignore[arg-type]


def test_binance_fills_become_a_trade_with_the_venues_result(journal: Journal, tmp_path: Path) -> None:
    path = written(tmp_path, BINANCE, *ROWS)
    done = bring(journal, read(path), now_ns=1)
    assert (done.fills, done.trips, done.warnings) == (Added(3, 0), 1, [])
    (trip,) = journal.all()
    assert trip.realised_cash == trip.venue_realised_cash == -2 * E8
    assert (trip.fee_cash, trip.opened_ns) == (77_160_000, 1_746_316_800_000 * MS)
    assert done.without_stop == [trip.trip_id]
    again = bring(journal, read(path), now_ns=2)
    assert (again.fills, journal.count()) == (Added(0, 3), 1)


def test_order_doubles_blank_lines_and_delimiters_do_not_matter(journal: Journal, tmp_path: Path) -> None:
    lines = [BINANCE, ROWS[2], "", ROWS[0], ROWS[1], ROWS[0], ROWS[2]]
    path = written(tmp_path, *(line.replace(",", ";") for line in lines), name="semi.csv")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert bring(journal, read(path), now_ns=1).fills == Added(3, 2)
    assert next(journal.all()).realised_cash == -2 * E8


def test_a_fee_written_below_zero_is_told_by_the_takers(tmp_path: Path) -> None:
    turned = [row.replace(",0.47,", ",-0.47,").replace(",0.19,", ",-0.19,") for row in ROWS]
    fills = read(written(tmp_path, BINANCE, *turned)).fills
    assert [fill.fee_cash for fill in fills] == [47_000_000, 19_000_000, -11_160_000], (
        "the maker had a rebate"
    )


BYBIT = (
    "symbol,execId,orderId,side,execPrice,execQty,execFee,"
    "feeCurrency,execTime,isMaker,execType,execPnl,stopOrderType,seq"
)


def test_bybit_fills_funding_and_stops(journal: Journal, tmp_path: Path) -> None:
    path = written(
        tmp_path,
        BYBIT,
        "BTCUSDT,a,1,Buy,94000,0.01,0.517,,1746316800000,false,Trade,0,UNKNOWN,10",
        "BTCUSDT,f,,Buy,94100,0.01,0.0941,,1746320000000,,Funding,,,",
        "BTCUSDT,b,2,Sell,93000,0.01,0.511500001,,1746323000000,false,Trade,-10,StopLoss,12",
        "BTCUSDT,c,2,Sell,93000,0.01,0.1,,1746323000000,false,Settle,0,,13",
    )
    done = bring(journal, read(path, ""), now_ns=1)
    assert (done.fills, done.incomes, done.passed, done.inferred) == (Added(2, 0), Added(1, 0), 1, 1)
    (trip,) = journal.all()
    assert (trip.funding_cash, trip.realised_cash, trip.exit_kind) == (-9_410_000, -10 * E8, "stop")
    assert trip.fee_cash == 51_700_000 + 51_150_001, "a fee finer than 1e-8 is rounded up"
    plan = Notes(journal).story(trip).plan
    assert plan is not None
    assert (plan.stop8, plan.stop_source) == (93_000 * E8, "inferred")
    assert bring(journal, read(path, ""), now_ns=2).inferred == 0


def test_mexc_counts_contracts_and_has_four_sides(journal: Journal, tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "id,symbol,side,vol,price,feeCurrency,fee,timestamp,profit,category,orderId,positionMode,taker",
        "1,BTC_USDT,1,100,94000,USDT,0.188,1746316800000,0,1,9,1,true",
        "2,BTC_USDT,3,50,94000,USDT,0.1,1746316800001,0,1,9,1,true",
        "3,BTC_USDT,4,100,94500,USDT,0.189,1746316900000,5,1,9,1,false",
        "4,BTC_USDT,2,50,93000,USDT,0.1,1746316900001,5,1,9,1,false",
    )
    incoming = read(path, "")
    assert [fill.maker for fill in incoming.fills] == [0, 0, 1, 1]
    bring(journal, incoming, now_ns=1)
    trips = list(journal.all())
    assert [(trip.position_side, trip.realised_cash) for trip in trips] == [
        ("long", 5 * E8),
        ("short", 5 * E8),
    ]
    assert trips[0].multiplier8 == 10_000


def test_bingx_fees_are_below_zero_and_its_times_may_be_dates(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "orderId,symbol,side,positionSide,tradeId,volume,tradePrice,amount,realizedPnl,commission,currency,maker,filledTime",
        "1,BTC-USDT,BUY,LONG,7,0.1,94000,9400,0,-4.7,USDT,false,2025-05-04T08:00:00.000+0800",
        "1,BTC-USDT,BUY,LONG,8,0.1,94000,9400,0,-4.700000001,USDT,false,2025-05-04T08:00:00.000+0800",
        "1,BTC-USDT,BUY,LONG,9,0.1,94000,9400,0,4.700000009,USDT,true,2025-05-04T08:00:00.000+0800",
    )
    one, finer, rebate = read(path, "").fills
    assert (finer.fee_cash, rebate.fee_cash) == (470_000_001, -470_000_000), "against the trader"
    assert (one.fee_cash, one.position_side, one.time_ns) == (470_000_000, "long", 1_746_316_800_000 * MS)


def test_weex_writes_the_columns_of_binance(tmp_path: Path) -> None:
    path = written(tmp_path, BINANCE, *ROWS)
    assert "binance and weex" in check_refused("JOURNAL-112", lambda: read(path, "")).message
    assert {fill.venue for fill in read(path, "weex").fills} == {"weex"}


def test_binance_income_is_kept_and_given_to_trades(journal: Journal, tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "symbol,incomeType,income,asset,info,time,tranId,tradeId",
        "BTCUSDT,FUNDING_FEE,-0.09,USDT,FUNDING_FEE,1746316870000,901,",
        ",TRANSFER,100.0,USDT,TRANSFER,1746316700000,902,",
        "BTCUSDT,COMMISSION,-0.47,USDT,11,1746316800000,903,11",
    )
    bring(journal, read(written(tmp_path, BINANCE, *ROWS, name="fills.csv")), now_ns=1)
    assert bring(journal, read(path), now_ns=1).incomes == Added(3, 0)
    assert bring(journal, read(path), now_ns=1).incomes == Added(0, 3)
    assert next(journal.all()).funding_cash == -9_000_000


def test_raw_rows_of_ccxt_are_the_same_fills(tmp_path: Path) -> None:
    header = BINANCE.split(",")
    infos = [dict(zip(header, row.split(","), strict=True)) for row in ROWS]
    plain = [info | {"buyer": info["buyer"] == "true", "maker": info["maker"] == "true"} for info in infos]
    plain = [info | {"id": int(info["id"]), "time": int(info["time"])} for info in plain]
    mine = from_ccxt(plain, "binance", Facts()).fills
    theirs = read(written(tmp_path, BINANCE, *ROWS)).fills
    assert [fill.source for fill in mine] == [f"ccxt binance, row {n}" for n in (1, 2, 3)]
    for one, other in zip(mine, theirs, strict=True):
        assert {name: getattr(one, name) for name in one.__struct_fields__ if name != "source"} == {
            name: getattr(other, name) for name in other.__struct_fields__ if name != "source"
        }
    assert from_ccxt([], "binance", Facts()).fills == []
    floats = [{**plain[0], "commission": 5.82e-05}]
    assert from_ccxt(floats, "binance", Facts()).fills[0].fee_cash == 5_820


MAPPED = "Date(UTC),Pair,Direction,Filled Price,Executed,Fee"
MAPPING = {
    "time": "Date(UTC)",
    "contract": "Pair",
    "side": "Direction",
    "price": "Filled Price",
    "quantity": "Executed",
    "fee": "Fee",
}


def test_any_other_file_is_read_with_a_mapping(journal: Journal, tmp_path: Path) -> None:
    rows = ["2025-05-04 02:00:00,BTCUSDT,Buy,94000,0.01,0.47"] * 2 + [
        "2025-05-04 03:00:00,BTCUSDT,Sell,95000,0.02,0.9"
    ]
    path = written(tmp_path, MAPPED, *rows)
    incoming = read(path, "binance", mapping=MAPPING, zone=ZoneInfo("Europe/Berlin"))
    assert incoming.fills[0].time_ns == 1_746_316_800_000 * MS, "02:00 in Berlin is midnight in UTC"
    assert bring(journal, incoming, now_ns=1).fills == Added(3, 0), (
        "two equal rows without an id are two fills"
    )
    again = read(path, "binance", mapping=MAPPING, zone=ZoneInfo("Europe/Berlin"))
    assert bring(journal, again, now_ns=1).fills == Added(0, 3)
    assert next(journal.all()).realised_cash == 20 * E8


def test_a_row_without_an_id_stays_that_row_when_more_of_it_is_read(journal: Journal, tmp_path: Path) -> None:
    """Its fee was not mapped the first time: it is seen to say something else, and is not a second fill."""
    path = written(tmp_path, MAPPED, "2025-05-04 02:00:00,BTCUSDT,Buy,94000,0.01,0.47")
    bare = {ours: theirs for ours, theirs in MAPPING.items() if ours != "fee"}
    assert bring(journal, read(path, "binance", mapping=bare), now_ns=1).fills == Added(1, 0)
    assert bring(journal, read(path, "binance", mapping=bare), now_ns=1).fills == Added(0, 1)
    again = read(path, "binance", mapping=MAPPING)
    check_refused("JOURNAL-101", lambda: bring(journal, again, now_ns=1))
    assert len(list(journal.fills())) == 1


def test_a_time_that_names_utc_is_utc_wherever_it_is_read(tmp_path: Path) -> None:
    said = ("02:00:00", "02:00:00 UTC", "02:00:00UTC", "02:00:00 GMT", "02:00:00+00:00", "02:00:00Z")
    rows = [f"2025-05-04 {text},BTCUSDT,Buy,94000,0.01,0" for text in said]
    path = written(tmp_path, MAPPED, *rows)
    bare, *named = (
        fill.time_ns for fill in read(path, "binance", mapping=MAPPING, zone=ZoneInfo("Europe/Berlin")).fills
    )
    assert bare == 1_746_316_800_000 * MS
    assert set(named) == {bare + 2 * 3_600_000 * MS}


def test_a_file_that_is_not_known_gets_a_mapping_to_begin_with(tmp_path: Path) -> None:
    path = written(tmp_path, MAPPED, "x,BTCUSDT,Buy,1,1,1")
    error = check_refused("JOURNAL-111", lambda: read(path, ""))
    assert "Date(UTC), Pair" in error.message
    for ours, theirs in MAPPING.items():
        shown = theirs if theirs.isalnum() else f"'{theirs}'"
        assert f"--map {ours}={shown}" in error.hint
    assert guessed(MAPPED.split(",")) == MAPPING
    assert (
        "--map price=..."
        in check_refused("JOURNAL-111", lambda: read(written(tmp_path, "a,b", "1,2"), "")).hint
    )
    for wrong in ({"time": "nothing"}, {"mood": "Pair"}, {"time": "Pair"}):
        check_refused("JOURNAL-111", lambda wrong=wrong: read(path, "x", mapping=wrong))
    check_refused("JOURNAL-111", lambda: read(path, "", mapping=MAPPING))


def test_a_half_written_file_is_refused_by_its_row(journal: Journal, tmp_path: Path) -> None:
    whole = "\n".join([BINANCE, *ROWS]) + "\n"
    refusals = 0
    for cut in range(len(BINANCE) + 2, len(whole)):
        path = tmp_path / "half.csv"
        path.write_text(whole[:cut], encoding="utf-8")
        if whole[:cut].endswith("\n"):
            assert len(read(path).fills) == whole[:cut].count("\n") - 1
            continue
        error = check_refused("JOURNAL-113", lambda path=path: read(path))
        assert f"half.csv, row {whole[:cut].count(chr(10)) + 1}" in error.message
        refusals += 1
    assert refusals > 200
    assert journal.count() == 0


BAD = {
    "a value missing": (ROWS[1].rsplit(",", 1)[0], "JOURNAL-113", "13 values under 14 columns"),
    "a value too many": (ROWS[1] + ",1", "JOURNAL-113", "15 values under 14 columns"),
    "a quote left open": ('"' + ROWS[1], "JOURNAL-113", "row 3"),
    "no such contract": (ROWS[1].replace("BTCUSDT", "NOSUCHUSDT"), "JOURNAL-114", "'NOSUCHUSDT' of binance"),
    "no contract": (ROWS[1].replace("BTCUSDT", ""), "JOURNAL-114", "''"),
    "no side": (ROWS[1].replace("SELL", "HOLD"), "JOURNAL-115", "side is 'HOLD'"),
    "no leg": (ROWS[1].replace("BOTH", "NORTH"), "JOURNAL-115", "positionSide is 'north'"),
    "no price": (ROWS[1].replace("95000.0", "abc"), "JOURNAL-115", "price is 'abc'"),
    "a price of zero": (ROWS[1].replace("95000.0", "0"), "JOURNAL-115", "price is '0'"),
    "a price in exponents": (ROWS[1].replace("95000.0", "9.5e4"), "JOURNAL-115", "9.5e4"),
    "a quantity below zero": (ROWS[1].replace("0.004", "-0.004"), "JOURNAL-115", "qty is '-0.004'"),
    "a quantity too fine": (ROWS[1].replace("0.004", "0.0000000001"), "JOURNAL-115", "finer than 8"),
    "a time that is none": (ROWS[1].replace("1746316860000", "yesterday"), "JOURNAL-115", "'yesterday'"),
    "a time of odd digits": (ROWS[1].replace("1746316860000", "17463168600"), "JOURNAL-115", "17463168600"),
    "a fee that is none": (ROWS[1].replace("0.19", "free"), "JOURNAL-115", "commission is 'free'"),
    "a fee without end": (ROWS[1].replace("0.19", "NaN"), "JOURNAL-115", "commission is 'NaN'"),
    "a result too large": (ROWS[1].replace(",4.0,", ",1e30,"), "JOURNAL-115", "realizedPnl is '1e30'"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_is_named_and_nothing_of_its_file_is_kept(
    name: str, journal: Journal, tmp_path: Path
) -> None:
    row, code, words = BAD[name]
    path = written(tmp_path, BINANCE, ROWS[0], row, ROWS[2])
    error = check_refused(code, lambda: bring(journal, read(path), now_ns=1))
    assert words in error.message
    assert "f.csv, row 3" in error.message
    assert journal.fills() == []


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    (tmp_path / "zip.csv").write_bytes(b"PK\x03\x04\xff\xfe\x00")
    (tmp_path / "zero.csv").write_bytes(b"a,b\n\0,1\n")
    for name in ("empty.csv", "zip.csv", "zero.csv", "gone.csv", "."):
        check_refused("JOURNAL-110", lambda name=name: read(tmp_path / name))


def test_the_same_id_with_another_content_names_both(journal: Journal, tmp_path: Path) -> None:
    path = written(tmp_path, BINANCE, ROWS[0], ROWS[0].replace("94000.0", "94001.0"))
    error = check_refused("JOURNAL-101", lambda: bring(journal, read(path), now_ns=1))
    assert "f.csv, row 3" in error.message
    assert "f.csv, row 2" in error.message
    assert journal.fills() == []


@pytest.mark.parametrize(("size", "right"), [("0.1", "1"), ("1000", "1"), ("0.001", "1"), ("10", "1")])
def test_a_wrong_multiplier_is_told_by_the_venues_results(
    journal: Journal, tmp_path: Path, size: str, right: str
) -> None:
    path = written(tmp_path, BINANCE, *ROWS)
    error = check_refused(
        "JOURNAL-116", lambda: bring(journal, read(path, facts=Facts({"BTCUSDT": size})), now_ns=1)
    )
    assert error.hint == f"--size BTCUSDT={right}"
    assert journal.fills() == []
    assert bring(journal, read(path, facts=Facts({"BTCUSDT": right})), now_ns=1).warnings == []


def test_a_contract_that_nobody_knows_takes_the_size_one_gives(tmp_path: Path) -> None:
    path = written(tmp_path, BINANCE, *(row.replace("BTCUSDT", "OLDUSDT") for row in ROWS))
    assert "--size OLDUSDT=1" in check_refused("JOURNAL-114", lambda: read(path)).hint
    (first, *_) = read(path, facts=Facts({"OLDUSDT": "0.5"})).fills
    assert (first.multiplier8, first.coin) == (E8 // 2, "USDT")
    check_refused("JOURNAL-114", lambda: read(path, facts=Facts({"OLDUSDT": "0"})))


def test_a_past_that_is_missing_is_said(journal: Journal, tmp_path: Path) -> None:
    done = bring(journal, read(written(tmp_path, BINANCE, *ROWS[1:])), now_ns=1)
    (warning,) = done.warnings
    assert "f.csv, row 2" in warning
    assert "earlier fills may be missing" in warning
    bring(journal, read(written(tmp_path, BINANCE, ROWS[0], name="early.csv")), now_ns=2)
    assert [trip.realised_cash for trip in journal.all()] == [-2 * E8], "the earlier file puts it right"
    legs = [row.replace("BOTH", "LONG") for row in ROWS[1:]]
    other = written(tmp_path, BINANCE, *(row.replace("BTCUSDT", "ETHUSDT") for row in legs), name="legs.csv")
    assert (
        "legs.csv, row 2"
        in check_refused("JOURNAL-117", lambda: bring(journal, read(other), now_ns=3)).message
    )
    assert len(journal.fills()) == 3


def test_stamps_of_every_unit_are_one_time(tmp_path: Path) -> None:
    stamps = (
        "1746316800",
        "1746316800000",
        "1746316800000000",
        "1746316800000000000",
        "2025-05-04T00:00:00Z",
    )
    rows = [
        ROWS[0].replace("1746316800000", stamp).replace(",11,", f",{n},") for n, stamp in enumerate(stamps)
    ]
    fills = read(written(tmp_path, BINANCE, *rows), zone=UTC).fills
    assert {fill.time_ns for fill in fills} == {1_746_316_800_000 * MS}


def test_a_hundred_thousand_fills_twice_are_one_set_with_the_venues_result(
    journal: Journal, tmp_path: Path
) -> None:
    """The venue's column is computed here, in fractions, with its average entry price."""
    rng = random.Random(3)
    held: dict[str, tuple[int, Fraction]] = {}
    total = Fraction(0)
    time_ms = 1_746_316_800_000
    with (tmp_path / "big.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(BINANCE.split(","))
        for number in range(1, 100_001):
            symbol, tick, base = rng.choice(
                (("BTCUSDT", 1, 940_000), ("ETHUSDT", 2, 350_000), ("SOLUSDT", 2, 15_000))
            )
            ticks = base + rng.randint(-base // 50, base // 50)
            lots, paid = held.get(symbol, (0, Fraction(0)))
            side = rng.choice((1, -1))
            take = rng.randint(1, 40)
            if lots and rng.random() < 0.6:
                side, take = (-1 if lots > 0 else 1), abs(lots)
            price = Fraction(ticks, 10**tick)
            closing = min(take, abs(lots)) if lots * side < 0 else 0
            released = paid * closing / abs(lots) if closing else Fraction(0)
            result = side * (released - closing * price)
            total += result
            held[symbol] = (lots + side * take, paid - released + (take - closing) * price)
            time_ms += rng.choice((0, 1, 60_000))
            told = Decimal(round(result * E8)) / E8
            name = "BUY" if side > 0 else "SELL"
            row = [
                symbol,
                number,
                number // 2,
                name,
                "BOTH",
                Decimal(ticks).scaleb(-tick),
                take,
                0,
                f"{told:f}",
            ]
            out.writerow([*row, "0.01", "USDT", time_ms, "true", "false"])
    first = bring(journal, read(tmp_path / "big.csv"), now_ns=1)
    again = bring(journal, read(tmp_path / "big.csv"), now_ns=2)
    assert (first.fills, again.fills) == (Added(100_000, 0), Added(0, 100_000))
    assert first.warnings == []
    trips = list(journal.all())
    assert len(trips) == first.trips == again.trips > 10_000
    assert sum(trip.fee_cash for trip in trips) == 100_000 * 10**6
    ours = sum(trip.realised_cash for trip in trips)
    assert abs(ours - total * E8) <= 3, "exact but for the floor of what is still open, one each contract"
    theirs = [trip.venue_realised_cash or 0 for trip in trips]
    assert abs(ours - sum(theirs)) < 100, "the venue rounds every fill: less than 0.000001 over all of them"
    for trip, told in zip(trips, theirs, strict=True):
        assert abs(trip.realised_cash - told) <= trip.fills / 2 + 1
