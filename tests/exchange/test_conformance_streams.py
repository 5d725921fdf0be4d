"""ccxt.pro hears what the reference says: every kind of stream, raw, and the account's own events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[exchange] is not installed")
pytest.importorskip("ccxt")

from tests.exchange.conformance import BTC, OPTIONS, WHATEVER, Sheet, price
from tests.exchange.conformance_streams import (
    StreamWire,
    account_event,
    algo_event,
    lite_event,
    order_event,
)
from tests.exchange.conformance_tape import TapeWire
from tests.exchange.conformance_twin import Twin
from tests.exchange.conformance_wire import Wire
from tests.exchange.served import Server, config
from tests.reference.venue import names

LEAST = 300
LONGEST_S = 20
CLIENT = "ccxt.pro"


def listening(port: int) -> Any:
    """ccxt.pro as it is; what comes over its sockets is also written down."""
    import ccxt.pro

    class Listening(ccxt.pro.binanceusdm):  # type: ignore[misc,name-defined]
        """Writes messages down before the client reads them."""

        def __init__(self, options: dict[str, Any]) -> None:
            self.heard: list[Any] = []
            super().__init__(options)

        def handle_message(self, client: Any, message: Any) -> Any:
            """As the client does."""
            self.heard.append(deepcopy(message))  # ccxt adds to it
            return super().handle_message(client, message)

    found = Listening(config(port))
    found.aiohttp_trust_env = False
    return found


class Ear:
    """A server, a twin of its one account, a client that listens, a sheet."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.twin = Twin(1_000 * 10**8)
        self.wire = Wire(self.twin, 1)
        self.sheet = Sheet()
        self.ex = listening(server.port)
        self.tasks: list[asyncio.Task[Any]] = []
        self.raw: list[Any] = []

    def watch(self, call: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Keep watching."""

        async def on() -> None:
            while True:
                await call()

        self.tasks.append(asyncio.ensure_future(on()))

    async def step(self, events: int) -> None:
        """The market goes on."""
        await asyncio.to_thread(self.server.step, events)
        self.twin.play(events)

    async def message(self, good: Callable[[Any], bool], heard: list[Any] | None = None) -> Any:
        """The newest message that is good, once it is there."""
        rows = self.ex.heard if heard is None else heard

        async def there() -> Any:
            while True:
                for one in reversed(rows):
                    if good(one):
                        return one
                await asyncio.sleep(0.01)

        return await asyncio.wait_for(there(), LONGEST_S)

    async def expect(self, what: str, expected: Any, heard: list[Any] | None = None) -> None:
        """A message of this kind, stamp and stream is there, and is the expected one."""
        first = expected[0] if isinstance(expected, list) else expected

        def good(one: Any) -> bool:
            head = one[0] if isinstance(one, list) and one else one
            inner, wanted = head.get("o", {}), first.get("o", {})
            return (
                isinstance(one, list) == isinstance(expected, list)
                and all(str(head.get(name)) == str(first[name]) for name in ("e", "E", "s") if name in first)
                and all(inner.get(name) == wanted[name] for name in ("x", "X", "c", "caid") if name in wanted)
            )

        self.sheet.compare(CLIENT, what, expected, await self.message(good, heard))

    async def close(self) -> None:
        """Stop watching."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.ex.close()


def played(folder: Path, story: Callable[[Ear], Coroutine[Any, Any, None]]) -> Sheet:
    """Play a story on a server of its own; the sheet of what was compared."""
    server = Server(folder, *OPTIONS)

    async def whole() -> Sheet:
        ear = Ear(server)
        try:
            await ear.ex.load_markets()
            await asyncio.wait_for(story(ear), 4 * LONGEST_S)
        finally:
            await ear.close()
        return ear.sheet

    try:
        server.account()
        sheet = asyncio.run(whole())
    finally:
        server.stop()
    for row in sheet.table():
        print(" | ".join(row))
    wrong = sheet.wrong()
    assert not wrong, "\n".join(sorted({str(line[:4]) for line in wrong})[:60])
    return sheet


async def of_market(ear: Ear) -> None:
    """All public streams: those that ccxt.pro has a call for, then those it has none for."""
    ex = ear.ex
    ear.watch(lambda: ex.watch_trades(BTC))
    ear.watch(lambda: ex.watch_trades(BTC, None, None, {"name": "aggTrade"}))
    ear.watch(lambda: ex.watch_bids_asks([BTC]))
    ear.watch(lambda: ex.watch_mark_price(BTC))
    ear.watch(ex.watch_mark_prices)
    ear.watch(lambda: ex.watch_ticker(BTC))
    ear.watch(lambda: ex.watch_ticker(BTC, {"name": "ticker"}))
    ear.watch(lambda: ex.watch_tickers(None, {"name": "ticker"}))
    ear.watch(ex.watch_tickers)
    ear.watch(lambda: ex.watch_ohlcv(BTC, "1m"))
    ear.watch(lambda: ex.watch_ohlcv(BTC, "1h"))
    ear.watch(lambda: ex.watch_order_book(BTC, 100))
    await subscribed(ear, len(ear.tasks))
    async with Sockets(ear) as opened:
        assert opened == 4
        for events in (40, 170):
            before = [len(TapeWire(ear.twin, c).trades) for c in (0, 1)]
            await ear.step(events)
            await compared(ear, before)


async def subscribed(ear: Ear, least: int) -> None:
    """Wait until the subscriptions are acknowledged."""

    async def there() -> None:
        while sum(1 for one in ear.ex.heard if isinstance(one, dict) and "result" in one) < least:
            await asyncio.sleep(0.01)

    await asyncio.wait_for(there(), LONGEST_S)


class Sockets:
    """Plain sockets for what ccxt.pro has no call for, on all four paths."""

    def __init__(self, ear: Ear) -> None:
        self.ear = ear
        self.tasks: list[asyncio.Task[Any]] = []

    async def __aenter__(self) -> int:
        """Open them; how many."""
        import aiohttp

        self.session = aiohttp.ClientSession()
        host = f"http://127.0.0.1:{self.ear.server.port}"
        paths = (
            "/public/stream?streams=btcusdt@depth5/btcusdt@depth10@100ms",
            "/stream?streams=btcusdt@depth20/!bookTicker",
            "/market/ws/!ticker@arr",
            "/ws/btcusdt@markPrice",
        )
        for path in paths:
            line = await self.session.ws_connect(f"{host}{path}")
            self.tasks.append(asyncio.ensure_future(self._read(line)))
        return len(paths)

    async def _read(self, line: Any) -> None:
        async for message in line:
            told = message.json()
            self.ear.raw.append(told.get("data", told) if isinstance(told, dict) else told)

    async def __aexit__(self, *error: object) -> None:
        """Close them."""
        for task in self.tasks:
            task.cancel()
        await self.session.close()


def holds(wanted: dict[str, Any], one: Any) -> bool:
    """Whether a message says this."""
    return isinstance(one, dict) and wanted.items() <= one.items()


async def compared(ear: Ear, before: list[int]) -> None:
    """What was heard after a step."""
    told = [StreamWire(TapeWire(ear.twin, contract)) for contract in (0, 1)]
    first = told[0]
    count = len(first.tape.trades) - before[0]
    assert count > 0
    for kind, rows, number in (
        ("aggTrade", first.aggregates(count), "a"),
        ("trade", first.trades(count), "t"),
    ):
        last = {"e": kind, "s": "BTCUSDT", number: int(rows[-1][number])}
        await ear.message(partial(holds, last))
        told_of = {"e": kind, "s": "BTCUSDT"}
        got = [one for one in ear.ex.heard if holds(told_of, one) and one[number] > before[0]]
        ear.sheet.compare(CLIENT, f"<s>@{kind}", rows, got)
    await ear.expect("<s>@bookTicker", first.best(WHATEVER))
    await ear.expect("<s>@markPrice@1s", first.mark())
    await ear.expect("<s>@miniTicker", first.mini())
    await ear.expect("<s>@ticker", first.ticker())
    await ear.expect("!markPrice@arr", [one.mark() for one in told])
    await ear.expect("!miniTicker@arr", [one.mini() for one in told])
    await ear.expect("!ticker@arr", [one.ticker() for one in told], ear.raw)
    await ear.expect("/ws/<s>@markPrice", first.mark(), ear.raw)
    await ear.expect("!bookTicker", first.best(WHATEVER), ear.raw)
    for interval, minutes in (("1m", 1), ("1h", 60)):
        wanted = first.kline(interval, minutes)
        got = await ear.message(
            lambda one, i=interval, at=wanted["E"]: (
                isinstance(one, dict)
                and one.get("k", {}).get("i") == i
                and str(one["E"]) == at
                and not one["k"]["x"]
            )
        )
        ear.sheet.compare(CLIENT, f"<s>@kline_{interval}", wanted, got)
    best = first.tape.best()
    for levels in (5, 10, 20):
        got = await ear.message(
            lambda one, n=levels: (
                isinstance(one, dict)
                and one.get("e") == "depthUpdate"
                and len(one["b"]) == n
                and str(one["E"]) == first.stamp
            ),
            ear.raw,
        )
        wanted = {"b": [best["bidPrice"], best["bidQty"]], "a": [best["askPrice"], best["askQty"]]}
        ear.sheet.compare(CLIENT, f"<s>@depth{levels}", wanted, {side: got[side][0] for side in "ba"})
    got = await ear.message(
        lambda one: isinstance(one, dict) and one.get("e") == "depthUpdate" and str(one["E"]) == first.stamp
    )
    assert got["u"] >= got["U"] > got["pu"]


def test_public_streams_are_the_market(tmp_path: Path) -> None:
    sheet = played(tmp_path / "state", of_market)
    assert len(sheet.distinct()) >= LEAST
    assert len(sheet.reached[CLIENT]) == 16


async def of_account(ear: Ear) -> None:
    """The account's own events, one after the other."""
    ex, twin, wire = ear.ex, ear.twin, ear.wire
    last = twin.market.tapes[0].last_ticks
    await ex.watch_positions([BTC])
    for call in (ex.watch_orders, ex.watch_balance, ex.watch_my_trades):
        ear.watch(call)
    while not any("private" in url and line.connected.done() for url, line in ex.clients.items()):
        await asyncio.sleep(0.01)

    def newest(client: str) -> Any:
        return wire.newest(client)

    await ex.set_leverage(25, BTC)
    assert twin.act(names.LEVERAGE, leverage100=2_500) == 0
    stamp = str(twin.now_ns // 10**6)
    config_event = {"e": "ACCOUNT_CONFIG_UPDATE", "E": stamp, "T": stamp, "ac": {"s": "BTCUSDT", "l": "25"}}
    await ear.expect("ACCOUNT_CONFIG_UPDATE", config_event)
    await ex.set_margin_mode("isolated", BTC)
    assert twin.act(names.MARGIN_MODE, is_isolated=1) == 0
    await ear.expect("ACCOUNT_UPDATE mode", account_event(wire, 0, "MARGIN_TYPE_CHANGE", 0))

    await ex.create_order(BTC, "market", "buy", 0.01, None, {"clientOrderId": "in"})
    assert twin.place("in", names.MARKET, 1, 10) == 0
    new = replace(newest("in"), status="live", filled_lots=0, filled_ticks=0)
    await ear.expect("ORDER_TRADE_UPDATE new", order_event(wire, new, "NEW"))
    await ear.expect("TRADE_LITE", lite_event(wire, newest("in"), twin.fills[-1]))
    await ear.expect("ORDER_TRADE_UPDATE trade", order_event(wire, newest("in"), "TRADE", twin.fills[-1]))
    await account_told(ear, "ORDER", 0)  # bc: changes but for profit and commission, as the documents say

    low = {"clientOrderId": "low"}
    made = await ex.create_order(BTC, "limit", "buy", 0.002, price(ear, last - 900), low)
    assert twin.place("low", names.LIMIT, 1, 2, price_ticks=last - 900) == 0
    await ear.expect("ORDER_TRADE_UPDATE rest", order_event(wire, newest("low"), "NEW"))
    await ex.edit_order(made["id"], BTC, "limit", "buy", 0.003, price(ear, last - 800))
    assert twin.act(names.AMEND, order_id=newest("low").id, lots=3, price_ticks=last - 800) == 0
    await ear.expect("ORDER_TRADE_UPDATE amended", order_event(wire, newest("low"), "AMENDMENT"))
    await ex.cancel_order(made["id"], BTC)
    assert twin.act(names.CANCEL, order_id=newest("low").id) == 0
    await ear.expect("ORDER_TRADE_UPDATE cancelled", order_event(wire, newest("low"), "CANCELED"))

    stop = {"clientOrderId": "stop", "stopLossPrice": price(ear, last - 4_000), "reduceOnly": True}
    made = await ex.create_order(BTC, "market", "sell", 0.01, None, stop)
    assert twin.place("stop", names.STOP_MARKET, -1, 10, trigger_ticks=last - 4_000, reduce_only=1) == 0
    await ear.expect("ALGO_UPDATE new", algo_event(wire, newest("stop")))
    await ex.cancel_order(made["id"], BTC, {"trigger": True})
    assert twin.act(names.CANCEL, order_id=newest("stop").id) == 0
    await ear.expect("ALGO_UPDATE cancelled", algo_event(wire, newest("stop")))

    await ex.add_margin(BTC, 3)
    assert twin.act(names.ISOLATED_MARGIN, cash=3 * 10**8) == 0
    await account_told(ear, "MARGIN_TRANSFER", 0)
    await until_funding(ear)
    await account_told(ear, "FUNDING_FEE", twin.earned[-1].cash)
    await until_liquidated(ear)
    await asyncio.to_thread(ear.server.asked, "POST", "/expire")
    told = await ear.message(lambda one: isinstance(one, dict) and one.get("e") == "listenKeyExpired")
    assert len(told["listenKey"]) == 64


async def account_told(ear: Ear, reason: str, moved: int) -> None:
    """The newest ``ACCOUNT_UPDATE`` for this reason."""
    wanted = account_event(ear.wire, 0, reason, moved)
    got = await ear.message(
        lambda one: (
            isinstance(one, dict)
            and one.get("e") == "ACCOUNT_UPDATE"
            and one["a"]["m"] == reason
            and str(one["E"]) == wanted["E"]
        )
    )
    ear.sheet.compare(CLIENT, f"ACCOUNT_UPDATE {reason}", wanted, got)


async def until_funding(ear: Ear) -> None:
    """Play on to the funding, and no event further: what is told is told as it then is."""
    while ear.twin.earned[-1].kind != "FUNDING_FEE":
        events = [one for one in ear.twin.heard[-1:] if one]
        assert events
        far = ear.twin.now_ns // 10**9 % 28_800 < 28_790
        await ear.step(100 if far else 1)
    assert ear.twin.earned[-1].cash < 0


async def until_liquidated(ear: Ear) -> None:
    """As much short as there is money for, at 125x: called, then liquidated."""
    ex, twin, wire = ear.ex, ear.twin, ear.wire
    await ex.create_order(BTC, "market", "sell", 0.01, None, {"reduceOnly": True})
    assert twin.place("", names.MARKET, -1, 10, reduce_only=1) == 0
    await ex.set_leverage(125, BTC)
    assert twin.act(names.LEVERAGE, leverage100=12_500) == 0
    await ex.create_order(BTC, "market", "sell", 0.3)
    assert twin.place("", names.MARKET, -1, 300) == 0
    liquidations = asyncio.ensure_future(ex.watch_liquidations(BTC))
    while not any("forceOrder" in name for line in ex.clients.values() for name in line.subscriptions):
        await asyncio.sleep(0.01)
    while not any(one.is_liquidation for one in twin.orders.values()):
        await ear.step(100)
        await ex.fapiPrivatePutListenKey()  # an hour of the market ends a key that nobody renews
    forced = next(one for one in twin.orders.values() if one.is_liquidation)
    assert twin.calls == 1
    called = await ear.message(lambda one: isinstance(one, dict) and one.get("e") == "MARGIN_CALL")
    assert [(row["s"], row["pa"], row["mt"]) for row in called["p"]] == [("BTCUSDT", "-0.300", "ISOLATED")]
    event = await ear.message(lambda one: isinstance(one, dict) and one.get("o", {}).get("x") == "CALCULATED")
    got = {name: event["o"][name] for name in ("s", "S", "o", "q", "ap", "X", "c", "rp", "i")}
    order = wire.order(forced)
    wanted = {
        "s": "BTCUSDT",
        "S": "BUY",
        "o": "LIQUIDATION",
        "q": order["origQty"],
        "ap": order["avgPrice"],
        "X": "FILLED",
        "c": forced.client,
        "rp": wire.fill(twin.fills[-1])["realizedPnl"],
        "i": order["orderId"],
    }
    ear.sheet.compare(CLIENT, "ORDER_TRADE_UPDATE liquidation", wanted, got)
    told = await asyncio.wait_for(liquidations, LONGEST_S)
    public = {name: told[-1]["info"][name] for name in ("s", "S", "q", "p", "ap", "X", "z")}
    wanted = {
        "s": "BTCUSDT",
        "S": "BUY",
        "q": order["origQty"],
        "p": order["price"],
        "ap": order["avgPrice"],
        "X": "FILLED",
        "z": order["executedQty"],
    }
    ear.sheet.compare(CLIENT, "<s>@forceOrder", wanted, public)


def test_private_streams_are_the_account(tmp_path: Path) -> None:
    sheet = played(tmp_path / "state", of_account)
    assert len(sheet.distinct()) >= 250
    assert len(sheet.reached[CLIENT]) >= 14


async def of_calls(ear: Ear) -> None:
    """Orders and questions over the WebSocket API, signed by ccxt.pro."""
    ex, twin, wire = ear.ex, ear.twin, ear.wire
    last = twin.market.tapes[0].last_ticks

    def same(what: str, expected: Any, got: Any) -> None:
        ear.sheet.compare(CLIENT, f"/ws-fapi/v1 {what}", expected, got)

    made = await ex.create_order_ws(BTC, "market", "buy", 0.01, None, {"clientOrderId": "in"})
    assert twin.place("in", names.MARKET, 1, 10) == 0
    same("order.place", wire.order(wire.newest("in")), made["info"])
    low = {"clientOrderId": "low"}
    made = await ex.create_order_ws(BTC, "limit", "buy", 0.002, price(ear, last - 900), low)
    assert twin.place("low", names.LIMIT, 1, 2, price_ticks=last - 900) == 0
    same("order.place limit", wire.order(wire.newest("low")), made["info"])
    found = await ex.fetch_order_ws(made["id"], BTC)
    same("order.status", wire.order(wire.newest("low")), found["info"])
    edited = await ex.edit_order_ws(made["id"], BTC, "limit", "buy", 0.003, price(ear, last - 800))
    assert twin.act(names.AMEND, order_id=wire.newest("low").id, lots=3, price_ticks=last - 800) == 0
    same("order.modify", wire.order(wire.newest("low")), edited["info"])
    gone = await ex.cancel_order_ws(made["id"], BTC)
    assert twin.act(names.CANCEL, order_id=wire.newest("low").id) == 0
    same("order.cancel", wire.order(wire.newest("low")), gone["info"])
    stop = {"clientOrderId": "stop", "stopLossPrice": price(ear, last - 4_000), "reduceOnly": True}
    made = await ex.create_order_ws(BTC, "market", "sell", 0.01, None, stop)
    assert twin.place("stop", names.STOP_MARKET, -1, 10, trigger_ticks=last - 4_000, reduce_only=1) == 0
    same("algoOrder.place", wire.algo(wire.newest("stop")), made["info"])
    await ear.step(400)
    for name, wanted in (("account.status", wire.account(2)), ("account.balance", wire.balance())):
        same(name, wanted, (await ex.fetch_balance_ws({"method": name}))["info"])
    rows = await ex.fetch_positions_ws([BTC])
    same("account.position", [wire.risk(0, 2)], [row["info"] for row in rows])
    with pytest.raises(Exception, match="-2019"):
        await ex.create_order_ws(BTC, "market", "buy", 9)


def test_calls_over_the_socket_are_answered_alike(tmp_path: Path) -> None:
    sheet = played(tmp_path / "state", of_calls)
    assert len(sheet.reached[CLIENT]) == 9
    assert len(sheet.distinct()) >= 150
