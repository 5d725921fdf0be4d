"""A trade as the kernel sees it: each fill booked by the kernel's rules, which say what should stand.

The bracket rule is written once (:mod:`lotwise.kernel.bracket`). In a backtest it moves orders in the venue
in a box; here it moves the orders of a small state of its own, one trade wide, and the session makes the
venue's orders equal to them.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from lotwise.broker.intents import TradePlan
from lotwise.broker.kernel_account import NO_TIER, Assumptions, contract_row
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError
from lotwise.kernel import booking, bracket, commands, matching
from lotwise.kernel.arith import mul_div_ceil
from lotwise.kernel.layout import RATE
from lotwise.kernel.slots import slot_of
from lotwise.kernel.snapshot import new_state
from lotwise.kernel.state import FREE, LOG_FILL, TARGET, TARGETS, EventRow, State
from lotwise.records.journal import Fill
from lotwise.strategy.rows import row_of
from lotwise.units import Cash, Lots, Ticks

PURSE_CASH: Final = 10**18
"""Money the mirror begins with, so that no loss empties it; the result is counted from it."""
ROOM: Final = 4
"""The bounds of its arithmetic are proved for prices up to so many times the highest of the plan."""


class Standing(NamedTuple):
    """An exit that should stand."""

    number: int
    """0 the stop, 1 to 4 the targets."""
    lots: Lots
    ticks: Ticks


class Mirror:
    """One trade, booked by the kernel's rules.

    Parameters
    ----------
    plan
        Its signal has the exits.

    Raises
    ------
    InputError
        BROKER-102 the contract is not linear, or its fees are unknown. SIGNAL-101, 102.
    """

    def __init__(self, contract: Contract, plan: TradePlan, by_mark: bool = False) -> None:
        self.contract, self.side = contract, plan.signal.side
        highest = max([plan.last_ticks, *(leg.price_ticks for leg in plan.signal.targets)]) * ROOM
        row = contract_row(contract, 0, Assumptions(), highest_ticks=highest)
        self.state: State = new_state([row], list(contract.tier_rows) or [NO_TIER], slots=1)
        self.state.account[0].cross_cash = PURSE_CASH
        self.state.account[0].time_ns = plan.time_ns
        self.state.markets[0].last_ticks = plan.last_ticks
        self.fees_cash, self.entered_lots, self.was_entered = Cash(0), Lots(0), False
        self._bracket = _declared(plan, by_mark)
        self.answer = commands.bracket_answer(self.state, [self._bracket])
        """0, or the venue in a box's code of why such exits cannot be."""
        commands.declare_bracket(self.state, [self._bracket])

    @property
    def held_lots(self) -> Lots:
        """Held on the trade's side, by the fills booked."""
        return Lots(self.side * self.state.markets[0].lots)

    @property
    def stop_ticks(self) -> Ticks:
        """Where the stop should stand."""
        self._keep_stop()
        return Ticks(self._bracket.stop_ticks)

    def _keep_stop(self) -> None:
        """Remember how close the stop has come: exits that come back after all was closed begin there."""
        now = self.state.brackets[0].stop_ticks
        if now and self.side * (now - self._bracket.stop_ticks) > 0:
            self._bracket.stop_ticks = now

    @property
    def is_over(self) -> bool:
        """Something was entered, and all of it has been closed."""
        return self.was_entered and self.held_lots == 0

    @property
    def result_cash(self) -> Cash:
        """Won or lost by what is closed, all fees paid; without funding."""
        return Cash(self.state.account[0].cross_cash - PURSE_CASH)

    @property
    def is_trailing(self) -> bool:
        """Whether the stop follows the price."""
        return bool(self.state.brackets[0].trailing)

    def is_due(self, now_ns: int) -> bool:
        """Whether the time stop's time has come."""
        return 0 < self._bracket.time_stop_ns <= now_ns

    def price(self, last_ticks: int, now_ns: int) -> None:
        """The last price; a trailing stop follows it."""
        self.state.markets[0].last_ticks = last_ticks
        self.state.account[0].time_ns = max(now_ns, self.state.account[0].time_ns)
        matching.trail(self.state, 0)

    def tighten(self, stop_ticks: int) -> bool:
        """Let the stop stand closer; whether it was. A farther one changes nothing."""
        row = self.state.brackets[0]
        if row.side == 0 or row.side * (stop_ticks - row.stop_ticks) <= 0:
            return False
        row.stop_ticks = stop_ticks
        slot = slot_of(self.state, row.stop_id)
        if slot >= 0:
            self.state.orders[slot].trigger_ticks = stop_ticks
        return True

    def book(self, number: int, *, side: int, lots: int, price_ticks: int, fee_cash: int) -> None:
        """Book an execution at its real price and fee: as :func:`lotwise.kernel.matching.fill_order`.

        ``number`` is -1 for an entry, 1 to 4 for a target, else 0. An entry that fills after all was closed
        brings the exits back.
        """
        state = self.state
        self._keep_stop()
        if number < 0 and state.brackets[0].side == 0:
            commands.declare_bracket(state, [self._bracket])
        before = state.markets[0].lots
        at = booking.note(
            state,
            LOG_FILL,
            0,
            order_id=0,
            lots=side * lots,
            price_ticks=price_ticks,
            maker=0,
            reason=0,
        )
        booking.fill(state, at, 0, side=side, lots=lots, price_ticks=price_ticks, fee8=0)
        booking.book(state, at, 0, cross=-fee_cash, fees=fee_cash)
        self.fees_cash = Cash(self.fees_cash + fee_cash)
        if number < 0:
            state.brackets[0].entered_lots += lots
            state.brackets[0].fees_cash += fee_cash
            self.entered_lots, self.was_entered = Lots(self.entered_lots + lots), True
        elif number > 0 and state.brackets[0].side:
            bracket.add_target_filled(state, 0, number, lots=lots)
        matching.after_fill(state, 0, before=before, entered_now=int(number < 0))

    def targets(self, held_lots: int) -> list[Standing]:
        """The targets that should stand, all together within ``held_lots``."""
        found, left = [], held_lots
        for k in range(1, TARGETS + 1):
            for order in self.state.orders:
                if order.status == FREE or order.role != TARGET + k:
                    continue
                lots = min(left, order.lots - order.filled_lots)
                left -= lots
                if lots > 0:
                    found.append(Standing(k, Lots(lots), Ticks(order.price_ticks)))
        return found


