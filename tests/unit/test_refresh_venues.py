"""Each venue's answer through real ccxt to fact rows, with the unit traps of each."""

from __future__ import annotations

from typing import Any

import pytest

from lotwise.app.refresh import Refresh
from lotwise.contracts.facts_file import UNKNOWN
from tests.unit import test_refresh_wire as wire
from tests.unit.test_refresh_wire import DAY, facts_folder, refreshed

pytestmark = pytest.mark.usefixtures(facts_folder.__name__)
__all__ = ["facts_folder"]  # the fixture


def table(found: Refresh, symbol: str, *columns: str) -> list[tuple[str, ...]]:
    """Columns of a contract's tiers."""
    assert found.made.tiers is not None
    return [tuple(row[column] for column in columns) for row in found.made.tiers[symbol]]


def known(row: dict[str, str]) -> dict[str, str]:
    """What a row knows."""
    return {column: text for column, text in row.items() if text != UNKNOWN}


BRACKETS = [{"symbol": "BTCUSDT", "brackets": wire.BTC_BRACKETS}]


def test_binance_rows_are_the_raw_texts() -> None:
    found = refreshed("binance", wire.binance_routes([wire.binance_market()], BRACKETS), key="k")
    assert found.made.refused == found.made.left_out == []
    assert known(found.made.rows["BTCUSDT"]) == {
        "symbol": "BTCUSDT",
        "base": "BTC",
        "quote": "USDT",
        "settle": "USDT",
        "kind": "linear_perpetual",
        "tick_size": "0.1",
        "lot_size": "0.001",
        "contract_size": "1",
        "min_quantity": "0.001",
        "max_quantity": "1000",
        "max_market_quantity": "120",
        "min_notional": "100",
        "max_leverage": "150",
        "leverage_step": "1",
        "maintenance_rule": "mark",
        "margin_holds_closing_fee": "no",
        "liquidation_holds_closing_fee": "no",
        "clearing": "no",
        "sector": "DeFi",
        "sector_as_of": DAY,
        "liquidation_fee": "0.0125",
        "listed": "2019-09-08",
        "limits_as_of": DAY,
        "as_of": DAY,
    }


def test_binance_tiers_carry_cum_which_ccxt_drops() -> None:
    found = refreshed("binance", wire.binance_routes([wire.binance_market()], BRACKETS), key="k")
    assert table(found, "BTCUSDT", "notional_floor", "notional_cap", "maintenance_rate", "cumulative") == [
        ("0", "300000", "0.004", "0"),
        ("300000", "800000", "0.005", "300"),
        ("800000", "3000000", "0.0065", "1500"),
    ]


def test_binance_without_a_key_leaves_the_tiers_and_says_so() -> None:
    found = refreshed("binance", wire.binance_routes([wire.binance_market()]))
    assert found.made.tiers is None
    assert list(found.files) == ["binance-linear.tsv"]
    assert "LOTWISE_BINANCE_KEY" in found.notes()[-1]


def test_binance_takes_dated_contracts_and_leaves_others() -> None:
    dated = {"contractType": "CURRENT_QUARTER", "deliveryDate": wire.DELIVERY_MS, "baseAsset": "BTC"}
    markets = [
        wire.binance_market("BTCUSDT_261225", **dated),
        wire.binance_market("OLDUSDT", status="SETTLING"),
        wire.binance_market("BTCUSDC", quoteAsset="USDC", marginAsset="USDC", baseAsset="BTC"),
    ]
    rows = refreshed("binance", wire.binance_routes(markets)).made.rows
    assert sorted(rows) == ["BTCUSDC", "BTCUSDT_261225"]
    assert (rows["BTCUSDT_261225"]["kind"], rows["BTCUSDT_261225"]["expiry"]) == (
        "linear_dated",
        "2026-12-25T08:00:00Z",
    )


def test_coin_margined_caps_are_coins_whatever_ccxt_calls_them() -> None:
    brackets = [{"symbol": "BTCUSD_PERP", "brackets": wire.COIN_BRACKETS}]
    routes = wire.binance_routes([wire.coinm_market()], brackets)
    found = refreshed("binance-coinm", routes, key="k")
    row = found.made.rows["BTCUSD_PERP"]
    assert (row["kind"], row["settle"], row["contract_size"]) == ("inverse_perpetual", "BTC", "100")
    assert table(found, "BTCUSD_PERP", "notional_floor", "notional_cap", "cumulative") == [
        ("0", "5", "0"),
        ("5", "10", "0.005"),
        ("10", "20", "0.055"),
    ]
    exchange = wire.wired("binance-coinm", routes, "k")
    exchange.set_markets(exchange.fetch_markets())
    misnamed = exchange.fetch_leverage_tiers()["BTC/USD:BTC"][0]
    assert (misnamed["currency"], misnamed["maxNotional"]) == ("USD", 5)


