"""The catalogue: its files are sound, its lookups say the rules of a day, its errors name a way out."""

from __future__ import annotations

import datetime
import difflib
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from pathlib import Path

import pytest

from lotwise.contracts import catalogue
from lotwise.contracts.catalogue import VENUES, load, same_coin, search, symbols, venues_of
from lotwise.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
FACTS = ROOT / "src" / "lotwise" / "contracts" / "facts"
ROW_FILES = {"binance": "binance-linear.tsv", "bybit": "bybit-linear.tsv"}
TIER_FILE = "binance-linear-tiers.tsv"
FILES = [*ROW_FILES.values(), TIER_FILE]
DAYS = {"binance": {"2021-07-21": 117, "2025-08-07": 25, "2026-09-01": 654}, "bybit": {"2026-08-09": 800}}
OTHER_SCRIPTS = 3  # rows whose symbol is not ASCII: found only as the venue writes them
WORDS = {"kind", "maintenance_rule", "margin_holds_closing_fee"}
TEXT_COLUMNS = WORDS | {"symbol", "base", "quote", "settle", "listed", "expiry", "as_of"}


def table(file: str) -> list[dict[str, str]]:
    """The rows of a fact file, read without the loader."""
    lines = (FACTS / file).read_text(encoding="utf-8").splitlines()
    header, *rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return [dict(zip(header, row, strict=True)) for row in rows]


def all_rows() -> Iterator[tuple[str, dict[str, str]]]:
    for venue, file in ROW_FILES.items():
        for row in table(file):
            yield venue, row


def said(value: object) -> str:
    """A fact of a Contract as the file writes it."""
    return "-" if value is None else str(value)


def assert_refused(code: str, contract_id: object, as_of: object = None) -> InputError:
    with pytest.raises(InputError) as caught:
        load(contract_id, as_of)  # type: ignore[arg-type]
    assert caught.value.code == code
    assert caught.value.hint
    return caught.value


# -- the files -------------------------------------------------------------------------------------


@pytest.mark.parametrize("venue", VENUES)
def test_counts_of_each_snapshot(venue: str) -> None:
    counts: dict[str, int] = {}
    for row in table(ROW_FILES[venue]):
        counts[row["as_of"]] = counts.get(row["as_of"], 0) + 1
    assert counts == DAYS[venue]
    assert len(symbols(venue)) == DAYS[venue][max(DAYS[venue])]


def test_bybit_kinds() -> None:
    kinds = [load(f"bybit:{symbol}").kind for symbol in symbols("bybit")]
    assert (kinds.count("linear_perpetual"), kinds.count("linear_dated")) == (760, 40)


@pytest.mark.parametrize("file", FILES)
def test_file_is_utf8_lines_with_a_dated_head(file: str) -> None:
    raw = (FACTS / file).read_bytes()
    assert raw.endswith(b"\n")
    assert b"\r" not in raw
    lines = raw.decode("utf-8").splitlines()
    head = [line for line in lines if line.startswith("#")]
    assert lines[: len(head)] == head
    assert any(line.startswith("# source: ") for line in head)
    assert not any("\t" in line for line in head)


@pytest.mark.parametrize("file", ROW_FILES.values())
def test_rows_are_sorted_and_single(file: str) -> None:
    keys = [(row["symbol"], row["as_of"]) for row in table(file)]
    assert keys == sorted(set(keys))


def test_tier_rows_are_sorted_and_single() -> None:
    keys = [(row["symbol"], row["as_of"], int(row["tier"])) for row in table(TIER_FILE)]
    assert keys == sorted(set(keys))


@pytest.mark.parametrize("file", FILES)
def test_numbers_are_plain_and_days_are_days(file: str) -> None:
    for row in table(file):
        for column, value in row.items():
            if value == "-":
                continue
            if column.endswith("as_of") or column == "listed":
                assert datetime.date.fromisoformat(value).isoformat() == value
            elif column == "expiry":
                assert datetime.datetime.fromisoformat(value).utcoffset() == datetime.timedelta(0)
            elif column not in TEXT_COLUMNS:
                normal = Decimal(value).normalize() if Decimal(value) else Decimal(0)
                assert value == format(normal, "f"), (row["symbol"], column)


