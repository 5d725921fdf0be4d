"""The venues as they answer, for the tests of ``contracts refresh``: our own facts in the form of
each venue's interface, handed to a real ccxt as the text of an HTTP answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import ccxt
import pytest

from lotwise.app import refresh
from lotwise.clock import FixedClock
from lotwise.contracts import catalogue, facts_file
from lotwise.contracts.refresh.venues import READERS

DAY = "2026-11-22"
CLOCK = FixedClock(1_795_305_600_000_000_000)
PERPETUAL_MS, DELIVERY_MS, LAUNCH_MS = 4133404800000, 1798185600000, 1567900800000

Answer = dict[str, Any] | list[Any]
Route = Answer | Callable[[dict[str, str]], Answer]


class Wire:
    """Stands where ccxt has its HTTP session: answers by the end of the path, notes what was asked."""

    def __init__(self, routes: dict[str, Route]) -> None:
        self.routes = routes
        self.asked: list[str] = []
        self.headers: dict[str, str] = {}
        self.cookies = SimpleNamespace(clear=lambda: None)

    def request(self, method: str, url: str, **_: object) -> SimpleNamespace:
        """One answer; a path without a route is an error of the venue."""
        address = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        self.asked.append(f"{address.path}?{query['symbol']}" if "symbol" in query else address.path)
        answer = next((answer for end, answer in self.routes.items() if address.path.endswith(end)), None)
        found = answer(query) if callable(answer) else answer
        return SimpleNamespace(
            text=json.dumps({"code": -1, "msg": "no such path"} if found is None else found),
            status_code=404 if found is None else 200,
            reason="OK" if found is not None else "Not Found",
            headers={"Content-Type": "application/json"},
            encoding="utf-8",
            raise_for_status=lambda: None,
        )


CLASSES = {
    "binance": "binanceusdm",
    "binance-coinm": "binancecoinm",
    "bybit": "bybit",
    "bybit-inverse": "bybit",
    "bingx": "bingx",
    "mexc": "mexc",
    "weex": "weex",
}


def wired(venue: str, routes: dict[str, Route], key: str = "") -> Any:
    """A real ccxt exchange whose HTTP layer is a :class:`Wire`."""
    exchange = refresh.connect(venue, key, key, {})
    exchange.enableRateLimit = False
    exchange.session = Wire(routes)
    return exchange


def refreshed(venue: str, routes: dict[str, Route], key: str = "") -> refresh.Refresh:
    """A refresh through real ccxt on the test's day."""
    name = venue.upper().replace("-", "_")
    environment = {f"LOTWISE_{name}_KEY": key, f"LOTWISE_{name}_SECRET": key}
    exchange = wired(venue, routes, key)
    return refresh.prepare(venue, exchange=exchange, clock=CLOCK, environment=environment)


@pytest.fixture
def facts_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The user's own folder, empty, with no packaged facts beneath it."""
    folder = tmp_path / "facts"
    monkeypatch.setenv("LOTWISE_FACTS", str(folder))
    monkeypatch.setattr(refresh, "PACKAGED", str(tmp_path / "none"))
    monkeypatch.setattr(facts_file, "PACKAGED", str(tmp_path / "none"))
    catalogue.forget()
    yield folder
    monkeypatch.undo()
    catalogue.forget()


# -- Binance ---------------------------------------------------------------------------------------


def binance_market(symbol: str = "BTCUSDT", **changes: Any) -> dict[str, Any]:
    """One contract of exchangeInfo, USD-M."""
    base = symbol.removesuffix("USDT")
    market: dict[str, Any] = {
        "symbol": symbol,
        "pair": symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": PERPETUAL_MS,
        "onboardDate": LAUNCH_MS,
        "status": "TRADING",
        "baseAsset": base,
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": 2,
        "quantityPrecision": 3,
        "liquidationFee": "0.012500",
        "underlyingSubType": ["HOT", "DEFI"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "261.10", "maxPrice": "809484", "tickSize": "0.10"},
            {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "1000"},
            {"filterType": "MARKET_LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "120"},
            {"filterType": "MIN_NOTIONAL", "notional": "100"},
        ],
    }
    return market | changes


