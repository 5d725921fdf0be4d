"""A seeded market whose resting orders are known: icebergs, defenders, large orders, and decoys of each.

A small order book with queues, in plain Python. Background traders add, withdraw and trade in sizes that
repeat, as real ones do. Scenes are played one after the other at the best price of a side; each says what is
true of it. What the detectors get is only what a venue tells: trades at once, and every 50 ms what rests at
the levels that changed.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

MS = 1_000_000
TOLD_EVERY_NS = 50 * MS
USUAL_SIZES = (1, 1, 1, 2, 2, 3, 4, 5, 5, 7, 8, 10, 10, 10, 12, 15, 20, 20, 25, 30)
BID, ASK = 0, 1
MIDDLE = 10_000
LEAST_RENEWALS = 4
"""An iceberg that was renewed less often has not shown itself: nobody could tell."""
ICEBERG, ABSORBED, DEFENDED, PULLED = "ICEBERG", "ABSORBED", "DEFENDED", "PULLED"


@dataclass(eq=False)
class Order:
    """A resting order; what is hidden comes up in parts when the visible part has traded."""

    owner: str
    visible: int
    hidden: int = 0
    part: int = 0
    jitter: int = 0
    wait_ns: int = 0
    """How long a renewal takes; 0 where the venue does it."""
    due_ns: int = 0


class Scene(NamedTuple):
    """What was played, where and when, and what is true of it."""

    name: str
    truth: frozenset[str]
    is_bid: bool
    price: int
    begin_ns: int
    end_ns: int


@dataclass
class Market:
    """A book with queues, its clock, and all that it told."""

    rng: random.Random
    now_ns: int = 1_000_000_000
    told_ns: int = 1_000_000_000
    levels: tuple[dict[int, list[Order]], dict[int, list[Order]]] = field(default_factory=lambda: ({}, {}))
    changed: dict[tuple[int, int], None] = field(default_factory=dict)
    renewals: int = 0
    """How often a part of an iceberg came up, so far."""
    waiting: list[tuple[int, int, Order]] = field(default_factory=list)
    """Orders whose next part is to come up."""
    trades: list[tuple[int, int, int, bool]] = field(default_factory=list)
    changes: list[tuple[int, bool, int, int]] = field(default_factory=list)

    def best(self, side: int) -> int:
        """The best price of a side; there always is one."""
        return max(self.levels[BID]) if side == BID else min(self.levels[ASK])

    def shown(self, side: int, price: int) -> int:
        """What the book shows at a price."""
        return sum(order.visible for order in self.levels[side].get(price, []))

    def size(self) -> int:
        """A size of the background's, of the usual ones."""
        return self.rng.choice(USUAL_SIZES)

    def add(self, side: int, price: int, order: Order) -> Order:
        """Put an order at the end of its queue; it never crosses the book."""
        limit = self.best(1 - side) if self.levels[1 - side] else None
        if limit is None or (price < limit if side == BID else price > limit):
            self.levels[side].setdefault(price, []).append(order)
            self.changed[side, price] = None
        return order

    def withdraw(self, side: int, price: int, order: Order) -> None:
        """Take an order out, if it is still there."""
        queue = self.levels[side].get(price, [])
        if order in queue:
            queue.remove(order)
            self.changed[side, price] = None
            self.tidy(side, price)

    def tidy(self, side: int, price: int) -> None:
        """A level without orders is gone; a side always has 12 levels."""
        if not self.levels[side].get(price, [1]):
            del self.levels[side][price]
        self.fill(side)

    def fill(self, side: int) -> None:
        """Background orders behind the best until a side has 12 levels."""
        step = -1 if side == BID else 1
        start = self.best(side) if self.levels[side] else self.best(1 - side) + step
        for away in range(1 if self.levels[side] else 0, 13):
            if len(self.levels[side]) < 12 and start + step * away not in self.levels[side]:
                self.add(side, start + step * away, Order("", self.size() + self.size()))

    def take(self, side: int, lots: int, no_deeper: int | None = None) -> int:
        """A market order against a side: trades, one an order it meets. What it got."""
        got = 0
        while lots:
            price = self.best(side)
            if no_deeper is not None and (price < no_deeper if side == BID else price > no_deeper):
                break
            order = next((one for one in self.levels[side][price] if one.visible), None)
            if order is None:  # only parts that are still to come up: the level is empty for now
                waiting = self.levels[side].pop(price)
                self.fill(side)
                done = self.take(side, lots, no_deeper)
                self.levels[side].setdefault(price, [])[:0] = waiting
                return got + done
            part = min(lots, order.visible)
            order.visible -= part
            lots, got = lots - part, got + part
            self.trades.append((self.now_ns, price, part, side == BID))
            self.changed[side, price] = None
            if not order.visible:
                self.spent(side, price, order)
        return got

    def spent(self, side: int, price: int, order: Order) -> None:
        """The visible part of an order is gone: it is renewed at the end of the queue, or that was all."""
        queue = self.levels[side][price]
        queue.remove(order)
        if order.hidden:
            queue.append(order)
            if order.wait_ns:
                order.due_ns = self.now_ns + order.wait_ns
                self.waiting.append((side, price, order))
            else:
                self.renew(order)
        self.tidy(side, price)

    def renew(self, order: Order) -> None:
        """Bring the next part up."""
        wanted = max(1, order.part + self.rng.randint(-order.jitter, order.jitter))
        order.visible = min(wanted, order.hidden)
        order.hidden -= order.visible
        order.due_ns = 0
        self.renewals += 1

    def pass_time(self, span_ns: int) -> None:
        """Let the clock run: renewals that are due come up, the venue tells what changed."""
        self.now_ns += span_ns
        for side, price, order in self.waiting:
            if order.due_ns <= self.now_ns and order in self.levels[side].get(price, []):
                self.renew(order)
                self.changed[side, price] = None
        self.waiting = [one for one in self.waiting if one[2].due_ns]
        if self.now_ns - self.told_ns >= TOLD_EVERY_NS:
            self.told_ns = self.now_ns
            for side, price in self.changed:
                self.changes.append((self.now_ns, side == BID, price, self.shown(side, price)))
            self.changed.clear()

    def background(self, trade_chance: int = 16) -> None:
        """One step of everybody else: an addition, a withdrawal or a trade, of usual sizes."""
        side, chance = self.rng.randrange(2), self.rng.randrange(100)
        inward = 1 if side == BID else -1
        if chance < trade_chance:
            self.take(side, self.size())
        elif chance < 60:
            gap = abs(self.best(ASK) - self.best(BID))
            nearer = gap > 1 and self.rng.randrange(3) == 0
            price = self.best(side) + (
                inward if nearer else -inward * self.rng.choice((0, 0, 0, 1, 1, 2, 3, 4))
            )
            self.add(side, price, Order("", self.size()))
        else:
            price = self.best(side) - inward * self.rng.choice((0, 0, 1, 2, 3))
            own = [order for order in self.levels[side].get(price, []) if not order.owner]
            if len(own) > 1:
                self.withdraw(side, price, self.rng.choice(own))
        self.pass_time(self.rng.randint(5 * MS, 75 * MS))