def test_no_fact_is_younger_than_its_row() -> None:
    for _, row in all_rows():
        for column in ("limits_as_of", "funding_as_of", "listed"):
            assert row[column] == "-" or row[column] <= row["as_of"], (row["symbol"], column)
        assert (row["limits_as_of"] == "-") == (row["max_quantity"] == "-")
        assert (row["funding_as_of"] == "-") == (row["funding_hours"] == "-")


def test_one_tick_of_one_lot_is_whole_cash_on_every_row() -> None:
    for venue, row in all_rows():
        step = Fraction(row["tick_size"]) * Fraction(row["lot_size"]) * Fraction(row["contract_size"])
        assert step > 0
        assert (step * 10**8).denominator == 1, (venue, row["symbol"], row["as_of"])


def test_quantity_limits_are_whole_lots() -> None:
    for venue, row in all_rows():
        for column in ("min_quantity", "max_quantity", "max_market_quantity"):
            if row[column] != "-":
                lots = Fraction(row[column]) / Fraction(row["lot_size"])
                assert lots.denominator == 1, (venue, row["symbol"], row["as_of"], column)


def test_tiers_are_continuous_and_their_sums_follow() -> None:
    rows = table(TIER_FILE)
    assert len(rows) == 5158
    tables = 0
    for key, group in groupby(rows, key=lambda row: (row["symbol"], row["as_of"])):
        floor = rate = cumulative = Fraction(0)
        leverage = Fraction(1000)
        for number, row in enumerate(group, 1):
            assert row["tier"] == str(number), key
            next_rate = Fraction(row["maintenance_rate"])
            cumulative += Fraction(row["notional_floor"]) * (next_rate - rate)
            assert Fraction(row["notional_floor"]) == floor, key
            assert Fraction(row["cumulative"]) == cumulative, key
            assert next_rate > rate, key
            assert Fraction(row["max_leverage"]) < leverage, key
            assert next_rate * Fraction(row["max_leverage"]) <= 1, key
            floor, rate, leverage = Fraction(row["notional_cap"]), next_rate, Fraction(row["max_leverage"])
        tables += 1
    assert tables == DAYS["binance"]["2026-09-01"]


def test_every_row_loads_into_its_contract() -> None:
    tiers: dict[tuple[str, str], list[list[str]]] = {}
    for row in table(TIER_FILE):
        tiers.setdefault((row["symbol"], row["as_of"]), []).append(list(row.values())[3:])
    loaded = 0
    for venue, row in all_rows():
        contract = load(f"{venue}:{row['symbol']}", row["as_of"])
        for column, value in row.items():
            if column in {"maker", "taker"}:
                assert said(contract.fees and getattr(contract.fees, column)) == value
            elif column == "margin_holds_closing_fee":
                assert contract.margin_holds_closing_fee == (value == "yes")
            elif column == "leverage_step":
                assert contract.leverage_step == ("1" if value == "-" else value)
            elif column.startswith("funding"):
                name = {"funding_hours": "interval_hours"}.get(column, column.removeprefix("funding_"))
                assert said(contract.funding and getattr(contract.funding, name)) == value
            else:
                assert said(getattr(contract, column)) == value, (venue, row["symbol"], column)
        assert contract.venue == venue
        assert contract.source
        expected = tiers.get((row["symbol"], row["as_of"]), []) if venue == "binance" else []
        assert [
            [t.notional_floor, t.notional_cap, t.max_leverage, t.maintenance_rate, t.cumulative]
            for t in contract.tiers
        ] == expected
        loaded += 1
    assert loaded == 117 + 25 + 654 + 800


# -- the rules of a day ----------------------------------------------------------------------------


