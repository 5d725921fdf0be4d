"""A venue on 127.0.0.1: the few public calls and streams of Binance USD-M (and Bybit's lists) that ccxt uses.

What it holds is told by formulas, so a test knows every row; faults are served on purpose and counted.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

MINUTE_MS = 60_000
START_MS = 1_746_316_800_000
"""2025-05-04 00:00 UTC."""
TRADE_EVERY_MS = 1_700
FIRST_TRADE = 900_001
Row = dict[str, Any]


@dataclass
class Market:
    """What the venue holds of its one contract."""

    symbol: str = "BTCUSDT"
    now_ms: int = START_MS + 3 * 1440 * MINUTE_MS + 30_500
    begins_ms: int = START_MS
    holes: set[int] = field(default_factory=set)
    """Minutes without a bar."""
    payments: dict[int, str] = field(default_factory=dict)
    """Funding: stamp to rate."""

    def bar(self, at_ms: int, span_ms: int) -> list[Any]:
        """A bar as the venue writes it: text where a fraction is, numbers where none is."""
        n = at_ms // MINUTE_MS % 100_000
        price = 930_000 + n * 7 % 5_000
        tail = f"{n % 97:02d}"
        return [
            at_ms,
            f"{price // 10}.{price % 10}0",
            f"{(price + 9) // 10}.{(price + 9) % 10}0",
            f"{(price - 8) // 10}.{(price - 8) % 10}0",
            f"{(price + n % 9) // 10}.{(price + n % 9) % 10}0",
            f"{1 + n % 500}.{n % 1000:03d}",
            at_ms + span_ms - 1,
            f"{9_007_199_254 + n}.{n % 1000:03d}{tail}71",
            n % 300,
            f"{n % 400}.{n % 1000:03d}",
            "0",
            "0",
        ]

    def bars(self, start_ms: int, end_ms: int, span_ms: int) -> Iterator[list[Any]]:
        """Those that have begun, the unfinished one with them, as real venues do."""
        at = -(-max(start_ms, self.begins_ms) // span_ms) * span_ms
        while at <= min(end_ms, self.now_ms):
            if at not in self.holes:
                yield self.bar(at, span_ms)
            at += span_ms

    def trade(self, number: int) -> Row:
        """An aggregated trade; ids have no holes."""
        n = number - FIRST_TRADE
        return {
            "a": number,
            "p": f"{93_000 + n % 400}.{n % 10}0",
            "q": f"0.{1 + n % 999:03d}",
            "f": number * 3,
            "l": number * 3 + 1,
            "T": self.begins_ms + n * TRADE_EVERY_MS,
            "m": n % 3 == 0,
        }

    @property
    def last_trade(self) -> int:
        return FIRST_TRADE + (self.now_ms - self.begins_ms) // TRADE_EVERY_MS

    def first_trade_at(self, at_ms: int) -> int:
        return FIRST_TRADE + max(0, -(-(at_ms - self.begins_ms) // TRADE_EVERY_MS))

    def answer(self, path: str, given: dict[str, str]) -> Any:
        """What the venue answers to a call for rows; None where it has no such call."""
        limit = int(given.get("limit", 500))
        start, end = int(given.get("startTime", 0)), int(given.get("endTime", self.now_ms))
        match path:
            case "/fapi/v1/time":
                return {"serverTime": self.now_ms}
            case "/fapi/v1/klines" | "/fapi/v1/markPriceKlines":
                assert limit <= 1500
                rows = self.bars(start, end, SPANS_MS[given["interval"]])
                return [row for row, _ in zip(rows, range(limit), strict=False)]
            case "/fapi/v1/aggTrades":
                assert limit <= 1000
                first = int(given["fromId"]) if "fromId" in given else self.first_trade_at(start)
                return [self.trade(n) for n in range(first, min(first + limit, self.last_trade + 1))]
            case "/fapi/v1/fundingRate":
                stamps = [at for at in sorted(self.payments) if start <= at <= end][:limit]
                return [
                    {"symbol": self.symbol, "fundingTime": at, "fundingRate": self.payments[at]}
                    for at in stamps
                ]
            case "/v5/market/time":
                return {"retCode": 0, "result": {}, "time": self.now_ms}
        if path.startswith("/futures/data/"):
            return self._interest(path.rpartition("/")[2], start, end, limit)
        if path.startswith("/v5/market/"):
            return {"retCode": 0, "retMsg": "OK", "result": {"list": self._bybit(path, given)}}
        return None

    def _interest(self, name: str, start: int, end: int, limit: int) -> list[Any]:
        """The newest rows of a span, as far as the limit goes."""
        step = 5 * MINUTE_MS
        times = range(-(-max(start, self.begins_ms) // step) * step, min(end, self.now_ms) + 1, step)
        found = []
        for at in times[-limit:]:
            n = at // step % 1000
            if name == "openInterestHist":
                row = {
                    "sumOpenInterest": f"{80_000 + n}.{n:03d}",
                    "sumOpenInterestValue": f"{n % 90}12345678.12345678",
                }
            elif name == "takerlongshortRatio":
                row = {"buySellRatio": f"0.{n:03d}7", "buyVol": "1", "sellVol": "1"}
            else:
                row = {"longShortRatio": f"1.{n:03d}{len(name) % 10}"}
            if name != "globalLongShortAccountRatio" or n % 50:  # now and then a ratio is missing
                found.append({"symbol": self.symbol, **row, "timestamp": at})
        return found

    def _bybit(self, path: str, given: dict[str, str]) -> list[Any]:
        """Newest first, and the newest of the span."""
        start, end = int(given.get("start", 0)), int(given.get("end", self.now_ms))
        limit = int(given["limit"])
        if path.endswith("/kline"):
            rows = list(self.bars(start, end, int(given["interval"]) * MINUTE_MS))
            return [[str(row[0]), *row[1:6], row[7]] for row in rows[-limit:]][::-1]
        if path.endswith("/mark-price-kline"):
            rows = list(self.bars(start, end, int(given["interval"]) * MINUTE_MS))
            return [[str(row[0]), *row[1:5]] for row in rows[-limit:]][::-1]
        start, end = int(given["startTime"]), int(given["endTime"])
        if path.endswith("/open-interest"):
            rows = self._interest("openInterestHist", start, end, limit)[::-1]
            return [
                {"timestamp": str(row["timestamp"]), "openInterest": row["sumOpenInterest"]} for row in rows
            ]
        stamps = [at for at in sorted(self.payments) if start <= at <= end][-limit:][::-1]
        return [{"fundingRateTimestamp": str(at), "fundingRate": self.payments[at]} for at in stamps]


Item = tuple[str, Row | int]
"""What the tape does next: a stream and its message, or ``drop`` and how many messages are lost meanwhile."""


def quote_tape(symbol: str, start: int = 0) -> Iterator[Item]:
    """Trades, best prices and changes of the book, without end and without a fault."""
    number, previous = start, 1_000 + start * 10
    while True:
        at = START_MS + number * 50
        trade = {"e": "aggTrade", "E": at + 3, "s": symbol, "a": number + 1, "p": f"{93000 + number % 50}.10"}
        yield "aggTrade", {**trade, "q": "0.015", "f": number, "l": number, "T": at, "m": number % 2 == 0}
        change = previous + 4
        book = {"e": "bookTicker", "u": change, "s": symbol, "b": f"{92999 - number % 20}.90", "B": "1.250"}
        yield "bookTicker", {**book, "a": "93000.10", "A": f"0.{1 + number % 900:03d}", "T": at, "E": at + 1}
        bids = [[f"{92990 - number % 7}.00", f"{number % 5}.500"], ["92980.50", f"1.{number % 1000:03d}"]]
        asks = [[f"{93010 + number % 11}.30", f"{number % 3}.000"]]
        depth = {"e": "depthUpdate", "E": at + 2, "T": at, "s": symbol, "U": previous + 1, "u": previous + 10}
        yield "depth@100ms", {**depth, "pu": previous, "b": bids, "a": asks}
        previous += 10
        number += 1


class LoopbackVenue:
    """The server, in a thread of its own.

    ``fault`` is asked before each answer: 0 answers, -1 cuts the connection, else the status to answer with.
    """

    def __init__(self, market: Market | None = None) -> None:
        self.market = market or Market()
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.fault: Callable[[str, int], int] = lambda path, number: 0
        self.served: Counter[str] = Counter()
        self.connections: list[dict[str, list[Row]]] = []
        """What was sent over each run of the tape, by stream."""
        self.tape: Iterator[Item] = quote_tape(self.market.symbol)
        self.tape_sockets = 2
        """So many sockets must have subscribed before the tape runs."""
        self.every = 0
        """Messages between one turn of the loop and the next; 0: one at a time."""
        self.pause_s = 0.0005
        self.played = threading.Event()
        """The tape is at its end."""
        self._sockets: dict[str, tuple[web.WebSocketResponse, set[str]]] = {}
        self._player: asyncio.Task[None] | None = None
        self._book: dict[str, dict[str, str]] = {"bids": {}, "asks": {}}
        self._book_id, self._book_ms = 1_000, START_MS
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        assert self._ready.wait(30)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._runner.cleanup())
        self._loop.close()

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_get("/{kind:public|market}/ws/{number}", self._stream)
        app.router.add_get("/{path:.*}", self._rest)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)

    # -- REST --------------------------------------------------------------------------------------

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        path, given = request.path, dict(request.query)
        self.asked.append((path, given))
        status = self.fault(path, len(self.asked))
        if status:
            self.served[f"fault {status}"] += 1
            if status < 0:
                assert request.transport is not None
                request.transport.abort()
            return web.json_response({"code": -1001, "msg": "Internal error"}, status=max(status, 500))
        symbol = given.get("symbol", self.market.symbol)
        if symbol != self.market.symbol:
            return web.json_response({"code": -1121, "msg": "Invalid symbol."}, status=400)
        answer = self._answer(path, given)
        self.served[path] += 1
        return web.Response(text=json.dumps(answer), content_type="application/json")

    def _answer(self, path: str, given: dict[str, str]) -> Any:
        if path == "/fapi/v1/depth":
            sides = {side: list(map(list, levels.items())) for side, levels in self._book.items()}
            return {"lastUpdateId": self._book_id, "E": self._book_ms, "T": self._book_ms, **sides}
        answer = self.market.answer(path, given)
        if answer is None:
            raise web.HTTPNotFound
        return answer

    # -- streams -----------------------------------------------------------------------------------

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type != WSMsgType.TEXT:
                continue
            asked = json.loads(message.data)
            await socket.send_str(json.dumps({"result": None, "id": asked["id"]}))
            names = {name.partition("@")[2] for name in asked["params"]}
            self._sockets[request.match_info["kind"]] = (socket, names)
            if len(self._sockets) == self.tape_sockets and self._player is None:
                self.connections.append({})
                self._player = asyncio.create_task(self._play())
        return socket

    async def _play(self) -> None:
        """Run the tape until a socket is gone."""
        sent, count = self.connections[-1], 0
        try:
            for stream, what in self.tape:
                if stream == "drop":
                    await self._drop(what)
                    return
                assert isinstance(what, dict)
                self._apply(what)
                for socket, names in self._sockets.values():
                    if stream in names:
                        sent.setdefault(stream, []).append(what)
                        await socket.send_str(json.dumps(what))
                count += 1
                if not self.every or count % self.every == 0:
                    await asyncio.sleep(self.pause_s)
                if any(socket.closed for socket, _ in self._sockets.values()):
                    break
            else:
                self.played.set()
                return
            self._sockets.clear()
        except (ConnectionError, RuntimeError):
            self._sockets.clear()
        finally:
            self._player = None

    async def _drop(self, lost: Row | int) -> None:
        """Cut both sockets; what the tape plays before they are back is heard by nobody."""
        assert isinstance(lost, int)
        self.served["drop"] += 1
        for (_, what), _ in zip(self.tape, range(lost), strict=False):
            assert isinstance(what, dict)
            self._apply(what)
        sockets = [socket for socket, _ in self._sockets.values()]
        self._sockets.clear()
        for socket in sockets:
            await socket.close()

    def _apply(self, message: Row) -> None:
        """Keep the book that a snapshot is of."""
        if message.get("e") == "depthUpdate" and message["u"] > self._book_id:
            self._book_id, self._book_ms = message["u"], message["T"]
            for side, levels in (("bids", message["b"]), ("asks", message["a"])):
                for price, quantity in levels:
                    self._book[side][price] = quantity
                    if not float(quantity):
                        del self._book[side][price]


SPANS_MS = {"1m": MINUTE_MS, "5m": 5 * MINUTE_MS, "1h": 60 * MINUTE_MS, "1d": 1440 * MINUTE_MS}
