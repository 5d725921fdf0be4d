"""The audit: positions and books from the whole log once more, and what must always hold.

The log's facts (who filled what at which price, at which mark a funding was) are replayed here with
fractions and formulas of their own; what the bookings wrote down is only compared.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction

from tests.reference.venue.names import EIGHT, STOP, TARGET
from tests.reference.venue.rows import Contract, Entry, State

ACCOUNT_BOOKS = ("cross", "fees", "funding", "insurance", "outside", "positions", "trades")


@dataclass
class Held:
    """A position as the replay knows it: signed lots, signed entry money, isolated money."""

    lots: int = 0
    entry: Fraction = Fraction(0)
    isolated: Fraction = Fraction(0)
    is_isolated: bool = False


@dataclass
class Replay:
    """The books worked out from the facts of the log."""

    contracts: list[Contract]
    held: list[Held]
    books: dict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))

    def play(self, line: Entry) -> None:
        """Work one line of the log."""
        facts = line.facts
        if line.kind == "transfer":
            self.books["cross"] += facts["cash"]
        elif line.kind == "wallet_lost":
            self.books["insurance"] += self.books["cross"]
            self.books["cross"] = Fraction(0)
        elif line.kind == "margin":
            self.books["cross"] -= facts["cash"]
            self.held[line.contract].isolated += facts["cash"]
        elif line.kind == "funding":
            self.fund(line.contract, facts)
        elif line.kind == "fill":
            self.fill(line.contract, facts)
        elif line.kind == "reduction":
            self.reduce(line.contract, facts)
        elif line.kind == "takeover":
            self.take_over(line.contract, facts)

    def unit(self, contract: int) -> int:
        """Return what a lot is worth at one tick."""
        return self.contracts[contract].cash_per_tick_lot

    def marked(self, contract: int, mark8: int) -> int:
        """Return the worth of the position at a mark."""
        lots = abs(self.held[contract].lots)
        exact = Fraction(mark8, self.contracts[contract].tick_size8) * lots * self.unit(contract)
        return math.floor(exact)

    def close(self, contract: int, part: Fraction, received: Fraction | int) -> Fraction:
        """Close a part of a position for the money received (paid: below zero); return the gain."""
        held = self.held[contract]
        side = 1 if held.lots > 0 else -1
        released = side * math.floor(abs(held.entry) * part)
        held.entry -= released
        held.lots -= int(held.lots * part)
        return Fraction(received) - released

    def cover(self, contract: int) -> None:
        """Let insurance pay for isolated money below zero."""
        held = self.held[contract]
        if held.isolated < 0:
            self.books["insurance"] += held.isolated
            held.isolated = Fraction(0)

    def settle(self, contract: int) -> None:
        """Return isolated money of a flat position; let insurance pay for what is below zero."""
        self.cover(contract)
        held = self.held[contract]
        if not held.lots:
            self.books["cross"] += held.isolated
            held.isolated = Fraction(0)
        is_cross_open = any(other.lots and not other.is_isolated for other in self.held)
        if not is_cross_open and self.books["cross"] < 0:
            self.books["insurance"] += self.books["cross"]
            self.books["cross"] = Fraction(0)

    def fill(self, contract: int, facts: dict[str, int]) -> None:
        """Work a fill."""
        held, side, lots = self.held[contract], facts["side"], facts["lots"]
        held.is_isolated = bool(facts["is_isolated"])
        each = facts["price_ticks"] * self.unit(contract)
        fee = math.ceil(Fraction(each * lots * facts["fee8"], EIGHT))
        self.books["cross"] -= fee
        self.books["fees"] += fee
        closing = min(lots, max(0, -side * held.lots))
        if closing:
            part = Fraction(closing, abs(held.lots))
            freed = math.floor(held.isolated * part)
            gain = self.close(contract, part, -side * closing * each) + freed
            held.isolated -= freed
            if held.is_isolated and gain < 0:
                held.isolated += gain
                self.cover(contract)
            else:
                self.books["cross"] += gain
        opening = lots - closing
        if opening:
            held.lots += side * opening
            held.entry += side * opening * each
            if held.is_isolated:
                bound = math.floor(Fraction(opening * each * 100, facts["leverage100"]))
                held.isolated += bound
                self.books["cross"] -= bound
        self.settle(contract)

    def fund(self, contract: int, facts: dict[str, int]) -> None:
        """Work a funding: what is received is rounded down, so what is paid is rounded up."""
        held = self.held[contract]
        side = 1 if held.lots > 0 else -1
        exact = -side * Fraction(self.marked(contract, facts["mark8"]) * facts["rate8"], EIGHT)
        amount = math.floor(exact)
        self.books["funding"] -= amount
        if not facts["is_isolated"]:
            self.books["cross"] += amount
            return
        held.isolated += amount
        self.cover(contract)

    def reduce(self, contract: int, facts: dict[str, int]) -> None:
        """Work a reduction in liquidation."""
        held, lots = self.held[contract], facts["lots"]
        side = 1 if held.lots > 0 else -1
        amount = lots * facts["price_ticks"] * self.unit(contract)
        gain = self.close(contract, Fraction(lots, abs(held.lots)), side * amount)
        fee = math.ceil(Fraction(amount * self.contracts[contract].liquidation_fee8, EIGHT))
        if facts["is_isolated"]:
            held.isolated += gain
            fee = min(fee, max(0, int(held.isolated)))
            held.isolated -= fee
        else:
            self.books["cross"] += gain
            fee = min(fee, max(0, int(self.books["cross"])))
            self.books["cross"] -= fee
        self.books["insurance"] += fee
        self.settle(contract)

    def take_over(self, contract: int, facts: dict[str, int]) -> None:
        """Work a takeover at the mark."""
        held = self.held[contract]
        side = 1 if held.lots > 0 else -1
        gain = self.close(contract, Fraction(1), side * self.marked(contract, facts["mark8"]))
        if facts["is_isolated"]:
            self.books["insurance"] += held.isolated + gain
            held.isolated = Fraction(0)
        else:
            self.books["cross"] += gain


def audit(state: State) -> None:
    """Assert that the log comes to the state, and that what must always hold does."""
    check_parts(state)
    check_replay(state)
    check_invariants(state)
    check_brackets(state)
    check_stops_never_loosen(state)


def check_parts(state: State) -> None:
    """Assert that every booking sums to zero and all of them to the books."""
    totals: dict[str, int] = defaultdict(int)
    for line in state.log:
        assert sum(line.parts.values()) == 0, line
        for name, amount in line.parts.items():
            totals[f"isolated {line.contract}" if name == "isolated" else name] += amount
    for name in ACCOUNT_BOOKS:
        assert totals[name] == getattr(state.account, f"{name}_cash"), name
    for contract, market in enumerate(state.markets):
        assert totals[f"isolated {contract}"] == market.isolated_cash, contract
    whole = sum(getattr(state.account, f"{name}_cash") for name in ACCOUNT_BOOKS)
    assert whole + sum(market.isolated_cash for market in state.markets) == 0


def check_replay(state: State) -> None:
    """Assert that the facts of the log come to the positions and the books."""
    replay = Replay(state.contracts, [Held() for _ in state.contracts])
    for line in state.log:
        replay.play(line)
    for contract, (held, market) in enumerate(zip(replay.held, state.markets, strict=True)):
        assert held.lots == market.lots, contract
        assert abs(held.entry) == market.entry_cash, contract
        assert held.isolated == market.isolated_cash, contract
    books, account = replay.books, state.account
    for name in ("cross", "fees", "funding", "insurance"):
        assert books[name] == getattr(account, f"{name}_cash"), name
    assert account.positions_cash == -sum(held.entry for held in replay.held)
    assert account.outside_cash == -sum(e.facts["cash"] for e in state.log if e.kind == "transfer")


def check_invariants(state: State) -> None:
    """Assert what must hold of every market and every order."""
    for market in state.markets:
        assert market.isolated_cash >= 0
        assert market.isolated_cash == 0 or (market.lots and market.is_isolated)
        assert (market.entry_cash > 0) == (market.lots != 0)
        assert market.room_lots >= -1
        assert market.called in (0, 1)
    if not any(market.lots and not market.is_isolated for market in state.markets):
        assert state.account.cross_cash >= 0
    for number, order in state.orders.items():
        assert number == order.id < state.account.next_order_id
        assert order.close_position or 0 <= order.filled_lots < order.lots
        assert order.queue_lots >= 0
        assert not order.reduce_only or state.markets[order.contract].lots


def check_brackets(state: State) -> None:
    """Assert that a held bracket has its stop over the same lots, and targets within them."""
    for contract, bracket in enumerate(state.brackets):
        held = bracket.side * state.markets[contract].lots
        mine = [order for order in state.orders_of(contract) if order.role]
        assert bracket.side or not mine
        stops = [order for order in mine if order.role == STOP]
        targets = [order for order in mine if order.role > TARGET]
        assert sum(order.lots - order.filled_lots for order in targets) <= max(0, held)
        if held <= 0:
            assert not stops
            continue
        assert [order.id for order in stops] == [bracket.stop_id]
        assert (stops[0].lots - stops[0].filled_lots, stops[0].side) == (held, -bracket.side)
        assert stops[0].trigger_ticks == bracket.stop_ticks


def check_stops_never_loosen(state: State) -> None:
    """Assert that within a bracket's life its stop only moves toward the market."""
    stands: dict[int, int] = {}
    for line in state.log:
        if line.kind == "bracket":
            stands[line.contract] = line.facts["ticks"]
        elif line.kind == "stop_at":
            moved = line.facts["side"] * (line.facts["ticks"] - stands[line.contract])
            assert moved >= 0, line
            stands[line.contract] = line.facts["ticks"]
