"""The hazards of ccxt's one call for all venues, by their numbers: what it does, what is done here instead.

Each test asks real ccxt, offline, whether the hazard still stands in this release, then the adapter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

ccxt = pytest.importorskip("ccxt")

from lotwise.broker.ccxt_venue.allowed import ALLOWED  # noqa: E402
from lotwise.broker.ccxt_venue.dialect import Settings  # noqa: E402
from lotwise.broker.venue import OrderRefused  # noqa: E402
from lotwise.contracts import catalogue  # noqa: E402
from lotwise.errors import InputError  # noqa: E402
from tests.wire.offline import CONTRACTS, Answer, Sent, venue_of  # noqa: E402
from tests.wire.orders import other_requests, request_of  # noqa: E402
from tests.wire.unified import SYMBOL, order, sent_by, unified  # noqa: E402

DOWN, UP = {"stopLossPrice": 45000.1}, {"takeProfitPrice": 60000.1}


def refuses(venue: str, kind: str, **strange: Any) -> None:
    """The allow-list lets no such parameter by."""
    found, transport = venue_of(venue, lambda sent: (200, {}))
    fine = dict(ALLOWED[venue][kind].fixed)
    with pytest.raises(InputError) as caught:
        found.wire.ask(kind, **fine, **strange)
    assert caught.value.code == "BROKER-121"
    assert all(name in caught.value.message for name in strange)
    assert transport.sent == []


def answers(venue: str, by_path: dict[str, Any]) -> tuple[Any, Any]:
    """The adapter where each path answers what is given; the first that fits."""

    def answer(sent: Sent) -> Answer:
        found = next((told for path, told in by_path.items() if path in f"{sent.method} {sent.path}"), None)
        assert found is not None, sent.path
        return found(sent) if isinstance(found, Callable) else (200, found)  # type: ignore[arg-type]

    return venue_of(venue, answer)


def test_h01_a_stop_loss_at_mexc_would_close_at_once() -> None:
    theirs = order("mexc", "market", "sell", reduceOnly=True, **DOWN)
    assert theirs.path.endswith("/order/create")
    assert (theirs.params["type"], theirs.params["side"]) == (6, 4)  # a market order that closes
    ours = request_of("mexc", "stop")
    assert ours.path.endswith("/planorder/place")
    assert (ours.params["triggerType"], ours.params["side"], ours.params["reduceOnly"]) == (2, 4, True)
    refuses("mexc", "market reduce", stopLossPrice="45000.1")


def test_h02_a_target_at_mexc_would_close_at_once() -> None:
    theirs = order("mexc", "market", "sell", reduceOnly=True, **UP)
    assert theirs.path.endswith("/order/create")
    ours = request_of("mexc", "target")
    assert ours.path.endswith("/planorder/place")
    assert ours.params["triggerType"] == 1
    refuses("mexc", "market reduce", takeProfitPrice="60000.1")


def test_h03_a_trailing_percentage_would_be_a_market_order() -> None:
    for venue, path in (("bybit", "/order/create"), ("mexc", "/order/create"), ("weex", "/capi/v3/order")):
        theirs = order(venue, "market", "sell", reduceOnly=True, trailingPercent=1)
        assert theirs.path.endswith(path)
        assert "trailingPercent" in theirs.params
        refuses(venue, "market reduce", trailingPercent="1")


def test_h04_a_trailing_amount_would_be_a_market_order() -> None:
    for venue in ("binance", "mexc", "weex"):
        theirs = order(venue, "market", "sell", reduceOnly=True, trailingAmount=500)
        assert theirs.path.endswith(("/order", "/order/create"))
        assert "trailingAmount" in theirs.params
        refuses(venue, "market reduce", trailingAmount="500")


def test_h05_attached_exits_at_binance_would_be_text() -> None:
    theirs = order("binance", "limit", "buy", 50000.1, stopLoss={"triggerPrice": 45000})
    assert theirs.path == "/fapi/v1/order"
    assert theirs.params["stopLoss"] == "{'triggerPrice': 45000}"
    refuses("binance", "limit", stopLoss="45000")
    assert request_of("binance", "stop").path == "/fapi/v1/algoOrder"  # an order of its own


def test_h06_attached_exits_at_mexc_would_be_an_unknown_field() -> None:
    theirs = order("mexc", "limit", "buy", 50000.1, stopLoss={"triggerPrice": 45000})
    assert theirs.params["stopLoss"] == {"triggerPrice": 45000}
    refuses("mexc", "limit", stopLoss="45000")


def test_h07_times_in_force_at_mexc_would_rest() -> None:
    for time in ("IOC", "FOK"):
        theirs = order("mexc", "limit", "buy", 50000.1, timeInForce=time)
        assert theirs.params["type"] == 1  # a limit order until it is cancelled
        refuses("mexc", "limit", timeInForce=time)
    assert request_of("mexc", "limit").params["type"] == 1
    assert request_of("mexc", "post-only").params["type"] == 2


def test_h08_closing_a_hedged_long_at_mexc_would_close_the_short() -> None:
    theirs = order("mexc", "market", "sell", hedged=True, reduceOnly=True)
    assert theirs.params["side"] == 2  # close short
    ours = request_of("mexc", "market reduce").params
    assert (ours["side"], ours["positionMode"]) == (4, 2)  # close long, in one-way mode
    assert request_of("mexc", "market reduce", side=1).params["side"] == 2
    refuses("mexc", "market reduce", hedged=True)


def test_h09_a_falling_trigger_at_mexc_would_wait_for_a_rise() -> None:
    theirs = order("mexc", "market", "sell", triggerPrice=45000.1, triggerDirection="descending")
    assert theirs.params["triggerType"] == 1  # at or above
    sides = {("stop", -1): 2, ("stop", 1): 1, ("target", -1): 1, ("target", 1): 2}
    for (kind, side), wanted in sides.items():
        assert request_of("mexc", kind, side=side).params["triggerType"] == wanted


def test_h10_a_trigger_at_bybit_needs_its_direction() -> None:
    client, transport = unified("bybit")
    with pytest.raises(ccxt.ArgumentsRequired, match="triggerDirection"):
        client.create_order(SYMBOL, "market", "sell", 0.003, None, {"triggerPrice": 45000.1})
    assert not [one for one in transport.sent if "order" in one.path]
    sides = {("stop", -1): 2, ("stop", 1): 1, ("target", -1): 1, ("target", 1): 2}
    for (kind, side), wanted in sides.items():
        assert request_of("bybit", kind, side=side).params["triggerDirection"] == wanted


def test_h11_margin_mode_and_leverage_in_an_order_would_do_nothing() -> None:
    for venue in ("binance", "bybit", "bingx", "weex"):
        theirs = order(venue, "limit", "buy", 50000.1, marginMode="isolated", leverage=5)
        assert {"marginMode", "leverage"} & set(theirs.params)  # leaked, of no effect
        refuses(venue, "limit", marginMode="isolated", leverage="5")
    assert request_of("mexc", "limit").params["leverage"] == 5  # there it belongs to the order


def test_h12_leverage_is_set_for_both_sides_in_the_margin_mode_asked_for() -> None:
    for venue in ("bingx", "mexc"):
        client, transport = unified(venue)
        with pytest.raises(ccxt.ArgumentsRequired):
            client.set_leverage(5, SYMBOL)
        assert transport.sent == []
    assert sent_by("weex", "set_leverage", 5, SYMBOL)[-1].params == {"symbol": "BTCUSDT", "crossLeverage": 5}
    sent = {venue: other_requests(venue)["leverage isolated"] for venue in CONTRACTS}
    assert sent["bingx"][0].params["side"] == "BOTH"
    assert [one.params["positionType"] for one in sent["mexc"]] == [1, 2]
    assert {one.params["openType"] for one in sent["mexc"]} == {1}
    assert sent["weex"][0].params["isolatedLongLeverage"] == sent["weex"][0].params["isolatedShortLeverage"]


def test_h13_margin_mode_is_set_where_it_differs_and_same_is_fine() -> None:
    def refused(sent: Sent) -> Answer:
        return 400, {"code": -4046, "msg": "No need to change margin type."}

    told = {
        "exchangeInfo": {"symbols": [binance_symbol()]},
        "positionSide/dual": {"dualSidePosition": False},
        "POST /fapi/v1/marginType": refused,
        "POST /fapi/v1/leverage": {"leverage": 5},
    }
    modes = iter(["CROSSED", "ISOLATED"])  # set by somebody else between the look and the change

    def config(sent: Sent) -> Answer:
        return 200, [{"symbol": "BTCUSDT", "marginType": next(modes), "leverage": 5}]

    found, transport = answers("binance", told | {"symbolConfig": config})
    found.prepare("binance:BTCUSDT", 500, True)
    assert [one.path for one in transport.sent if one.method == "POST"] == ["/fapi/v1/marginType"]
    with pytest.raises(ccxt.ArgumentsRequired):  # mexc: not without the leverage
        unified("mexc")[0].set_margin_mode("isolated", SYMBOL)
    heard: list[str] = []
    bybit, transport = venue_of("bybit", lambda sent: (200, {"retCode": 0}), tell=heard.append)
    bybit.dialect.set_margin(catalogue.load("bybit:BTCUSDT"), 500, True)
    assert "symbol" not in transport.sent[-1].params
    assert "whole account" in heard[0]


def binance_symbol() -> dict[str, Any]:
    """A row of exchangeInfo, made of the venue's documented fields."""
    return {
        "symbol": "BTCUSDT",
        "pair": "BTCUSDT",
        "contractType": "PERPETUAL",
        "deliveryDate": 4133404800000,
        "onboardDate": 1569398400000,
        "status": "TRADING",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": 2,
        "quantityPrecision": 3,
        "underlyingType": "COIN",
        "underlyingSubType": ["PoW"],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.1", "maxPrice": "4529764", "tickSize": "0.10"},
            {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
            {"filterType": "MARKET_LOT_SIZE", "minQty": "0.001", "maxQty": "120", "stepSize": "0.001"},
            {"filterType": "MIN_NOTIONAL", "notional": "100"},
        ],
    }


