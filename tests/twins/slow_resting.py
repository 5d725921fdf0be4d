"""The detectors of resting orders again, from docs/detectors.md, with objects and fractions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

Told = tuple[str, int, int, bool, int, int, int, int]


@dataclass
class Size:
    """A size that was added to a level."""

    lots: int
    earned: int = 1
    amiss: int = 0
    since: int = 0
    came_ns: int = 0
    adds_before: int = 0
    renewed: int = 0
    total_then: int = 0


@dataclass
class Level:
    """A price of one side."""

    shown: int = 0
    hit: int = 0
    hit_ns: int = 0
    began: int | None = None
    total: int = 0
    adds: int = 0
    told_ns: int | None = None
    sizes: list[Size | None] = field(default_factory=lambda: [None] * 12)
    turn: int = 0
    big: int = 0
    big_ns: int = 0
    big_hit: int = 0


@dataclass
class Siege:
    """An attack on a price."""

    price: int
    began: int
    shown: int
    other: int
    lots: int = 0
    met: int | None = None
    told: bool = False


class SlowWatch:
    """One event at a time, as :class:`lotwise.analysis.resting.Watch`."""

    def __init__(self, terms: Any) -> None:
        self.terms = terms
        self.levels: dict[tuple[bool, int], Level] = {}
        self.taken: Counter[bool] = Counter()
        self.sieges: dict[bool, Siege | None] = {True: None, False: None}
        self.walls: dict[bool, tuple[int, int] | None] = {True: None, False: None}
        self.sizes: Counter[int] = Counter()
        self.last_price: int | None = None
        self.found: list[Told] = []

    def see(self, time: int, is_trade: bool, is_bid: bool, price: int, lots: int) -> None:
        """Take an event."""
        self.settle(time)
        level = self.levels.setdefault((is_bid, price), Level())
        (self.trade if is_trade else self.told)(level, time, is_bid, price, lots)

    def settle(self, time: int) -> None:
        for is_bid in (True, False):
            siege, wall = self.sieges[is_bid], self.walls[is_bid]
            if siege and siege.met is not None and not siege.told and time - siege.met >= self.terms.hold_ns:
                siege.told = True
                other = self.taken[not is_bid] - siege.other
                self.found.append(
                    ("ABSORBED", time, siege.began, is_bid, siege.price, siege.lots, siege.shown, other)
                )
            if wall and time - wall[1] >= self.terms.hold_ns:
                level = self.levels[is_bid, wall[0]]
                self.found.append(
                    ("DEFENDED", time, level.big_ns, is_bid, wall[0], level.big_hit, level.big, 1)
                )
                self.walls[is_bid], level.big = None, 0

    def attack(self, level: Level, time: int, is_bid: bool, price: int, lots: int) -> None:
        siege, terms = self.sieges[is_bid], self.terms
        if siege:
            deeper = siege.price - price if is_bid else price - siege.price
            waiting = siege.met is not None and not siege.told
            over = time - siege.began > terms.siege_ns or -deeper > terms.band_rows
            if deeper > 0 or (over and not waiting):
                siege = None
        if siege is None:
            shown = max(0, level.shown - level.hit)
            siege = Siege(price, time, shown, self.taken[not is_bid])
            self.sieges[is_bid] = siege
        if abs(price - siege.price) <= terms.band_rows:
            siege.lots += lots
        against = self.taken[not is_bid] - siege.other
        heavy = siege.lots >= terms.siege_lots
        beyond_shown = siege.lots >= Fraction(terms.shown_share, 100) * siege.shown
        one_sided = against <= Fraction(terms.other_share, 100) * siege.lots
        if siege.met is None and heavy and beyond_shown and one_sided:
            siege.met = time

    def trade(self, level: Level, time: int, is_bid: bool, price: int, lots: int) -> None:
        if level.began is None or time - level.hit_ns > self.terms.quiet_ns:
            level.began, level.total, level.adds, level.turn = time, 0, 0, 0
            level.sizes = [None] * 12
        self.taken[is_bid] += lots
        self.attack(level, time, is_bid, price, lots)
        level.hit, level.hit_ns, level.total = level.hit + lots, time, level.total + lots
        for size in filter(None, level.sizes):
            size.since += lots
        self.last_price = price
        wall = self.walls[is_bid]
        if wall and (price < wall[0] if is_bid else price > wall[0]):
            self.walls[is_bid] = None
        if level.big:
            level.big_hit += lots
            enough = level.big_hit >= Fraction(self.terms.hit_share, 100) * level.big
            if enough and self.walls[is_bid] is None:
                self.walls[is_bid] = (price, time)

    def told(self, level: Level, time: int, is_bid: bool, price: int, lots: int) -> None:
        change, since = lots - (level.shown - level.hit), time - level.hit_ns
        if since > self.terms.quiet_ns:
            level.began = None
        if level.began is not None and change:
            size = self.weigh(level, change, time, since <= self.terms.soon_ns)
            if size:
                one = ("ICEBERG", time, level.began, is_bid, price, level.total, size.lots, size.earned)
                self.found.append(one)
        siege = self.sieges[is_bid]
        if siege and siege.price == price and siege.met is None:
            siege.shown = max(siege.shown, lots)
        if not level.big and change >= self.terms.large_lots:
            level.big, level.big_ns, level.big_hit = change, time, 0
        elif level.big and lots < Fraction(level.big, 2):
            near = abs(price - (self.last_price or 0)) <= self.terms.near_rows
            if near and level.big_hit < Fraction(level.big - lots, 2):
                self.found.append(("PULLED", time, level.big_ns, is_bid, price, level.big_hit, level.big, 1))
            level.big = 0
            if self.walls[is_bid] and self.walls[is_bid][0] == price:  # type: ignore[index]
                self.walls[is_bid] = None
        level.shown, level.hit = lots, 0

    def same_size(self, level: Level, lots: int) -> Size | None:
        held = [size for size in level.sizes if size]
        exact = [size for size in held if size.lots == lots]
        parts = [size for size in held if size.earned > 1 and lots in (2 * size.lots, 3 * size.lots)]
        return exact[0] if exact else max(parts, key=lambda size: size.earned, default=None)

    def weigh(self, level: Level, change: int, time: int, prompt: bool) -> Size | None:
        terms, size = self.terms, self.same_size(level, abs(change))
        if change < 0 or not prompt:
            if size:
                size.amiss += 1
            return None
        level.adds += 1
        self.sizes[change % 1024] += 1
        if size and time - size.came_ns <= terms.quiet_ns:
            if size.since < change:
                size.amiss += 1
                return None
            size.earned += 1
            size.renewed += change
        elif size or (change >= terms.least_clip_lots and level.total >= change):
            fresh = Size(size.lots if size else change)
            fresh.adds_before, fresh.total_then = level.adds - 1, level.total
            level.sizes[level.sizes.index(size) if size else self.place(level)] = fresh
            size = fresh
        else:
            return None
        size.since, size.came_ns = 0, time
        elsewhere = max(0, self.sizes[size.lots % 1024] - size.earned) + terms.doubt
        usual = Fraction(elsewhere, sum(self.sizes.values())) * (level.adds - size.adds_before)
        more = size.earned - terms.refills + 1
        if more < 1 or size.earned < Fraction(terms.unusual, more) * usual:
            return None
        if size.renewed < Fraction(terms.renewed_share, 100) * (level.total - size.total_then):
            return None
        if size.amiss > Fraction(terms.amiss_share, 100) * size.earned:
            return None
        known = level.told_ns is not None and time - level.told_ns <= terms.quiet_ns
        level.told_ns = time
        return None if known else size

    def place(self, level: Level) -> int:
        earned = [size.earned if size else 0 for size in level.sizes]
        turns = [(level.turn + i) % 12 for i in range(12)]
        found = next(at for at in turns if earned[at] == min(earned))
        level.turn = (found + 1) % 12
        return found
