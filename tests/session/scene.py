"""A session over the venue in memory, as tests of the session set it."""

from __future__ import annotations

from typing import Any

from lotwise import Contract, FeeSchedule, MarginTier
from lotwise.broker.chronicle import Kept
from lotwise.broker.intents import IntentLog, Note
from lotwise.broker.live import LiveBroker
from lotwise.broker.policy import Policy, Terms
from lotwise.guard.facts import Rulebook
from lotwise.kernel.limit_rows import AllowedRow
from lotwise.records.signal import Entry, Signal, Target
from lotwise.session.trader import Trader
from lotwise.store.database import Database
from lotwise.store.failures import StoreError
from lotwise.strategy.api import Answer, Bar, Strategy, View
from lotwise.units import Rate8, Ticks
from tests.session.venue_in_memory import E8, SECOND, Crash, HandClock, MemoryVenue

START = 20_212 * 86_400 * SECOND
"""2025-05-04, a Sunday."""
AAA, BBB = "own:AAA", "own:BBB"


def contract(name: str) -> Contract:
    """A linear contract with two tiers."""
    return Contract(
        symbol=name,
        base=name,
        tick_size="0.1",
        lot_size="0.001",
        min_notional="5",
        fees=FeeSchedule(maker="0.02%", taker="0.05%"),
        tiers=[
            MarginTier("0", "500000", "50", "0.01", "0"),
            MarginTier("500000", "5000000", "20", "0.02", "5000"),
        ],
    )


CONTRACTS = (contract("AAA"), contract("BBB"))


class Told(Strategy):
    """Answers what a test has laid ready."""

    def __init__(self) -> None:
        self.answers: list[Any] = []

    def on_bar(self, bar: Bar, view: View) -> Answer:
        """The next answer, or nothing."""
        return self.answers.pop(0) if self.answers else None


class DyingLog(IntentLog):
    """A log before or after whose writes the process may die."""

    def __init__(self, database: Database, name: str, venue: MemoryVenue) -> None:
        super().__init__(database, name)
        self.venue = venue

    def write(self, time_ns: int, *notes: Note) -> None:
        """Write, and perhaps die."""
        fault = self.venue.fault("log")
        self.venue.calls += 1
        if fault == "crash_before":
            raise Crash
        if fault == "full":
            raise StoreError("STORE-103", "the disk is full", "make room")
        super().write(time_ns, *notes)
        if fault == "crash_after":
            raise Crash


def signal(side: int = 1, last: int = 300_000, **given: Any) -> Signal:
    """A trade with a stop 1 % away."""
    stop = given.pop("stop", last - side * 3_000)
    return Signal(side=side, stop_ticks=Ticks(stop), reason=given.pop("reason", "a test"), **given)


def targets(side: int = 1, last: int = 300_000, *shares: int) -> tuple[Target, ...]:
    """Targets one after the other, 1,000 ticks apart."""
    found = []
    for k, share in enumerate(shares, 1):
        found.append(Target(Ticks(last + side * 1_000 * k), Rate8(share * E8 // 100)))
    return tuple(found)


def entries(side: int, *legs: tuple[int, int]) -> tuple[Entry, ...]:
    """Limit entries: (ticks, share in percent)."""
    return tuple(Entry(Ticks(ticks), Rate8(share * E8 // 100)) for ticks, share in legs)


class Scene:
    """A venue, a log on disk, and sessions one after the other over them."""

    def __init__(
        self, database: Database, name: str, *, policy: Policy | None = None, **allowed: int
    ) -> None:
        self.clock = HandClock(START)
        self.venue = MemoryVenue(CONTRACTS, self.clock)
        self.log = DyingLog(database, name, self.venue)
        self.policy, self.allowed = policy or Policy(), AllowedRow(**allowed)
        self.kept = Kept()
        self.trader = self.session()

    def session(self) -> Trader:
        """A new process: nothing is known but what is on the disk."""
        self.log.pending.clear()
        self.strategies = {name: Told() for name in (AAA, BBB)}
        broker = LiveBroker(
            self.venue,
            self.log,
            CONTRACTS,
            terms={name: Terms(leverage100=1_000, is_isolated=False) for name in (AAA, BBB)},
            rulebook=self.rulebook,
            clock=self.clock,
            chronicle=self.kept,
            policy=self.policy,
        )
        self.trader = Trader(broker, self.strategies, self.rulebook, risk8=Rate8(E8 // 100))
        return self.trader

    def rulebook(self, now_ns: int) -> Rulebook:
        """Only the kernel's limits."""
        return Rulebook(allowed=self.allowed)

    @property
    def broker(self) -> LiveBroker:
        """Of the session that runs."""
        return self.trader.broker

    def bar(self, contract_id: str = AAA, answer: Any = None) -> Any:
        """A bar at the present price, with what the strategy is to answer."""
        last = self.venue.prices[contract_id]
        if answer is not None:
            self.strategies[contract_id].answers = [answer]
        return self.trader.on_bar(contract_id, Bar(self.clock.time_ns, last, last, last, last, 1_000))

    def go(self, seconds: int = 1, contract_id: str = AAA, ticks: int | None = None) -> None:
        """Time passes by seconds; the price goes there first."""
        if ticks is not None:
            self.venue.move(contract_id, ticks)
        for _ in range(seconds):
            self.clock.time_ns += SECOND
            for name in (AAA, BBB):
                self.venue.move(name, self.venue.prices[name])
            self.trader.on_time()

    def trade(self, contract_id: str = AAA) -> Any:
        """The trade that is open."""
        return self.broker.trades[contract_id]

    def stops(self, contract_id: str = AAA) -> list[tuple[int, int]]:
        """Stops that stand at the venue: (lots left, trigger)."""
        return [
            (one.order.left_lots, one.order.trigger_ticks)
            for one in self.venue.book.values()
            if one.order.state == "open" and one.order.kind == "stop" and one.order.contract_id == contract_id
        ]

    def standing(self, kind: str, contract_id: str = AAA) -> list[tuple[int, int]]:
        """Limit orders that stand: (lots left, price)."""
        return [
            (one.order.left_lots, one.order.price_ticks)
            for one in self.venue.book.values()
            if one.order.state == "open" and one.order.kind == kind and one.order.contract_id == contract_id
        ]

    def said(self, kind: Any) -> str:
        """All that was told of a kind, as one text."""
        return "\n".join(event.message for event in self.kept.of(kind))