def coinm_market(symbol: str = "BTCUSD_PERP", **changes: Any) -> dict[str, Any]:
    """One contract of exchangeInfo, COIN-M."""
    market: dict[str, Any] = {
        "symbol": symbol,
        "pair": "BTCUSD",
        "contractType": "PERPETUAL",
        "deliveryDate": PERPETUAL_MS,
        "onboardDate": 1597042800000,
        "contractStatus": "TRADING",
        "contractSize": 100,
        "baseAsset": "BTC",
        "quoteAsset": "USD",
        "marginAsset": "BTC",
        "pricePrecision": 1,
        "quantityPrecision": 0,
        "liquidationFee": "0.015000",
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "1000", "maxPrice": "4520958", "tickSize": "0.1"},
            {"filterType": "LOT_SIZE", "stepSize": "1", "minQty": "1", "maxQty": "1000000"},
            {"filterType": "MARKET_LOT_SIZE", "stepSize": "1", "minQty": "1", "maxQty": "60000"},
        ],
    }
    return market | changes


BTC_BRACKETS = [
    {
        "bracket": 1,
        "initialLeverage": 150,
        "notionalFloor": 0,
        "notionalCap": 300000,
        "maintMarginRatio": 0.004,
        "cum": 0.0,
    },
    {
        "bracket": 2,
        "initialLeverage": 100,
        "notionalFloor": 300000,
        "notionalCap": 800000,
        "maintMarginRatio": 0.005,
        "cum": 300.0,
    },
    {
        "bracket": 3,
        "initialLeverage": 75,
        "notionalFloor": 800000,
        "notionalCap": 3000000,
        "maintMarginRatio": 0.0065,
        "cum": 1500.0,
    },
]
COIN_BRACKETS = [
    {"bracket": 1, "initialLeverage": 125, "qtyFloor": 0, "qtyCap": 5, "maintMarginRatio": 0.004, "cum": 0.0},
    {
        "bracket": 2,
        "initialLeverage": 100,
        "qtyFloor": 5,
        "qtyCap": 10,
        "maintMarginRatio": 0.005,
        "cum": 0.005,
    },
    {
        "bracket": 3,
        "initialLeverage": 50,
        "qtyFloor": 10,
        "qtyCap": 20,
        "maintMarginRatio": 0.01,
        "cum": 0.055,
    },
]


def binance_routes(
    markets: list[dict[str, Any]], brackets: list[dict[str, Any]] | None = None
) -> dict[str, Route]:
    """Both families: the markets, and the signed brackets as ``[{symbol, brackets}]``."""
    routes: dict[str, Route] = {"/exchangeInfo": {"timezone": "UTC", "symbols": markets}}
    return routes if brackets is None else routes | {"/leverageBracket": brackets}


# -- Bybit -----------------------------------------------------------------------------------------


def bybit_market(symbol: str = "BTCUSDT", **changes: Any) -> dict[str, Any]:
    """One contract of instruments-info, linear."""
    market: dict[str, Any] = {
        "symbol": symbol,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": symbol.removesuffix("USDT"),
        "quoteCoin": "USDT",
        "settleCoin": "USDT",
        "launchTime": "1584230400000",
        "deliveryTime": "0",
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0.10"},
        "lotSizeFilter": {
            "maxOrderQty": "1190.000",
            "minOrderQty": "0.001",
            "qtyStep": "0.001",
            "maxMktOrderQty": "500.000",
            "minNotionalValue": "5",
        },
        "fundingInterval": 480,
        "upperFundingRate": "0.00375",
        "lowerFundingRate": "-0.00375",
    }
    return market | changes


