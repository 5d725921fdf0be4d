"""ccxt.pro watches the exchange: markets, books that stay in step, orders, balances, positions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from decimal import Decimal
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[exchange] is not installed")
pytest.importorskip("ccxt")

from lotwise.exchange.market import MarketChoice
from lotwise.exchange.venue import Venue
from tests.exchange.served import KEY, SYMBOL, Server, config

HOUR_NS = 3_600 * 10**9
LONGEST_S = 30


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("exchange") / "state")
    found.account()
    yield found
    assert found.stop() == 0


def played(port: int, story: Callable[[Any], Coroutine[Any, Any, None]]) -> None:
    """Run a story with a real ccxt.pro client."""
    import ccxt.pro

    async def whole() -> None:
        ex = ccxt.pro.binanceusdm(config(port))
        ex.aiohttp_trust_env = False
        try:
            await ex.load_markets()
            await asyncio.wait_for(story(ex), LONGEST_S)
        finally:
            await ex.close()

    asyncio.run(whole())


async def stepped(server: Server, events: int) -> Any:
    """Play the market on without standing in the way of the sockets."""
    return await asyncio.to_thread(server.step, events)


async def awaited(ex: Any, *names: str) -> None:
    """Wait until these are watched on the private socket."""
    while True:
        private = [line for url, line in ex.clients.items() if "private" in url and line.connected.done()]
        watched = [name for line in private for name in line.futures]
        if all(any(name in one for one in watched) for name in names):
            return
        await asyncio.sleep(0.01)


def position_of(balance: Any) -> str:
    """The position that the balance's event tells."""
    return str(balance["info"]["a"]["P"][0]["pa"])


async def seen(watch: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
    """Watch until it is so; ccxt keeps what came while nobody watched."""
    while not good(value := await watch()):
        pass
    return value


async def until(server: Server, task: asyncio.Task[Any], events: int = 200) -> Any:
    """Play on until something is watched."""
    while not task.done():
        await stepped(server, events)
        await asyncio.wait([task], timeout=0.02)
    return task.result()


def test_markets_are_watched(server: Server) -> None:
    seen: dict[str, Any] = {}

    async def story(ex: Any) -> None:
        watched = {
            "trades": lambda: ex.watch_trades(SYMBOL),
            "ticker": lambda: ex.watch_ticker(SYMBOL),
            "bids": lambda: ex.watch_bids_asks([SYMBOL]),
            "mark": lambda: ex.watch_mark_price(SYMBOL),
            "bars": lambda: ex.watch_ohlcv(SYMBOL, "1m"),
        }
        for name, watch in watched.items():
            seen[name] = await until(server, asyncio.ensure_future(watch()))

    played(server.port, story)
    assert seen["trades"][-1]["amount"] > 0
    assert seen["trades"][-1]["symbol"] == SYMBOL
    assert seen["ticker"]["last"] > 0
    assert seen["bids"][SYMBOL]["bid"] < seen["bids"][SYMBOL]["ask"]
    assert seen["mark"]["markPrice"] > 0
    assert len(seen["bars"][-1]) == 6


def test_a_watched_book_is_the_book_level_by_level(server: Server) -> None:
    books: list[Any] = []

    async def story(ex: Any) -> None:
        first = asyncio.ensure_future(ex.watch_order_book(SYMBOL, 100))
        await until(server, first, events=20)
        for _ in range(30):
            task = asyncio.ensure_future(ex.watch_order_book(SYMBOL, 100))
            await until(server, task, events=40)
        told = await ex.fapiPublicGetDepth({"symbol": "BTCUSDT", "limit": 100})
        while ex.orderbooks[SYMBOL]["nonce"] < told["lastUpdateId"]:
            await ex.watch_order_book(SYMBOL, 100)
        books.append((ex.orderbooks[SYMBOL], told))

    played(server.port, story)
    watched, told = books[0]
    assert watched["nonce"] == int(told["lastUpdateId"])
    for side in ("bids", "asks"):
        assert len(told[side]) == 100
        assert [row[:2] for row in watched[side]][:100] == [[float(p), float(q)] for p, q in told[side]]


def test_orders_balances_and_positions_are_watched(server: Server) -> None:
    found: dict[str, Any] = {}

    async def story(ex: Any) -> None:
        found["snapshot"] = await ex.watch_positions([SYMBOL])  # the first answer is what REST says
        orders = asyncio.ensure_future(ex.watch_orders(SYMBOL))
        await awaited(ex, "orders")
        made = await ex.create_order(SYMBOL, "market", "buy", 0.003)
        await orders
        while ex.orders[-1]["status"] != "closed":
            await asyncio.sleep(0.01)
        found["order"], found["made"] = ex.orders[-1], made
        of_both = asyncio.ensure_future(seen(ex.watch_balance, lambda told: position_of(told) == "0.005"))
        await awaited(ex, "balance")
        await ex.create_order(SYMBOL, "market", "buy", 0.002)
        found["trades"] = await seen(
            lambda: ex.watch_my_trades(SYMBOL), lambda rows: rows[-1]["amount"] == 0.002
        )
        found["positions"] = await seen(
            lambda: ex.watch_positions([SYMBOL]), lambda rows: rows[-1]["contracts"] == 0.005
        )
        found["total"] = Decimal(str((await of_both)["USDT"]["total"]))
        found["wallet"] = Decimal((await ex.fetch_balance())["info"]["totalWalletBalance"])
        await ex.create_order(SYMBOL, "market", "sell", 0.005, None, {"reduceOnly": True})

    played(server.port, story)
    assert found["order"]["id"] == found["made"]["id"]
    assert found["order"]["filled"] == 0.003
    assert found["trades"][-1]["amount"] == 0.002
    assert found["total"] == found["wallet"]
    assert found["snapshot"] == []
    assert found["positions"][-1]["contracts"] == 0.005


def test_the_life_of_a_stop_is_told_in_its_order(server: Server) -> None:
    """Placed, triggered, its order new, filled, the account, finished: as the specification says."""
    told: list[tuple[str, str]] = []

    async def story(ex: Any) -> None:
        import aiohttp

        await ex.create_order(SYMBOL, "market", "buy", 0.004)
        last = (await ex.fetch_ticker(SYMBOL))["last"]
        key = (await ex.fapiPrivatePostListenKey())["listenKey"]
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"http://127.0.0.1:{server.port}/private/ws?listenKey={key}") as socket,
        ):
            stop = {"stopLossPrice": round(last * 0.9995, 1), "reduceOnly": True}
            await ex.create_order(SYMBOL, "market", "sell", 0.004, None, stop)
            while not told or told[-1] != ("ALGO_UPDATE", "FINISHED"):
                while True:
                    try:
                        event = await socket.receive_json(timeout=0.02)
                    except TimeoutError:
                        break
                    of, why = event.get("o", {}), event.get("a", {}).get("m", "")
                    if why != "FUNDING_FEE":
                        told.append((event["e"], of.get("X", why)))
                await stepped(server, 500)
        assert (await ex.fetch_positions()) == []

    played(server.port, story)
    assert told == [
        ("ALGO_UPDATE", "NEW"),
        ("ALGO_UPDATE", "TRIGGERED"),
        ("ORDER_TRADE_UPDATE", "NEW"),
        ("TRADE_LITE", ""),
        ("ORDER_TRADE_UPDATE", "FILLED"),
        ("ACCOUNT_UPDATE", "ORDER"),
        ("ALGO_UPDATE", "FINISHED"),
    ]


