"""The market as the desk shows it: book, last price, mark and forming bars, heard from an exchange's streams.

Numbers become ticks and lots here, once. The feed lives in an event loop; the session's thread only reads the
newest record of a contract, which is never changed after it was made.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final

import msgspec

from lotwise.clock import Clock
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError
from lotwise.records.live import VenueMarket
from lotwise.units import Price8, Ticks, parse_scaled, shown

INTERVALS: Final = ("1m", "5m", "15m", "1h", "4h")
MS: Final = 10**6
LEVELS: Final = 20
STALE_NS: Final = 5_000 * MS
"""Without a word of the feed for so long it is stale; a line that is down is stale at once. The mark price
comes every second (Binance USD-M, "Mark Price Stream"), in a made-up market where time goes on."""
PAUSES_S: Final = (0.2, 0.5, 1, 2, 5)
"""Before a broken stream is begun again; the last for all further times."""
Level = tuple[int, int]
Forming = tuple[int, int, int, int, int, int]
"""Opening in ms, open, high, low, close in ticks, volume in lots."""


@dataclass(frozen=True)
class Seen:
    """A contract's market as last heard."""

    last_ticks: int = 0
    bid_ticks: int = 0
    ask_ticks: int = 0
    mark8: int = 0
    funding8: int = 0
    funding_ms: int = 0
    market_ms: int = 0
    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()
    bars: Mapping[str, Forming] = field(default_factory=dict)
    heard_ns: int = 0
    """By our clock."""