def _declared(plan: TradePlan, by_mark: bool) -> EventRow:
    """The exits of a signal, as :func:`lotwise.kernel.portfolio_open.place_signal` declares them."""
    wanted = row_of(plan.signal)
    event = EventRow(side=wanted.side, stop_ticks=wanted.stop_ticks, by_mark=int(by_mark))
    for name in ("breakeven_after", "trail_after", "callback8"):
        setattr(event, name, getattr(wanted, name))
    event.time_stop_ns = plan.time_ns + wanted.hold_ns if wanted.hold_ns else 0
    for k in range(1, TARGETS + 1):
        for name in (f"target_ticks_{k}", f"target_share8_{k}"):
            setattr(event, name, getattr(wanted, name))
    return event


def lots_of(contract: Contract, fill: Fill) -> Lots:
    """Lots of an execution.

    Raises
    ------
    InputError
        BROKER-170 a quantity that is no whole number of lots.
    """
    lots, rest = divmod(fill.quantity8, contract.scales.lot_size8)
    if rest or lots < 1:
        raise InputError(
            "BROKER-170",
            f"the fill {fill.trade_id} of {contract.id} has {fill.quantity8} in 1e-8, a lot is"
            f" {contract.scales.lot_size8}",
            "refresh the contract's facts: its lot size may have changed",
        )
    return Lots(lots)


def ticks_of(contract: Contract, fill: Fill) -> Ticks:
    """Price of an execution; one between two ticks (an average) counts as the worse of them."""
    below, rest = divmod(fill.price8, contract.scales.tick_size8)
    return Ticks(below + (1 if rest and fill.side > 0 else 0))


def fee_of(contract: Contract, fill: Fill) -> Cash:
    """The fee in the settle coin; one paid in another coin counts as the contract's taker fee."""
    if fill.paid_in == contract.settle:
        return Cash(fill.fee_cash)
    taker8 = contract.fees.taker8 if contract.fees else 0
    worth = ticks_of(contract, fill) * lots_of(contract, fill) * contract.scales.cash_per_tick_lot
    return Cash(mul_div_ceil(worth, taker8, RATE))