def test_btcusdt_today() -> None:
    contract = load("binance:BTCUSDT")
    assert (contract.tick_size, contract.lot_size, contract.contract_size) == ("0.1", "0.001", "1")
    assert (contract.min_notional, contract.max_leverage, contract.as_of) == ("100", "150", "2026-09-01")
    assert contract.fees is not None
    assert (contract.fees.maker, contract.fees.taker) == ("0.0002", "0.0005")
    assert contract.funding is not None
    assert contract.funding.interval_hours == 8
    assert contract.limits_as_of == "2025-08-07"
    assert len(contract.tiers) == 12
    first, last = contract.tiers[0], contract.tiers[-1]
    assert (first.notional_cap, first.maintenance_rate, first.max_leverage) == ("300000", "0.004", "150")
    assert (last.notional_cap, last.cumulative) == ("1800000000", "421482000")


def test_btcusdt_in_2021() -> None:
    contract = load("binance:BTCUSDT", as_of="2021-12-01")
    assert (contract.tick_size, contract.min_notional, contract.as_of) == ("0.01", "5", "2021-07-21")
    assert (contract.max_quantity, contract.max_market_quantity) == ("1000", "1000")
    assert (contract.fees, contract.max_leverage, contract.tiers) == (None, None, ())
    assert contract.liquidation_fee == "0.012"
    assert contract.funding is not None
    assert contract.funding.as_of == "2021-07-21"


def test_btcusdt_in_2025() -> None:
    contract = load("binance:BTCUSDT", as_of=datetime.date(2025, 9, 1))
    assert (contract.tick_size, contract.min_notional, contract.as_of) == ("0.1", "100", "2025-08-07")
    assert (contract.max_market_quantity, contract.tiers, contract.fees) == ("120", (), None)


def test_min_notional_by_the_venue_rule() -> None:
    current = {symbol: load(f"binance:{symbol}").min_notional for symbol in symbols("binance")}
    raised = {symbol: value for symbol, value in current.items() if value != "5"}
    twenty = dict.fromkeys(["ETHUSDT", "BCHUSDT", "LTCUSDT", "ETCUSDT", "LINKUSDT"], "20")
    assert raised == {"BTCUSDT": "100", **twenty}


def test_bybit_perpetual_and_dated() -> None:
    perpetual = load("bybit:BTCUSDT")
    assert (perpetual.tick_size, perpetual.lot_size, perpetual.min_notional) == ("0.1", "0.001", "5")
    assert (perpetual.leverage_step, perpetual.margin_holds_closing_fee) == ("0.01", True)
    assert (perpetual.max_leverage, perpetual.listed, perpetual.expiry) == ("100", "2020-03-15", None)
    assert perpetual.fees is not None
    assert (perpetual.fees.maker, perpetual.fees.taker) == ("0.0002", "0.00055")
    assert perpetual.funding is not None
    assert perpetual.funding.interval_hours == 8
    assert (perpetual.funding.cap, perpetual.funding.floor) == ("0.005", "-0.005")
    dated = load("bybit:btcusdt-14aug26")
    assert (dated.kind, dated.expiry, dated.funding) == ("linear_dated", "2026-08-14T08:00:00Z", None)


def test_funding_is_that_of_its_own_day() -> None:
    seen = load("binance:LAYERUSDT").funding
    assert seen is not None
    assert (seen.interval_hours, seen.cap, seen.as_of) == (1, None, "2025-06-03")
    listed = load("binance:ALGOUSDT").funding
    assert listed is not None
    assert (listed.interval_hours, listed.cap, listed.floor, listed.as_of) == (
        8,
        "0.02",
        "-0.02",
        "2025-07-18",
    )
    assert load("binance:1000PEPEUSDT").funding is None


def test_as_of_forms_agree() -> None:
    east = datetime.timezone(datetime.timedelta(hours=9))
    aware = datetime.datetime(2025, 8, 7, 8, tzinfo=east)  # still 2025-08-06 in UTC
    assert load("binance:BTCUSDT", aware).as_of == "2021-07-21"
    assert load("binance:BTCUSDT", "2025-08-07") == load("binance:BTCUSDT", datetime.date(2025, 8, 7))
    assert load("binance:BTCUSDT", "2030-01-01") == load("binance:BTCUSDT")