def test_h14_no_order_is_edited_where_that_is_a_cancel_and_a_new_one() -> None:
    for venue in ("mexc", "weex"):
        sent = sent_by(venue, "edit_order", "123", SYMBOL, "limit", "buy", 3, 51000)
        assert "cancel" in sent[0].path or sent[0].method == "DELETE"  # first of two: no protection between
    for rows in ALLOWED.values():
        assert not [row for row in rows.values() if row.method == "PUT" or "amend" in row.path.lower()]


def test_h15_open_orders_are_asked_for_in_both_lists() -> None:
    assert [one.path for one in sent_by("binance", "fetch_open_orders", SYMBOL)] == ["/fapi/v1/openOrders"]
    for venue, paths in {
        "binance": {"/fapi/v1/openOrders", "/fapi/v1/openAlgoOrders"},
        "mexc": {"/api/v1/private/order/list/open_orders", "/api/v1/private/planorder/list/orders"},
        "weex": {"/capi/v3/openOrders", "/capi/v3/openAlgoOrders"},
    }.items():
        empty: Any = {"success": True, "data": []} if venue == "mexc" else []
        found, transport = venue_of(venue, lambda sent, told=empty: (200, told))
        assert found.orders() == []
        assert {one.path for one in transport.sent} == paths


def test_h16_an_order_at_bybit_is_looked_for_beyond_the_last_five_hundred() -> None:
    client, transport = unified("bybit")
    with pytest.raises(ccxt.ArgumentsRequired, match="acknowledged"):
        client.fetch_order("123", SYMBOL)
    assert not [one for one in transport.sent if "order" in one.path]
    found, transport = venue_of("bybit", lambda sent: (200, {"retCode": 0, "result": {"list": []}}))
    assert found.order("bybit:BTCUSDT", "lw-0001") is None
    assert [one.path for one in transport.sent] == ["/v5/order/realtime", "/v5/order/history"]