Play = Callable[[Market, int, int], None]


def attack(
    market: Market, side: int, price: int, lots: int, pace: tuple[int, int], size: tuple[int, int]
) -> int:
    """Market orders against a level until so many lots are taken or it breaks; the background between."""
    got = 0
    while (
        got < lots and market.levels[side].get(price) and market.best(side) in (price, price + 1 - 2 * side)
    ):
        got += market.take(side, market.rng.randint(*size), no_deeper=price)
        for _ in range(market.rng.randint(*pace)):
            market.background()
    return got


def quiet(market: Market, steps: int) -> None:
    """Only the background."""
    for _ in range(steps):
        market.background(trade_chance=8)


def iceberg(wait: tuple[int, int] = (0, 0), jitter: int = 0) -> Play:
    """A reserve order under ordinary selling; it may last or not."""

    def play(market: Market, side: int, price: int) -> None:
        part = market.rng.randint(6, 60)
        order = Order(
            "iceberg",
            part,
            hidden=part * market.rng.randint(16, 45),
            part=part,
            jitter=part * jitter // 100,
            wait_ns=market.rng.randint(*wait) * MS,
        )
        market.add(side, price, order)
        attack(market, side, price, part * market.rng.randint(16, 45), pace=(1, 8), size=(1, max(3, part)))
        market.withdraw(side, price, order)

    return play


