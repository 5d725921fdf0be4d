"""Public streams: what a name means, and the messages that the market's last part makes of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lotwise.contracts.contract import Contract
from lotwise.exchange.binance import figures
from lotwise.exchange.binance.quotes import MINUTE_NS, MONDAY_NS, STEPS, day_shape, levels
from lotwise.exchange.book import NO_LADDER, Ladder, changes
from lotwise.exchange.market import Market
from lotwise.exchange.tape import Bar, Print, Tape

_NAME: Final = re.compile(
    r"(?P<symbol>[a-z0-9_]{2,30})@(?P<kind>aggTrade|trade|bookTicker|markPrice|miniTicker|ticker|forceOrder"
    r"|depth(?:5|10|20)?|rpiDepth|kline_\d{1,2}[mhdw])(?:@(?:1s|100ms|250ms|500ms))?"
)
_ALL: Final = re.compile(r"!(?P<kind>miniTicker|ticker|bookTicker|markPrice|forceOrder)(?:@arr)?(?:@1s)?")
Message = dict[str, Any] | list[dict[str, Any]]


@dataclass(frozen=True)
class Stream:
    """A stream's name, taken apart; contract -1: all."""

    name: str
    kind: str
    contract: int
    argument: str = ""


def stream_of(market: Market, name: str) -> Stream | None:
    """What a name means; None: nothing."""
    if found := _ALL.fullmatch(name):
        return Stream(name, found["kind"], -1)
    found = _NAME.fullmatch(name)
    number = market.names.get(found["symbol"].upper()) if found else None
    if found is None or number is None:
        return None
    kind, argument = found["kind"], ""
    if kind == "rpiDepth":  # nobody rests such orders here: with them the book is the same
        kind = "depth"
    for word in ("kline_", "depth"):
        if kind.startswith(word):
            kind, argument = word.rstrip("_"), kind.removeprefix(word)
    if kind == "kline" and argument not in STEPS:
        return None
    return Stream(name, kind, number, argument)


@dataclass
class Cursor:
    """How far a contract's market was told."""

    printed: int = 0
    updates: int = 0
    mark_ns: int = 0
    mark8: int = 0
    bar_ns: int = 0
    told_updates: int = 0
    """Of the book, as subscribers know it."""
    ladder: Ladder = field(default=NO_LADDER)
    was_told: bool = False


