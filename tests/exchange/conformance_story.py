"""What the clients do: through every REST endpoint of the specification, in an order that trades."""

from __future__ import annotations

from typing import Any

from tests.exchange.conformance import BTC, ETH, SYMBOLS, WHATEVER, Stage, price
from tests.exchange.conformance_tape import TapeWire
from tests.exchange.conformance_wire import EIGHT
from tests.reference.venue import names

V1 = "/fapi/v1"
DONE = {"code": "200", "msg": "success"}
ALL_GONE = {"code": "200", "msg": "The operation of cancel all open order is done."}
REDUCES = {"reduceOnly": True}


async def told(stage: Stage) -> None:
    """The whole story."""
    await start(stage)
    await settings(stage)
    await orders(stage)
    await batches(stage)
    await conditional(stage)
    await margins(stage)
    await market_data(stage)
    for events in (500, 2_100, 1_500):
        await stage.step(events)
        await reads(stage)
    await market_data(stage)
    await liquidated(stage)
    await reads(stage)
    await listen_keys(stage)


async def start(stage: Stage) -> None:
    """What a client asks before it does anything."""
    await stage.check(f"GET {V1}/ping", "fapiPublicGetPing", expected={}, raw="")
    await stage.check(f"GET {V1}/time", "fapiPublicGetTime", expected={"serverTime": WHATEVER}, raw="")
    for client in stage.clients:
        info = await client.ask("fapiPublicGetExchangeInfo")
        for contract, row in enumerate(info["symbols"]):
            filters = {one["filterType"]: one for one in row["filters"]}
            got = {
                "symbol": row["symbol"],
                "tickSize": filters["PRICE_FILTER"]["tickSize"],
                "stepSize": filters["LOT_SIZE"]["stepSize"],
                "minQty": filters["MARKET_LOT_SIZE"]["minQty"],
                "maxQty": filters["LOT_SIZE"]["maxQty"],
                "notional": filters["MIN_NOTIONAL"]["notional"],
                "liquidationFee": row["liquidationFee"],
            }
            wanted = TapeWire(stage.twin, contract).rules()
            stage.sheet.compare(client.name, f"GET {V1}/exchangeInfo", wanted, got, row["symbol"])
    normal = {"status": "0", "msg": "normal"}
    await stage.check("GET /sapi/v1/system/status", "fetch_status", expected=normal)
    await stage.check("GET /sapi/v1/capital/config/getall", "sapiGetCapitalConfigGetall", expected=[], raw="")
    await stage.check("GET /sapi/v1/margin/allPairs", "sapiGetMarginAllPairs", expected=[], raw="")
    isolated = "/sapi/v1/margin/isolated/allPairs"
    await stage.check(f"GET {isolated}", "sapiGetMarginIsolatedAllPairs", expected=[], raw="")
    for path, method in (
        ("/api/v3/exchangeInfo", "publicGetExchangeInfo"),
        ("/dapi/v1/exchangeInfo", "dapiPublicGetExchangeInfo"),
    ):
        nothing = {"timezone": "UTC", "rateLimits": [], "exchangeFilters": [], "symbols": []}
        await stage.check(f"GET {path}", method, expected=nothing, raw="")


