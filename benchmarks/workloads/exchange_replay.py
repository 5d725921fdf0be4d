"""A recorded market of a million trades at full speed, to one client that reads three of its streams."""

from __future__ import annotations

import json
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks import venue_load
from benchmarks.draws import Draws
from benchmarks.workload import Figure, Outcome, Workload
from lotwise.exchange.market import MarketChoice, opened
from lotwise.kernel.state import TRADE
from lotwise.market.kinds import MARKS, QUOTES, TRADES, Scale, Table
from lotwise.market.store import Series, Store

SEED = 20_261_122
SMALL = 5_000
FIRST_NS = 1_736_121_600 * 10**9
PRICE = 950_000
STREAMS = ("btcusdt@aggTrade", "btcusdt@bookTicker", "btcusdt@markPrice@1s")
HISTORY_NS = 3_600 * 10**9
"""The server plays an hour before it is asked; in it the marks stand alone."""
PART = 1_000
"""Trades played at once."""
TRADED = b'"e":"aggTrade"'
QUOTE_EVERY = 4
"""Trades between two quotes."""
MINUTE_NS = 60 * 10**9


def put(store: Store, count: int) -> Any:
    """Seeded trades, 57 a second, a quote at every fourth, bars of the mark; the trades' times."""
    import polars as pl

    draws, scale = Draws(SEED, count), Scale(price=1, quantity=3)
    times = FIRST_NS + HISTORY_NS + np.cumsum(draws.whole(0, 35_000_000))
    prices = PRICE + np.cumsum(draws.whole(-2, 2))
    ids = np.arange(1, count + 1)
    rows = {
        "time_ns": times,
        "id": ids,
        "price": prices,
        "quantity": draws.magnitude(1, 10_000),
        "buyer_is_maker": draws.percent(50),
    }
    store.put(Series("binance", "BTCUSDT", TRADES), Table(TRADES, scale, pl.DataFrame(rows)))
    some = slice(0, count, QUOTE_EVERY)
    best = {
        "time_ns": times[some],
        "id": ids[some],
        "bid": prices[some] - 1,
        "bid_quantity": np.full(len(ids[some]), 500),
        "ask": prices[some] + 1,
        "ask_quantity": np.full(len(ids[some]), 700),
    }
    store.put(Series("binance", "BTCUSDT", QUOTES), Table(QUOTES, scale, pl.DataFrame(best)))
    minutes = np.arange(FIRST_NS, int(times[-1]), MINUTE_NS)
    at = prices[np.searchsorted(times, minutes)]  # until the first trade its price
    marks = {"time_ns": minutes, "open": at, "high": at + 9, "low": at - 9, "close": at + 3}
    store.put(Series("binance", "BTCUSDT", MARKS), Table(MARKS, scale, pl.DataFrame(marks)))
    return times


class Reader(threading.Thread):
    """One client: reads what it is sent, until the last trade."""

    def __init__(self, port: int, last: int) -> None:
        super().__init__(daemon=True)
        self.line = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.line.sendall(venue_load.upgrade(f"/stream?streams={'/'.join(STREAMS)}"))
        self.last = last
        self.bodies: list[bytes] = []
        self.counts = dict.fromkeys(STREAMS, 0)
        self.sums = [0, 0]
        self.ended = 0.0
        self.heard = 0
        self.moved = threading.Event()
        self.is_open = threading.Event()

    def run(self) -> None:
        """Read on."""
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.line.recv(65_536)
        left = head.partition(b"\r\n\r\n")[2]
        self.is_open.set()
        while self.heard < self.last:
            data = self.line.recv(1 << 20)
            if not data:
                break
            bodies, left = venue_load.split_frames(left + data)
            self.heard += sum(TRADED in body for body in bodies)
            self.bodies += bodies
            self.moved.set()
        self.ended = perf_counter() if self.heard >= self.last else 0.0
        self.line.close()

    def count(self) -> None:
        """Look at what came, when the time was taken."""
        for body in self.bodies:
            told = json.loads(body)
            self.counts[told["stream"]] += 1
            if told["stream"] == STREAMS[0]:
                self._take(told["data"])

    def _take(self, told: Any) -> None:
        """A trade: its sums say whether every one came, once."""
        self.sums[0] += int(told["p"].replace(".", "")) * (told["a"] % 997)
        self.sums[1] += int(told["q"].replace(".", ""))


def step_on(server: venue_load.Served, reader: Reader, times: Any) -> None:
    """Play to the end, never more than two parts ahead of the reader: who reads too slowly is closed."""
    for first in range(0, len(times), PART):
        until_ms = int(times[min(first + PART, len(times)) - 1]) // 10**6 + 1
        server.asked("POST", "/step", {"until_ms": until_ms})
        while reader.heard < first - PART and reader.is_alive():
            reader.moved.clear()
            reader.moved.wait(1)


def measure(count: int) -> Outcome:
    """From the first event to the last trade that the client has read."""
    with tempfile.TemporaryDirectory() as folder:
        times = put(Store(Path(folder)), count)
        options = ("--market", "store", "--store", folder, "--contracts", "BTCUSDT")
        with venue_load.serving(*options) as server:
            reader = Reader(server.port, count)
            reader.start()
            if not reader.is_open.wait(30):
                raise RuntimeError("the stream does not open")
            began = perf_counter()
            step_on(server, reader, times)
            reader.join(60)
    reader.count()
    if not reader.ended or not all(reader.counts.values()):
        raise RuntimeError(f"not every stream was heard to its end: {reader.counts}")
    return Outcome(
        figures={"replay": reader.ended - began}, results=[reader.counts[STREAMS[0]], *reader.sums]
    )


def answer(count: int) -> Iterator[int]:
    """The trades as the market has them, without a wire."""
    with tempfile.TemporaryDirectory() as folder:
        put(Store(Path(folder)), count)
        market = opened(MarketChoice(source="store", root=folder, contracts=("BTCUSDT",)))
        rows = [(event.price_ticks, event.lots) for event in market.play(4 * count) if event.kind == TRADE]
    yield len(rows)
    yield sum(price * (number % 997) for number, (price, _) in enumerate(rows, 1))
    yield sum(lots for _, lots in rows)


WORKLOAD = Workload(
    name="exchange_replay",
    about="a recorded market at full speed, one client on aggTrade, bookTicker and markPrice, loopback",
    figures=(Figure("replay", "s", 20),),
    measure=measure,
    bodies={"in process": answer},
    small=SMALL,
    full=1_000_000,
    processes=1,
)
