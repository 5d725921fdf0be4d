"""A live market behind the local exchange: a venue's public streams through ccxt.pro, written, then played.

Only public data is asked for, and no key is known here. What comes is put into the state's folder before the
exchange plays it, so that a restart finds the same past; what was missed is kept as a gap. Trades (aggTrade),
best bid and ask and marks make events; a funding is asked for once its time has passed, at the rate and mark
that the venue charged, and booked when it is known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from functools import partial
from os import environ
from pathlib import Path
from typing import Any, Final

from lotwise.app.public_line import PAUSES_S, Pause, connected, listen
from lotwise.app.recorder import Chain, Verdict
from lotwise.app.refresh import connect, exact_json
from lotwise.errors import InputError, LotwiseError, UnitError, VenueError
from lotwise.exchange.market import Market, MarketChoice, begun, is_begun
from lotwise.exchange.market_log import FeedGap
from lotwise.exchange.venue import Venue
from lotwise.kernel.state import FUNDING, INDEX, MARK, QUOTE, TRADE, EventRow
from lotwise.units import parse_rate, parse_scaled

VENUES: Final = ("binanceusdm",)
ROADS: Final = {"market": ("aggTrade", "markPrice@1s"), "public": ("bookTicker",)}
"""Which of Binance's sockets carries which streams."""
WRITE_S: Final = 0.05
"""How often what came is written and played."""
FUNDING_TRIES: Final = 5
MS: Final = 10**6


