"""Storms over a session: a minute of market with faults, hands and deaths; then quiet; then the end."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from lotwise.broker.policy import Policy
from lotwise.records.signal import Exit
from lotwise.store.database import Database
from lotwise.units import Rate8
from tests.session.auditor import Auditor
from tests.session.scene import AAA, BBB, Scene, entries, signal, targets
from tests.session.venue_in_memory import E8, SECOND, Crash

STEPS = 60
QUIET_S = 80


class Storm:
    """One seed."""

    def __init__(self, database: Database, seed: int, name: str = "storm") -> None:
        self.rng = np.random.default_rng(seed)
        self.seed, self.counts = seed, Counter[str]()
        self.hands = bool(self.draw(3) == 0)
        self.wild = self.draw(4)
        policy = Policy(
            stop_gone="flatten" if self.draw(4) == 0 else "replace",
            rest="cancel" if self.draw(3) == 0 else "keep",
            rest_ns=self.draw(4) * SECOND,
            trail_step_ticks=1 + self.draw(50),
        )
        self.scene = Scene(database, f"{name}:{seed}", policy=policy)
        venue = self.scene.venue
        venue.new_ids = self.draw(2) == 0
        venue.fills_lag_ns = self.draw(3) * SECOND
        venue.most_at_once = self.partly
        self.faulty, self.hit, self.dead = False, False, False
        self.auditor = Auditor(self.scene, f"{name} {seed}", self.hands)

    def draw(self, below: int) -> int:
        """A number from 0 on."""
        return int(self.rng.integers(0, below))

    def partly(self, lots: int) -> int:
        """How much of an order fills at once."""
        if self.draw(4):
            return lots
        self.counts["partial"] += 1
        return max(1, lots * self.draw(100) // 100)

    # -- faults

    def fault(self, call: str) -> str:
        """What goes wrong with a call."""
        if not self.faulty or self.draw(100) >= (4, 8, 16, 30)[self.wild]:
            return ""
        kinds: tuple[str, ...]
        if call == "log":
            kinds = ("crash_before", "crash_after", "full", "full")
        elif call.startswith("place"):
            kinds = ("lost_before", "lost_after", "late", "down", "limited", "crash_before", "crash_after")
            kinds += ("-2019",) if "reduce" not in call else ("-4120",)
        elif call == "cancel":
            kinds = ("lost_before", "lost_after", "down", "crash_before", "crash_after")
        else:
            kinds = ("down", "down", "limited", "crash_before", "crash_after")
        kind = kinds[self.draw(len(kinds))]
        if kind.startswith("crash") and self.draw(3):
            kind = "down" if call != "log" else ""
        if kind:
            self.counts[kind] += 1
            self.hit = True
        return kind

    # -- events

    def run(self) -> None:
        """The storm, the quiet after it, the end; the auditor looks all the time."""
        self.scene.venue.fault = self.fault
        self.alive(self.scene.trader.begin)
        for _ in range(STEPS):
            self.faulty = self.draw(5) != 0
            self.hit = self.dead = False
            self.step()
            self.auditor.look(not self.hit and not self.dead)
        self.faulty = False
        if self.dead:
            self.scene.session()
            self.alive(self.scene.trader.begin)
        self.scene.venue.most_at_once = lambda lots: lots
        self.quiet(QUIET_S)
        self.auditor.agrees()
        self.alive(lambda: self.scene.trader.stop("flatten"))
        self.quiet(QUIET_S)
        self.auditor.agrees()
        fills, trades = self.auditor.all_counted()
        self.counts["fills"] += fills
        self.counts["trades"] += trades

    def alive(self, what: Any) -> None:
        """Do something with the session; where it dies, a new one begins."""
        for _ in range(200):
            try:
                what()
                return
            except Crash:
                self.counts["crash"] += 1
                held = any(self.scene.venue.lots.values())
                waits = any(one.order.state == "open" for one in self.scene.venue.book.values())
                self.counts["crash with something open"] += bool(held or waits)
                self.dead = True
                if any(note.kind == "send" for _, note in self.scene.log.pending):
                    self.counts["crash with a full disk"] += 1
                    self.auditor.hands = True  # whose the executions of such an exit are is lost with it
                self.scene.clock.time_ns += SECOND // 2  # a process does not begin in no time
                self.scene.session()
                what = self.scene.trader.begin
        raise AssertionError("it dies for ever")

    def step(self) -> None:
        """A second of market and one or two events."""
        venue = self.scene.venue
        done = len(venue.executions)
        for name in (AAA, BBB):
            wild = 2_500 if self.draw(8) == 0 else 300
            venue.move(name, max(100_000, venue.prices[name] + int(self.rng.integers(-wild, wild + 1))))
        if self.hands and self.draw(10) == 0:
            self.hand()
        self.scene.clock.time_ns += SECOND
        for name in {name for name, _, _ in venue.executions[done:]}:
            if self.draw(10):
                self.alive(lambda name=name: self.scene.trader.on_fill(name))
        if self.draw(3) == 0:
            name = (AAA, BBB)[self.draw(2)]
            self.alive(lambda: self.scene.bar(name, self.answer(name)))
        if self.draw(2) == 0:
            name = (AAA, BBB)[self.draw(2)]
            faulty, self.faulty = self.faulty, False
            top = venue.market(name)
            self.faulty = faulty
            self.alive(lambda: self.scene.trader.on_market(top))
        self.alive(self.scene.trader.on_time)

    def answer(self, name: str) -> Any:
        """What a strategy wants: anything it may."""
        last, side = self.scene.venue.prices[name], 1 if self.draw(2) else -1
        if self.draw(6) == 0:
            return Exit("enough")
        given: dict[str, Any] = {"stop": last - side * (500 + self.draw(4_000))}
        if self.draw(3):
            used = (("100",), ("50", "50"), ("30", "30", "40"), ("25", "25", "25", "25"))[self.draw(4)]
            given["targets"] = targets(side, last, *map(int, used))
            given["breakeven_after"] = self.draw(len(used) + 1)
            if self.draw(2):
                given["trail_after"], given["callback8"] = 1 + self.draw(len(used)), Rate8(E8 // 200)
        if self.draw(3) == 0:
            near = last - side * (self.draw(300) - 50)
            far = near - side * (1 + self.draw(200))
            given["entries"] = entries(side, (near, 60), (far, 40))
            given["entry_valid_ns"] = self.draw(3) * 5 * SECOND
            given["stop"] = far - side * (500 + self.draw(3_000))
            if given.get("targets"):
                given["targets"] = targets(side, near, 50, 50)
                given["breakeven_after"], given["trail_after"], given["callback8"] = 1, 0, Rate8(0)
        if self.draw(4) == 0:
            given["hold_ns"] = (5 + self.draw(30)) * SECOND
        return signal(side, last, risk8=Rate8(E8 // 1_000 * (1 + self.draw(10))), **given)

    def hand(self) -> None:
        """The trader does something on the venue's app."""
        venue = self.scene.venue
        stops = [one for one in venue.book.values() if one.order.state == "open" and one.order.kind == "stop"]
        what = self.draw(4)
        if what == 0 and stops:
            stops[self.draw(len(stops))].now(state="cancelled")
            self.counts["hand cancels a stop"] += 1
        elif what == 1 and stops:
            one = stops[self.draw(len(stops))]
            trigger = one.order.trigger_ticks + self.draw(801) - 400
            if (trigger - venue.prices[one.order.contract_id]) * one.order.side > 0:
                one.now(trigger_ticks=trigger)
                self.counts["hand moves a stop"] += 1
        else:
            name = (AAA, BBB)[self.draw(2)]
            venue.by_hand(name, 1 if self.draw(2) else -1, 1 + self.draw(20))
            self.counts["hand trades"] += 1

    def quiet(self, seconds: int) -> None:
        """Nothing goes wrong, the price stands."""
        for _ in range(seconds):
            self.scene.clock.time_ns += SECOND
            for name in (AAA, BBB):
                self.scene.venue.move(name, self.scene.venue.prices[name])
            self.hit = self.dead = False
            self.alive(self.scene.trader.on_time)
            self.auditor.look(not self.hit and not self.dead)