def test_h17_a_reply_with_an_id_only_is_not_taken_for_an_order() -> None:
    for venue, reply in {
        "bybit": {"retCode": 0, "result": {"orderId": "7", "orderLinkId": "lw-0001", "list": []}},
        "bingx": {"code": 0, "data": {"order": {"orderId": 7}}},
        "weex": {"orderId": 7, "clientOrderId": "lw-0001", "success": True},
    }.items():

        def answer(sent: Sent, told: Any = reply, name: str = venue) -> Answer:
            if sent.method == "POST":
                return 200, told
            if name == "bingx":
                return 200, {"code": 109421, "msg": "order not exist"}
            return 200, [] if name == "weex" else {"retCode": 0, "result": {"list": []}}

        found, transport = venue_of(venue, answer)
        from lotwise.broker.venue import OutcomeUnknown
        from tests.wire.orders import order_of

        with pytest.raises(OutcomeUnknown) as caught:
            found.place(order_of(venue, "limit"))
        assert caught.value.code == "BROKER-146"
        assert len([one for one in transport.sent if one.method == "GET"]) >= 3  # as many looks as the bound


def test_h18_tiers_are_the_facts_and_not_ccxt_s() -> None:
    for venue in ("bingx", "weex"):
        with pytest.raises(ccxt.NotSupported):
            unified(venue)[0].fetch_leverage_tiers()
    paths = [row.path.lower() for rows in ALLOWED.values() for row in rows.values()]
    assert not [path for path in paths if "bracket" in path or "risk" in path.replace("positionrisk", "")]


