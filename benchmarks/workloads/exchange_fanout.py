"""Trades, best prices and changes of the book to many readers, as fast as the market can be stepped."""

from __future__ import annotations

import asyncio
import hashlib
from time import perf_counter
from typing import Any

from benchmarks import venue_load
from benchmarks.workload import Figure, Outcome, Workload

READERS = 20
SMALL = 2_000
STREAMS = ("btcusdt@aggTrade", "btcusdt@trade", "btcusdt@depth")


class Reader(asyncio.Protocol):
    """Reads a combined stream: how many messages there were, and one hash over them in order."""

    def __init__(self) -> None:
        self.data = b""
        self.is_open = asyncio.get_running_loop().create_future()
        self.count = 0
        self.hash = hashlib.sha256()
        self.last = 0.0

    def connection_made(self, transport: Any) -> None:
        transport.write(venue_load.upgrade(f"/stream?streams={'/'.join(STREAMS)}"))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.is_open.done():
            self.is_open.set_exception(RuntimeError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self.data += data
        if not self.is_open.done():
            _, end, self.data = self.data.partition(b"\r\n\r\n")
            if not end:
                return
            self.is_open.set_result(None)
        found, self.data = venue_load.split_frames(self.data)
        for body in found:
            self.hash.update(body)
        self.count += len(found)
        self.last = perf_counter()


async def read(server: venue_load.Served, events: int) -> tuple[list[Reader], float]:
    """Step the market with all readers listening; they, and the seconds until the last message."""
    loop = asyncio.get_running_loop()
    readers = [(await loop.create_connection(Reader, "127.0.0.1", server.port))[1] for _ in range(READERS)]
    await asyncio.gather(*(reader.is_open for reader in readers))
    begin = perf_counter()
    await asyncio.to_thread(server.asked, "POST", "/step", {"events": events})
    seen = -1
    while seen != (seen := sum(reader.count for reader in readers)):
        await asyncio.sleep(0.3)
    if len({(reader.count, reader.hash.hexdigest()) for reader in readers}) != 1:
        raise RuntimeError("readers of the same streams were told different things, or were dropped")
    return readers, max(reader.last for reader in readers) - begin


def measure(events: int) -> Outcome:
    """A small part first, with readers of its own; the last part is timed."""
    results: list[int] = []
    with venue_load.serving() as server:
        for size in [SMALL] + [events] * (events > SMALL):
            readers, seconds = asyncio.run(read(server, size))
            results += [readers[0].count, int(readers[0].hash.hexdigest()[:15], 16)]
    return Outcome(figures={"messages, all readers": readers[0].count * READERS / seconds}, results=results)


def told(events: int) -> list[int]:
    """The same messages from a hub in this process."""
    from lotwise.exchange.admin import CHUNK
    from lotwise.exchange.binance.hub import Hub, Session
    from lotwise.exchange.faults import Faults
    from lotwise.exchange.market import MarketChoice
    from lotwise.exchange.venue import Venue

    venue = Venue(MarketChoice(days=1, history_ns=3_600 * 10**9, start_ns=1_736_121_600 * 10**9))
    hub = Hub(venue, Faults())
    results: list[int] = []
    for size in [SMALL] + [events] * (events > SMALL):
        session = Session(lambda: None, combined=True)
        hub.admit(session)
        hub.subscribe(session, STREAMS)
        count, found, end = 0, hashlib.sha256(), venue.market.position + size
        while venue.market.position < end:
            venue.advance(min(end, venue.market.position + CHUNK))
            count += len(session.waiting)
            for body in session.waiting:
                found.update(body)
            session.waiting.clear()
        hub.leave(session)
        results += [count, int(found.hexdigest()[:15], 16)]
    return results


WORKLOAD = Workload(
    name="exchange_fanout",
    about=f"{', '.join(STREAMS)} to {READERS} readers on loopback, queues bounded",
    figures=(Figure("messages, all readers", "messages/s", 10_000),),
    measure=measure,
    bodies={"in process": told},
    small=SMALL,
    full=40_000,
    processes=3,
)