def test_an_old_row_never_stands_in_for_a_contract_that_is_gone() -> None:
    assert load("binance:MATICUSDT", "2021-12-01").as_of == "2021-07-21"
    for day in (None, "2026-09-01"):
        error = assert_refused("CONTRACT-202", "binance:MATICUSDT", day)
        assert "2021-07-21" in error.hint
    assert load("binance:SOLUSDT", "2026-08-31").as_of == "2021-07-21"


# -- ids -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form", ["BTCUSDT", "btcusdt", "BTC/USDT", "BTC-USDT", "binance:btc/usdt", "Binance:BTCUSDT", " BTCUSDT "]
)
def test_forms_of_an_id(form: str) -> None:
    assert load(form) is load("binance:BTCUSDT")


def test_a_pair_is_its_perpetual_whatever_the_venue_calls_it() -> None:
    assert load("bybit:BTC/USDC").symbol == "BTCPERP"
    assert load("BTC-USDC").symbol == "BTCPERP"
    for venue in VENUES:
        for symbol in symbols(venue):
            contract = load(f"{venue}:{symbol}")
            if contract.kind == "linear_perpetual" and symbol.isascii():
                assert load(f"{venue}:{contract.base}/{contract.quote}") is contract


def test_without_a_venue_the_first_that_lists_it() -> None:
    assert load("ETHUSDT").venue == "binance"
    assert load("ETHPERP").venue == "bybit"
    assert load("EOSUSDT", "2021-12-01").venue == "binance"


def test_symbols_of_other_scripts_load_as_the_venue_writes_them() -> None:
    other = [row["symbol"] for _, row in all_rows() if not row["symbol"].isascii()]
    assert len(other) == OTHER_SCRIPTS
    for symbol in other:
        assert load(f"binance:{symbol}").symbol == symbol
        assert load(symbol).venue == "binance"
        assert symbol in symbols("binance")
        assert repr(symbol[0]) in assert_refused("CONTRACT-204", f"binance:{symbol[0]}USDT").message


def test_unknown_venue() -> None:
    error = assert_refused("CONTRACT-201", "kraken:BTCUSDT")
    assert "binance, bybit" in error.hint
    with pytest.raises(InputError, match="CONTRACT-201"):
        symbols("kraken")
    with pytest.raises(InputError, match="CONTRACT-201"):
        search("BTC", venue="kraken")


def test_unknown_symbol_names_the_nearest() -> None:
    hint = assert_refused("CONTRACT-202", "binance:BTCUSTD").hint
    expected = difflib.get_close_matches("BTCUSTD", symbols("binance"), n=3)
    assert hint == "nearest: " + ", ".join(f"binance:{symbol}" for symbol in expected)
    assert "binance:BTCUSDT" in hint
    assert assert_refused("CONTRACT-202", "sol").hint.startswith("nearest: binance:SOLUSDT")
    assert assert_refused("CONTRACT-202", "binance:ETHPERP").hint.startswith("nearest: bybit:ETHPERP")
    assert "search" in assert_refused("CONTRACT-202", "QQQQQQQQQQQQQQ").hint


def test_day_before_the_first_snapshot() -> None:
    error = assert_refused("CONTRACT-203", "binance:BTCUSDT", "2021-07-20")
    assert "2021-07-21" in error.message
    assert load("binance:BTCUSDT", "2021-07-21").as_of == "2021-07-21"
    assert "2026-08-09" in assert_refused("CONTRACT-203", "bybit:BTCUSDT", "2026-08-08").message


NO_ID = ["", " ", ":", "binance:", ":BTCUSDT", "BTC USDT", "BTC\tUSDT", "BTC\nUSDT", "a/b/c", "BTC/USDT:USDT"]
NO_SYMBOL = ["#", "*", "-", "/", "ВTCUSDT", "lınkusdt", "牛牛USDT", None, 7, b"BTCUSDT"]


