"""What a conformance card is played on: a venue's port, a market that goes on when told, a trader's own hand.

A card does the same on every bench, and what it returns must be the same records. Ids that a venue draws
are left out, and times are whole milliseconds; everything else is compared to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import msgspec

from lotwise.broker.kernel_account import Assumptions
from lotwise.broker.kernel_venue import KernelVenue
from lotwise.broker.venue import VenuePort
from lotwise.exchange import account as accounts
from lotwise.exchange.market import Market, MarketChoice, opened
from lotwise.exchange.venue import standing_events
from lotwise.kernel import state as k
from lotwise.records.journal import Fill, Income
from lotwise.records.live import OrderKind, OrderWanted, VenueOrder
from lotwise.units import Lots, Ticks
from tests.exchange.served import Server

HOUR_NS = 3_600 * 10**9
FUNDING_NS = 8 * HOUR_NS
BTC, ETH = "binance:BTCUSDT", "binance:ETHUSDT"
DEPOSIT = "10000"
CASH = 10**8
START = datetime(2025, 1, 6, tzinfo=UTC)
START_NS = 1_736_121_600 * 10**9
BEFORE_FUNDING_NS = START_NS + FUNDING_NS - 300 * 10**9
AFTER_FUNDING_NS = START_NS + FUNDING_NS + 120 * 10**9
THIN = Decimal("0.004")
"""What rests at the best prices: less than many a trade takes, so that orders fill in part."""
DRAWN = {"venue_id", "order_id", "reason", "income_id", "trade_id", "sequence", "source"}
"""What each venue draws or words itself."""


class Bench(Protocol):
    """One account, fresh and funded, and its market."""

    port: VenuePort

    def again(self) -> VenuePort:
        """Another port to the same account, as a session that starts again has."""

    def step(self, events: int) -> None:
        """The market goes on by so many events."""

    def trailing_by_hand(self, side: int, lots: int, callback8: int) -> None:
        """A reduce-only trailing stop of BTC, as a trader sets it in the venue's app."""

    def close_by_hand(self, side: int, trigger_ticks: int) -> None:
        """A stop of BTC for whatever is held."""


class InProcess:
    """The venue in a box in this process, on the exchange's market from where it stands."""

    def __init__(self, market: Market, is_compiled: bool = False) -> None:
        state = accounts.opened(1, "me", "", "", (market.rows, market.tiers)).state
        self.kernel = KernelVenue(market.contracts, state, is_compiled=is_compiled)
        self.port: VenuePort = self.kernel
        self.market, self.position = market, market.position
        for tape in market.tapes:
            for event in standing_events(tape, market.now_ns):
                self.kernel.feed(event)
        deposit = int(DEPOSIT) * CASH
        self.kernel.feed(k.EventRow(kind=k.TRANSFER, cash=deposit, time_ns=market.now_ns))

    def again(self) -> VenuePort:
        return self.kernel

    def step(self, events: int) -> None:
        """Played past the tapes: the market itself stays where it was, for the next card."""
        for event in self.market.source.events(self.position, self.position + events):
            self.kernel.feed(event)
            self.position += 1

    def trailing_by_hand(self, side: int, lots: int, callback8: int) -> None:
        event = k.EventRow(kind=k.PLACE, order_kind=k.TRAILING, side=side, lots=lots, callback8=callback8)
        event.reduce_only, event.time_ns = 1, self.kernel.now_ns()
        self.kernel.feed(event)

    def close_by_hand(self, side: int, trigger_ticks: int) -> None:
        event = k.EventRow(kind=k.PLACE, order_kind=k.STOP_MARKET, side=side, close_position=1)
        event.trigger_ticks, event.time_ns = trigger_ticks, self.kernel.now_ns()
        self.kernel.feed(event)


def thin_store(root: Path) -> None:
    """A store with a synthetic day of two contracts whose books are thin."""
    import polars as pl

    from lotwise.market import synthetic
    from lotwise.market.kinds import KINDS, Table
    from lotwise.market.store import Series, Store

    store, kinds = Store(root), ("trades", "quotes", "marks", "funding")
    made = synthetic.make("demo", 1, 7, ("BTCUSDT", "ETHUSDT"), kinds=kinds, detail=10, start=START)
    for symbol, one in made.made.items():
        for kind in kinds:
            table = one.tables[kind]
            if kind == "quotes":
                thin = int(THIN * 10**table.scale.quantity)
                columns = (pl.lit(thin, pl.Int64).alias(f"{side}_quantity") for side in ("bid", "ask"))
                table = Table(table.kind, table.scale, table.frame.with_columns(*columns))
            store.put(Series("binance", symbol, KINDS[kind]), table)


