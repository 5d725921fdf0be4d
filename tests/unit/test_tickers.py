"""Live prices through a real ccxt whose HTTP layer answers in the form of each venue's interface.

The answers are our own, in the fields the venues document; what ccxt makes of them is not looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ccxt
import pytest

from lotwise.app import refresh, tickers
from lotwise.app.tickers import LIVE, live_quotes, venue_quotes
from lotwise.clock import FixedClock
from lotwise.errors import InputError, VenueError
from lotwise.records.scan import Quote
from tests.unit.test_refresh_wire import Route, Wire

CLOCK = FixedClock(1_795_343_400_000_000_000)
AT = "2026-11-22 10:30 UTC"
Exchange = Any


def wired(venue: str, routes: dict[str, Route]) -> Exchange:
    """A real ccxt exchange whose HTTP layer is a :class:`Wire`."""
    exchange = refresh.connect(venue, "", "", {})
    exchange.enableRateLimit = False
    exchange.session = Wire(routes)
    return exchange


def quotes(venue: str, routes: dict[str, Route]) -> dict[str, Quote]:
    return venue_quotes(venue, wired(venue, routes), CLOCK)


# -- what the venues answer ------------------------------------------------------------------------


def binance_day(symbol: str = "BTCUSDT", **changes: Any) -> dict[str, Any]:
    """A row of ticker/24hr, USD-M: no bid and no ask."""
    row = {"symbol": symbol, "lastPrice": "60000.10", "weightedAvgPrice": "59000.00", "volume": "20000.5"}
    row |= {"quoteVolume": "1200030000.123456789", "openTime": 1795257000000, "closeTime": 1795343400000}
    return row | changes


def book(symbol: str = "BTCUSDT", bid: str = "60000.00", ask: str = "60000.20") -> dict[str, Any]:
    """A row of ticker/bookTicker."""
    row = {"symbol": symbol, "bidPrice": bid, "askPrice": ask, "bidQty": "5", "askQty": "7"}
    return row | {"time": 1795343400000}


def premium(symbol: str = "BTCUSDT", rate: str = "0.00010000", **changes: Any) -> dict[str, Any]:
    """A row of premiumIndex."""
    row = {"symbol": symbol, "markPrice": "60001.23456789", "indexPrice": "60001.0", "lastFundingRate": rate}
    return row | {"nextFundingTime": 1795363200000, "time": 1795343400000} | changes


def binance(
    days: list[Any], books: list[Any] | None = None, rates: list[Any] | None = None
) -> dict[str, Any]:
    """The three paths of either Binance futures interface."""
    return {
        "/ticker/24hr": days,
        "/ticker/bookTicker": [book()] if books is None else books,
        "/premiumIndex": [premium()] if rates is None else rates,
    }


def bybit_row(symbol: str = "BTCUSDT", **changes: Any) -> dict[str, Any]:
    """A row of market/tickers, linear or inverse."""
    row = {"symbol": symbol, "lastPrice": "60000.1", "markPrice": "60000.90", "indexPrice": "60001"}
    row |= {"openInterest": "48069.549", "openInterestValue": "2884216206.31"}
    row |= {"turnover24h": "4686694853.0470061234", "volume24h": "78111.58", "fundingRate": "-0.000125"}
    row |= {"bid1Price": "60000.00", "ask1Price": "60000.10", "bid1Size": "1", "ask1Size": "1"}
    return row | changes


def bybit(category: str, rows: list[Any]) -> dict[str, Route]:
    """The tickers of the category asked for."""

    def answer(query: dict[str, str]) -> dict[str, Any]:
        assert query["category"] == category
        return {"retCode": 0, "retMsg": "OK", "result": {"category": category, "list": rows}}

    return {"/v5/market/tickers": answer}


def mexc_row(symbol: str = "BTC_USDT", **changes: Any) -> dict[str, Any]:
    """A row of contract/ticker: JSON numbers; volume24 and holdVol in contracts of 0.0001 BTC."""
    row: dict[str, Any] = {"symbol": symbol, "lastPrice": 60000.1, "bid1": 60000, "ask1": 60000.2}
    row |= {"volume24": 404553000, "amount24": 2427318050.5, "holdVol": 58329460, "fairPrice": 60001.1}
    row |= {"fundingRate": 6.3e-05, "riseFallRate": 0.0275, "timestamp": 1795343400000}
    return row | changes


def mexc(rows: list[Any]) -> dict[str, Any]:
    return {"/contract/ticker": {"success": True, "code": 0, "data": rows}}


def bingx() -> dict[str, Any]:
    """The linear swaps and their funding."""
    day = {"symbol": "BTC-USDT", "lastPrice": "60000.1", "lastQty": "2.2", "volume": "245870.1692"}
    day |= {"quoteVolume": "14752210152.00", "bidPrice": 60000.0, "askPrice": 60000.3, "closeTime": 1}
    return {
        "/openApi/swap/v2/quote/ticker": {"code": 0, "data": [day]},
        "/openApi/swap/v2/quote/premiumIndex": {"code": 0, "data": [premium("BTC-USDT", "0.0002")]},
    }


def weex() -> dict[str, Any]:
    """The three contract paths; the rate to come is the forecast."""
    return {
        "/capi/v3/market/ticker/24hr": [binance_day(markPrice="60001.8", indexPrice="60002")],
        "/capi/v3/market/ticker/bookTicker": [book()],
        "/capi/v3/market/premiumIndex": [premium(rate="0.00001031", forecastFundingRate="0.00005618")],
    }


# -- each venue ------------------------------------------------------------------------------------


def test_binance_joins_its_three_answers() -> None:
    exchange = wired("binance", binance([binance_day(), binance_day("NOSUCHUSDT")]))
    assert venue_quotes("binance", exchange, CLOCK) == {
        "binance:BTCUSDT": Quote(
            price="60000.1",
            at=AT,
            source="binance, live",
            spread="0.2",
            volume="1200030000.12345678",
            funding_rate="0.0001",
        )
    }
    assert exchange.session.asked == [
        "/fapi/v1/ticker/24hr",
        "/fapi/v1/ticker/bookTicker",
        "/fapi/v1/premiumIndex",
    ]


def test_binance_coin_m_counts_contracts_of_100_dollars() -> None:
    day = binance_day("BTCUSD_PERP", volume="81990451", baseVolume="136650.75", pair="BTCUSD")
    del day["quoteVolume"]
    routes = binance([day], [book("BTCUSD_PERP")], [premium("BTCUSD_PERP")])
    exchange = wired("binance-coinm", routes)
    found = venue_quotes("binance-coinm", exchange, CLOCK)["binance-coinm:BTCUSD_PERP"]
    assert (found.volume, found.spread, found.funding_rate) == ("8199045100", "0.2", "0.0001")
    assert found.open_interest is None
    assert all(path.startswith("/dapi/") for path in exchange.session.asked)


def test_bybit_tells_everything_at_once() -> None:
    assert quotes("bybit", bybit("linear", [bybit_row()]))["bybit:BTCUSDT"] == Quote(
        price="60000.1",
        at=AT,
        source="bybit, live",
        spread="0.1",
        volume="4686694853.04700612",
        open_interest="2884216206.31",
        funding_rate="-0.000125",
    )


def test_bybit_inverse_turnover_is_in_coins_and_its_volume_in_dollars() -> None:
    row = bybit_row("BTCUSD", openInterest="373504107", openInterestValue="6225.06")
    row |= {"turnover24h": "2352.94950046", "volume24h": "141176970"}
    found = quotes("bybit-inverse", bybit("inverse", [row]))["bybit-inverse:BTCUSD"]
    assert (found.volume, found.open_interest) == ("141176970", "373504107")


def test_mexc_volume_is_in_contracts_and_its_amount_is_money() -> None:
    assert quotes("mexc", mexc([mexc_row()]))["mexc:BTC_USDT"] == Quote(
        price="60000.1",
        at=AT,
        source="mexc, live",
        spread="0.2",
        volume="2427318050.5",
        open_interest="349977343.2946",  # 58,329,460 contracts x 0.0001 BTC x 60,000.1
        funding_rate="0.000063",
    )


def test_bingx_has_its_book_in_the_ticker() -> None:
    found = quotes("bingx", bingx())["bingx:BTC-USDT"]
    assert (found.price, found.spread, found.volume) == ("60000.1", "0.3", "14752210152")
    assert found.funding_rate == "0.0002"


def test_weex_pays_the_forecast_next() -> None:
    found = quotes("weex", weex())["weex:BTCUSDT"]
    assert (found.price, found.spread, found.funding_rate) == ("60000.1", "0.2", "0.00005618")


def test_no_number_passes_through_a_float() -> None:
    long = "0.00000001"
    found = quotes("bybit", bybit("linear", [bybit_row(lastPrice="123456789.12345678", ask1Price=long)]))
    assert found["bybit:BTCUSDT"].price == "123456789.12345678"
    raw = mexc_row(lastPrice=0.1 + 0.2, bid1=0.3)  # JSON says 0.30000000000000004
    assert quotes("mexc", mexc([raw]))["mexc:BTC_USDT"].price == "0.3"


# -- what is missing or makes no sense -------------------------------------------------------------


def test_the_mark_stands_in_where_nothing_was_traded() -> None:
    for last in ("0", "", None, "-1"):
        found = quotes("bybit", bybit("linear", [bybit_row(lastPrice=last)]))
        assert found["bybit:BTCUSDT"].price == "60000.9"


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"bid1Price": ""}, "spread"),
        ({"bid1Price": "60000.20"}, "spread"),
        ({"ask1Price": "0"}, "spread"),
        ({"turnover24h": ""}, "volume"),
        ({"turnover24h": "-1"}, "volume"),
        ({"turnover24h": "1e30"}, "volume"),
        ({"openInterestValue": None}, "open_interest"),
        ({"fundingRate": ""}, "funding_rate"),
    ],
)
def test_a_figure_that_makes_no_sense_is_unknown(changes: dict[str, Any], name: str) -> None:
    found = quotes("bybit", bybit("linear", [bybit_row(**changes)]))["bybit:BTCUSDT"]
    assert getattr(found, name) is None
    others = {"spread", "volume", "open_interest", "funding_rate"} - {name}
    assert all(getattr(found, other) is not None for other in others)


def test_a_crossed_book_has_no_spread_and_a_locked_one_none_to_pay() -> None:
    locked = quotes("bybit", bybit("linear", [bybit_row(bid1Price="60000.1")]))["bybit:BTCUSDT"]
    assert locked.spread == "0"


@pytest.mark.parametrize("last", ["0", "5000000000", "nonsense"])
def test_a_contract_without_a_usable_price_is_left_out(last: str) -> None:
    rows = [bybit_row(lastPrice=last, markPrice=""), bybit_row("ETHUSDT", lastPrice="3000")]
    assert list(quotes("bybit", bybit("linear", rows))) == ["bybit:ETHUSDT"]


def test_a_dated_contract_pays_no_funding() -> None:
    from lotwise.contracts import catalogue

    dated = next(one for one in catalogue.all_contracts() if one.venue == "bybit" and one.is_dated)
    found = quotes("bybit", bybit("linear", [bybit_row(dated.symbol, fundingRate="0.01")]))
    assert found[dated.id].funding_rate is None


def test_a_ticker_of_a_contract_alone_is_enough() -> None:
    found = quotes("binance", binance([binance_day()], [], []))["binance:BTCUSDT"]
    assert (found.price, found.spread, found.funding_rate) == ("60000.1", None, None)


# -- venues that fail ------------------------------------------------------------------------------


class Broken(Wire):
    """An HTTP session that raises."""

    def __init__(self, error: Exception) -> None:
        super().__init__({})
        self.error = error

    def request(self, method: str, url: str, **_: object) -> Any:
        raise self.error


def failing(venue: str, session: Wire) -> VenueError:
    exchange = wired(venue, {})
    exchange.session = session
    with pytest.raises(VenueError) as caught:
        venue_quotes(venue, exchange, CLOCK)
    assert caught.value.exit_code == 4
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("venue", LIVE)
def test_a_network_that_fails_is_coded(venue: str) -> None:
    assert failing(venue, Broken(ConnectionError("no route"))).code in ("VENUE-502", "VENUE-503")
    assert failing(venue, Broken(ccxt.RequestTimeout("late"))).code == "VENUE-502"


@pytest.mark.parametrize("venue", LIVE)
@pytest.mark.parametrize("answer", [{}, [], {"code": 0, "data": []}, {"retCode": 0, "result": {"list": []}}])
def test_an_answer_without_prices_is_coded(venue: str, answer: Any) -> None:
    paths = ("/ticker/24hr", "/bookTicker", "/premiumIndex", "/tickers", "/ticker")
    assert failing(venue, Wire(dict.fromkeys(paths, answer))).code == "VENUE-503"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Exchange | VenueError]], None]:
    """Hands out these exchanges; an error stands for a venue that cannot be reached."""

    def hand_out(known: dict[str, Exchange | VenueError]) -> None:
        def connect(venue: str, *_: object) -> Exchange:
            found = known[venue]
            if isinstance(found, VenueError):
                raise found
            return found

        monkeypatch.setattr(tickers, "connect", connect)

    return hand_out


GONE = VenueError("VENUE-502", "cannot be reached", "try again")


def test_one_venue_that_fails_leaves_the_others(made: Callable[..., None]) -> None:
    told: list[str] = []
    made({"bybit": wired("bybit", bybit("linear", [bybit_row()])), "binance": GONE})
    found = live_quotes(
        ["Binance", "bybit"],
        clock=CLOCK,
        progress=lambda what, done, total: told.append(f"{what} {done}/{total}"),
    )
    assert list(found.quotes) == ["bybit:BTCUSDT"]
    assert found.failed == {"binance": GONE}
    assert told == ["prices of binance 0/2", "prices of bybit 1/2"]


def test_no_venue_at_all_is_the_error(made: Callable[..., None]) -> None:
    made(dict.fromkeys(LIVE, GONE))
    for venues in ([], ["bybit"], ["bybit", "mexc"]):
        with pytest.raises(VenueError) as caught:
            live_quotes(venues, clock=CLOCK)
        assert caught.value.code == "VENUE-502"


def test_without_ccxt_nothing_is_asked(made: Callable[..., None]) -> None:
    missing = VenueError("VENUE-501", "ccxt is not installed", "pip install 'lotwise[live]'")
    made(dict.fromkeys(LIVE, missing))
    with pytest.raises(VenueError) as caught:
        live_quotes(clock=CLOCK)
    assert caught.value.code == "VENUE-501"


@pytest.mark.parametrize("venue", ["cme", "coinbase", "kraken", ""])
def test_a_venue_without_live_prices_is_refused(venue: str) -> None:
    with pytest.raises(InputError) as caught:
        live_quotes([venue])
    assert caught.value.code == "SCAN-020"
    assert "binance" in caught.value.hint