async def settings(stage: Stage) -> None:
    """Leverage, margin mode, position mode, fees, brackets."""
    twin = stage.twin
    most = str(twin.market.tiers[3].cap_cash // EIGHT)  # the last tier of BTCUSDT that allows 50x
    stage.done(twin.act(names.LEVERAGE, leverage100=5_000))
    answer = {"symbol": "BTCUSDT", "leverage": "50", "maxNotionalValue": most}
    await stage.check(f"POST {V1}/leverage", "set_leverage", 50, BTC, expected=answer, raw="")
    stage.done(twin.act(names.LEVERAGE, leverage100=1_000))
    await stage.each(f"POST {V1}/leverage", "set_leverage", 10, BTC, raw="")
    stage.done(twin.act(names.MARGIN_MODE, is_isolated=1))
    await stage.check(f"POST {V1}/marginType", "set_margin_mode", "isolated", BTC, expected=DONE, raw="")
    same = ("MarginModeAlreadySet", "set_margin_mode", "isolated", BTC)
    await stage.refused(f"POST {V1}/marginType", -4046, *same)
    assert twin.act(names.MARGIN_MODE, is_isolated=1) == -4046
    dual = f"{V1}/positionSide/dual"
    one_way = {"dualSidePosition": False}
    await stage.check(f"GET {dual}", "fetch_position_mode", expected=one_way)
    await stage.refused(f"POST {dual}", -1130, "BadRequest", "set_position_mode", True)
    await stage.refused(f"POST {dual}", -4059, "OperationRejected", "set_position_mode", False)
    await stage.check(
        f"GET {V1}/multiAssetsMargin",
        "fapiPrivateGetMultiAssetsMargin",
        expected={"multiAssetsMargin": False},
        raw="",
    )
    await stage.check(
        f"GET {V1}/symbolConfig", "fetch_leverages", [BTC, ETH], expected=lambda wire: wire.config()
    )
    await stage.check(
        f"GET {V1}/accountConfig",
        "fapiPrivateGetAccountConfig",
        expected={
            "feeTier": "0",
            "canTrade": True,
            "canDeposit": True,
            "canWithdraw": False,
            "dualSidePosition": False,
            "updateTime": "0",
            "multiAssetsMargin": False,
            "tradeGroupId": "-1",
        },
        raw="",
    )
    fees = {"makerCommissionRate": "0.00020000", "takerCommissionRate": "0.00050000"}
    fees = {"symbol": "BTCUSDT", "rpiCommissionRate": "0.00020000", **fees}
    await stage.check(f"GET {V1}/commissionRate", "fetch_trading_fee", BTC, expected=fees)
    rows = [
        {"symbol": symbol, "notionalCoef": "1.0", "brackets": TapeWire(twin, contract).brackets()}
        for contract, symbol in enumerate(SYMBOLS)
    ]
    await stage.check(f"GET {V1}/leverageBracket", "fapiPrivateGetLeverageBracket", expected=rows, raw="")


async def orders(stage: Stage) -> None:
    """Plain orders: placed, asked for, changed, cancelled."""
    twin, path = stage.twin, f"{V1}/order"
    last = twin.market.tapes[0].last_ticks

    async def placed(client: str, kind: int, side: int, lots: int, params: Any = None, **fields: int) -> None:
        """Place an order everywhere."""
        symbol = (BTC, ETH)[fields.get("contract", 0)]
        ticks = fields.get("price_ticks", 0)
        asked = {"clientOrderId": client, **(params or {})}
        if "expires_ns" in fields:
            asked |= {"timeInForce": "GTD", "goodTillDate": fields["expires_ns"] // 10**6}
        stage.done(twin.place(client, kind, side, lots, **fields))
        word = {names.LIMIT: "limit", names.MARKET: "market"}[kind]
        at = price(stage, ticks, fields.get("contract", 0)) if ticks else None
        way = "buy" if side > 0 else "sell"
        await stage.check(
            f"POST {path}",
            "create_order",
            *(symbol, word, way, lots / 1000, at, asked),
            expected=lambda wire: wire.order(wire.newest(client)),
        )

    await placed("entry", names.MARKET, 1, 8)
    await placed("eth", names.MARKET, -1, 150, contract=1)
    await placed("low", names.LIMIT, 1, 2, price_ticks=last - 900)
    await placed("post", names.LIMIT, 1, 3, {"postOnly": True}, price_ticks=last - 300, post_only=1)
    await placed("high", names.LIMIT, -1, 2, price_ticks=last + 250)
    await placed("ioc", names.LIMIT, 1, 2, {"timeInForce": "IOC"}, price_ticks=last - 900, tif=names.IOC)
    end_ns = (twin.now_ns // 10**9 + 900) * 10**9
    await placed("gtd", names.LIMIT, 1, 2, price_ticks=last - 1_000, tif=names.GTD, expires_ns=end_ns)
    await placed("taken", names.LIMIT, 1, 2, price_ticks=last + 100)
    await placed("near", names.LIMIT, 1, 2, price_ticks=last - 20)

    fok = (BTC, "limit", "buy", 0.002, price(stage, last - 500), {"timeInForce": "FOK"})
    await stage.refused(f"POST {path}", -5021, "OrderNotFillable", "create_order", *fok)
    post = (BTC, "limit", "buy", 0.002, price(stage, last + 500), {"postOnly": True})
    await stage.refused(f"POST {path}", -5022, "OrderNotFillable", "create_order", *post)
    much = (BTC, "market", "buy", 3.0)
    await stage.refused(f"POST {path}", -2019, "InsufficientFunds", "create_order", *much)
    small = (BTC, "limit", "buy", 0.001, price(stage, last - 500))
    await stage.refused(f"POST {path}", -4164, "InvalidOrder", "create_order", *small)
    hedged = (BTC, "market", "buy", 0.002, None, {"positionSide": "LONG"})
    await stage.refused(f"POST {path}", -4061, "OperationRejected", "create_order", *hedged)
    for code, fields in (
        (-5021, {"lots": 2, "price_ticks": last - 500, "tif": names.FOK}),
        (-5022, {"lots": 2, "price_ticks": last + 500, "post_only": 1}),
        (-4164, {"lots": 1, "price_ticks": last - 500}),
    ):
        assert twin.place("", names.LIMIT, 1, **fields) == code
    assert twin.place("", names.MARKET, 1, 3_000) == -2019

    low, near = (stage.clients[0].wire.newest(name) for name in ("low", "near"))
    for client in stage.clients:  # ids are each account's own
        number = str(client.wire.id_of(low))
        for endpoint, method in ((f"GET {path}", "fetch_order"), (f"GET {V1}/openOrder", "fetch_open_order")):
            found = await client.ask(method, number, BTC)
            assert client.path == endpoint.partition(" ")[2]
            stage.sheet.compare(client.name, endpoint, client.wire.order(low), found["info"])
    stage.done(twin.act(names.AMEND, order_id=near.id, lots=3, price_ticks=last - 40))
    stage.done(twin.act(names.CANCEL, order_id=low.id))
    for client in stage.clients:
        edited = (str(client.wire.id_of(near)), BTC, "limit", "buy", 0.003, price(stage, last - 40))
        found = await client.ask("edit_order", *edited)
        stage.sheet.compare(client.name, f"PUT {path}", client.wire.order(near), found["info"])
        found = await client.ask("cancel_order", str(client.wire.id_of(low)), BTC)
        stage.sheet.compare(client.name, f"DELETE {path}", client.wire.order(low), found["info"])
    gone = ("OrderNotFound", "cancel_order", "77", BTC)
    await stage.refused(f"DELETE {path}", -2011, *gone)
    await listed(stage)


async def listed(stage: Stage) -> None:
    """Lists of orders, of each contract."""
    for contract, symbol in enumerate((BTC, ETH)):
        await stage.check(
            f"GET {V1}/openOrders",
            "fetch_open_orders",
            symbol,
            expected=lambda wire, c=contract: wire.orders(c, live=True),
        )
        await stage.check(
            f"GET {V1}/allOrders",
            "fapiPrivateGetAllOrders",
            {"symbol": SYMBOLS[contract], "limit": 1000},
            expected=lambda wire, c=contract: wire.orders(c, live=False),
            raw="",
        )
        await stage.check(
            f"GET {V1}/openAlgoOrders",
            "fetch_open_orders",
            *(symbol, None, None, {"trigger": True}),
            expected=lambda wire, c=contract: wire.algos(c, live=True),
        )
        await stage.check(
            f"GET {V1}/allAlgoOrders",
            "fapiPrivateGetAllAlgoOrders",
            {"symbol": SYMBOLS[contract]},
            expected=lambda wire, c=contract: wire.algos(c, live=False),
            raw="",
        )


async def batches(stage: Stage) -> None:
    """Several orders in one request, one of them refused; cancelled together."""
    twin, path = stage.twin, f"{V1}/batchOrders"
    last = twin.market.tapes[1].last_ticks
    wished = [
        {"symbol": ETH, "type": "limit", "side": "buy", "amount": lots / 1000, "price": price(stage, at, 1)}
        for lots, at in ((30, last - 600), (40, last - 700), (1, last - 800))
    ]
    for number, one in enumerate(wished):
        one["params"] = {"newClientOrderId": f"batch.{number}"}
    for number, (lots, at) in enumerate(((30, last - 600), (40, last - 700))):
        stage.done(twin.place(f"batch.{number}", names.LIMIT, 1, lots, price_ticks=at, contract=1))
    assert twin.place("", names.LIMIT, 1, 1, price_ticks=last - 800, contract=1) == -4164
    words = "Order's notional must be no smaller than 20 (unless you choose reduce only)."
    await stage.check(
        f"POST {path}",
        "create_orders",
        wished,
        expected=lambda wire: [  # ccxt sorts by time, those without one first
            {"code": "-4164", "msg": words},
            wire.order(wire.newest("batch.0")),
            wire.order(wire.newest("batch.1")),
        ],
    )
    both = [one for one in twin.orders.values() if one.client.startswith("batch.")]
    for client in stage.clients:
        numbers = [str(client.wire.id_of(one)) for one in both]
        found = await client.ask("cancel_orders", [*numbers, "77"], ETH)  # ccxt drops the refused row
        if client is stage.clients[0]:
            for one in both:
                stage.done(twin.act(names.CANCEL, order_id=one.id))
        got = [one["info"] for one in found]
        wanted = [client.wire.order(one) for one in both]
        stage.sheet.compare(client.name, f"DELETE {path}", wanted, got)
    for number, at in enumerate((last - 500, last - 550)):
        name, asked = f"all.{number}", {"clientOrderId": f"all.{number}"}
        stage.done(twin.place(name, names.LIMIT, 1, 20, price_ticks=at, contract=1))
        limit = (ETH, "limit", "buy", 0.02, price(stage, at, 1), asked)
        await stage.each(f"POST {V1}/order", "create_order", *limit)
    for one in [one for one in twin.orders.values() if one.client.startswith("all.")]:
        stage.done(twin.act(names.CANCEL, order_id=one.id))
    await stage.check(
        f"DELETE {V1}/allOpenOrders",
        "fapiPrivateDeleteAllOpenOrders",
        {"symbol": "ETHUSDT"},
        expected=ALL_GONE,
        raw="",
    )


async def conditional(stage: Stage) -> None:
    """Orders of the algo service: each kind is placed; some are cancelled, some are left to the market."""
    twin, path = stage.twin, f"{V1}/algoOrder"
    last = twin.market.tapes[0].last_ticks

    async def placed(
        client: str, kind: int, side: int, lots: int, call: tuple[Any, ...], **fields: int
    ) -> None:
        """Place a conditional order everywhere."""
        word, amount, at, params = call
        stage.done(twin.place(client, kind, side, lots, **fields))
        asked = {"clientOrderId": client, **params}
        await stage.check(
            f"POST {path}",
            "create_order",
            *(BTC, word, "buy" if side > 0 else "sell", amount, at, asked),
            expected=lambda wire: wire.algo(wire.newest(client)),
        )

    stop, far, take = last - 3_000, last - 3_500, last + 4_000
    at = {ticks: price(stage, ticks) for ticks in (stop, far, take)}
    reduces = {"reduce_only": 1}
    falls = ("market", 0.004, None, {**REDUCES, "stopLossPrice": at[stop]})
    await placed("stop", names.STOP_MARKET, -1, 4, falls, trigger_ticks=stop, **reduces)
    limit = ("limit", 0.003, at[far], {**REDUCES, "stopLossPrice": at[stop]})
    await placed("stop.limit", names.STOP_LIMIT, -1, 3, limit, trigger_ticks=stop, price_ticks=far, **reduces)
    rises = ("market", 0.004, None, {**REDUCES, "takeProfitPrice": at[take]})
    await placed("take", names.TAKE_MARKET, -1, 4, rises, trigger_ticks=take, **reduces)
    limit = ("limit", 0.002, at[take], {**REDUCES, "takeProfitPrice": at[take]})
    await placed(
        "take.limit", names.TAKE_LIMIT, -1, 2, limit, trigger_ticks=take, price_ticks=take, **reduces
    )
    trails = ("market", 0.002, None, {**REDUCES, "trailingPercent": 0.1})
    await placed("trail", names.TRAILING, -1, 2, trails, callback8=100_000, **reduces)
    later = {**REDUCES, "trailingPercent": 0.5, "activationPrice": at[take]}
    await placed(
        "trail.later",
        names.TRAILING,
        -1,
        2,
        ("market", 0.002, None, later),
        callback8=500_000,
        activation_ticks=take,
        **reduces,
    )
    whole = {"stopPrice": at[far], "closePosition": True, "workingType": "MARK_PRICE"}
    await placed(
        "whole",
        names.STOP_MARKET,
        -1,
        0,
        ("STOP_MARKET", None, None, whole),
        trigger_ticks=far,
        close_position=1,
        by_mark=1,
    )
    soon = last + 60
    entry = ("market", 0.002, None, {"triggerPrice": price(stage, soon)})
    await placed("breakout", names.STOP_MARKET, 1, 2, entry, trigger_ticks=soon)
    bad = (BTC, "market", "sell", 0.002, None, {"stopLossPrice": price(stage, last + 900)})
    await stage.refused(f"POST {path}", -2021, "OrderImmediatelyFillable", "create_order", *bad)
    assert twin.place("", names.STOP_MARKET, -1, 2, trigger_ticks=last + 900) == -2021
    raw = {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "stopPrice": "1", "quantity": "1"}
    await stage.refused(f"POST {V1}/order", -4120, "InvalidOrder", "fapiPrivatePostOrder", raw)
    for client in stage.clients:
        one = client.wire.newest("stop.limit")
        number = client.wire.algo(one)["algoId"]
        found = await client.ask("fetch_order", number, BTC, {"trigger": True})
        stage.sheet.compare(client.name, f"GET {path}", client.wire.algo(one), found["info"])
        found = await client.ask("cancel_order", number, BTC, {"trigger": True})
        wanted = {"algoId": number, "clientAlgoId": "stop.limit", "code": "200", "msg": "success"}
        stage.sheet.compare(client.name, f"DELETE {path}", wanted, found["info"])
    stage.done(twin.act(names.CANCEL, order_id=stage.clients[0].wire.newest("stop.limit").id))
    eth = twin.market.tapes[1].last_ticks
    stage.done(twin.place("eth.stop", names.STOP_MARKET, 1, 30, trigger_ticks=eth + 900, contract=1))
    asked = {"clientOrderId": "eth.stop", "triggerPrice": price(stage, eth + 900, 1)}
    await stage.each(f"POST {path}", "create_order", ETH, "market", "buy", 0.03, None, asked)
    stage.done(twin.act(names.CANCEL, order_id=stage.clients[0].wire.newest("eth.stop").id))
    await stage.check(
        f"DELETE {V1}/algoOpenOrders",
        "fapiPrivateDeleteAlgoOpenOrders",
        {"symbol": "ETHUSDT"},
        expected=ALL_GONE,
        raw="",
    )
    await listed(stage)


async def margins(stage: Stage) -> None:
    """Money to an isolated position and back."""
    twin, path = stage.twin, f"{V1}/positionMargin"
    words = {"code": "200", "msg": "Successfully modify position margin."}
    stage.done(twin.act(names.ISOLATED_MARGIN, cash=750 * 10**6))
    await stage.check(
        f"POST {path}", "add_margin", BTC, 7.5, expected={**words, "amount": "7.5", "type": "1"}
    )
    stage.done(twin.act(names.ISOLATED_MARGIN, cash=-25 * 10**7))
    await stage.check(
        f"POST {path}", "reduce_margin", BTC, 2.5, expected={**words, "amount": "2.5", "type": "2"}
    )
    await stage.check(
        f"GET {path}/history",
        "fetch_margin_adjustment_history",
        BTC,
        expected=lambda wire: wire.moves(0),
    )


async def reads(stage: Stage) -> None:
    """Everything that tells of the account."""
    await stage.check("GET /fapi/v3/account", "fetch_balance", expected=lambda wire: wire.account(3))
    for version in (2, 3):
        await stage.check(
            f"GET /fapi/v{version}/balance",
            f"fapiPrivateV{version}GetBalance",
            expected=lambda wire: wire.balance(),
            raw="",
        )
    await stage.check(
        "GET /fapi/v2/account", "fapiPrivateV2GetAccount", expected=lambda wire: wire.account(2), raw=""
    )
    await stage.check(
        "GET /fapi/v2/positionRisk",
        "fapiPrivateV2GetPositionRisk",
        expected=lambda wire: wire.risks(2),
        raw="",
    )
    await stage.check(
        "GET /fapi/v3/positionRisk", "fapiPrivateV3GetPositionRisk", expected=lambda w: w.risks(3), raw=""
    )
    held = [c for c, market in enumerate(stage.twin.venue.state.markets) if market.lots]
    await stage.check(
        "GET /fapi/v3/positionRisk", "fetch_positions", expected=lambda w: [w.risk(c, 3) for c in held]
    )
    rows = [{"symbol": SYMBOLS[c], "adlQuantile": {"BOTH": "0"}} for c in held]
    await stage.check(f"GET {V1}/adlQuantile", "fapiPrivateGetAdlQuantile", expected=rows, raw="")
    for contract, symbol in enumerate((BTC, ETH)):
        await stage.check(
            f"GET {V1}/userTrades",
            "fetch_my_trades",
            *(symbol, None, 500),
            expected=lambda wire, c=contract: wire.fills(c),
        )
    await stage.check(
        f"GET {V1}/income",
        "fetch_ledger",
        *(None, None, 500),
        expected=lambda wire: wire.incomes(),
    )
    await stage.check(
        f"GET {V1}/income",
        "fapiPrivateGetIncome",
        {"incomeType": "COMMISSION", "symbol": "ETHUSDT"},
        expected=lambda wire: wire.incomes("COMMISSION", 1),
        raw="",
    )
    await stage.check(
        f"GET {V1}/income",
        "fetch_funding_history",
        *(None, None, 100),
        expected=lambda wire: wire.incomes("FUNDING_FEE"),
    )
    await listed(stage)


async def market_data(stage: Stage) -> None:
    """Everything that tells of the market."""
    tapes = [TapeWire(stage.twin, contract) for contract in range(2)]
    for contract, tape in enumerate(tapes):
        await of_one(stage, tape, (BTC, ETH)[contract], SYMBOLS[contract])
    both = [BTC, ETH]
    await stage.check(f"GET {V1}/ticker/24hr", "fetch_tickers", both, expected=[tape.day() for tape in tapes])
    await stage.check(
        "GET /fapi/v2/ticker/price", "fetch_last_prices", both, expected=[tape.last() for tape in tapes]
    )
    await stage.check(
        f"GET {V1}/ticker/bookTicker",
        "fetch_bids_asks",
        both,
        expected=[{**tape.best(), "lastUpdateId": WHATEVER} for tape in tapes],
    )
    await stage.check(
        f"GET {V1}/premiumIndex", "fetch_funding_rates", both, expected=[tape.premium() for tape in tapes]
    )
    caps = {"adjustedFundingRateCap": "0.02000000", "adjustedFundingRateFloor": "-0.02000000"}
    rows = [{"symbol": symbol, **caps, "fundingIntervalHours": "8"} for symbol in SYMBOLS]
    await stage.check(f"GET {V1}/fundingInfo", "fetch_funding_intervals", both, expected=rows)


async def of_one(stage: Stage, tape: TapeWire, symbol: str, name: str) -> None:
    """What is told of one contract."""
    for interval, minutes in (("1m", 1), ("5m", 5), ("1h", 60)):
        asked = {"symbol": name, "interval": interval, "limit": 3}
        by_pair = {"pair": name, "interval": interval, "limit": 3}
        for path, method, params, rows in (
            ("klines", "fapiPublicGetKlines", asked, tape.klines(minutes, 3)),
            ("markPriceKlines", "fapiPublicGetMarkPriceKlines", asked, tape.marks(minutes, 3)),
            ("indexPriceKlines", "fapiPublicGetIndexPriceKlines", by_pair, tape.marks(minutes, 3)),
            ("premiumIndexKlines", "fapiPublicGetPremiumIndexKlines", asked, tape.premiums(minutes, 3)),
        ):
            await stage.check(f"GET {V1}/{path}", method, params, expected=rows, raw="")
    for path, method in (
        ("trades", "fapiPublicGetTrades"),
        ("historicalTrades", "fapiPublicGetHistoricalTrades"),
    ):
        asked = {"symbol": name, "limit": 4}
        await stage.check(f"GET {V1}/{path}", method, asked, expected=tape.plain_trades(4), raw="")
    await stage.check(f"GET {V1}/aggTrades", "fetch_trades", *(symbol, None, 5), expected=tape.aggregates(5))
    await stage.check(f"GET {V1}/premiumIndex", "fetch_mark_price", symbol, expected=tape.premium())
    await stage.check(f"GET {V1}/ticker/24hr", "fetch_ticker", symbol, expected=tape.day())
    await stage.check(
        f"GET {V1}/fundingRate", "fetch_funding_rate_history", *(symbol, None, 10), expected=tape.rates()
    )
    held = max(0, stage.twin.venue.state.markets[tape.contract].lots) * len(stage.clients)
    interest = {"openInterest": tape.wire.lots(held), "symbol": name, "time": str(tape.twin.now_ns // 10**6)}
    await stage.check(f"GET {V1}/openInterest", "fetch_open_interest", symbol, expected=interest)
    best = tape.best()
    for client in stage.clients:
        book = await client.ask("fapiPublicGetDepth", {"symbol": name, "limit": 5})
        assert [len(book["bids"]), len(book["asks"])] == [5, 5]
        got = {"bid": book["bids"][0], "ask": book["asks"][0]}
        wanted = {"bid": [best["bidPrice"], best["bidQty"]], "ask": [best["askPrice"], best["askQty"]]}
        stage.sheet.compare(client.name, f"GET {V1}/depth", wanted, got, name)


async def liquidated(stage: Stage) -> None:
    """As much as the account can hold at 125x, on the side that the market goes against."""
    twin = stage.twin
    for order in [one for one in twin.orders.values() if one.status == "live"]:
        stage.done(twin.act(names.CANCEL, order_id=order.id))
    for params in ({}, {"trigger": True}):
        for client in stage.clients:
            await client.ask("cancel_all_orders", BTC, params)
    lots = twin.venue.state.markets[0].lots
    if lots:
        side = -1 if lots > 0 else 1
        stage.done(twin.place("flat", names.MARKET, side, abs(lots), reduce_only=1))
        out = (BTC, "market", "sell" if side < 0 else "buy", abs(lots) / 1000, None)
        await stage.each(f"POST {V1}/order", "create_order", *out, {"clientOrderId": "flat", **REDUCES})
    stage.done(twin.act(names.LEVERAGE, leverage100=12_500))
    await stage.each(f"POST {V1}/leverage", "set_leverage", 125, BTC, raw="")
    stage.done(twin.place("bold", names.MARKET, -1, 500))
    bold = (BTC, "market", "sell", 0.5, None, {"clientOrderId": "bold"})
    await stage.check(
        f"POST {V1}/order", "create_order", *bold, expected=lambda wire: wire.order(wire.newest("bold"))
    )
    forced: list[Any] = []
    for _ in range(40):
        if forced:
            break
        await stage.step(400)
        forced = [one for one in twin.orders.values() if one.is_liquidation]
    assert forced, "the market never went against the position"
    await stage.check(
        f"GET {V1}/forceOrders",
        "fetch_my_liquidations",
        BTC,
        expected=lambda wire: [wire.order(one) for one in forced],
    )
    assert twin.calls >= 1


async def listen_keys(stage: Stage) -> None:
    """A key for private streams: drawn, kept, given up."""
    path = f"{V1}/listenKey"
    first = await stage.each(f"POST {path}", "fapiPrivatePostListenKey", raw="")
    again = await stage.each(f"PUT {path}", "fapiPrivatePutListenKey", raw="")
    for client, one, other in zip(stage.clients, first, again, strict=True):
        stage.sheet.compare(client.name, f"POST {path}", {"listenKey": WHATEVER}, one)
        stage.sheet.reached[client.name].add(f"PUT {path}")
        assert one == other
        assert len(one["listenKey"]) == 64
    await stage.check(f"DELETE {path}", "fapiPrivateDeleteListenKey", expected={}, raw="")
    await stage.refused(f"PUT {path}", -1125, "AuthenticationError", "fapiPrivatePutListenKey")
