"""The catalogue: its lookups say the rules of a day, its errors name a way out."""

from __future__ import annotations

import datetime
import difflib
import subprocess
import sys

import pytest

from lotwise.contracts.catalogue import VENUES, load, same_coin, search, symbols, venues_of
from lotwise.errors import InputError
from tests.unit.test_catalogue_files import DAYS, LISTED, OTHER_SCRIPTS, all_rows

pytestmark = pytest.mark.usefixtures("only_the_packaged_facts")


def assert_refused(code: str, contract_id: object, as_of: object = None) -> InputError:
    with pytest.raises(InputError) as caught:
        load(contract_id, as_of)  # type: ignore[arg-type]
    assert caught.value.code == code
    assert caught.value.hint
    return caught.value


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


def test_a_tick_that_became_finer_has_its_days() -> None:
    for symbol in ("ENAUSDT", "LAYERUSDT"):
        assert load(f"binance:{symbol}", as_of="2025-06-01").tick_size == "0.0001"
        assert load(f"binance:{symbol}").tick_size == "0.00001"
        assert_refused("CONTRACT-203", f"binance:{symbol}", "2025-05-03")
    then, now = load("bybit:1INCHUSDT", "2025-12-31"), load("bybit:1INCHUSDT")
    assert (then.tick_size, now.tick_size, then.as_of) == ("0.0001", "0.00001", "2025-05-09")
    assert (then.fees, then.max_leverage) == (None, None)


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
            if contract.kind.endswith("perpetual") and symbol.isascii():
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
    assert "2025-05-09" in assert_refused("CONTRACT-203", "bybit:BTCUSDT", "2025-05-08").message


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
    assert len(search("")) == LISTED == 1518


def test_same_coin() -> None:
    found = same_coin("btc", "USDT")
    assert [contract.id for contract in found[:5]] == [
        "binance:BTCUSDT",
        "bybit:BTCUSDT",
        "bingx:BTC-USDT",
        "mexc:BTC_USDT",
        "weex:BTCUSDT",
    ]
    assert len(found) == 13
    expiries = [contract.expiry for contract in found[5:]]
    assert all(expiries)
    assert expiries == sorted(expiries, key=str)
    assert all((contract.base, contract.settle) == ("BTC", "USDT") for contract in found)
    assert [contract.symbol for contract in same_coin("ETH", "USDC")] == ["ETHPERP"]
    assert same_coin("NOTHING", "USDT") == same_coin("NOTHING") == []
    assert {contract.settle for contract in same_coin("btc")} == {"USDT", "USDC", "BTC", "USD"}
    assert [contract.id for contract in same_coin("SOL", "sol")] == [
        "binance-coinm:SOLUSD_PERP",
        "bybit-inverse:SOLUSD",
    ]


def test_same_coin_agrees_with_the_files() -> None:
    newest = {venue: max(days) for venue, days in DAYS.items()}
    current = [(venue, row) for venue, row in all_rows() if row["as_of"] == newest[venue]]
    for base in ("BTC", "SOL", "4", "8", "B", "1000PEPE"):
        wanted = {
            f"{v}:{row['symbol']}" for v, row in current if (row["base"], row["settle"]) == (base, "USDT")
        }
        assert {contract.id for contract in same_coin(base, "USDT")} == wanted


def test_venues_of() -> None:
    assert venues_of("BTCUSDT") == ["binance", "bybit", "weex"]
    assert venues_of("btc/usdt") == ["binance", "bybit", "bingx", "mexc", "weex"]
    assert venues_of("BTC/USD") == ["binance-coinm", "bybit-inverse"]
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
