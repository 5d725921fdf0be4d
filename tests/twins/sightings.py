"""What a step met: names of rare paths, so that a test can say which ones it has really reached."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from lotwise.kernel import answers
from lotwise.kernel import state as s
from lotwise.kernel.exposure import worth_at_mark_floor
from lotwise.kernel.matching import UNFILLED

CODES: Final = {code: name for name, code in vars(answers).items() if isinstance(code, int)}
UNREACHED: Final = {"DONE"}
"""No refusal."""

WANTED: Final = (
    "liquidation, isolated",
    "liquidation, cross",
    "reduction that is enough",
    "take-over",
    "margin call",
    "cross contagion",
    "tier up",
    "tier down",
    "gap through a stop",
    "reversal",
    "partial fill",
    "capped market order expires",
    "funding paid",
    "funding received",
    "trailing activation",
    "trailing stop moves",
    "breakeven move",
    "target merged",
    "time stop",
    "stop resized",
    *(f"answer {name}" for name in CODES.values() if name not in UNREACHED),
)


def tier_of(state: s.State, c: int) -> int:
    """The tier of a position's worth; -1 where flat."""
    if state.markets[c].lots == 0:
        return -1
    row = state.contracts[c]
    worth = worth_at_mark_floor(state, c)
    caps = [tier.cap_cash for tier in state.tiers[row.first_tier : row.end_tier - 1]]
    return sum(worth > cap for cap in caps)


class Sightings:
    """The state before an event, and what the event made of it."""

    def __init__(self, state: s.State, event: s.EventRow) -> None:
        self.event = event
        self.logged = state.account[0].logged
        self.lots = [market.lots for market in state.markets]
        self.tiers = [tier_of(state, c) for c in range(len(state.markets))]
        self.active = {o.id for o in state.orders if o.status and o.active}
        self.moved = [bracket.moved for bracket in state.brackets]
        self.stops = [(bracket.stop_ticks, bracket.time_stop_ns) for bracket in state.brackets]

    def of(self, state: s.State, code: int) -> Iterator[str]:
        """Names of what happened."""
        if code:
            yield f"answer {CODES[code]}"
            return
        rows = state.log[self.logged : state.account[0].logged]
        yield from self._positions(state)
        yield from self._liquidation(state, rows)
        yield from self._orders(state, rows)
        for row in rows:
            if row.kind == s.LOG_FUNDING:
                yield "funding paid" if row.funding_cash > 0 else "funding received"
            elif row.kind == s.LOG_DEFICIT:
                yield "deficit paid"
            elif row.kind == s.LOG_MARGIN_CALL:
                yield "margin call"
            elif row.kind == s.LOG_MERGED:
                yield "target merged"

    def _positions(self, state: s.State) -> Iterator[str]:
        for c, before in enumerate(self.lots):
            now = state.markets[c].lots
            if before * now < 0:
                yield "reversal"
            tier, then = tier_of(state, c), self.tiers[c]
            if min(tier, then) >= 0 and tier != then:
                yield "tier up" if tier > then else "tier down"

    def _liquidation(self, state: s.State, rows: list[s.LogRow]) -> Iterator[str]:
        hit = [r for r in rows if r.kind in (s.LOG_REDUCTION, s.LOG_TAKEOVER) and r.lots]
        for c in {row.contract for row in hit}:
            yield "liquidation, isolated" if state.markets[c].is_isolated else "liquidation, cross"
        if any(row.kind == s.LOG_TAKEOVER for row in hit):
            yield "take-over"
        elif hit:
            yield "reduction that is enough"
        cross = {row.contract for row in hit if not state.markets[row.contract].is_isolated}
        if cross - {self.event.contract}:
            yield "cross contagion"

    def _orders(self, state: s.State, rows: list[s.LogRow]) -> Iterator[str]:
        fills: dict[int, int] = defaultdict(int)
        triggers: dict[int, int] = {}
        for row in rows:
            if row.kind == s.LOG_TRIGGERED:
                triggers[row.order_id] = row.price_ticks
            elif row.kind == s.LOG_FILL:
                fills[row.order_id] += abs(row.lots)
                yield from self._gap(state, row, triggers.get(row.order_id))
            elif row.kind == s.LOG_EXPIRED and row.reason == UNFILLED and fills[row.order_id]:
                yield "capped market order expires"
            elif row.kind == s.LOG_RESIZED:
                yield "stop resized"
        left = {o.id: o.lots - o.filled_lots for o in state.orders if o.status and not o.close_position}
        if any(left.get(number) for number in fills):
            yield "partial fill"
        if any(o.active and o.activation_ticks and o.id not in self.active for o in state.orders if o.status):
            yield "trailing activation"
        for c, bracket in enumerate(state.brackets):
            stop, time_stop_ns = self.stops[c]
            if bracket.moved and not self.moved[c] and bracket.stop_ticks != stop:
                yield "breakeven move"
            elif bracket.trailing and stop and bracket.stop_ticks != stop:
                yield "trailing stop moves"
            if 0 < time_stop_ns <= state.account[0].time_ns and self.lots[c] and not state.markets[c].lots:
                yield "time stop"

    def _gap(self, state: s.State, row: s.LogRow, trigger: int | None) -> Iterator[str]:
        facts = state.contracts[row.contract]
        usual = facts.spread_ticks + facts.slippage_ticks + state.markets[row.contract].range_ticks // 50 + 1
        if trigger is None or self.event.kind not in (s.BAR, s.TRADE):
            return
        beyond = trigger - row.price_ticks if row.lots < 0 else row.price_ticks - trigger
        if beyond > usual:
            yield "gap through a stop"


def sightings(state: s.State, event: s.EventRow) -> Sightings:
    """Look at a state before an event."""
    return Sightings(state, event)
