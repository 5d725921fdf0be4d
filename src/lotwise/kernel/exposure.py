"""What an account stands for: worth, margin, what is free, what is healthy.

Rules of ``docs/venue_in_a_box.md``, "Worth, margin". ``c`` is a contract's index.

Source: Binance USD-M, "Leverage and Margin of USDS-M Futures", "Cost required to open a position".
"""

from __future__ import annotations

from lotwise.kernel.arith import mul_div_ceil, mul_div_floor
from lotwise.kernel.margin import initial_margin_trunc, maintenance_trunc, tier_index
from lotwise.kernel.state import WORKING, State
from lotwise.rule import rule
from lotwise.units import Cash


@rule
def worth_at_floor(state: State, c: int, mark8: int) -> Cash:
    """Notional of the position at a mark, cut to 1e-8."""
    unit = abs(state.markets[c].lots) * state.contracts[c].cash_per_tick_lot
    return Cash(mul_div_floor(mark8, unit, state.contracts[c].tick_size8))


@rule
def worth_at_mark_floor(state: State, c: int) -> Cash:
    """Notional of the position at the present mark, cut to 1e-8."""
    if state.markets[c].lots == 0:
        return Cash(0)
    return worth_at_floor(state, c, state.markets[c].mark8)


@rule
def pnl_of(state: State, c: int, worth: Cash) -> Cash:
    """Profit of the position if it is worth so much."""
    market = state.markets[c]
    return Cash(worth - market.entry_cash if market.lots > 0 else market.entry_cash - worth)


@rule
def pnl(state: State, c: int) -> Cash:
    """Unrealised profit of the position at the mark."""
    if state.markets[c].lots == 0:
        return Cash(0)
    return pnl_of(state, c, worth_at_mark_floor(state, c))


@rule
def initial_margin(state: State, c: int) -> Cash:
    """Initial margin of the position, by mark."""
    return initial_margin_trunc(worth_at_mark_floor(state, c), leverage100=state.markets[c].leverage100)


@rule
def maintenance_of(state: State, c: int, worth: Cash) -> Cash:
    """Maintenance margin of the contract's position if it is worth so much, in the tier of that."""
    if worth == 0:
        return Cash(0)
    return maintenance_trunc(state.tiers[state.contracts[c].first_tier : state.contracts[c].end_tier], worth)


@rule
def maintenance(state: State, c: int) -> Cash:
    """Maintenance margin of the position, by mark, in the tier of its worth."""
    return maintenance_of(state, c, worth_at_mark_floor(state, c))


@rule
def most_leverage100(state: State, c: int, notional: Cash) -> int:
    """The leverage that the tier of a notional allows."""
    contract = state.contracts[c]
    tiers = state.tiers[contract.first_tier : contract.end_tier]
    return tiers[tier_index(tiers, notional)].max_leverage100


@rule
def open_loss_ceil(state: State, c: int, side: int, price_ticks: int, lots: int) -> Cash:
    """What an order loses at the mark the moment it fills."""
    contract = state.contracts[c]
    worse8 = side * (price_ticks * contract.tick_size8 - state.markets[c].mark8)
    if worse8 <= 0:
        return Cash(0)
    return Cash(mul_div_ceil(worse8, lots * contract.cash_per_tick_lot, contract.tick_size8))


@rule
def opens(state: State, i: int, c: int) -> bool:
    """Whether slot ``i`` is an order in the book of ``c`` that may open a position."""
    order = state.orders[i]
    if order.status != WORKING or order.contract != c:
        return False
    return order.reduce_only == 0 and order.close_position == 0


@rule
def working_sums(state: State, c: int, skip: int) -> tuple[int, int, int]:
    """Notional of the opening buys and sells in the book, and their open losses; slot ``skip`` apart."""
    buys, sells, losses = 0, 0, 0
    unit = state.contracts[c].cash_per_tick_lot
    for i in range(state.account[0].end_slot):
        if i == skip or not opens(state, i, c):
            continue
        order = state.orders[i]
        left = order.lots - order.filled_lots
        notional = order.price_ticks * left * unit
        if order.side > 0:
            buys += notional
        else:
            sells += notional
        losses += open_loss_ceil(state, c, order.side, price_ticks=order.price_ticks, lots=left)
    return buys, sells, losses


@rule
def gross(state: State, c: int, buys: int, sells: int) -> Cash:
    """The largest exposure that the position and those orders can become."""
    worth = worth_at_mark_floor(state, c)
    signed = worth if state.markets[c].lots > 0 else -worth
    return Cash(max(signed + buys, sells - signed, worth))


@rule
def order_margin(state: State, c: int) -> Cash:
    """What the opening orders of a contract reserve."""
    buys, sells, losses = working_sums(state, c, skip=-1)
    if buys == 0 and sells == 0:
        return Cash(0)
    exposed = gross(state, c, buys=buys, sells=sells)
    margin = initial_margin_trunc(exposed, leverage100=state.markets[c].leverage100)
    return Cash(margin - initial_margin(state, c) + losses)


@rule
def cross_balance(state: State) -> Cash:
    """Cross wallet and unrealised PnL of all cross positions."""
    balance = state.account[0].cross_cash
    for c in range(len(state.markets)):
        if state.markets[c].is_isolated == 0:
            balance += pnl(state, c)
    return Cash(balance)


@rule
def cross_maintenance(state: State) -> Cash:
    """Maintenance margin of all cross positions."""
    needed = 0
    for c in range(len(state.markets)):
        if state.markets[c].is_isolated == 0:
            needed += maintenance(state, c)
    return Cash(needed)


@rule
def available(state: State) -> Cash:
    """Money free for new margin; may be negative."""
    free = cross_balance(state)
    for c in range(len(state.markets)):
        if state.markets[c].is_isolated == 0:
            free = Cash(free - initial_margin(state, c))
        free = Cash(free - order_margin(state, c))
    return free


@rule
def has_cross_position(state: State) -> bool:
    """Whether any cross position is open."""
    for c in range(len(state.markets)):
        if state.markets[c].lots != 0 and state.markets[c].is_isolated == 0:
            return True
    return False


@rule
def isolated_is_healthy(state: State, c: int) -> bool:
    """Whether an isolated position keeps more than its maintenance margin."""
    if state.markets[c].lots == 0:
        return True
    worth = worth_at_mark_floor(state, c)
    balance = state.markets[c].isolated_cash + pnl_of(state, c, worth)
    return balance > maintenance_of(state, c, worth)


@rule
def cross_is_healthy(state: State) -> bool:
    """Whether the cross account keeps more than its maintenance margin."""
    spare, held = state.account[0].cross_cash, False
    for c in range(len(state.markets)):
        if state.markets[c].is_isolated == 0 and state.markets[c].lots != 0:
            held = True
            worth = worth_at_mark_floor(state, c)
            spare += pnl_of(state, c, worth) - maintenance_of(state, c, worth)
    return not held or spare > 0