class Feed:
    """Hears the streams of an exchange that speaks Binance USD-M's protocol.

    Parameters
    ----------
    address
        ``ws://127.0.0.1:8610``.
    """

    def __init__(self, contracts: Sequence[Contract], address: str, clock: Clock) -> None:
        self.contracts = {contract.id: contract for contract in contracts}
        self.address, self.clock = address, clock
        self.seen: dict[str, Seen] = {contract.id: Seen() for contract in contracts}
        self.changed: list[Callable[[str], None]] = []
        """Told the contract after each change, in the feed's loop."""
        self.breaks = 0
        self.is_up = False
        """Whether the line stands."""
        self._symbols = {contract.symbol: contract.id for contract in contracts}
        self._watched: set[tuple[str, str]] = set()
        self._wishes: asyncio.Queue[str] = asyncio.Queue()

    def names(self) -> list[str]:
        """The streams that are listened to."""
        plain = [
            f"{symbol.lower()}@{stream}"
            for symbol in self._symbols
            for stream in (f"depth{LEVELS}@100ms", "markPrice@1s", "kline_1m")
        ]
        return plain + [
            f"{self.contracts[contract].symbol.lower()}@kline_{interval}"
            for contract, interval in sorted(self._watched)
            if interval != "1m"
        ]

    def watch(self, contract_id: str, interval: str) -> None:
        """Hear the forming bars of an interval too.

        Raises
        ------
        InputError
            WEB-111 a contract or an interval that the desk does not have.
        """
        check_series(self.contracts, contract_id, interval)
        if (contract_id, interval) not in self._watched:
            self._watched.add((contract_id, interval))
            self._wishes.put_nowait(f"{self.contracts[contract_id].symbol.lower()}@kline_{interval}")

    def age_ns(self, contract_id: str) -> int:
        """How long ago the feed was last heard of it."""
        heard = self.seen[contract_id].heard_ns
        return max(0, self.clock.now_ns() - heard) if heard else 2**62

    def is_stale(self, contract_id: str) -> bool:
        """Whether what is shown may be old."""
        return not self.is_up or self.age_ns(contract_id) > STALE_NS

    def top(self, contract_id: str) -> VenueMarket | None:
        """The top as the session takes it; None before all of it was heard."""
        seen = self.seen[contract_id]
        if not (seen.last_ticks and seen.bid_ticks and seen.ask_ticks):
            return None
        return VenueMarket(
            contract_id=contract_id,
            bid_ticks=Ticks(seen.bid_ticks),
            ask_ticks=Ticks(seen.ask_ticks),
            last_ticks=Ticks(seen.last_ticks),
            mark_price8=Price8(seen.mark8),
            time_ns=seen.market_ms * MS,
            funding8=seen.funding8,
            funding_ns=seen.funding_ms * MS,
        )

    def prime(self, top: VenueMarket) -> None:
        """A top that was asked for, while the streams have not told all of it."""
        seen = self.seen[top.contract_id]
        self.seen[top.contract_id] = _with(
            seen,
            {
                "last_ticks": seen.last_ticks or int(top.last_ticks),
                "bid_ticks": seen.bid_ticks or int(top.bid_ticks),
                "ask_ticks": seen.ask_ticks or int(top.ask_ticks),
                "mark8": seen.mark8 or int(top.mark_price8),
                "market_ms": max(seen.market_ms, top.time_ns // MS),
                "heard_ns": int(self.clock.now_ns()),
            },
        )

    async def run(self) -> None:
        """Listen until cancelled; a line that breaks is begun again."""
        from websockets.asyncio.client import connect

        pause = 0
        while True:
            try:
                async with connect(
                    f"{self.address}/ws", open_timeout=5, max_queue=64, compression=None, proxy=None
                ) as line:
                    await self._ask(line, self.names())
                    self.is_up = True
                    asking = asyncio.ensure_future(self._wished(line))
                    try:
                        async for message in line:
                            self.take(msgspec.json.decode(message))
                            pause = 0
                    finally:
                        self.is_up = False
                        asking.cancel()
            except Exception:  # a line breaks in any way there is, and is begun again
                self.breaks += 1
            await asyncio.sleep(PAUSES_S[min(pause, len(PAUSES_S) - 1)])
            pause += 1

    async def _wished(self, line: Any) -> None:
        while True:
            await self._ask(line, [await self._wishes.get()])

    async def _ask(self, line: Any, names: Sequence[str]) -> None:
        asked = {"method": "SUBSCRIBE", "params": list(names), "id": 1}
        await line.send(msgspec.json.encode(asked).decode())

    def take(self, message: Any) -> None:
        """One message of a stream; one of another kind says nothing."""
        told = message if isinstance(message, dict) else {}
        contract_id = self._symbols.get(told.get("s", ""))
        readers = {"depthUpdate": _book, "markPriceUpdate": _mark, "kline": _kline}
        reader = readers.get(told.get("e", ""))
        if contract_id is None or reader is None:
            return
        before = self.seen[contract_id]
        changes = reader(self.contracts[contract_id], before, told)
        now = int(self.clock.now_ns())
        market_ms = max(before.market_ms, int(told.get("E", 0)))
        self.seen[contract_id] = _with(before, changes | {"heard_ns": now, "market_ms": market_ms})
        for one in self.changed:
            one(contract_id)


def check_series(contracts: Mapping[str, Contract], contract_id: str, interval: str) -> None:
    """Refuse what the desk does not show.

    Raises
    ------
    InputError
        WEB-111.
    """
    if contract_id not in contracts:
        raise InputError(
            "WEB-111", f"the desk does not show {shown(contract_id)}", f"one of {', '.join(contracts)}"
        )
    if interval not in INTERVALS:
        raise InputError("WEB-111", f"no bars of {shown(interval)}", f"one of {', '.join(INTERVALS)}")


def _with(seen: Seen, changes: Mapping[str, Any]) -> Seen:
    return replace(seen, **changes)


@lru_cache(maxsize=8_192, typed=True)
def _scaled(text: str, what: str) -> int:
    """A text in units of 1e-8: a book comes ten times a second, and most of its levels are those before."""
    return parse_scaled(text, what)


def _ticks(contract: Contract, text: str) -> int:
    """A price of the stream in ticks; one between two ticks is cut."""
    return _scaled(text, "price") // contract.scales.tick_size8


def _lots(contract: Contract, text: str) -> int:
    return _scaled(text, "quantity") // contract.scales.lot_size8


def _book(contract: Contract, seen: Seen, told: Mapping[str, Any]) -> dict[str, Any]:
    bids = tuple((_ticks(contract, row[0]), _lots(contract, row[1])) for row in told["b"][:LEVELS])
    asks = tuple((_ticks(contract, row[0]), _lots(contract, row[1])) for row in told["a"][:LEVELS])
    found: dict[str, Any] = {"bids": bids, "asks": asks}
    if bids:
        found["bid_ticks"] = bids[0][0]
    if asks:
        found["ask_ticks"] = asks[0][0]
    return found


def _mark(contract: Contract, seen: Seen, told: Mapping[str, Any]) -> dict[str, Any]:
    rate = str(told.get("r") or "0")
    return {
        "mark8": parse_scaled(told["p"], "mark"),
        "funding8": parse_scaled(rate, "funding rate") if re.fullmatch(r"-?[0-9.]+", rate) else 0,
        "funding_ms": int(told.get("T") or 0),
    }


def _kline(contract: Contract, seen: Seen, told: Mapping[str, Any]) -> dict[str, Any]:
    bar = told["k"]
    prices = [_ticks(contract, bar[name]) for name in "ohlc"]
    forming: Forming = (int(bar["t"]), prices[0], prices[1], prices[2], prices[3], _lots(contract, bar["v"]))
    return {"bars": {**seen.bars, bar["i"]: forming}, "last_ticks": prices[3]}
