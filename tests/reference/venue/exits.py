"""The exits of a bracket: its stop and targets are put in place again after every fill."""

from __future__ import annotations

from fractions import Fraction

from tests.reference.venue import pricing, worth
from tests.reference.venue.names import (
    ENTRY,
    GTC,
    LIMIT,
    NO_ROLE,
    STOP,
    STOP_MARKET,
    TARGET,
    TARGETS,
    TRAILING,
    WAITING,
    WORKING,
)
from tests.reference.venue.rounding import rate, rounded_down, rounded_up
from tests.reference.venue.rows import Bracket, Order, State


def add_order(state: State, order: Order) -> None:
    """Give an order the next id and put it among the orders."""
    order.id = state.account.next_order_id
    state.account.next_order_id += 1
    state.orders[order.id] = order
    state.note("placed", order.contract, order_id=order.id, kind=order.kind, role=order.role)


def drop_order(state: State, order: Order, why: str) -> None:
    """Take an order away: "cancelled" or "expired"; one that is gone already stays gone."""
    if state.orders.pop(order.id, None) is not None:
        state.note(why, order.contract, order_id=order.id)


def of_bracket(state: State, contract: int) -> list[Order]:
    """Return the orders of the contract's bracket, entries too."""
    return [order for order in state.orders_of(contract) if order.role != NO_ROLE]


def end_bracket(state: State, contract: int) -> None:
    """Cancel what is left of a bracket and forget it."""
    for order in of_bracket(state, contract):
        drop_order(state, order, "cancelled")
    state.brackets[contract] = Bracket()
    state.note("bracket_ended", contract)


def clear_exits(state: State, contract: int) -> None:
    """Cancel the exits of a bracket that guarded a position which no entry of its own had made."""
    for order in of_bracket(state, contract):
        if order.role != ENTRY:
            drop_order(state, order, "cancelled")
    state.brackets[contract].stop_id = 0


def sync(state: State, contract: int) -> None:
    """Put the exits of a contract's position in place."""
    bracket = state.brackets[contract]
    if not bracket.side:
        return
    held = bracket.side * state.markets[contract].lots
    if held <= 0:
        if bracket.entered_lots:
            end_bracket(state, contract)
        else:
            clear_exits(state, contract)
        return
    keep_stop(state, contract, held)
    plan = planned(state, contract)
    keep_targets(state, contract, held, plan)
    count = first_filled(bracket, plan)
    if bracket.breakeven_after and count >= bracket.breakeven_after and not bracket.moved:
        move_to_breakeven(state, contract, held)
    if bracket.trail_after and count >= bracket.trail_after and not bracket.trailing:
        start_trailing(state, contract)


# --- the stop -------------------------------------------------------------------------------------


def note_stop(state: State, contract: int) -> None:
    """Write down where the stop stands."""
    bracket = state.brackets[contract]
    state.note("stop_at", contract, side=bracket.side, ticks=bracket.stop_ticks)


def keep_stop(state: State, contract: int, held: int) -> None:
    """Place the stop, or give it the lots that are held."""
    bracket = state.brackets[contract]
    order = state.orders.get(bracket.stop_id)
    if order is not None:
        if order.lots - order.filled_lots != held:
            order.lots = order.filled_lots + held
            state.note("resized", contract, order_id=order.id, lots=held)
        return
    order = Order(
        contract=contract,
        kind=STOP_MARKET,
        side=-bracket.side,
        tif=GTC,
        lots=held,
        reduce_only=1,
        role=STOP,
        status=WAITING,
        by_mark=bracket.by_mark,
        trigger_ticks=bracket.stop_ticks,
    )
    add_order(state, order)
    bracket.stop_id = order.id
    note_stop(state, contract)
    if bracket.trailing:
        let_trail(state, order)


def tighter(side: int, one: int, other: int) -> int:
    """Return the price nearer to the market of two stops of a side."""
    return max(one, other) if side > 0 else min(one, other)


def trail_trigger(side: int, extreme: int, callback8: int) -> int:
    """Return the trigger of a trailing order of a side that has seen this extreme."""
    if side < 0:
        return rounded_up(extreme * (1 - rate(callback8)))
    return rounded_down(extreme * (1 + rate(callback8)))


def let_trail(state: State, order: Order) -> None:
    """Make a stop order trail from the last price."""
    bracket, market = state.brackets[order.contract], state.markets[order.contract]
    own = trail_trigger(order.side, market.last_ticks, bracket.callback8)
    order.kind, order.by_mark, order.callback8, order.active = TRAILING, 0, bracket.callback8, 1
    order.extreme_ticks = market.last_ticks
    order.trigger_ticks = tighter(bracket.side, own, bracket.stop_ticks)
    bracket.stop_ticks = order.trigger_ticks
    note_stop(state, order.contract)


def start_trailing(state: State, contract: int) -> None:
    """Make the stop of a bracket trail from now on."""
    bracket = state.brackets[contract]
    bracket.trailing = 1
    let_trail(state, state.orders[bracket.stop_id])