def prepared(choice: MarketChoice, folder: Path, environment: Mapping[str, str] = environ) -> None:
    """Begin a live market in a folder where it is not begun: ask for the contracts' last prices.

    Raises
    ------
    InputError
        EXCHANGE-102 a venue that cannot be followed.
    VenueError
        EXCHANGE-160 the venue does not answer, or not for this contract; VENUE-501 ccxt is missing.
    """
    from lotwise.contracts.catalogue import load

    if choice.venue not in VENUES:
        raise InputError("EXCHANGE-102", f"a live market of {choice.venue!r}", f"--venue {VENUES[0]}")
    if is_begun(folder, choice.contracts):
        return
    contracts = [load(f"binance:{symbol}") for symbol in choice.contracts]
    exchange = connect("binance", "", "", environment)
    import ccxt

    ticks = []
    for contract in contracts:
        try:
            told = exchange.fapiPublicGetTickerPrice({"symbol": contract.symbol})
            price8 = parse_scaled(told["price"], "price")
        except (ccxt.BaseError, KeyError, TypeError, UnitError) as error:
            words = " ".join(f"{type(error).__name__} {error}".split())[:160]
            raise VenueError(
                "EXCHANGE-160",
                f"{choice.venue} does not tell the price of {contract.symbol}: {words}",
                "check the network and how the contract is spelled",
            ) from error
        ticks.append(price8 // contract.scales.tick_size8)
    begun(folder, contracts, ticks)


class Feed:
    """Messages of the venue as events of the market, in an order of time that never goes back."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.events: list[EventRow] = []
        self.gaps: list[FeedGap] = []
        self.odd = 0
        """Messages that make no sense; they are not played."""
        self.beyond: LotwiseError | None = None
        """A price that the arithmetic is not proved for."""
        self._last_ns = max(market.now_ns, market.log.last_ns)
        self._chains: dict[tuple[str, int], Chain] = {}
        self._heard_ns: dict[tuple[str, int], int] = {}
        self._cut: set[tuple[str, int]] = set()
        self.funding_ms: dict[int, int] = {}
        """When each contract's next funding is."""
        self._owed_ms: dict[int, int] = {}
        """Fundings whose time has passed and that are not known yet: asked for again after a restart."""
        for c, contract in enumerate(market.contracts):
            if at := market.log.about(f"funding {contract.symbol}"):
                self.funding_ms[c] = int(at)
            if last := market.log.about(f"trade {contract.symbol}"):
                self._chain("aggTrade", c).judge(None, int(last))
            if market.log.count:
                for kind in ("aggTrade", "bookTicker", "markPriceUpdate"):
                    self._cut.add((kind, c))
                    self._heard_ns[kind, c] = market.log.last_ns

    def _chain(self, kind: str, c: int) -> Chain:
        return self._chains.setdefault((kind, c), Chain())

    def cut(self, kinds: tuple[str, ...]) -> None:
        """A line broke: what its streams told until they are heard again is missing."""
        for kind, c in self._heard_ns:
            if any(kind.startswith(stream.partition("@")[0]) for stream in kinds):
                self._cut.add((kind, c))

    def take(self, message: Mapping[str, Any]) -> tuple[int, int] | None:
        """One message; the contract and the time of a funding whose time has passed with it."""
        try:
            kind, c = message["e"], self.market.names[message["s"]]
            if kind == "aggTrade":
                self._trade(message, c)
            elif kind == "bookTicker":
                self._quote(message, c)
            elif kind == "markPriceUpdate":
                return self._mark(message, c)
        except (KeyError, ValueError, TypeError, AttributeError, UnitError):
            self.odd += 1
        return None

    def _put(self, kind: str, event: EventRow, at_ms: Any, missing: int = 0) -> None:
        """Queue an event, and what was missed before it."""
        at_ns, c = int(at_ms) * MS, event.contract
        self._last_ns = event.time_ns = max(self._last_ns, at_ns)
        was_cut = (kind, c) in self._cut
        if missing > 0 or (was_cut and kind != "aggTrade"):
            since = self._heard_ns.get((kind, c), at_ns)
            reason = "connection" if was_cut else "sequence"
            self.gaps.append(FeedGap(c, kind, reason, since, max(since, at_ns), missing))
        self._cut.discard((kind, c))
        self._heard_ns[kind, c] = at_ns
        self.events.append(event)

    def _ticks(self, text: str, c: int, rounding: int = 0) -> int:
        """A price in ticks: nearest, or down (-1) or up (1)."""
        size8 = self.market.contracts[c].scales.tick_size8
        price8 = parse_scaled(text, "price")
        ticks = (price8 + (size8 // 2, size8 - 1, 0)[rounding]) // size8
        if ticks <= 0:
            raise ValueError("no price")
        if ticks > self.market.bounds_ticks[c]:
            self.beyond = LotwiseError(
                "EXCHANGE-163",
                f"{self.market.contracts[c].symbol} is at {text}: {ticks:,} ticks, the arithmetic of this"
                f" state is proved up to {self.market.bounds_ticks[c]:,}",
                "begin another state with --state",
            )
            raise ValueError("beyond")
        return ticks

    def _lots(self, text: str, c: int) -> int:
        return parse_scaled(text, "quantity") // self.market.contracts[c].scales.lot_size8

    def _trade(self, told: Mapping[str, Any], c: int) -> None:
        event = EventRow(kind=TRADE, contract=c)
        event.price_ticks, event.lots = self._ticks(told["p"], c), self._lots(told["q"], c)
        number, chain = int(told["a"]), self._chain("aggTrade", c)
        before = chain.last
        verdict = chain.judge(number - 1, number)
        if verdict in (Verdict.AGAIN, Verdict.LATE):
            return
        self._put("aggTrade", event, told["T"], number - before - 1 if verdict is Verdict.GAP else 0)

    def _quote(self, told: Mapping[str, Any], c: int) -> None:
        event = EventRow(kind=QUOTE, contract=c)
        event.bid_ticks, event.ask_ticks = self._ticks(told["b"], c, -1), self._ticks(told["a"], c, 1)
        event.bid_lots, event.ask_lots = self._lots(told["B"], c), self._lots(told["A"], c)
        if event.bid_ticks >= event.ask_ticks:
            raise ValueError("crossed")
        if self._chain("bookTicker", c).judge(None, int(told["u"])) not in (Verdict.AGAIN, Verdict.LATE):
            self._put("bookTicker", event, told["T"])

    def _mark(self, told: Mapping[str, Any], c: int) -> tuple[int, int] | None:
        mark, index = parse_scaled(told["p"], "mark"), parse_scaled(told["i"], "index")
        next_ms = int(told["T"])
        if mark <= 0 or index <= 0:
            raise ValueError("no price")
        self._put("markPriceUpdate", EventRow(kind=MARK, contract=c, price8=mark), told["E"])
        self._put("markPriceUpdate", EventRow(kind=INDEX, contract=c, price8=index), told["E"])
        known = self.funding_ms.get(c, next_ms)
        self.funding_ms[c] = max(known, next_ms)
        if next_ms <= known:
            return None
        self._owed_ms.setdefault(c, known)
        return c, known

    def funded(self, c: int, rows: list[Mapping[str, Any]]) -> None:
        """Fundings that the venue charged, oldest first."""
        for row in rows:
            event = EventRow(kind=FUNDING, contract=c, rate8=int(parse_rate(row["fundingRate"], "rate")))
            event.price8 = parse_scaled(row["markPrice"], "mark") if row.get("markPrice") else 0
            self._put("funding", event, row["fundingTime"])
        self._owed_ms.pop(c, None)

    def missed(self, c: int, at_ms: int) -> None:
        """A funding that the venue did not tell of."""
        self._owed_ms.pop(c, None)
        self.gaps.append(FeedGap(c, "funding", "connection", at_ms * MS, max(at_ms * MS, self._last_ns), 1))

    def write(self) -> None:
        """What came is on the disk when this returns."""
        events, gaps = self.events, self.gaps
        self.events, self.gaps = [], []
        about = {}
        for c, contract in enumerate(self.market.contracts):
            if c in self.funding_ms:
                about[f"funding {contract.symbol}"] = str(self._owed_ms.get(c, self.funding_ms[c]))
            if (last := self._chain("aggTrade", c).last) >= 0:
                about[f"trade {contract.symbol}"] = str(last)
        self.market.log.append(events, gaps, about)


class Follower:
    """Keeps the sockets open and hands what they tell to the feed."""

    def __init__(self, venue: Venue, environment: Mapping[str, str], pause: Pause) -> None:
        self.venue, self.pause = venue, pause
        self.feed = Feed(venue.market)
        self.exchange = connected(environment)
        self.failed: LotwiseError | None = None
        self._asking: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Follow until cancelled, or until the venue refuses or a price is beyond the bound."""
        tasks = [asyncio.create_task(self._line(road, number)) for number, road in enumerate(sorted(ROADS))]
        try:
            while True:
                await asyncio.sleep(WRITE_S)
                self._play()
                for task in tasks:
                    if task.done():
                        task.result()  # a task ends by an error only
        finally:
            for one in (*tasks, *self._asking):
                one.cancel()
            await asyncio.gather(*tasks, *self._asking, return_exceptions=True)
            await self.exchange.close()

    def _play(self) -> None:
        """Write what came, then play it."""
        if self.failed or self.feed.beyond:
            raise self.failed or self.feed.beyond or AssertionError
        if self.feed.events or self.feed.gaps:
            self.feed.write()
        market = self.venue.market
        if market.position < len(market):
            self.venue.advance(len(market))

    def _line(self, road: str, number: int) -> Coroutine[Any, Any, None]:
        """One socket, kept open."""
        symbols = [contract.symbol.lower() for contract in self.venue.market.contracts]
        streams = [f"{symbol}@{stream}" for symbol in symbols for stream in ROADS[road]]
        cut = partial(self.feed.cut, ROADS[road])
        return listen(self.exchange, (road, number), streams, self._heard, cut=cut, pause=self.pause)

    def _heard(self, client: Any, text: str | bytes) -> None:
        """A message as the venue wrote it; nothing may be raised here, ccxt would stop listening."""
        try:
            message = exact_json(text.decode() if isinstance(text, bytes) else text)
            if message.get("error") is not None:
                words = str(message["error"])[:200]
                self.failed = VenueError("EXCHANGE-162", f"the venue refuses to be listened to: {words}", "")
            elif "id" in message and "e" not in message:
                client.resolve(True, "ready")
            elif (due := self.feed.take(message)) is not None:
                task = asyncio.ensure_future(self._fund(*due))
                self._asking.add(task)
                task.add_done_callback(self._asking.discard)
        except (ValueError, AttributeError, TypeError):
            self.feed.odd += 1

    async def _fund(self, c: int, at_ms: int) -> None:
        """Ask for what was charged at a time that has passed, and after it."""
        import ccxt

        symbol = self.venue.market.contracts[c].symbol
        for seconds in PAUSES_S[:FUNDING_TRIES]:
            try:
                rows = await self.exchange.fapiPublicGetFundingRate({"symbol": symbol, "startTime": at_ms})
                if rows:
                    self.feed.funded(c, rows)
                    return
            except (ccxt.BaseError, KeyError, ValueError, TypeError, UnitError):
                self.feed.odd += 1
            await self.pause(seconds)
        self.feed.missed(c, at_ms)


async def follow(
    venue: Venue, environment: Mapping[str, str] = environ, pause: Pause = asyncio.sleep
) -> None:
    """Feed a venue whose market is live, until cancelled.

    Raises
    ------
    VenueError
        EXCHANGE-162 the venue refuses to be listened to.
    LotwiseError
        EXCHANGE-163 a price beyond what the state's arithmetic is proved for.
    """
    await Follower(venue, environment, pause).run()