def market_at(root: Path, time_ns: int) -> Market:
    """The exchange's market over a store, played to a time."""
    choice = MarketChoice(
        source="store", contracts=("BTCUSDT", "ETHUSDT"), root=str(root), history_ns=HOUR_NS
    )
    market = opened(choice)
    play_to(market, market.position_at(time_ns))
    return market


def play_to(market: Market, position: int) -> None:
    """Play a market on; its tapes follow."""
    for _ in market.play(position):
        pass


def plain_venue(deposit_cash: int = 1_000 * CASH, assumed: Assumptions | None = None) -> KernelVenue:
    """A small account in BTC without a market yet."""
    from lotwise.contracts.catalogue import load
    from lotwise.units import Cash

    return KernelVenue.opened([load(BTC)], Cash(deposit_cash), assumed, highest_ticks=[4_000_000])


def told(record: Any) -> Any:
    """A record without what each venue draws itself."""
    if isinstance(record, (list, tuple)):
        return [told(one) for one in record]
    if not isinstance(record, msgspec.Struct):
        return record
    found = msgspec.structs.asdict(record)
    if isinstance(record, Fill):
        found["fee_coin"] = record.paid_in
    if isinstance(record, (Fill, Income, VenueOrder)):
        found["time_ns"] = record.time_ns // 10**6
    return {name: value for name, value in found.items() if name not in DRAWN}


def wanted(kind: OrderKind, side: int, lots: int, client_id: str, **more: Any) -> OrderWanted:
    """An order of BTC unless it says otherwise."""
    given: dict[str, Any] = {"contract_id": BTC, **more}
    for name in ("price_ticks", "trigger_ticks"):
        if name in given:
            given[name] = Ticks(given[name])
    return OrderWanted(client_id=client_id, kind=kind, side=side, lots=Lots(lots), **given)


def buy(bench: Bench, lots: int = 10, client_id: str = "entry") -> VenueOrder:
    """Bought at the market."""
    return bench.port.place(wanted("market", 1, lots, client_id))


def sell(bench: Bench, lots: int = 10, client_id: str = "entry") -> VenueOrder:
    """Sold at the market."""
    return bench.port.place(wanted("market", -1, lots, client_id))


def step_until(bench: Bench, is_so: Callable[[], bool], most: int = 4_000, chunk: int = 100) -> int:
    """Play the market on until something is so; how many events that took."""
    for played in range(0, most, chunk):
        if is_so():
            return played
        bench.step(chunk)
    assert is_so(), f"not so after {most} events"
    return most


def standing(bench: Bench, client_id: str, contract_id: str = BTC) -> VenueOrder:
    """An order that must be there, read back."""
    found = bench.port.order(contract_id, client_id)
    assert found is not None, client_id
    return found


def held(bench: Bench, contract_id: str = BTC) -> int:
    """Lots of the position."""
    return next((one.lots for one in bench.port.positions() if one.contract_id == contract_id), 0)


def last(bench: Bench, contract_id: str = BTC) -> int:
    """Last price in ticks."""
    return bench.port.market(contract_id).last_ticks


def whole(bench: Bench) -> list[Any]:
    """All that stands: orders, positions, money; venues list orders as they like."""
    orders = sorted(bench.port.orders(), key=lambda one: one.client_id)
    return [orders, list(bench.port.positions()), bench.port.balance("USDT")]


class OverTheWire:
    """The adapter of a real venue, through real ccxt, against a real process of the exchange."""

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        self._keys = {"key": name.ljust(64, "k"), "secret": name.ljust(64, "s")}
        server.asked("POST", "/account", {"name": name, "deposit": DEPOSIT, **self._keys})
        self.port = self.again()

    def again(self) -> VenuePort:
        from lotwise.broker.ccxt_venue.connect import connect
        from lotwise.broker.ccxt_venue.keys import Keys

        url = f"http://127.0.0.1:{self.server.port}"
        return connect("binance", "paper", url=url, keys=Keys(**self._keys), environment={})

    def step(self, events: int) -> None:
        self.server.step(events)

    def _by_hand(self, *order: Any, **params: Any) -> None:
        from tests.exchange.served import SYMBOL, client

        made = client(self.server.port, apiKey=self._keys["key"], secret=self._keys["secret"])
        made.create_order(SYMBOL, *order, params)

    def trailing_by_hand(self, side: int, lots: int, callback8: int) -> None:
        name = "buy" if side > 0 else "sell"
        self._by_hand("market", name, lots / 1_000, None, trailingPercent=callback8 / 10**6, reduceOnly=True)

    def close_by_hand(self, side: int, trigger_ticks: int) -> None:
        name, price = "buy" if side > 0 else "sell", trigger_ticks / 10
        self._by_hand("STOP_MARKET", name, None, None, stopPrice=price, closePosition=True)