def defender(fixed: bool, gives_up: bool) -> Play:
    """Somebody keeps a level against heavy selling with orders of many sizes, or with a reserve order."""

    def play(market: Market, side: int, price: int) -> None:
        rng = market.rng
        if fixed:
            part = rng.randint(30, 60)
            market.add(side, price, Order("defender", part, hidden=10_000, part=part))
        target, got = rng.randint(1_100, 1_900), 0
        end = rng.randint(900, 1_250) if gives_up else target
        while got < end:
            if not fixed and market.shown(side, price) < rng.randint(20, 90):
                market.add(side, price, Order("defender", rng.randint(15, 130)))
            got += market.take(side, rng.randint(10, 70), no_deeper=price)
            if not fixed and not market.levels[side].get(price):
                market.add(side, price, Order("defender", rng.randint(15, 130)))
            for _ in range(rng.randint(1, 4)):
                market.background(trade_chance=6)
        if not gives_up:
            for _ in range(260):
                if market.shown(side, price) < 60 and not fixed:
                    market.add(side, price, Order("defender", rng.randint(15, 130)))
                market.background(trade_chance=5)
        for order in [one for one in market.levels[side].get(price, []) if one.owner == "defender"]:
            market.withdraw(side, price, order)
        if gives_up:
            for _ in range(8):
                market.take(side, rng.randint(40, 90))
                market.background()

    return play


def replenished(market: Market, side: int, price: int) -> None:
    """Many others renew a level soon after it trades, in the usual sizes: nobody hides anything."""
    for _ in range(market.rng.randint(30, 70)):
        taken = market.take(side, market.size(), no_deeper=price)
        market.pass_time(market.rng.randint(3 * MS, 40 * MS))
        if taken:
            for _ in range(market.rng.randint(1, 2)):
                market.add(side, price, Order("", market.size()))
        for _ in range(market.rng.randint(1, 4)):
            market.background()


def clockwork(market: Market, side: int, price: int) -> None:
    """Somebody adds the same size again and again, by the clock and not because it traded."""
    size, out = market.rng.randint(4, 40), []
    for _ in range(market.rng.randint(40, 90)):
        out.append(market.add(side, price, Order("clock", size)))
        if len(out) > 4:
            market.withdraw(side, price, out.pop(0))
        if market.rng.randrange(3) == 0:
            market.take(side, market.size() + market.rng.randrange(size), no_deeper=price)
        for _ in range(market.rng.randint(2, 7)):
            market.background()
    for order in out:
        market.withdraw(side, price, order)


def requoted(market: Market, side: int, price: int) -> None:
    """A market maker shows one size, takes it back, shows it again; now and then somebody trades with it."""
    size = market.rng.randint(4, 40)
    for _ in range(market.rng.randint(40, 90)):
        order = market.add(side, price, Order("maker", size))
        for _ in range(market.rng.randint(1, 6)):
            market.background()
        if market.rng.randrange(2):
            market.take(side, market.size() + size, no_deeper=price)
        market.withdraw(side, price, order)
        market.background()


def eaten(market: Market, side: int, price: int) -> None:
    """A large visible order is taken whole, and the price goes on."""
    market.add(side, price, Order("large", market.rng.randint(700, 1_600)))
    quiet(market, 20)
    attack(market, side, price, 10_000, pace=(0, 2), size=(20, 80))
    for _ in range(6):
        market.take(side, market.rng.randint(20, 60))
        market.background()