def bybit_inverse_market(**changes: Any) -> dict[str, Any]:
    """BTCUSD: one contract is one US dollar, whatever the smallest order is."""
    lots = {"maxOrderQty": "25000000", "minOrderQty": "1", "qtyStep": "1", "maxMktOrderQty": "5000000"}
    kind = {"contractType": "InversePerpetual", "baseCoin": "BTC", "quoteCoin": "USD", "settleCoin": "BTC"}
    return bybit_market("BTCUSD", **kind, lotSizeFilter=lots) | changes


def risk_limit(cap: str, maintenance: str, initial: str, leverage: str, deduction: str) -> dict[str, Any]:
    """One risk limit; its amounts are in the settle coin, its rates in whatever it says them."""
    return {
        "riskLimitValue": cap,
        "maintenanceMargin": maintenance,
        "initialMargin": initial,
        "maxLeverage": leverage,
        "mmDeduction": deduction,
    }


PERCENT_LIMITS = [
    risk_limit("2000000", "0.5", "1", "100.00", ""),
    risk_limit("2600000", "0.56", "1.12", "89.29", "1200"),
]
FRACTION_LIMITS = [
    risk_limit("2000000", "0.005", "0.01", "100.00", ""),
    risk_limit("2600000", "0.0056", "0.0112", "89.29", "1200"),
]
COIN_LIMITS = [
    risk_limit("150", "0.5", "1", "100.00", ""),
    risk_limit("300", "1", "2", "50.00", "0.75"),
]