@pytest.mark.parametrize("limits", [wire.PERCENT_LIMITS, wire.FRACTION_LIMITS], ids=["percent", "fraction"])
def test_bybit_percentages_and_fractions_give_the_same_tiers(limits: list[dict[str, Any]]) -> None:
    pages = [wire.limits_of("BTCUSDT", limits)]
    found = refreshed("bybit", wire.bybit_routes("linear", [wire.bybit_market()], pages))
    columns = ("notional_floor", "notional_cap", "max_leverage", "maintenance_rate", "cumulative")
    assert table(found, "BTCUSDT", *columns) == [
        ("0", "2000000", "100", "0.005", "0"),
        ("2000000", "2600000", "89.29", "0.0056", "1200"),
    ]


def test_bybit_reads_every_page_of_risk_limits() -> None:
    names = [f"C{number:02}USDT" for number in range(7)]
    pages = [wire.limits_of(name, wire.PERCENT_LIMITS) for name in names]
    found = refreshed(
        "bybit", wire.bybit_routes("linear", [wire.bybit_market(name) for name in names], pages)
    )
    assert found.made.tiers is not None
    assert sorted(found.made.tiers) == names


def test_bybit_funding_and_steps() -> None:
    row = refreshed(
        "bybit",
        wire.bybit_routes("linear", [wire.bybit_market()], [wire.limits_of("X", wire.PERCENT_LIMITS)]),
    ).made.rows["BTCUSDT"]
    columns = (
        "funding_hours",
        "funding_cap",
        "funding_floor",
        "funding_as_of",
        "leverage_step",
        "min_notional",
    )
    assert [row[column] for column in columns] == ["8", "0.00375", "-0.00375", DAY, "0.01", "5"]


@pytest.mark.parametrize("initial", ["0.1", "10", "0"])
def test_bybit_rates_that_are_neither_are_refused(initial: str) -> None:
    limits = [wire.PERCENT_LIMITS[0] | {"initialMargin": initial}]
    markets = [wire.bybit_market(), *(wire.bybit_market(f"C{number}USDT") for number in range(30))]
    found = refreshed("bybit", wire.bybit_routes("linear", markets, [wire.limits_of("BTCUSDT", limits)]))
    assert [one.symbol for one in found.made.refused] == ["BTCUSDT"]
    assert "neither fractions nor percentages" in found.made.refused[0].reason


def test_bybit_inverse_counts_dollars_and_its_caps_are_coins() -> None:
    lots = wire.bybit_inverse_market()["lotSizeFilter"] | {"minOrderQty": "10"}
    market = wire.bybit_inverse_market(lotSizeFilter=lots)
    pages = [wire.limits_of("BTCUSD", wire.COIN_LIMITS)]
    found = refreshed("bybit-inverse", wire.bybit_routes("inverse", [market], pages))
    row = found.made.rows["BTCUSD"]
    assert (row["contract_size"], row["min_quantity"], row["settle"]) == ("1", "10", "BTC")
    assert table(found, "BTCUSD", "notional_cap", "maintenance_rate", "cumulative") == [
        ("150", "0.005", "0"),
        ("300", "0.01", "0.75"),
    ]
    assert (
        wire.wired("bybit-inverse", wire.bybit_routes("inverse", [market], pages)).fetch_markets()[0][
            "contractSize"
        ]
        == 10
    )


def test_bingx_reads_maint_amount_and_knows_no_leverage_of_a_tier() -> None:
    routes = wire.bingx_routes([wire.bingx_market()], {"BTC-USDT": wire.BINGX_TIERS})
    found = refreshed("bingx", routes, key="k")
    row = found.made.rows["BTC-USDT"]
    assert (row["tick_size"], row["lot_size"], row["min_notional"]) == ("0.1", "0.0001", "2")
    assert (row["maker"], row["taker"], row.get("max_leverage", UNKNOWN)) == ("0.0002", "0.0005", UNKNOWN)
    assert table(found, "BTC-USDT", "notional_cap", "max_leverage", "cumulative") == [
        ("900000", UNKNOWN, "0"),
        ("2000000", UNKNOWN, "1530"),
    ]


