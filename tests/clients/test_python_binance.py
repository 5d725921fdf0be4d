"""python-binance trades on the exchange and is told what ccxt is told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("binance.client", reason="python-binance is not installed: make test-clients")

from tests.clients.compared import Compared
from tests.exchange.served import KEY, SECRET, Server

S = "BTCUSDT"


def of_futures(server: Server) -> Any:
    """The client, pointed at the server."""
    from binance.client import Client

    found = Client(KEY, SECRET, ping=False)
    found.FUTURES_URL = f"http://127.0.0.1:{server.port}/fapi"
    return found


def test_it_trades_and_reads_the_same(server: Server, ex: Any) -> None:
    it, told = of_futures(server), Compared("python-binance")
    last = float(it.futures_symbol_ticker(symbol=S)["price"])
    low, high = round(last * 0.97, 1), round(last * 1.02, 1)
    bought = it.futures_create_order(symbol=S, side="BUY", type="MARKET", quantity=0.004)
    told.same("order filled", bought, ex.fapiPrivateGetOrder({"symbol": S, "orderId": bought["orderId"]}))
    assert bought["status"] == "FILLED"
    asked = {"symbol": S, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": 0.002}
    resting = it.futures_create_order(**asked, price=low)
    found = it.futures_get_order(symbol=S, orderId=resting["orderId"])
    told.same("order asked for", found, resting)
    told.same("order by ccxt", found, ex.fapiPrivateGetOrder({"symbol": S, "orderId": resting["orderId"]}))
    told.same("open orders", it.futures_get_open_orders(symbol=S), ex.fapiPrivateGetOpenOrders({"symbol": S}))
    gone = it.futures_cancel_order(symbol=S, orderId=resting["orderId"])
    assert gone["status"] == "CANCELED"
    told.same("order cancelled", gone, ex.fapiPrivateGetOrder({"symbol": S, "orderId": resting["orderId"]}))
    stop = it.futures_create_order(  # the client itself sends it to the algo service
        symbol=S, side="SELL", type="STOP_MARKET", quantity=0.002, triggerPrice=low, reduceOnly="true"
    )
    taking = it.futures_create_algo_order(
        algoType="CONDITIONAL",
        symbol=S,
        side="SELL",
        type="TAKE_PROFIT_MARKET",
        quantity=0.002,
        triggerPrice=high,
        reduceOnly="true",
    )
    told.same("algo order", it.futures_get_algo_order(algoId=stop["algoId"]), stop)
    waiting = it.futures_get_open_algo_orders(symbol=S)
    told.same("open algo orders", waiting, ex.fapiPrivateGetOpenAlgoOrders({"symbol": S}))
    assert [one["algoId"] for one in waiting] == [stop["algoId"], taking["algoId"]]
    assert it.futures_cancel_algo_order(symbol=S, algoId=taking["algoId"])["code"] == "200"
    assert it.futures_cancel_all_algo_open_orders(symbol=S)["code"] == 200
    told.same(
        "all algo orders",
        it.futures_get_all_algo_orders(symbol=S),
        ex.fapiPrivateGetAllAlgoOrders({"symbol": S}),
    )
    batch = [
        {
            "symbol": S,
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "GTC",
            "quantity": "0.002",
            "price": str(low),
        }
    ]
    two = it.futures_place_batch_order(batchOrders=[dict(row) for row in batch * 2])
    assert [one.get("status", one) for one in two] == ["NEW", "NEW"]
    both = it.futures_cancel_orders(symbol=S, orderidlist=[one["orderId"] for one in two])
    assert [one["status"] for one in both] == ["CANCELED", "CANCELED"]
    server.step(500)
    told.same("account", it.futures_account(), ex.fapiPrivateV2GetAccount())
    told.same("balance", it.futures_account_balance(), ex.fapiPrivateV3GetBalance())
    told.same("positions", it.futures_position_information(), ex.fapiPrivateV3GetPositionRisk())
    told.same("trades", it.futures_account_trades(symbol=S), ex.fapiPrivateGetUserTrades({"symbol": S}))
    told.same("income", it.futures_income_history(), ex.fapiPrivateGetIncome())
    told.same("brackets", it.futures_leverage_bracket(), ex.fapiPrivateGetLeverageBracket())
    told.same("mark", it.futures_mark_price(symbol=S), ex.fapiPublicGetPremiumIndex({"symbol": S}))
    told.same("book", it.futures_order_book(symbol=S), ex.fapiPublicGetDepth({"symbol": S, "limit": 500}))
    bars = {"symbol": S, "interval": "5m", "limit": 4}
    told.same("bars", it.futures_klines(**bars), ex.fapiPublicGetKlines(bars))
    told.same("all orders", it.futures_get_all_orders(symbol=S), ex.fapiPrivateGetAllOrders({"symbol": S}))
    key = it.futures_stream_get_listen_key()
    assert len(key) == 64
    it.futures_stream_keepalive(listenKey=key)
    assert it.futures_stream_close(listenKey=key) == {}
    out = it.futures_create_order(symbol=S, side="SELL", type="MARKET", quantity=0.004, reduceOnly="true")
    assert out["status"] == "FILLED"
    assert it.futures_position_information() == []
    assert told.values >= 300


def test_a_refusal_is_its_exception(server: Server, ex: Any) -> None:
    from binance.exceptions import BinanceAPIException

    it = of_futures(server)
    with pytest.raises(BinanceAPIException, match="Margin is insufficient") as caught:
        it.futures_create_order(symbol=S, side="BUY", type="MARKET", quantity=9)
    assert (caught.value.code, caught.value.status_code) == (-2019, 400)


def test_its_sockets_hear_the_market_and_the_account(server: Server, ex: Any) -> None:
    heard: dict[str, list[Any]] = {"user": [], "market": []}

    async def whole() -> None:
        from binance import AsyncClient, BinanceSocketManager

        it = AsyncClient(KEY, SECRET)
        it.FUTURES_URL = f"http://127.0.0.1:{server.port}/fapi"
        sockets = BinanceSocketManager(it)
        sockets.FSTREAM_URL = f"ws://127.0.0.1:{server.port}/"
        try:
            names = ["btcusdt@aggTrade", "btcusdt@markPrice@1s", "btcusdt@bookTicker", "btcusdt@kline_1m"]
            user, market = sockets.futures_user_socket(), sockets.futures_multiplex_socket(names)
            async with user, market:
                await it.futures_create_order(symbol=S, side="BUY", type="MARKET", quantity=0.003)
                while len(heard["user"]) < 4:
                    heard["user"].append(await asyncio.wait_for(user.recv(), 20))
                await asyncio.to_thread(server.step, 200)
                while {one["stream"] for one in heard["market"]} != set(names):
                    heard["market"].append(await asyncio.wait_for(market.recv(), 20))
        finally:
            await it.close_connection()

    asyncio.run(whole())
    assert [one["e"] for one in heard["user"]] == [
        "ORDER_TRADE_UPDATE",
        "TRADE_LITE",
        "ORDER_TRADE_UPDATE",
        "ACCOUNT_UPDATE",
    ]
    fill, row = heard["user"][2]["o"], ex.fapiPrivateGetUserTrades({"symbol": S})[-1]
    assert [fill["L"], fill["n"], fill["t"], fill["rp"], fill["l"]] == [
        row[name] for name in ("price", "commission", "id", "realizedPnl", "qty")
    ]
    prints = {str(one["a"]): one for one in ex.fapiPublicGetAggTrades({"symbol": S, "limit": 1000})}
    traded = [one["data"] for one in heard["market"] if one["stream"] == "btcusdt@aggTrade"]
    assert traded
    for one in traded:
        row = prints[str(one["a"])]
        assert [one["p"], one["q"], one["T"]] == [row[name] for name in ("p", "q", "T")]
