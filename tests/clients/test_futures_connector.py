"""binance-futures-connector trades on the exchange and is told what ccxt is told."""

from __future__ import annotations

import json
import queue
from typing import Any

import pytest

pytest.importorskip(
    "binance.um_futures", reason="binance-futures-connector is not installed: make test-clients"
)

from tests.clients.compared import Compared
from tests.exchange.served import KEY, SECRET, Server

S = "BTCUSDT"


def of_futures(server: Server) -> Any:
    """The client, pointed at the server."""
    from binance.um_futures import UMFutures

    return UMFutures(KEY, SECRET, base_url=f"http://127.0.0.1:{server.port}")


def test_it_trades_and_reads_the_same(server: Server, ex: Any) -> None:
    it, told = of_futures(server), Compared("binance-futures-connector")
    assert it.ping() == {}
    last = float(it.ticker_price(S)["price"])
    low = round(last * 0.97, 1)
    bought = it.new_order(symbol=S, side="BUY", type="MARKET", quantity=0.004)
    told.same("order filled", it.query_order(S, orderId=bought["orderId"]), bought)
    limit = {
        "symbol": S,
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": 0.002,
        "price": low,
    }
    resting = it.new_order(**limit, newClientOrderId="of-mine")
    told.same("order by name", it.query_order(S, origClientOrderId="of-mine"), resting)
    told.same("open order", it.get_open_orders(S, orderId=resting["orderId"]), resting)
    told.same("open orders", it.get_orders(symbol=S), ex.fapiPrivateGetOpenOrders({"symbol": S}))
    moved = it.modify_order(S, "BUY", 0.003, low, orderId=resting["orderId"])
    assert moved["origQty"] == "0.003"
    told.same("order moved", moved, ex.fapiPrivateGetOrder({"symbol": S, "orderId": resting["orderId"]}))
    told.same(
        "order cancelled", it.cancel_order(S, orderId=resting["orderId"]), {**moved, "status": "CANCELED"}
    )
    assert it.new_order_test(**limit) == {}
    batch = it.new_batch_order([{name: str(value) for name, value in limit.items()}] * 2)
    assert [one["status"] for one in batch] == ["NEW", "NEW"]
    ids = [one["orderId"] for one in batch]
    assert [one["status"] for one in it.cancel_batch_order(S, orderIdList=ids, origClientOrderIdList=[])] == [
        "CANCELED",
        "CANCELED",
    ]
    it.new_order(**limit)
    assert it.cancel_open_orders(S)["code"] == 200
    # The client has no call of its own for the algo service: its signed request is the same for every path.
    algo = {"algoType": "CONDITIONAL", "symbol": S, "side": "SELL", "type": "STOP_MARKET", "quantity": 0.002}
    stop = it.sign_request("POST", "/fapi/v1/algoOrder", {**algo, "triggerPrice": low, "reduceOnly": "true"})
    told.same("algo order", stop, ex.fapiPrivateGetAlgoOrder({"algoId": stop["algoId"]}))
    gone = it.sign_request("DELETE", "/fapi/v1/algoOrder", {"algoId": stop["algoId"]})
    assert gone["code"] == "200"
    server.step(500)
    told.same("account", it.account(), ex.fapiPrivateV3GetAccount())
    told.same("balance", it.balance(), ex.fapiPrivateV3GetBalance())
    told.same("positions", it.get_position_risk(), ex.fapiPrivateV3GetPositionRisk())
    told.same("trades", it.get_account_trades(S), ex.fapiPrivateGetUserTrades({"symbol": S}))
    told.same("income", it.get_income_history(), ex.fapiPrivateGetIncome())
    told.same("orders", it.get_all_orders(S), ex.fapiPrivateGetAllOrders({"symbol": S}))
    told.same("brackets", it.leverage_brackets(), ex.fapiPrivateGetLeverageBracket())
    told.same("fees", it.commission_rate(S), ex.fapiPrivateGetCommissionRate({"symbol": S}))
    told.same("settings", it.symbol_configuration(), ex.fapiPrivateGetSymbolConfig())
    told.same("account settings", it.futures_account_configuration(), ex.fapiPrivateGetAccountConfig())
    told.same("position mode", it.get_position_mode(), ex.fapiPrivateGetPositionSideDual())
    told.same("assets mode", it.get_multi_asset_mode(), ex.fapiPrivateGetMultiAssetsMargin())
    told.same("adl", it.adl_quantile(), ex.fapiPrivateGetAdlQuantile())
    told.same("mark", it.mark_price(S), ex.fapiPublicGetPremiumIndex({"symbol": S}))
    told.same(
        "bars",
        it.klines(S, "5m", limit=3),
        ex.fapiPublicGetKlines({"symbol": S, "interval": "5m", "limit": 3}),
    )
    told.same(
        "old trades", it.historical_trades(S, limit=5), ex.fapiPublicGetTrades({"symbol": S, "limit": 5})
    )
    assert it.change_leverage(S, 12)["leverage"] == 12
    key = it.new_listen_key()["listenKey"]
    assert it.renew_listen_key(key)["listenKey"] == key
    assert it.close_listen_key(key) == {}
    out = it.new_order(symbol=S, side="SELL", type="MARKET", quantity=0.004, reduceOnly="true")
    assert out["status"] == "FILLED"
    assert told.values >= 300


def test_a_refusal_is_its_exception(server: Server, ex: Any) -> None:
    from binance.error import ClientError

    with pytest.raises(ClientError) as caught:
        of_futures(server).new_order(symbol=S, side="BUY", type="MARKET", quantity=9)
    assert (caught.value.status_code, caught.value.error_code) == (400, -2019)


def test_its_socket_hears_the_market(server: Server, ex: Any) -> None:
    from binance.websocket.um_futures.websocket_client import UMFuturesWebsocketClient

    heard: queue.Queue[Any] = queue.Queue()
    line = UMFuturesWebsocketClient(
        stream_url=f"ws://127.0.0.1:{server.port}", on_message=lambda _, text: heard.put(json.loads(text))
    )
    found: dict[str, Any] = {}
    try:
        line.agg_trade(S, id=1)
        line.mark_price(S, speed=1, id=2)
        line.book_ticker(S, id=3)
        for number in (1, 2, 3):
            assert heard.get(timeout=20) == {"result": None, "id": number}
        server.step(300)
        while set(found) != {"aggTrade", "markPriceUpdate", "bookTicker"}:
            event = heard.get(timeout=20)
            found[event["e"]] = event
    finally:
        line.stop()
    row = next(
        one
        for one in ex.fapiPublicGetAggTrades({"symbol": S, "limit": 1000})
        if str(one["a"]) == str(found["aggTrade"]["a"])
    )
    assert [found["aggTrade"]["p"], found["aggTrade"]["q"]] == [row["p"], row["q"]]
    best = ex.fapiPublicGetTickerBookTicker({"symbol": S})
    assert found["bookTicker"]["b"] < found["bookTicker"]["a"]
    assert found["markPriceUpdate"]["s"] == best["symbol"]
