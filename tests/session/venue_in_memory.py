"""A small venue in memory for tests of the session: exact, strict, and it fails when told to.

It is written apart from the kernel: an order is a record, a fill is one line of arithmetic. It knows whose
every lot is, which no real venue does, so an auditor can ask it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import ceil
from typing import Any

import msgspec

from lotwise import Contract
from lotwise.broker.intents import owner_of
from lotwise.broker.venue import OrderRefused, OutcomeUnknown, RateLimited, VenueDown
from lotwise.records.journal import Fill, Income
from lotwise.records.live import OrderWanted, VenueBalance, VenueMarket, VenueOrder, VenuePosition
from lotwise.units import Cash, Lots, Price8, Ticks

E8 = 10**8
SECOND = 10**9


class Crash(BaseException):
    """The process dies here."""


class HandClock:
    """A clock that a test sets."""

    def __init__(self, time_ns: int) -> None:
        self.time_ns = time_ns

    def now_ns(self) -> Any:
        """What it was set to."""
        return self.time_ns


class Standing:
    """An order at the venue, with what only the venue knows."""

    def __init__(self, order: VenueOrder, wanted: OrderWanted) -> None:
        self.order, self.wanted = order, wanted
        self.fill_id = order.venue_id

    def now(self, **changes: Any) -> VenueOrder:
        """The order, changed."""
        self.order = msgspec.structs.replace(self.order, **changes)
        return self.order


class MemoryVenue:
    """One account with a few linear contracts, cross margin.

    ``fault`` is asked before every call with its name; it answers with the name of a fault or nothing.
    """

    name = "own"

    def __init__(self, contracts: Sequence[Contract], clock: HandClock, wallet: int = 10_000 * E8) -> None:
        self.contracts = {contract.id: contract for contract in contracts}
        self.account, self.clock, self.wallet = "main", clock, wallet
        self.prices = dict.fromkeys(self.contracts, 300_000)
        self.spread, self.skew_ns, self.fills_lag_ns = 2, 0, 0
        self.book: dict[str, Standing] = {}
        self.lots = dict.fromkeys(self.contracts, 0)
        self.entry = dict.fromkeys(self.contracts, Fraction(0))
        self.own: dict[str, int] = {}
        """Lots by trade, signed, of our client ids: who holds what."""
        self.contract_of: dict[str, str] = {}
        self.hands = dict.fromkeys(self.contracts, 0)
        """Lots by contract that were traded by hand."""
        self.executions: list[tuple[str, str, Fill]] = []
        """Contract, client id, execution."""
        self.incomes: list[Income] = []
        self.accepted: list[OrderWanted] = []
        self.late: list[OrderWanted] = []
        self.prepared: list[tuple[str, int, bool]] = []
        self.fault: Callable[[str], str] = lambda call: ""
        self.most_at_once: Callable[[int], int] = lambda lots: lots
        self.new_ids = False
        self.calls = 0
        self._ids = 0

    # -- faults

    def _ask(self, call: str) -> str:
        self.calls += 1
        fault = self.fault(call)
        if fault == "down":
            raise VenueDown("BROKER-188", "the network is cut", "it is tried again")
        if fault == "limited":
            until = self.clock.time_ns + 2 * SECOND
            raise RateLimited("BROKER-189", "429: too many requests", "wait", until_ns=until)
        if fault == "crash_before":
            raise Crash
        return fault

    def _after(self, fault: str) -> None:
        if fault == "crash_after":
            raise Crash
        if fault == "lost_after":
            raise OutcomeUnknown("BROKER-187", "time-out after 10 s", "it is read back")

    def now_ns(self) -> int:
        return self.clock.time_ns + self.skew_ns

    def prepare(self, contract_id: str, leverage100: int, is_isolated: bool) -> None:
        fault = self._ask("prepare")
        self.prepared.append((contract_id, leverage100, is_isolated))
        self._after(fault)

    # -- orders

    def place(self, order: OrderWanted) -> VenueOrder:
        fault = self._ask(f"place {order.kind}{' reduce' if order.is_reduce_only else ''}")
        if fault == "lost_before":
            raise OutcomeUnknown("BROKER-187", "time-out after 10 s", "it is read back")
        if fault == "late":
            self.late.append(order)
            raise OutcomeUnknown("BROKER-187", "time-out after 10 s", "it is read back")
        if fault.startswith("-"):
            raise OrderRefused("BROKER-186", f"the venue says {fault}", "see its page", venue_code=fault)
        made = self.accept(order)
        self._after(fault)
        return made.order

    def accept(self, order: OrderWanted) -> Standing:
        """Take an order, or refuse it as a venue does."""
        assert order.client_id not in {one.client_id for one in self.accepted}, f"doubled: {order.client_id}"
        held, last = self.lots[order.contract_id], self.prices[order.contract_id]
        if order.is_reduce_only and held * order.side >= 0:
            raise OrderRefused("BROKER-186", "ReduceOnly Order is rejected.", "", venue_code="-2022")
        if order.kind == "stop" and (order.trigger_ticks - last) * order.side <= 0:
            raise OrderRefused("BROKER-186", "Order would immediately trigger.", "", venue_code="-2021")
        self.accepted.append(order)
        self._ids += 1
        kept = VenueOrder(
            contract_id=order.contract_id,
            client_id=order.client_id,
            venue_id=str(self._ids),
            kind=order.kind,
            side=order.side,
            lots=order.lots,
            price_ticks=order.price_ticks,
            trigger_ticks=order.trigger_ticks,
            by_mark=order.by_mark,
            is_reduce_only=order.is_reduce_only,
            time_ns=self.now_ns(),
        )
        one = self.book[kept.venue_id] = Standing(kept, order)
        if order.kind == "market":
            self._take(one)
        elif order.kind == "limit":
            self._match(one)
        return one

    def cancel(self, order: VenueOrder) -> VenueOrder:
        fault = self._ask("cancel")
        if fault == "lost_before":
            raise OutcomeUnknown("BROKER-187", "time-out after 10 s", "it is read back")
        one = self.book[order.venue_id]
        if one.order.state == "open":
            one.now(state="cancelled")
        self._after(fault)
        return one.order

    def order(self, contract_id: str, client_id: str) -> VenueOrder | None:
        fault = self._ask("order")
        found = [one.order for one in self.book.values() if one.order.client_id == client_id]
        self._after(fault if fault.startswith("crash") else "")
        return found[0] if found else None

    def orders(self, contract_id: str = "") -> list[VenueOrder]:
        fault = self._ask("orders")
        self._after(fault if fault.startswith("crash") else "")
        return [
            one.order
            for one in self.book.values()
            if one.order.state == "open" and contract_id in ("", one.order.contract_id)
        ]

    # -- matching

    def _take(self, one: Standing) -> None:
        """Fill at the market what the book gives; the rest expires."""
        last = self.prices[one.order.contract_id]
        price = last + self.spread // 2 if one.order.side > 0 else last - self.spread // 2
        self._fill(one, self.most_at_once(one.order.left_lots), price)
        if one.order.state == "open":
            one.now(state="expired")

    def _match(self, one: Standing) -> None:
        order, last = one.order, self.prices[one.order.contract_id]
        if order.kind == "limit" and (order.price_ticks - last) * order.side > 0:
            self._fill(one, self.most_at_once(order.left_lots), order.price_ticks)
        elif order.kind == "stop" and (order.trigger_ticks - last) * order.side <= 0:
            if self.new_ids:
                one.fill_id = f"T{order.venue_id}"
            self._take(one)

    def _fill(self, one: Standing, lots: int, price: int) -> None:
        order, contract = one.order, self.contracts[one.order.contract_id]
        held = self.lots[contract.id]
        if order.is_reduce_only:
            lots = min(lots, max(0, -order.side * held))
        if lots <= 0:
            return
        filled = order.filled_lots + lots
        one.now(filled_lots=Lots(filled), state="filled" if filled == order.lots else "open")
        unit = contract.scales.cash_per_tick_lot
        fee = ceil(Fraction(price * lots * unit) * Fraction("0.0005"))
        closing = min(lots, abs(held)) if held * order.side < 0 else 0
        average = self.entry[contract.id] / abs(held) if held else Fraction(0)
        gained = (1 if held > 0 else -1) * (price * closing * unit - average * closing)
        self.entry[contract.id] += price * (lots - closing) * unit - average * closing
        self.lots[contract.id] = held + order.side * lots
        self.wallet += int(gained) - fee
        owner = owner_of(order.client_id)
        self._whose(owner[0] if owner else "", contract.id, order.side * lots, order.is_reduce_only)
        number = len(self.executions) + 1
        fill = Fill(
            venue="own",
            contract=contract.symbol,
            trade_id=f"f{number}",
            order_id=one.fill_id,
            time_ns=self.now_ns(),
            sequence=number,
            side=order.side,
            price8=price * contract.scales.tick_size8,
            quantity8=lots * contract.scales.lot_size8,
            coin="USDT",
            fee_cash=fee,
        )
        self.executions.append((contract.id, order.client_id, fill))
        if self.lots[contract.id] == 0:
            for other in self.book.values():
                exits = other.order.contract_id == contract.id and other.order.is_reduce_only
                if exits and other.order.state == "open":
                    other.now(state="expired")

    def _whose(self, trade_id: str, contract_id: str, lots: int, reduces: bool) -> None:
        """Keep whose every lot is: what opposes others' lots in the one position closes those."""
        hands = self.hands[contract_id]
        if trade_id:
            self.contract_of[trade_id] = contract_id
            held = self.own.get(trade_id, 0)
            sign = 1 if lots > 0 else -1
            if reduces:  # an exit that finds less of its trade closes what others hold
                beside = abs(lots) - min(abs(lots), abs(held))
            else:
                beside = min(abs(lots), abs(hands)) if hands * lots < 0 else 0
            self.hands[contract_id] += sign * beside
            self.own[trade_id] = held + lots - sign * beside
            return
        sign = 1 if lots > 0 else -1
        beside = min(abs(lots), abs(hands)) if hands * lots < 0 else 0
        self.hands[contract_id] += sign * beside
        left = abs(lots) - beside
        for name, held in self.own.items():
            if self.contract_of[name] == contract_id and held * sign < 0:
                closed = min(left, abs(held))
                self.own[name] = held + sign * closed
                left -= closed
        self.hands[contract_id] += sign * left

    def move(self, contract_id: str, ticks: int) -> None:
        """The price goes there; orders that it reaches trigger and fill, oldest first."""
        self.prices[contract_id] = ticks
        late, self.late = self.late, []
        for order in late:
            try:
                self.accept(order)
            except OrderRefused:
                continue
        for one in list(self.book.values()):
            if one.order.state == "open" and one.order.contract_id == contract_id:
                self._match(one)

    def by_hand(self, contract_id: str, side: int, lots: int, **given: Any) -> VenueOrder:
        """The trader's own order on the venue's app."""
        self._ids += 1
        wanted = OrderWanted(
            contract_id=contract_id,
            client_id=f"app-{self._ids}",
            kind=given.pop("kind", "market"),
            side=side,
            lots=Lots(lots),
            **given,
        )
        return self.accept(wanted).order

    # -- reading

    def positions(self) -> list[VenuePosition]:
        fault = self._ask("positions")
        self._after(fault if fault.startswith("crash") else "")
        found = []
        for name, lots in self.lots.items():
            if lots:
                contract = self.contracts[name]
                price8 = self.entry[name] / abs(lots) / contract.scales.cash_per_tick_lot
                found.append(
                    VenuePosition(
                        contract_id=name,
                        lots=Lots(lots),
                        entry_price8=Price8(int(price8 * contract.scales.tick_size8)),
                        mark_price8=Price8(self.prices[name] * contract.scales.tick_size8),
                        margin_cash=Cash(int(self.entry[name]) // 10),
                        leverage100=1_000,
                        is_isolated=False,
                    )
                )
        return found

    def balance(self, coin: str) -> VenueBalance:
        fault = self._ask("balance")
        self._after(fault if fault.startswith("crash") else "")
        open_cash, margin = Fraction(0), Fraction(0)
        for name, lots in self.lots.items():
            worth = self.prices[name] * abs(lots) * self.contracts[name].scales.cash_per_tick_lot
            open_cash += (worth - self.entry[name]) * (1 if lots > 0 else -1)
            margin += Fraction(worth) / 10
        equity = self.wallet + int(open_cash)
        return VenueBalance(
            coin=coin,
            wallet_cash=Cash(self.wallet),
            equity_cash=Cash(equity),
            free_cash=Cash(equity - int(margin)),
            margin_cash=Cash(int(margin)),
        )

    def market(self, contract_id: str) -> VenueMarket:
        fault = self._ask("market")
        self._after(fault if fault.startswith("crash") else "")
        last = self.prices[contract_id]
        tick = self.contracts[contract_id].scales.tick_size8
        return VenueMarket(
            contract_id=contract_id,
            bid_ticks=Ticks(last - self.spread // 2),
            ask_ticks=Ticks(last + self.spread // 2),
            last_ticks=Ticks(last),
            mark_price8=Price8(last * tick),
            time_ns=self.now_ns(),
        )

    def fills(self, contract_id: str, since_ns: int) -> list[Fill]:
        fault = self._ask("fills")
        self._after(fault if fault.startswith("crash") else "")
        until = self.now_ns() - self.fills_lag_ns
        return [
            fill
            for name, _, fill in self.executions
            if name == contract_id and since_ns <= fill.time_ns <= until
        ]

    def income(self, since_ns: int) -> list[Income]:
        fault = self._ask("income")
        self._after(fault if fault.startswith("crash") else "")
        return [one for one in self.incomes if one.time_ns >= since_ns]
