"""The catalogue over all venues: units of a quantity, inverse and listed contracts."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from lotwise.contracts import Contract, catalogue
from lotwise.contracts.catalogue import VENUES, all_contracts, load, search, symbols
from lotwise.contracts.reference_prices import reference_price
from lotwise.errors import FactsError

COUNTS = {
    "binance": 654,
    "bybit": 800,
    "bingx": 6,
    "mexc": 5,
    "weex": 3,
    "binance-coinm": 20,
    "bybit-inverse": 25,
    "cme": 4,
    "coinbase": 1,
}


@pytest.fixture(autouse=True)
def only_the_packaged_facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Facts that whoever runs the tests has refreshed do not count."""
    monkeypatch.setenv("LOTWISE_FACTS", str(tmp_path / "facts"))
    catalogue.forget()
    yield
    catalogue.forget()


# -- every contract --------------------------------------------------------------------------------


def test_every_listed_contract_is_built_and_proved() -> None:
    counts: dict[str, int] = dict.fromkeys(VENUES, 0)
    for contract in all_contracts():
        assert contract.scales.per_lot16 > 0
        assert contract.exact_lots_at(1) >= contract.scales.min_lots
        counts[contract.venue] += 1
    assert counts == COUNTS
    assert {venue: len(symbols(venue)) for venue in VENUES} == COUNTS


@pytest.mark.parametrize("day", ["2021-07-21", "2025-05-04", "2025-05-09", "2025-08-07", "2026-10-01"])
def test_every_contract_of_a_day_is_built(day: str) -> None:
    found = list(all_contracts(day))
    assert found
    assert all(contract.as_of is not None and contract.as_of <= day for contract in found)
    assert all(contract.expiry is None or contract.expiry[:10] >= day for contract in found)
    assert len({contract.id for contract in found}) == len(found)


def test_what_was_listed_on_a_day_is_found_though_it_is_gone() -> None:
    assert search("MATIC") == []
    assert search("matic", as_of="2021-08-01") == ["binance:MATICUSDT"]
    assert search("BTC", "binance-coinm", "2021-08-01") == [
        "binance-coinm:BTCUSD_210924",
        "binance-coinm:BTCUSD_211231",
        "binance-coinm:BTCUSD_PERP",
    ]
    assert search("BTC", "binance-coinm", "2021-10-01") == [
        "binance-coinm:BTCUSD_211231",
        "binance-coinm:BTCUSD_PERP",
    ]
    assert search("BTC", "mexc", "2021-08-01") == []


# -- what a quantity counts ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contract_id", "lots"),
    [
        ("binance:BTCUSDT", 10),
        ("bybit:BTCUSDT", 10),
        ("bingx:BTC-USDT", 100),
        ("mexc:BTC_USDT", 100),
        ("weex:BTCUSDT", 100),
        ("coinbase:BIT", 1),
    ],
)
def test_a_hundredth_of_a_bitcoin(contract_id: str, lots: int) -> None:
    contract = load(contract_id)
    assert Fraction(contract.scales.per_lot16, 10**16) * lots == Fraction("0.01")
    assert contract.quantity_text(lots) == "0.01"


@pytest.mark.parametrize(
    ("contract_id", "contracts"),
    [
        ("binance:BTCUSDT", "0.01"),
        ("bingx:BTC-USDT", "0.01"),
        ("mexc:BTC_USDT", "100"),
        ("weex:BTCUSDT", "0.01"),
    ],
)
def test_an_order_of_a_hundredth_counts_what_the_venue_counts(contract_id: str, contracts: str) -> None:
    contract = load(contract_id)
    lots = 10**14 // contract.scales.per_lot16
    assert contract.contracts_text(lots) == contracts


def test_contracts_of_mexc_are_of_many_sizes() -> None:
    sizes = {symbol: load(f"mexc:{symbol}").contract_size for symbol in symbols("mexc")}
    assert sizes == {
        "ADA_USDT": "1",
        "BTC_USDT": "0.0001",
        "LTC_USDT": "0.01",
        "TRX_USDT": "10",
        "XRP_USDT": "1",
    }


def test_weex_counts_coins_though_it_names_a_contract_value() -> None:
    doge = load("weex:DOGEUSDT")
    assert (doge.lot_size, doge.contract_size, doge.min_quantity) == ("100", "1", "100")
    assert doge.notional_text(9_323, 3) == "27.969"  # 300 DOGE at 0.09323


def test_weex_fees_are_fractions() -> None:
    fees = load("weex:BTCUSDT").fees
    assert fees is not None
    assert (fees.maker8, fees.taker8) == (20_000, 80_000)


# -- rules of a venue ------------------------------------------------------------------------------


def test_which_venue_counts_the_closing_fee() -> None:
    margin, liquidation = set(), set()
    for contract in all_contracts():
        if contract.margin_holds_closing_fee:
            margin.add(contract.venue)
        if contract.liquidation_holds_closing_fee:
            liquidation.add(contract.venue)
    assert margin == {"bybit", "bybit-inverse"}
    assert liquidation == {"bingx", "mexc"}


def test_a_last_tier_without_an_end() -> None:
    (tier,) = load("mexc:BTC_USDT").tiers
    assert (tier.notional_cap, tier.maintenance_rate, tier.max_leverage) == (None, "0.004", "200")
    assert len(load("mexc:BTC_USDT").liquidation_rows()) == 1