def move_to_breakeven(state: State, contract: int, held: int) -> None:
    """Move the stop to break-even, where that is tighter and not yet reached."""
    bracket = state.brackets[contract]
    bracket.moved = 1
    ticks = breakeven(state, contract, held)
    if ticks is None:
        return
    is_tighter = bracket.side * (ticks - bracket.stop_ticks) > 0
    is_ahead = bracket.side * (state.markets[contract].last_ticks - ticks) > 0
    if is_tighter and is_ahead:
        bracket.stop_ticks = state.orders[bracket.stop_id].trigger_ticks = ticks
        note_stop(state, contract)


def breakeven(state: State, contract: int, held: int) -> int | None:
    """Return the tick nearest to the entry that pays both fees; None without one."""
    bracket, facts = state.brackets[contract], state.contracts[contract]
    if not bracket.entered_lots:
        return None
    side, entry = bracket.side, state.markets[contract].entry_cash
    paid = rounded_up(Fraction(bracket.fees_cash * held, bracket.entered_lots))
    taker = rate(facts.taker_fee8)

    def pays(ticks: int) -> bool:
        amount = worth.notional(state, contract, ticks, held)
        return side * (amount - entry) - rounded_up(amount * taker) - paid >= 0

    net = worth.notional(state, contract, 1, held) * (1 - side * taker)
    if net <= 0:
        return None
    ticks = max(1, rounded_down((entry + side * paid) / net))
    while ticks >= 1 and not pays(ticks):
        ticks += side
    while ticks > side and pays(ticks - side):
        ticks -= side
    return ticks if ticks >= 1 else None


# --- the targets ----------------------------------------------------------------------------------


def planned(state: State, contract: int) -> list[int]:
    """Return the planned lots of the targets, legs that are too small merged."""
    bracket, facts = state.brackets[contract], state.contracts[contract]
    bounds = [0] + [rounded_down(bracket.entered_lots * rate(share)) for share in bracket.target_share8]
    used = bracket.used
    plan = [bounds[k + 1] - bounds[k] for k in range(used)] + [0] * (TARGETS - used)

    def is_small(k: int) -> bool:
        amount = worth.notional(state, contract, bracket.target_ticks[k], plan[k])
        return plan[k] < facts.min_lots or amount < facts.min_notional_cash

    for k in range(used - 1):
        if is_small(k):
            plan[k + 1] += plan[k]
            plan[k] = 0
    before = [k for k in range(used - 1) if plan[k]]
    if before and is_small(used - 1):
        plan[before[-1]] += plan[used - 1]
        plan[used - 1] = 0
    return plan


def first_filled(bracket: Bracket, plan: list[int]) -> int:
    """Return how many of the first targets have filled what is planned for them."""
    whole = [k for k in range(bracket.used) if plan[k] and bracket.filled_lots[k] >= plan[k]]
    open_ones = [k for k in range(bracket.used) if plan[k] and k not in whole]
    if not whole or (open_ones and open_ones[0] < whole[0]):
        return 0
    if not open_ones:
        return bracket.used
    return max(k for k in whole if k < open_ones[0]) + 1


def time_has_come(state: State, contract: int) -> bool:
    """Tell whether the bracket's time stop has come."""
    stamp = state.brackets[contract].time_stop_ns
    return 0 < stamp <= state.account.time_ns


def keep_targets(state: State, contract: int, held: int, plan: list[int]) -> None:
    """Place, resize or cancel the targets."""
    bracket = state.brackets[contract]
    working = {order.role - TARGET - 1: order for order in of_bracket(state, contract) if order.role > TARGET}
    left = held
    for k in range(TARGETS):
        lots = min(left, max(0, plan[k] - bracket.filled_lots[k]))
        if time_has_come(state, contract):
            lots = 0
        left -= lots
        order = working.get(k)
        if order is None:
            if lots:
                place_target(state, contract, k, lots)
        elif not lots:
            drop_order(state, order, "cancelled")
        elif order.lots - order.filled_lots != lots:
            order.lots = order.filled_lots + lots
            state.note("resized", contract, order_id=order.id, lots=order.lots)


def place_target(state: State, contract: int, k: int, lots: int) -> None:
    """Put target k (from 0) into the book; it waits there for the price even if that is there already."""
    bracket = state.brackets[contract]
    order = Order(
        contract=contract,
        kind=LIMIT,
        side=-bracket.side,
        tif=GTC,
        lots=lots,
        reduce_only=1,
        role=TARGET + 1 + k,
        status=WORKING,
        price_ticks=bracket.target_ticks[k],
    )
    add_order(state, order)
    order.queue_lots = pricing.queue_ahead(state, order)


def count_fill(state: State, order: Order, lots: int, fee: int) -> None:
    """Count the fill of an entry or a target for its bracket."""
    bracket = state.brackets[order.contract]
    if order.role == ENTRY:
        bracket.entered_lots += lots
        bracket.fees_cash += fee
    elif order.role > TARGET:
        k = order.role - TARGET - 1
        counted = enumerate(bracket.filled_lots)
        bracket.filled_lots = tuple(filled + lots * (place == k) for place, filled in counted)