def test_h19_bybit_s_position_mode_is_read_from_the_index() -> None:
    assert not unified("bybit")[0].has["fetchPositionMode"]

    def answer(index: str) -> Settings:
        rows = [{"positionIdx": index, "leverage": "5", "symbol": "BTCUSDT"}]
        told = {
            "position/list": {"retCode": 0, "result": {"list": rows}},
            "account/info": {"retCode": 0, "result": {"marginMode": "ISOLATED_MARGIN"}},
        }
        return answers("bybit", told)[0].dialect.settings(catalogue.load("bybit:BTCUSDT"), True)

    assert answer("0") == Settings((500,), True, True)
    assert answer("1") == Settings((500,), True, False)


def test_h20_open_orders_of_all_contracts_are_asked_for_at_binance() -> None:
    client, transport = unified("binance")
    with pytest.raises(ccxt.ExchangeError, match=r"warnWithoutSymbol|WITHOUT specifying a symbol"):
        client.fetch_open_orders()
    assert transport.sent == []
    found, transport = venue_of("binance", lambda sent: (200, []))
    assert found.orders() == []
    assert [one.params for one in transport.sent] == [{}, {}]


def test_h21_leverage_and_mode_at_binance_come_from_the_symbol_s_settings() -> None:
    row = {
        "symbol": "BTCUSDT",
        "positionSide": "BOTH",
        "positionAmt": "-0.003",
        "entryPrice": "94340.0",
        "markPrice": "94336.30360000",
        "unRealizedProfit": "0.01108920",
        "liquidationPrice": "113017.2",
        "isolatedMargin": "0",
        "initialMargin": "56.60",
    }
    told = {
        "positionRisk": [row],
        "symbolConfig": [{"symbol": "BTCUSDT", "marginType": "ISOLATED", "leverage": 5}],
    }
    found, _ = answers("binance", told)
    (position,) = found.positions()
    assert (position.leverage100, position.is_isolated, position.lots) == (500, True, -3)


def test_h22_fees_at_weex_are_not_percent() -> None:
    fees = unified("weex")[0].fees
    assert fees["trading"]["taker"] >= 0.08  # percent, where the market's own is a fraction
    contract = catalogue.load("weex:BTCUSDT")
    assert contract.fees is not None
    assert contract.fees.taker8 == 80_000  # 0.0008
    assert not [row for row in ALLOWED["weex"].values() if "commission" in row.path.lower()]


def test_the_numbers_are_all_there() -> None:
    names = [name for name in globals() if name.startswith("test_h")]
    assert sorted(name[6:8] for name in names) == [f"{number:02}" for number in range(1, 23)]
    assert issubclass(OrderRefused, Exception)
