"""The official SDK trades on the exchange; its models must read every answer, and say what ccxt is told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip(
    "binance_sdk_derivatives_trading_usds_futures", reason="the SDK is not installed: make test-clients"
)

from tests.clients.compared import Compared
from tests.exchange.served import KEY, SECRET, Server

S = "BTCUSDT"


def whole_sdk(server: Server) -> Any:
    """The SDK, pointed at the server."""
    from binance_common.configuration import (
        ConfigurationRestAPI,
        ConfigurationWebSocketAPI,
        ConfigurationWebSocketStreams,
    )
    from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import (
        DerivativesTradingUsdsFutures,
    )

    sockets = f"ws://127.0.0.1:{server.port}"
    return DerivativesTradingUsdsFutures(
        config_rest_api=ConfigurationRestAPI(
            KEY, SECRET, base_path=f"http://127.0.0.1:{server.port}", timeout=10_000
        ),
        config_ws_api=ConfigurationWebSocketAPI(KEY, SECRET, stream_url=f"{sockets}/ws-fapi/v1"),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=sockets),
    )


def raw(answer: Any) -> Any:
    """What the model read, by the names of the wire."""
    return known(answer.data())


def known(data: Any) -> Any:
    """A model as a dictionary, without the bag of what it does not know."""
    if hasattr(data, "to_dict"):
        data = data.to_dict()
    if isinstance(data, list):
        return [known(one) for one in data]
    if isinstance(data, dict):
        return {name: known(one) for name, one in data.items() if name != "additional_properties"}
    return data


def test_it_trades_and_reads_the_same(server: Server, ex: Any) -> None:
    it, told = whole_sdk(server).rest_api, Compared("official SDK")
    last = float(raw(it.symbol_price_ticker_v2(symbol=S))["price"])
    low = round(last * 0.97, 1)

    def same(what: str, answer: Any, other: Any) -> Any:
        """The model's words and ccxt's; a model leaves out what it does not know."""
        got = raw(answer)
        told.same(what, got, only(got, other))
        return got

    bought = raw(it.new_order(symbol=S, side="BUY", type="MARKET", quantity=0.004))
    number = bought["orderId"]
    same(
        "order filled",
        it.query_order(symbol=S, order_id=number),
        ex.fapiPrivateGetOrder({"symbol": S, "orderId": number}),
    )
    resting = raw(
        it.new_order(symbol=S, side="BUY", type="LIMIT", time_in_force="GTC", quantity=0.002, price=low)
    )
    number = resting["orderId"]
    same(
        "order asked for",
        it.query_order(symbol=S, order_id=number),
        ex.fapiPrivateGetOrder({"symbol": S, "orderId": number}),
    )
    same("open orders", it.current_all_open_orders(symbol=S), ex.fapiPrivateGetOpenOrders({"symbol": S}))
    assert (
        raw(it.modify_order(symbol=S, side="BUY", quantity=0.003, price=low, order_id=number))["origQty"]
        == "0.003"
    )
    assert raw(it.cancel_order(symbol=S, order_id=number))["status"] == "CANCELED"
    stop = raw(
        it.new_algo_order(
            algo_type="CONDITIONAL",
            symbol=S,
            side="SELL",
            type="STOP_MARKET",
            quantity=0.002,
            trigger_price=low,
            reduce_only="true",
        )
    )
    asked = {"algoId": stop["algoId"]}
    same("algo order", it.query_algo_order(algo_id=stop["algoId"]), ex.fapiPrivateGetAlgoOrder(asked))
    same(
        "open algo orders",
        it.current_all_algo_open_orders(symbol=S),
        ex.fapiPrivateGetOpenAlgoOrders({"symbol": S}),
    )
    assert raw(it.cancel_algo_order(algo_id=stop["algoId"]))["code"] == "200"
    server.step(500)
    same("account v3", it.account_information_v3(), ex.fapiPrivateV3GetAccount())
    same("account v2", it.account_information_v2(), ex.fapiPrivateV2GetAccount())
    same("balance v3", it.futures_account_balance_v3(), ex.fapiPrivateV3GetBalance())
    same("balance v2", it.futures_account_balance_v2(), ex.fapiPrivateV2GetBalance())
    same("positions v3", it.position_information_v3(), ex.fapiPrivateV3GetPositionRisk())
    same("positions v2", it.position_information_v2(), ex.fapiPrivateV2GetPositionRisk())
    same("trades", it.account_trade_list(symbol=S), ex.fapiPrivateGetUserTrades({"symbol": S}))
    same("income", it.get_income_history(), ex.fapiPrivateGetIncome())
    same("all orders", it.all_orders(symbol=S), ex.fapiPrivateGetAllOrders({"symbol": S}))
    same("all algo orders", it.query_all_algo_orders(symbol=S), ex.fapiPrivateGetAllAlgoOrders({"symbol": S}))
    same("settings", it.symbol_configuration(), ex.fapiPrivateGetSymbolConfig())
    same("account settings", it.futures_account_configuration(), ex.fapiPrivateGetAccountConfig())
    same("fees", it.user_commission_rate(symbol=S), ex.fapiPrivateGetCommissionRate({"symbol": S}))
    same("position mode", it.get_current_position_mode(), ex.fapiPrivateGetPositionSideDual())
    same("assets mode", it.get_current_multi_assets_mode(), ex.fapiPrivateGetMultiAssetsMargin())
    same(
        "aggregates",
        it.compressed_aggregate_trades_list(symbol=S, limit=5),
        ex.fapiPublicGetAggTrades({"symbol": S, "limit": 5}),
    )
    same("fundings", it.get_funding_rate_info(), ex.fapiPublicGetFundingInfo())
    symbols = raw(it.exchange_information())["symbols"]
    assert [one["symbol"] for one in symbols] == ["BTCUSDT", "ETHUSDT"]
    key = raw(it.start_user_data_stream())["listenKey"]
    assert raw(it.keepalive_user_data_stream())["listenKey"] == key
    it.close_user_data_stream()
    out = raw(it.new_order(symbol=S, side="SELL", type="MARKET", quantity=0.004, reduce_only="true"))
    assert out["status"] == "FILLED"
    assert told.values >= 300


def only(got: Any, other: Any) -> Any:
    """What of the other answer the first one has names for; it must have most of them."""
    if isinstance(got, list) and isinstance(other, list):
        assert len(got) == len(other)
        return [only(one, two) for one, two in zip(got, other, strict=True)]
    if isinstance(got, dict) and isinstance(other, dict):
        assert len(got) * 10 >= len(other) * 6, f"the model knows {sorted(got)} of {sorted(other)}"
        return {name: only(one, other[name]) for name, one in got.items()}
    return other


def test_a_refusal_is_its_exception(server: Server, ex: Any) -> None:
    from binance_common.errors import BadRequestError

    with pytest.raises(BadRequestError, match="Margin is insufficient"):
        whole_sdk(server).rest_api.new_order(symbol=S, side="BUY", type="MARKET", quantity=9)


def test_its_sockets_hear_and_trade(server: Server, ex: Any) -> None:
    market: list[Any] = []
    mine: list[Any] = []

    async def whole() -> tuple[Any, Any]:
        it = whole_sdk(server)
        key = raw(it.rest_api.start_user_data_stream())["listenKey"]
        line = await it.websocket_streams.create_connection()
        calls = await it.websocket_api.create_connection()
        there, done = asyncio.Event(), asyncio.Event()

        def heard(rows: list[Any], event: asyncio.Event) -> Any:
            def on(message: Any) -> None:
                rows.append(message)
                event.set()

            return on

        trades = await line.aggregate_trade_streams(symbol="btcusdt")
        trades.on("message", heard(market, there))
        user = await line.user_data(key)
        user.on("message", heard(mine, done))
        try:
            made = await calls.new_order(symbol=S, side="BUY", type="MARKET", quantity=0.002)
            status = await calls.query_order(symbol=S, order_id=made.data().result.order_id)
            await asyncio.to_thread(server.step, 300)
            await asyncio.wait_for(asyncio.gather(there.wait(), done.wait()), 20)
            return made.data().result.to_dict(), status.data().result.to_dict()
        finally:
            await line.close_connection(close_session=True)
            await calls.close_connection(close_session=True)

    made, status = asyncio.run(whole())
    assert made["status"] == "FILLED"
    shared = set(made) & set(status)
    assert {name: made[name] for name in shared} == {name: status[name] for name in shared}
    rows = {str(one["a"]): one for one in ex.fapiPublicGetAggTrades({"symbol": S, "limit": 1000})}
    first = market[0].to_dict()
    assert [first["p"], first["q"]] == [rows[str(first["a"])][name] for name in ("p", "q")]
    assert mine