def limits_of(symbol: str, limits: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Risk limits with their contract."""
    return [{"id": number, "symbol": symbol, **limit} for number, limit in enumerate(limits, 1)]


def bybit_routes(
    category: str, markets: list[dict[str, Any]], pages: list[list[dict[str, Any]]]
) -> dict[str, Route]:
    """The contracts, none before launch, and the risk limits page by page."""

    def instruments(query: dict[str, str]) -> Answer:
        assert query["category"] == category
        listed = [] if query.get("status") == "PreLaunch" else markets
        return {"retCode": 0, "result": {"category": category, "list": listed, "nextPageCursor": ""}}

    def limits(query: dict[str, str]) -> Answer:
        assert query["category"] == category
        page = int(query.get("cursor", "0"))
        cursor = str(page + 1) if page + 1 < len(pages) else ""
        return {"retCode": 0, "result": {"category": category, "list": pages[page], "nextPageCursor": cursor}}

    return {"/instruments-info": instruments, "/risk-limit": limits}


# -- BingX, MEXC, WEEX -----------------------------------------------------------------------------


def bingx_market(symbol: str = "BTC-USDT", **changes: Any) -> dict[str, Any]:
    """One swap of quote/contracts."""
    market: dict[str, Any] = {
        "contractId": "100",
        "symbol": symbol,
        "size": "0.0001",
        "quantityPrecision": 4,
        "pricePrecision": 1,
        "makerFeeRate": 0.0002,
        "takerFeeRate": 0.0005,
        "tradeMinQuantity": 0.0001,
        "tradeMinUSDT": 2,
        "maxLongLeverage": 125,
        "maxShortLeverage": 125,
        "currency": "USDT",
        "asset": symbol.split("-", maxsplit=1)[0],
        "status": 1,
        "apiStateOpen": "true",
        "apiStateClose": "true",
    }
    return market | changes


def bingx_tier(number: int, low: str, high: str, rate: str, amount: str) -> dict[str, Any]:
    """One row of maintMarginRatio."""
    return {
        "tier": f"Tier {number}",
        "minPositionVal": low,
        "maxPositionVal": high,
        "maintMarginRatio": rate,
        "maintAmount": amount,
    }


BINGX_TIERS = [
    bingx_tier(1, "0", "900000", "0.003300", "0.000000"),
    bingx_tier(2, "900000", "2000000", "0.005000", "1530.000000"),
]


def bingx_routes(
    markets: list[dict[str, Any]], tiers: dict[str, list[dict[str, Any]]] | None = None
) -> dict[str, Route]:
    """The linear swaps, one inverse one, no spot; the tiers of a symbol where it has some."""
    inverse = {"symbol": "BTC-USD", "pricePrecision": 1, "minTickSize": "100", "minQty": "1", "status": 1}
    known = tiers or {}

    def table(query: dict[str, str]) -> Answer:
        symbol = query["symbol"]
        return {"code": 0, "msg": "", "data": [{"symbol": symbol, **tier} for tier in known[symbol]]}

    return {
        "/swap/v2/quote/contracts": {"code": 0, "data": markets},
        "/cswap/v1/market/contracts": {"code": 0, "data": [inverse]},
        "/spot/v1/common/symbols": {"code": 0, "data": {"symbols": []}},
        "/maintMarginRatio": table,
    }


def mexc_market(symbol: str = "LTC_USDT", **changes: Any) -> dict[str, Any]:
    """One contract of contract/detail, with one risk level."""
    market: dict[str, Any] = {
        "symbol": symbol,
        "baseCoin": symbol.split("_", maxsplit=1)[0],
        "quoteCoin": "USDT",
        "settleCoin": "USDT",
        "contractSize": 0.01,
        "maxLeverage": 200,
        "priceUnit": 0.01,
        "volUnit": 1,
        "minVol": 1,
        "maxVol": 1600000,
        "limitMaxVol": 1600000,
        "makerFeeRate": 0,
        "takerFeeRate": 0.0002,
        "maintenanceMarginRate": 0.004,
        "initialMarginRate": 0.005,
        "riskBaseVol": 1600000,
        "riskIncrVol": 1600000,
        "riskIncrMmr": 0.004,
        "riskIncrImr": 0.004,
        "riskLevelLimit": 1,
        "riskLimitType": "BY_VOLUME",
        "state": 0,
    }
    return market | changes


LEVELS = {"riskBaseVol": 15000, "riskIncrVol": 200000, "riskLevelLimit": 13, "maintenanceMarginRate": 0.0015}


def mexc_routes(markets: list[dict[str, Any]]) -> dict[str, Route]:
    """The contracts, and no spot."""
    return {
        "/api/v3/exchangeInfo": {"timezone": "CST", "symbols": []},
        "/contract/detail": {"success": True, "code": 0, "data": markets},
    }


def weex_market(symbol: str = "BTCUSDT", **changes: Any) -> dict[str, Any]:
    """One contract of exchangeInfo; ``contractVal`` is not the size of what is traded."""
    market: dict[str, Any] = {
        "symbol": symbol,
        "baseAsset": symbol.removesuffix("USDT"),
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": 1,
        "quantityPrecision": 4,
        "contractVal": "0.0001",
        "minLeverage": 1,
        "maxLeverage": 400,
        "makerFeeRate": "0.0002",
        "takerFeeRate": "0.0008",
        "minOrderSize": "0.0001",
        "maxOrderSize": "1200",
        "marketOpenLimitSize": "100",
    }
    return market | changes


def weex_routes(markets: list[dict[str, Any]]) -> dict[str, Route]:
    """The contracts, and one pair of spot."""
    spot = {
        "symbol": "BTCUSDT",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "tickSize": "0.01",
        "stepSize": "0.00001",
    }
    return {
        "/api/v3/exchangeInfo": {"symbols": [spot]},
        "/capi/v3/market/exchangeInfo": {"symbols": markets},
    }


# -- the wire itself -------------------------------------------------------------------------------


def test_a_fraction_on_the_wire_stays_text() -> None:
    exchange = wired("mexc", mexc_routes([mexc_market(priceUnit=0.00055, takerFeeRate=1e-05)]))
    exchange.on_json_response = refresh.exact_json
    info = exchange.fetch_markets()[0]["info"]
    assert (info["priceUnit"], info["takerFeeRate"], info["volUnit"]) == ("0.00055", "1e-05", 1)


def test_every_venue_has_its_class_of_ccxt() -> None:
    assert CLASSES.keys() == READERS.keys() < facts_file.FILES.keys()
    assert {venue: wired(venue, {}).id for venue in CLASSES} == CLASSES
    assert ccxt.__version__ == "4.5.90"