@pytest.mark.parametrize("day", [None, "2025-09-02", "2026-08-09"])
def test_the_maintenance_rule_is_that_of_the_day_asked_for(day: str | None) -> None:
    for contract_id in ("bybit:BTCUSDT", "bybit-inverse:BTCUSD"):
        assert load(contract_id, day).maintenance_rule == "mark"
        assert load(contract_id, "2025-09-01").maintenance_rule == "entry"


def test_inverse_contracts_are_worth_dollars_and_paid_in_the_coin() -> None:
    coin_m = [one for one in all_contracts() if one.venue == "binance-coinm"]
    assert {one.contract_size for one in coin_m if one.base == "BTC"} == {"100"}
    assert {one.contract_size for one in coin_m if one.base != "BTC"} == {"10"}
    for one in (*coin_m, *(one for one in all_contracts() if one.venue == "bybit-inverse")):
        assert one.is_inverse
        assert (one.quote, one.settle, one.quantity_unit) == ("USD", one.base, "USD")
    assert load("bybit-inverse:BTCUSD").quantity_text(100) == "100"


def test_quarters_of_2021() -> None:
    linear, inverse = (
        load("binance:BTCUSDT_210924", "2021-08-01"),
        load("binance-coinm:ETHUSD_211231", "2021-08-01"),
    )
    assert (linear.kind, linear.expiry) == ("linear_dated", "2021-09-24T08:00:00Z")
    assert (inverse.kind, inverse.expiry, inverse.settle) == ("inverse_dated", "2021-12-31T08:00:00Z", "ETH")
    assert inverse.funding is None


def test_listed_futures_have_no_leverage_and_no_tiers() -> None:
    found = [one for one in all_contracts() if one.clearing]
    assert [one.id for one in found] == ["cme:MBT", "cme:MET", "cme:MSL", "cme:MXP", "coinbase:BIT"]
    for one in found:
        assert one.expiry is None
        assert (one.tiers, one.max_leverage, one.fees, one.settle, one.is_dated) == (
            (),
            None,
            None,
            "USD",
            True,
        )
        assert (one.initial_margin_per_contract, one.maintenance_margin_per_contract) == (None, None)
    worth_of_a_tick = {one.symbol: one.notional_text(1, 1) for one in found}
    assert worth_of_a_tick == {"MBT": "0.50", "MET": "0.05", "MSL": "1.25", "MXP": "1.25", "BIT": "0.05"}


def test_sectors_are_the_venues_own() -> None:
    assert load("binance:BTCUSDT").sector == load("binance-coinm:BTCUSD_PERP").sector == "PoW"
    assert load("binance:UNIUSDT").sector == "DeFi"
    assert load("binance:LINKUSDT", "2021-08-01").sector == "DeFi"
    assert load("binance:LINKUSDT").sector == "Infrastructure"
    assert load("binance:ADAUSDT", "2021-08-01").sector is None  # HOT is none
    assert {one.sector for one in all_contracts() if one.venue == "bybit"} == {None, "Stock", "Commodity"}


# -- ids -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "contract_id"),
    [
        ("binance-coinm:btcusd_perp", "binance-coinm:BTCUSD_PERP"),
        ("BTCUSD_PERP", "binance-coinm:BTCUSD_PERP"),
        ("BTC/USD", "binance-coinm:BTCUSD_PERP"),
        ("Bybit-Inverse:BTC-USD", "bybit-inverse:BTCUSD"),
        ("BTCUSD", "bybit-inverse:BTCUSD"),
        ("bingx:btc-usdt", "bingx:BTC-USDT"),
        ("bingx:BTC/USDT", "bingx:BTC-USDT"),
        ("mexc:btc_usdt", "mexc:BTC_USDT"),
        ("mexc:BTC-USDT", "mexc:BTC_USDT"),
        ("BTC_USDT", "binance:BTCUSDT"),
        ("weex:BTC/USDT", "weex:BTCUSDT"),
        ("mbt", "cme:MBT"),
        ("coinbase:bit", "coinbase:BIT"),
    ],
)
def test_forms_of_an_id(form: str, contract_id: str) -> None:
    assert load(form).id == contract_id


@pytest.mark.parametrize("bad", ["_", "-:BTCUSDT", "binance-:BTC USD", "BTC__", "cme:MBT_"])
def test_what_is_no_id(bad: str) -> None:
    with pytest.raises(FactsError if "MBT" in bad or bad == "BTC__" else Exception) as caught:
        load(bad)
    assert caught.value.code in {"CONTRACT-201", "CONTRACT-202", "CONTRACT-204"}  # type: ignore[attr-defined]


# -- reference prices ------------------------------------------------------------------------------


def test_reference_prices_are_dated_and_say_what_stands_in() -> None:
    found = reference_price("btc", "usdt")
    assert found is not None
    assert (found.price, found.day, found.note) == ("106588.4", "2025-06-03", "")
    assert found.source
    for quote in ("USD", "USDC"):
        other = reference_price("BTC", quote)
        assert other is not None
        assert (other.price, other.note) == (found.price, f"a price in USDT, taken for {quote}")
    assert reference_price("BTC", "EUR") is None
    assert reference_price("NOTHING", "USDT") is None


def test_reference_prices_lie_on_the_tick_of_their_day() -> None:
    priced: list[Contract] = []
    for symbol in symbols("binance"):
        contract = load(f"binance:{symbol}")
        if found := reference_price(contract.base, "USDT"):
            assert (Fraction(found.price) / Fraction(str(contract.tick_size))).denominator == 1
            priced.append(contract)
    assert len(priced) == 16