def churned(market: Market, side: int, price: int) -> None:
    """Heavy trading in both directions with everybody renewing: the price stays, nobody absorbs."""
    for _ in range(market.rng.randint(40, 70)):
        for one, level in ((side, price), (1 - side, market.best(1 - side))):
            market.add(one, level, Order("", market.rng.randint(15, 70)))
            market.take(one, market.rng.randint(10, 60), no_deeper=level)
            market.pass_time(market.rng.randint(2 * MS, 25 * MS))
        market.background()


def swept(market: Market, side: int, price: int) -> None:
    """Heavy selling that goes through one level after the other."""
    for _ in range(market.rng.randint(25, 45)):
        market.take(side, market.rng.randint(20, 70))
        for _ in range(market.rng.randint(0, 3)):
            market.background()


def large_defended(market: Market, side: int, price: int) -> None:
    """A large visible order is hit and keeps the price."""
    size = market.rng.randint(700, 1_600)
    order = market.add(side, price, Order("large", size))
    quiet(market, 20)
    attack(market, side, price, size * market.rng.randint(30, 45) // 100, pace=(0, 3), size=(10, 60))
    quiet(market, 200)
    market.withdraw(side, price, order)


def spoofed(market: Market, side: int, price: int) -> None:
    """A large visible order that is withdrawn when it would trade."""
    order = market.add(side, price, Order("spoof", market.rng.randint(700, 1_600)))
    quiet(market, market.rng.randint(15, 60))
    market.withdraw(side, price, order)
    market.take(side, market.rng.randint(20, 60))


SCENES: dict[str, tuple[frozenset[str], Play]] = {
    "iceberg renewed by the venue": (frozenset({ICEBERG}), iceberg()),
    "iceberg renewed after 5 to 40 ms": (frozenset({ICEBERG}), iceberg(wait=(5, 40))),
    "iceberg with parts of changing size": (frozenset({ICEBERG}), iceberg(jitter=10)),
    "defender with many sizes": (frozenset({ABSORBED}), defender(fixed=False, gives_up=False)),
    "defender with an iceberg": (frozenset({ABSORBED, ICEBERG}), defender(fixed=True, gives_up=False)),
    "large order defended": (frozenset({DEFENDED}), large_defended),
    "large order pulled": (frozenset({PULLED}), spoofed),
    "decoy: defender who gives up": (frozenset(), defender(fixed=False, gives_up=True)),
    "decoy: renewed by many others": (frozenset(), replenished),
    "decoy: one size by the clock": (frozenset(), clockwork),
    "decoy: one size shown and withdrawn": (frozenset(), requoted),
    "decoy: large order eaten": (frozenset(), eaten),
    "decoy: heavy trading both ways": (frozenset(), churned),
    "decoy: sweep through levels": (frozenset(), swept),
}


PLAYED_TWICE = ("iceberg renewed by the venue", "iceberg renewed after 5 to 40 ms")


def planted(seed: int, rounds: int) -> tuple[Market, list[Scene]]:
    """A market in which every scene is played so many times, in a shuffled order, with peace between."""
    rng = random.Random(seed)
    market = Market(rng)
    for side, price in ((BID, MIDDLE), (ASK, MIDDLE + 1)):
        market.levels[side][price] = [Order("", 20)]
        market.fill(side)
    scenes = []
    names = [*SCENES, *PLAYED_TWICE] * rounds
    rng.shuffle(names)
    for name in names:
        quiet(market, rng.randint(60, 250))
        truth, play = SCENES[name]
        side = rng.randrange(2)
        price, begin = market.best(side), market.now_ns
        renewals = market.renewals
        play(market, side, price)
        market.pass_time(TOLD_EVERY_NS)
        if market.renewals - renewals < LEAST_RENEWALS:
            truth = truth - {ICEBERG}
        scenes.append(Scene(name, truth, side == BID, price, begin, market.now_ns))
    quiet(market, 300)
    return market, scenes