class Teller:
    """Makes the messages of each part of the market, once for all who listen."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.cursors = [self._now(tape) for tape in market.tapes]

    def _now(self, tape: Tape) -> Cursor:
        bar = tape.bars[-1].time_ns if tape.bars else 0
        return Cursor(tape.printed, tape.updates, tape.time_ns, tape.mark8, bar, tape.updates, tape.ladder)

    def messages(self, streams: Sequence[Stream]) -> Iterator[tuple[str, Message]]:
        """Stream names and messages since the last call; then it is told."""
        depths = {one.contract for one in streams if one.kind == "depth" and not one.argument}
        books = {number: self._depth(number) for number in depths}
        for stream in streams:
            numbers = range(len(self.market.tapes)) if stream.contract < 0 else (stream.contract,)
            if stream.kind == "depth" and not stream.argument:
                found = [message for message in (books[stream.contract],) if message]
            else:
                found = [message for number in numbers for message in self._of(stream, number)]
            if stream.contract < 0 and stream.kind != "bookTicker":
                if found:
                    yield stream.name, found
            else:
                for message in found:
                    yield stream.name, message
        for number, tape in enumerate(self.market.tapes):
            cursor = self.cursors[number]
            told, ladder = cursor.told_updates, cursor.ladder
            self.cursors[number] = now = Cursor(
                tape.printed,
                tape.updates,
                tape.time_ns,
                tape.mark8,
                tape.bars[-1].time_ns if tape.bars else 0,
            )
            now.told_updates, now.ladder = told, ladder

    def begin_depth(self, number: int) -> None:
        """A first subscriber of changes: they go on from the book as it is."""
        tape, cursor = self.market.tapes[number], self.cursors[number]
        cursor.told_updates, cursor.ladder = tape.updates, tape.ladder

    def _of(self, stream: Stream, number: int) -> list[dict[str, Any]]:
        tape, cursor, contract = (
            self.market.tapes[number],
            self.cursors[number],
            self.market.contracts[number],
        )
        if stream.kind in ("aggTrade", "trade"):
            shape = _aggregate if stream.kind == "aggTrade" else _trade
            return [shape(contract, one) for one in _new_prints(tape, cursor.printed)]
        if stream.kind == "bookTicker":
            return [_book(contract, tape)] if tape.updates > cursor.updates else []
        if stream.kind == "markPrice":
            moved = tape.mark8 != cursor.mark8 or tape.time_ns - cursor.mark_ns >= 10**9
            return [_mark(contract, tape)] if moved else []
        if stream.kind in ("miniTicker", "ticker"):
            shaped = _mini if stream.kind == "miniTicker" else _day
            return [shaped(contract, tape)] if tape.printed > cursor.printed else []
        if stream.kind == "depth":
            return [_partial(contract, tape, int(stream.argument))] if tape.updates > cursor.updates else []
        if stream.kind == "kline":
            return _klines(contract, tape, stream.argument, cursor)
        return []

    def _depth(self, number: int) -> dict[str, Any] | None:
        """Changes of the book; ``pu`` is the last ``u`` that was told."""
        tape, cursor, contract = (
            self.market.tapes[number],
            self.cursors[number],
            self.market.contracts[number],
        )
        if tape.updates == cursor.told_updates:
            return None
        new = tape.ladder
        bids, asks = changes(cursor.ladder.bids, new.bids), changes(cursor.ladder.asks, new.asks)
        message = {
            "e": "depthUpdate",
            "E": figures.ms(tape.time_ns),
            "T": figures.ms(tape.quote_ns),
            "s": contract.symbol,
            "U": cursor.told_updates + 1,
            "u": tape.updates,
            "pu": cursor.told_updates,
            "b": levels(contract, bids, len(bids)),
            "a": levels(contract, asks, len(asks)),
        }
        cursor.told_updates, cursor.ladder = tape.updates, new
        return message


def _new_prints(tape: Tape, told: int) -> list[Print]:
    count = min(tape.printed - told, len(tape.prints))
    return [tape.prints[len(tape.prints) - count + at] for at in range(count)]


def _aggregate(contract: Contract, one: Print) -> dict[str, Any]:
    lots, stamp = figures.quantity(contract, one.lots), figures.ms(one.time_ns)
    told = {"e": "aggTrade", "E": stamp, "s": contract.symbol, "a": one.id, "q": lots, "nq": lots}
    return {
        **told,
        "p": figures.price(contract, one.price_ticks),
        "f": one.id,
        "l": one.id,
        "T": stamp,
        "m": one.is_sell,
    }


def _trade(contract: Contract, one: Print) -> dict[str, Any]:
    stamp = figures.ms(one.time_ns)
    return {
        "e": "trade",
        "E": stamp,
        "T": stamp,
        "s": contract.symbol,
        "t": one.id,
        "p": figures.price(contract, one.price_ticks),
        "q": figures.quantity(contract, one.lots),
        "X": "MARKET",
        "m": one.is_sell,
    }


def _book(contract: Contract, tape: Tape) -> dict[str, Any]:
    bid, bid_lots, ask, ask_lots = tape.touch
    return {
        "e": "bookTicker",
        "u": tape.updates,
        "s": contract.symbol,
        "b": figures.price(contract, bid),
        "B": figures.quantity(contract, bid_lots),
        "a": figures.price(contract, ask),
        "A": figures.quantity(contract, ask_lots),
        "T": figures.ms(tape.quote_ns),
        "E": figures.ms(tape.time_ns),
    }


def _mark(contract: Contract, tape: Tape) -> dict[str, Any]:
    return {
        "e": "markPriceUpdate",
        "E": figures.ms(tape.time_ns),
        "s": contract.symbol,
        "p": figures.rate(tape.mark8),
        "ap": figures.rate(tape.mark8),
        "P": figures.rate(tape.index8 or tape.mark8),
        "i": figures.rate(tape.index8 or tape.mark8),
        "r": figures.rate(tape.fundings[-1].rate8 if tape.fundings else 0),
        "T": figures.ms(tape.next_funding_ns),
    }


def _mini(contract: Contract, tape: Tape) -> dict[str, Any]:
    day = day_shape(contract, tape)
    return {
        "e": "24hrMiniTicker",
        "E": figures.ms(tape.time_ns),
        "s": contract.symbol,
        "c": day["lastPrice"],
        "o": day["openPrice"],
        "h": day["highPrice"],
        "l": day["lowPrice"],
        "v": day["volume"],
        "q": day["quoteVolume"],
    }


def _day(contract: Contract, tape: Tape) -> dict[str, Any]:
    day = day_shape(contract, tape)
    return {
        **_mini(contract, tape),
        "e": "24hrTicker",
        "p": day["priceChange"],
        "P": day["priceChangePercent"],
        "w": day["weightedAvgPrice"],
        "Q": day["lastQty"],
        "O": day["openTime"],
        "C": day["closeTime"],
        "F": day["firstId"],
        "L": day["lastId"],
        "n": day["count"],
    }


def _partial(contract: Contract, tape: Tape, count: int) -> dict[str, Any]:
    """The best levels of the book, whole each time."""
    book = tape.ladder
    return {
        "e": "depthUpdate",
        "E": figures.ms(tape.time_ns),
        "T": figures.ms(tape.quote_ns),
        "s": contract.symbol,
        "U": tape.updates,
        "u": tape.updates,
        "pu": tape.updates - 1,
        "b": levels(contract, book.bids, count),
        "a": levels(contract, book.asks, count),
    }


def _klines(contract: Contract, tape: Tape, interval: str, cursor: Cursor) -> list[dict[str, Any]]:
    """The present bar, and before it those that ended since the last call."""
    if tape.printed == cursor.printed or not tape.bars:
        return []
    step_ns, offset = STEPS[interval] * MINUTE_NS, MONDAY_NS if interval == "1w" else 0
    since = (cursor.bar_ns - offset) // step_ns * step_ns + offset
    found: list[Bar] = []
    for bar in reversed(tape.bars):
        if bar.time_ns < since:
            break
        start = (bar.time_ns - offset) // step_ns * step_ns + offset
        joined = bar.copied(start)
        if found and found[-1].time_ns == start:
            joined.join(found[-1])
            found[-1] = joined
        else:
            found.append(joined)
    found.reverse()
    ends = [True] * (len(found) - 1) + [False]
    return [
        _kline(contract, tape, bar, interval, is_over=over) for bar, over in zip(found, ends, strict=True)
    ]


def _kline(contract: Contract, tape: Tape, bar: Bar, interval: str, *, is_over: bool) -> dict[str, Any]:
    return {
        "e": "kline",
        "E": figures.ms(tape.time_ns),
        "s": contract.symbol,
        "k": {
            "t": figures.ms(bar.time_ns),
            "T": figures.ms(bar.time_ns + STEPS[interval] * MINUTE_NS) - 1,
            "s": contract.symbol,
            "i": interval,
            "f": bar.first_id,
            "L": tape.printed,
            "o": figures.price(contract, bar.open),
            "c": figures.price(contract, bar.close),
            "h": figures.price(contract, bar.high),
            "l": figures.price(contract, bar.low),
            "v": figures.quantity(contract, bar.lots),
            "n": bar.count,
            "x": is_over,
            "q": figures.worth(contract, bar.ticks),
            "V": figures.quantity(contract, bar.taken_lots),
            "Q": figures.worth(contract, bar.taken_ticks),
            "B": "0",
        },
    }