def test_bingx_asks_for_the_tiers_of_its_own_contracts_only() -> None:
    markets = [wire.bingx_market(), wire.bingx_market("ETH-USDT"), wire.bingx_market("X-USDT", status=0)]
    routes = wire.bingx_routes(markets, {"BTC-USDT": wire.BINGX_TIERS, "ETH-USDT": []})
    exchange = wire.wired("bingx", routes, "k")
    keys = {"LOTWISE_BINGX_KEY": "k", "LOTWISE_BINGX_SECRET": "k"}
    seen: list[tuple[str, int, int | None]] = []
    found = wire.refresh.prepare(
        "bingx",
        exchange=exchange,
        clock=wire.CLOCK,
        environment=keys,
        progress=lambda *what: seen.append(what),
    )
    tiers = [asked.partition("?")[2] for asked in exchange.session.asked if "maintMarginRatio" in asked]
    assert tiers == ["BTC-USDT", "ETH-USDT"]
    assert list(found.made.tiers or ()) == ["BTC-USDT"]
    assert ("tiers of bingx", 2, 2) in seen


def test_bingx_percentages_are_refused() -> None:
    percent = [wire.BINGX_TIERS[0] | {"maintMarginRatio": "0.33"}]
    markets = [wire.bingx_market(), *(wire.bingx_market(f"C{number}-USDT") for number in range(30))]
    tiers = {market["symbol"]: wire.BINGX_TIERS for market in markets} | {"BTC-USDT": percent}
    found = refreshed("bingx", wire.bingx_routes(markets, tiers), key="k")
    assert [(one.symbol, "not a fraction" in one.reason) for one in found.made.refused] == [
        ("BTC-USDT", True)
    ]


def test_mexc_caps_are_contracts_and_never_become_money() -> None:
    found = refreshed(
        "mexc", wire.mexc_routes([wire.mexc_market(), wire.mexc_market("BTC_USDT", **LEVELLED)])
    )
    assert table(found, "LTC_USDT", "notional_floor", "notional_cap", "max_leverage", "cumulative") == [
        ("0", UNKNOWN, "200", "0")
    ]
    assert found.made.tiers is not None
    assert "BTC_USDT" not in found.made.tiers
    exchange = wire.wired("mexc", wire.mexc_routes([wire.mexc_market()]))
    assert exchange.fetch_leverage_tiers()["LTC/USDT:USDT"][0]["maxNotional"] == 1600000


LEVELLED = {**wire.LEVELS, "contractSize": 0.0001, "priceUnit": 0.1, "maxLeverage": 400}


def test_mexc_counts_contracts() -> None:
    row = refreshed("mexc", wire.mexc_routes([wire.mexc_market()])).made.rows["LTC_USDT"]
    columns = ("lot_size", "contract_size", "min_quantity", "max_quantity", "maker", "taker")
    assert [row[column] for column in columns] == ["1", "0.01", "1", "1600000", "0", "0.0002"]


def test_weex_counts_coins_and_its_fees_are_fractions() -> None:
    exchange = wire.wired("weex", wire.weex_routes([wire.weex_market()]))
    found = wire.refresh.prepare("weex", exchange=exchange, clock=wire.CLOCK, environment={})
    row = found.made.rows["BTCUSDT"]
    assert (row["contract_size"], row["lot_size"], row["min_quantity"]) == ("1", "0.0001", "0.0001")
    assert (row["maker"], row["taker"]) == ("0.0002", "0.0008")
    market = next(market for market in exchange.fetch_markets() if market["swap"])
    assert (market["contractSize"], exchange.fees["contract"]["taker"]) == (0.0001, 0.08)
    assert found.made.tiers is None
    assert "ccxt reads none from weex" in found.notes()[-1]


def test_a_fee_in_percent_is_refused() -> None:
    markets = [wire.weex_market(takerFeeRate="0.08"), *(wire.weex_market(f"C{n}USDT") for n in range(30))]
    found = refreshed("weex", wire.weex_routes(markets))
    assert [one.symbol for one in found.made.refused] == ["BTCUSDT"]
    assert "a percentage, or over 1 %" in found.made.refused[0].reason
