"""The watch: compares what stands at the venue with what should, and says what is not ours.

One look costs two questions to the venue, however many contracts are watched; only a trade whose orders or
position differ is looked at closer. What belongs to others is counted by the limits and told, never touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from lotwise.broker.chronicle import Kind
from lotwise.broker.intents import owner_of
from lotwise.broker.live import LiveBroker
from lotwise.broker.trade import Trade
from lotwise.broker.venue import RateLimited
from lotwise.errors import LotwiseError
from lotwise.kernel.arith import mul_div_ceil
from lotwise.records.live import LIVE, VenueOrder, VenuePosition
from lotwise.units import Cash, scaled_text

CLOCKS: Final = "clocks"
"""Why nothing is opened, of all contracts: the venue's clock is too far from ours."""
RESULTS: Final = frozenset({"REALIZED_PNL", "COMMISSION", "FUNDING_FEE", "INSURANCE_CLEAR"})
"""Kinds of income that are the result of a position. Source: Binance USD-M, "Income history"."""


class Watch:
    """Looks over the account of a broker."""

    def __init__(self, broker: LiveBroker) -> None:
        self.broker, self.policy, self.hand = broker, broker.policy, broker.hand
        self.looked_ns: int | None = None
        self._said: set[str] = set()
        self.is_down = False
        """The last look failed."""

    def due(self, now_ns: int) -> bool:
        """Whether it is time to look."""
        if self.looked_ns is None:
            return True
        if self.hand.is_quiet:
            return False
        every = self.policy.busy_ns if self.broker.trades else self.policy.check_ns
        return not 0 <= now_ns - self.looked_ns < every  # also where the clock was set back

    def check(self) -> bool:
        """Look once; whether the venue answered.

        Nothing is opened while it does not: a session that cannot see cannot protect.
        """
        broker, now = self.broker, self.broker.clock.now_ns()
        self.looked_ns = now
        try:
            orders, positions = broker.port.orders(), broker.port.positions()
            self._clocks(now)
        except LotwiseError as error:
            if isinstance(error, RateLimited):
                self.hand.note_limit(error)
            if not self.is_down:
                self.hand.tell("trouble", f"the venue cannot be read: {error.message}")
            self.is_down = True
            for contract_id in list(broker.trades):
                broker.tend(contract_id)
            return False
        if self.is_down:
            self.hand.tell("trouble", "the venue answers again")
        self.is_down = False
        before = broker.sequence
        try:
            held = _held(positions)
            self._terms(positions)
            for contract_id in list(broker.trades):
                self._trade(broker.trades[contract_id], orders, held.get(contract_id, 0))
            if broker.sequence != before:  # something was done: look at positions as they are after it
                positions = broker.port.positions()
                held = _held(positions)
            self._orphans(orders, held)
            self._others(positions)
        except LotwiseError as error:
            self.hand.tell("trouble", f"the look over the account was not finished: {error.message}")
            return False
        return True

    def _clocks(self, now: int) -> None:
        apart = self.broker.port.now_ns() - now
        if abs(apart) <= self.policy.skew_ns:
            self.broker.silent.pop(CLOCKS, None)
            return
        most = self.policy.skew_ns / 10**9
        said = f"the venue's clock is {apart / 10**9:+.1f} s from ours, {most:.1f} s are allowed"
        if CLOCKS not in self.broker.silent:
            self.hand.tell("skew", f"{said}: nothing is opened; set this machine's clock", skew_ns=apart)
        self.broker.silent[CLOCKS] = said

    # -- our trades

    def _terms(self, positions: Sequence[VenuePosition]) -> None:
        """Leverage or margin mode that someone changed: told, and set anew before the next trade."""
        for one in positions:
            terms = self.broker.terms.get(one.contract_id)
            if one.contract_id not in self.broker.trades or terms is None:
                continue
            other = one.leverage100 not in (None, terms.leverage100)
            if not other and one.is_isolated in (None, terms.is_isolated):
                continue
            self.broker.unprepare(one.contract_id)
            mode = {True: "isolated", False: "cross"}.get(bool(one.is_isolated))
            said = f"leverage {_times(one.leverage100)}" if other else f"{mode} margin"
            self._say_once(
                f"terms {self.broker.trades[one.contract_id].id}",
                f"{one.contract_id} stands at {said}, the session set {_times(terms.leverage100)}"
                f" {'isolated' if terms.is_isolated else 'cross'}: someone changed it; the liquidation may"
                " come before the stop. It is set again before the next trade",
                "trouble",
            )

    def _trade(self, trade: Trade, orders: Sequence[VenueOrder], lots: int) -> None:
        """Look closer at a trade whose orders or position are not as last seen."""
        standing = {order.client_id: order for order in orders}
        differs = trade.needs_care
        for one in trade.placed.values():
            order = standing.get(one.client_id)
            if (order is not None) != (one.stage == "open") or (
                order is not None
                and (
                    order.filled_lots != one.filled_lots
                    or order.lots != one.lots
                    or (one.role == "stop" and order.trigger_ticks != one.ticks)
                )
            ):
                differs = True
        if differs or self._beside(trade, lots):
            self.broker.tend(trade.contract.id)
        if trade.contract.id in self.broker.trades and self._beside(trade, lots):
            self._diverges(trade)
        else:
            trade.divergent_since_ns = 0

    def _beside(self, trade: Trade, lots: int) -> int:
        """What the venue holds beside what this trade and known others hold."""
        return lots - trade.side * trade.held_lots - trade.hand_lots

    def _diverges(self, trade: Trade) -> None:
        """A position is not what our fills say; after a while the venue is believed where it holds less."""
        now = self.broker.clock.now_ns()
        lots = _held(self.broker.port.positions()).get(trade.contract.id, 0)
        beside = self._beside(trade, lots)
        if not beside:
            return
        if not trade.divergent_since_ns:
            trade.divergent_since_ns = now
            self.hand.tell(
                "divergence",
                f"{trade.contract.id}: the venue holds {lots} lots, our fills say"
                f" {trade.side * trade.held_lots + trade.hand_lots}",
                trade,
                venue_lots=lots,
                own_lots=trade.side * int(trade.held_lots),
            )
        elif now - trade.divergent_since_ns >= self.policy.divergence_ns:
            self.hand.believe(trade, beside)
            self.broker.tend(trade.contract.id)

    # -- orders of ours that no trade knows

    def _orphans(self, orders: Sequence[VenueOrder], held: Mapping[str, int]) -> None:
        known = {name for trade in self.broker.trades.values() for name in trade.placed}
        for order in orders:
            if order.client_id in known:
                continue
            if owner_of(order.client_id) is None:
                self._say_order(order)
            elif not self._stands(order):
                continue  # it ended while this look went on
            elif order.is_reduce_only and held.get(order.contract_id, 0):
                self._say_once(
                    f"orphan {order.venue_id}",
                    f"an exit of ours stands in {order.contract_id} and no trade of this session knows it:"
                    " it stays, for it protects what is held",
                )
            else:
                self.broker.port.cancel(order)
                self.hand.tell(
                    "recovered",
                    f"an order of ours that no trade waits for was cancelled in {order.contract_id}:"
                    f" {order.client_id}",
                )

    def _stands(self, order: VenueOrder) -> bool:
        now = self.broker.port.order(order.contract_id, order.client_id)
        return now is not None and now.state == LIVE

    def _say_order(self, order: VenueOrder) -> None:
        self._say_once(
            f"order {order.venue_id}",
            f"an order that is not ours stands in {order.contract_id}: {order.kind} of {order.lots} lots",
        )

    def _say_once(self, name: str, message: str, kind: Kind = "foreign") -> None:
        if name not in self._said:
            self._said.add(name)
            self.hand.tell(kind, message)

    # -- positions of others

    def _others(self, positions: Sequence[VenuePosition]) -> None:
        """Count positions that are not ours like trades: locks, counts and pauses are of the account."""
        broker = self.broker
        present = {one.contract_id: one for one in positions if one.contract_id not in broker.trades}
        for contract_id, one in present.items():
            before = broker.foreign.get(contract_id)
            if before and before["lots"] == one.lots:
                continue
            if not before:
                self.hand.tell(
                    "foreign",
                    f"a position that is not ours stands in {contract_id}: {one.lots} lots. It counts in the"
                    " limits and is not touched; nothing is opened there",
                    lots=int(one.lots),
                )
            broker.others(contract_id, one, self._risk(one), self._worth(one))
        for contract_id in [name for name in broker.foreign if name not in present]:
            if contract_id in broker.trades:
                continue
            result = self._result(contract_id, broker.foreign[contract_id]["seen_ns"])
            self.hand.tell(
                "foreign",
                f"the position in {contract_id} that was not ours is closed",
                result_cash=int(result),
            )
            broker.others(contract_id, None, Cash(0), result)

    def _worth(self, one: VenuePosition) -> Cash:
        contract = self.broker.contracts.get(one.contract_id)
        if contract is None or contract.is_inverse:
            return one.margin_cash
        scales = contract.scales
        price8 = one.mark_price8 or one.entry_price8
        return Cash(mul_div_ceil(price8, abs(one.lots) * scales.cash_per_tick_lot, scales.tick_size8))

    def _risk(self, one: VenuePosition) -> Cash:
        """What it may lose: its margin. Whether its stops hold is not known."""
        return one.margin_cash

    def _result(self, contract_id: str, since_ns: int) -> Cash:
        symbol = contract_id.partition(":")[2]
        rows = self.broker.port.income(since_ns)
        return Cash(sum(row.cash for row in rows if row.contract == symbol and row.kind in RESULTS))


def _times(leverage100: int | None) -> str:
    return "unknown" if leverage100 is None else scaled_text(leverage100, 2)


def _held(positions: Sequence[VenuePosition]) -> dict[str, int]:
    """Lots by contract; both sides of a hedge together."""
    found: dict[str, int] = {}
    for one in positions:
        found[one.contract_id] = found.get(one.contract_id, 0) + one.lots
    return found