def test_orders_go_over_the_websocket_api(server: Server) -> None:
    made: list[Any] = []

    async def story(ex: Any) -> None:
        last = (await ex.fetch_ticker(SYMBOL))["last"]
        order = await ex.create_order_ws(SYMBOL, "limit", "buy", 0.002, round(last * 0.98, 1))
        made.append(order)
        made.append(await ex.cancel_order_ws(order["id"], SYMBOL))
        made.append(await ex.fetch_balance_ws())

    played(server.port, story)
    assert (made[0]["status"], made[1]["status"]) == ("open", "canceled")
    assert made[2]["USDT"]["total"] > 0


@pytest.mark.parametrize("name", ["depth@100ms", "rpiDepth@500ms"])
def test_depth_changes_follow_each_other_and_make_the_book(name: str) -> None:
    """In process: every change names the one before it; together they are the book that is asked for."""
    import msgspec

    from lotwise.exchange.binance.hub import Hub, Session
    from lotwise.exchange.faults import Faults

    venue = Venue(MarketChoice(days=1, history_ns=HOUR_NS))
    hub = Hub(venue, Faults())
    session = Session(lambda: None)
    assert hub.admit(session)
    tape = venue.market.tapes[0]
    book = {side: dict(getattr(tape.ladder, side)) for side in ("bids", "asks")}
    before = tape.updates
    assert hub.subscribe(session, [f"btcusdt@{name}", "btcusdt@kline_1m", "no@thing"])
    changed = closed = 0
    for _ in range(200):
        venue.advance(venue.market.position + 37)
        while session.waiting:
            message = msgspec.json.decode(session.waiting.popleft())
            if message["e"] == "kline":
                closed += message["k"]["x"]
                continue
            assert (message["pu"], message["U"]) == (before, before + 1)
            before = message["u"]
            changed += 1
            for side, rows in (("bids", message["b"]), ("asks", message["a"])):
                for price, quantity in rows:
                    ticks, lots = int(Decimal(price) * 10), int(Decimal(quantity) * 1000)
                    if lots:
                        book[side][ticks] = lots
                    else:
                        del book[side][ticks]
    assert (book["bids"], book["asks"]) == (tape.ladder.bids, tape.ladder.asks)
    assert (changed > 150, closed > 30, KEY != "") == (True, True, True)
    for _ in range(10_000):
        session.send({"e": "x"})
    assert session.is_closed  # nobody reads: closed within the bound