@pytest.mark.parametrize("bad", [*NO_ID, *NO_SYMBOL])
def test_malformed_id(bad: object) -> None:
    assert_refused("CONTRACT-204", bad)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "2021",
        "2021-13-01",
        "20210721",
        "2021-W29-3",
        "yesterday",
        20210721,
        datetime.datetime(2021, 7, 21),
    ],
)
def test_malformed_day(bad: object) -> None:
    assert_refused("CONTRACT-205", "BTCUSDT", bad)


@pytest.mark.parametrize("name", ["BTC-", "-BTCUSDT", "B-TCUSDT", "BTC/", "/BTCUSDT", "symbo-l", "BTC--USDT"])
def test_a_name_cut_elsewhere_is_another_name(name: str) -> None:
    assert_refused("CONTRACT-202", name)


# -- lists -----------------------------------------------------------------------------------------


def test_search() -> None:
    found = search("pepe")
    assert {"binance:1000PEPEUSDT", "bybit:1000PEPEUSDT", "bybit:1000PEPEPERP"} <= set(found)
    assert found == sorted(found, key=lambda name: VENUES.index(name.split(":")[0]))
    assert search("14AUG26", "bybit")[0] == "bybit:BTCUSDT-14AUG26"
    assert search("14AUG26", "binance") == []
    assert "binance:MATICUSDT" not in search("MATIC")
    assert len(search("")) == 654 + 800


def test_same_coin() -> None:
    found = same_coin("btc", "USDT")
    assert [f"{contract.venue}:{contract.symbol}" for contract in found[:2]] == [
        "binance:BTCUSDT",
        "bybit:BTCUSDT",
    ]
    assert len(found) == 10
    expiries = [contract.expiry for contract in found[2:]]
    assert all(expiries)
    assert expiries == sorted(expiries, key=str)
    assert all((contract.base, contract.settle) == ("BTC", "USDT") for contract in found)
    assert [contract.symbol for contract in same_coin("ETH", "USDC")] == ["ETHPERP"]
    assert same_coin("NOTHING", "USDT") == []


def test_same_coin_agrees_with_the_files() -> None:
    newest = {venue: max(days) for venue, days in DAYS.items()}
    current = [(venue, row) for venue, row in all_rows() if row["as_of"] == newest[venue]]
    for base in ("BTC", "SOL", "4", "8", "B", "1000PEPE"):
        wanted = {
            f"{v}:{row['symbol']}" for v, row in current if (row["base"], row["settle"]) == (base, "USDT")
        }
        assert {f"{c.venue}:{c.symbol}" for c in same_coin(base, "USDT")} == wanted


def test_venues_of() -> None:
    assert venues_of("BTCUSDT") == ["binance", "bybit"]
    assert venues_of("btc/usdc") == ["bybit"]
    assert venues_of("MATICUSDT") == []
    assert venues_of("NOTHING") == []


# -- how it is made --------------------------------------------------------------------------------


def test_the_loader_imports_little() -> None:
    code = "import sys; from lotwise.contracts.catalogue import load; load('BTCUSDT'); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert not {"csv", "difflib", "numpy", "numba"}.intersection(done.stdout.split())


def test_only_the_lines_of_the_symbol_are_parsed() -> None:
    for file in FILES:
        lines = catalogue._lines(file, "BTCUSDT")
        assert lines
        assert all(line.startswith("BTCUSDT\t") for line in lines)
        assert len(lines) == sum(row["symbol"] == "BTCUSDT" for row in table(file))


def test_the_files_are_what_the_tool_makes(shared_data: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec("polars") is None:
        pytest.skip("polars is absent: the funding histories are Arrow files")
    tool = ROOT / "tools" / "build_catalogue.py"
    done = subprocess.run(
        [sys.executable, str(tool), str(shared_data), "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)
    for file in FILES:
        assert (tmp_path / file).read_bytes() == (FACTS / file).read_bytes(), f"{file}; fix: make catalogue"
