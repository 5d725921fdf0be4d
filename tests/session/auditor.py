"""What must hold of a session, whatever happened: asked of the venue and of the log, not of the session."""

from __future__ import annotations

from collections import Counter
from typing import Any

from lotwise.broker.intents import owner_of
from tests.session.scene import AAA, BBB, Scene
from tests.session.venue_in_memory import E8

CLEAN_S = 12
"""Seconds without a fault without a stop: noticed in 5, bounded by 5, closed in 2."""


class Auditor:
    """Looks at one scene; ``label`` names it. With ``hands`` others trade on the account too."""

    def __init__(self, scene: Scene, label: str, hands: bool = False) -> None:
        self.scene, self.label, self.hands = scene, label, hands
        self.naked = Counter[str]()
        self.worst_naked = 0
        self.plans: dict[str, int] = {}

    def events(self, kind: str) -> list[Any]:
        """Entries of the log."""
        return list(self.scene.log.database.events(self.scene.log.stream, kind=kind))

    def look(self, clean: bool = True) -> None:
        """After every second: nothing of ours is naked beyond the bound, no entry is doubled."""
        venue = self.scene.venue
        for trade_id, lots in venue.own.items():
            covered = sum(
                one.order.left_lots
                for one in venue.book.values()
                if one.order.state == "open"
                and one.order.kind == "stop"
                and owner_of(one.order.client_id) == (trade_id, "stop")
            )
            if covered >= abs(lots):
                self.naked[trade_id] = 0
            elif clean:
                self.naked[trade_id] += 1
            self.worst_naked = max(self.worst_naked, self.naked[trade_id])
            assert self.naked[trade_id] <= CLEAN_S, f"{self.label}: {trade_id} is naked with {lots} lots"
        self.entries_once()

    def entries_once(self) -> None:
        """No entry was sent twice, and no trade asked for more than its plan."""
        asked = Counter[str]()
        for one in self.scene.venue.accepted:
            owner = owner_of(one.client_id)
            if owner and owner[1] == "entry":
                asked[owner[0]] += one.lots
                assert one.client_id.endswith("-1"), f"{self.label}: a second attempt at an entry"
        if asked.keys() - self.plans.keys():
            self.plans = {event.subject: event.body["lots"] for event in self.events("plan")}
        for trade_id, lots in asked.items():
            assert lots <= self.plans[trade_id], (
                f"{self.label}: {lots} lots for a plan of {self.plans[trade_id]}"
            )

    def agrees(self) -> None:
        """In the quiet: what the session believes is what the venue has, and what is held has its stop."""
        venue, broker = self.scene.venue, self.scene.broker
        for name in (AAA, BBB):
            trade = broker.trades.get(name)
            own = trade.side * trade.held_lots + trade.hand_lots if trade else 0
            other = broker.foreign.get(name, {}).get("lots", 0)
            assert own + other == venue.lots[name], (
                f"{self.label}: {name} {own} + {other}, {venue.lots[name]}"
            )
            if trade and trade.held_lots:
                assert venue.own[trade.id] == trade.side * trade.held_lots, self.label
                assert trade.covered_lots == trade.held_lots, f"{self.label}: covered {trade.covered_lots}"
                standing = [
                    one.order
                    for one in venue.book.values()
                    if one.order.state == "open" and (owner_of(one.order.client_id) or [""])[0] == trade.id
                ]
                (stop,) = [order for order in standing if order.kind == "stop"]
                assert stop.left_lots == trade.held_lots, f"{self.label}: a stop of {stop.left_lots}"
                goals = sum(order.left_lots for order in standing if order.is_reduce_only) - stop.left_lots
                assert goals <= trade.held_lots, f"{self.label}: targets of {goals}"
        self.never_looser()

    def never_looser(self) -> None:
        """A trade's stops were only ever sent closer."""
        last: dict[str, int] = {}
        for one in self.scene.venue.accepted:
            owner = owner_of(one.client_id)
            if owner and owner[1] == "stop":
                before = last.get(owner[0], one.trigger_ticks)
                closer = (one.trigger_ticks - before) * -one.side >= 0
                assert closer, f"{self.label}: {owner[0]} from {before} to {one.trigger_ticks}"
                last[owner[0]] = one.trigger_ticks

    def all_counted(self) -> tuple[int, int]:
        """At the end: nothing of ours is left, every execution is in the log once, the money agrees.

        How many executions and trades there were.
        """
        venue = self.scene.venue
        assert not self.scene.broker.trades, f"{self.label}: {list(self.scene.broker.trades)} left"
        assert not any(venue.own.values()), f"{self.label}: {venue.own}"
        left = [one.order.client_id for one in venue.book.values() if one.order.state == "open"]
        assert not [name for name in left if owner_of(name)], f"{self.label}: {left}"
        own = {fill.trade_id for _, client_id, fill in venue.executions if owner_of(client_id)}
        kept = [event.body for event in self.events("fill")]
        booked = Counter(body["fill_id"] for body in kept if body["client_id"])
        assert all(count == 1 for count in booked.values()), f"{self.label}: doubled"
        ends = self.events("end")
        if not self.hands:
            assert set(booked) == own, f"{self.label}: {own ^ set(booked)} lost or strange"
            won = sum(event.body["result_cash"] for event in ends)
            rounding = len(own)  # the venue cuts each result, the kernel keeps sums
            assert abs(won - (venue.wallet - 10_000 * E8)) <= rounding, f"{self.label}: {won}, {venue.wallet}"
            row = self.scene.broker.usage.row
            assert (row.positions, row.open_risk_cash, row.open_notional_cash) == (0, 0, 0), self.label
        return len(own), len(ends)
