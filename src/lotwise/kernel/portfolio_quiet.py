"""Which bars of a portfolio can do nothing: as :mod:`lotwise.kernel.quiet`, for several contracts and limits.

Beside orders, liquidation and time, a bar is not quiet where the equity at its close could reach a loss lock.
What is spare is handed out evenly to all open positions, so that together they cannot use it up.
"""

from __future__ import annotations

from lotwise.kernel.arith import INT64_MAX, mul_div_floor
from lotwise.kernel.exposure import cross_balance, cross_maintenance, maintenance, pnl
from lotwise.kernel.layout import RATE
from lotwise.kernel.limits import day_begins_ns
from lotwise.kernel.matching import waits_for_fall
from lotwise.kernel.portfolio_open import equity_of
from lotwise.kernel.portfolio_rows import Book
from lotwise.kernel.state import FREE, GTD, TOUCH, TRAILING, WORKING, State
from lotwise.rule import rule


@rule
def set_portfolio_bounds(state: State, book: Book) -> None:
    """Find the prices of each contract, and the time, before which no bar can do anything."""
    run, account = book.run[0], state.account[0]
    until = day_begins_ns(book.usage[0].day + 1, book.allowed[0].day_offset_ns)
    if run.curve_every_ns:
        until = min(until, run.curve_next_ns)
    for c in range(len(book.seats)):
        book.seats[c].falls_ticks = 0
        book.seats[c].rises_ticks = INT64_MAX
        if state.brackets[c].time_stop_ns:
            until = min(until, state.brackets[c].time_stop_ns)
    for i in range(account.end_slot):
        order = state.orders[i]
        if order.status != FREE:
            bound_by_order(state, book, i)
            if order.tif == GTD:
                until = min(until, order.expires_ns)
    run.until_ns = until
    for c in range(len(book.seats)):
        seat, last = book.seats[c], state.markets[c].last_ticks
        reached = last <= seat.falls_ticks or last >= seat.rises_ticks  # there was no room: it goes on here
        if reached or account.call_ratio8 or last == 0:
            seat.falls_ticks = INT64_MAX
            seat.rises_ticks = 0
    bound_by_losses(state, book)


@rule
def bound_by_order(state: State, book: Book, i: int) -> None:
    """Hold the bounds of an order's contract short of where it does something."""
    order = state.orders[i]
    seat = book.seats[order.contract]
    strict = 0 if state.contracts[order.contract].limit_fill == TOUCH else 1
    if order.status == WORKING:
        if order.side > 0:
            seat.falls_ticks = max(seat.falls_ticks, order.price_ticks - strict)
        else:
            seat.rises_ticks = min(seat.rises_ticks, order.price_ticks + strict)
    elif order.kind == TRAILING:  # its extreme moves with the price: every bar counts
        seat.falls_ticks = INT64_MAX
        seat.rises_ticks = 0
    elif waits_for_fall(state, i):
        seat.falls_ticks = max(seat.falls_ticks, order.trigger_ticks)
    else:
        seat.rises_ticks = min(seat.rises_ticks, order.trigger_ticks)


@rule
def spare_before_locks(state: State, book: Book) -> int:
    """What may be lost before a loss lock that is not set yet is reached."""
    allowed, usage = book.allowed[0], book.usage[0]
    equity, spare = equity_of(state), INT64_MAX
    if allowed.day_loss_share8 and usage.day_locked == 0:
        kept = mul_div_floor(usage.day_start_cash, max(0, RATE - allowed.day_loss_share8), RATE)
        spare = min(spare, equity - kept)
    if allowed.week_loss_share8 and usage.week_locked == 0:
        kept = mul_div_floor(usage.week_start_cash, max(0, RATE - allowed.week_loss_share8), RATE)
        spare = min(spare, equity - kept)
    return max(0, spare)


@rule
def bound_by_losses(state: State, book: Book) -> None:
    """Hold the bounds of each open position within its part of what is spare: before margin, before locks."""
    held, crossed = 0, 0
    for c in range(len(state.markets)):
        if state.markets[c].lots:
            held += 1
            crossed += 1 - state.markets[c].is_isolated
    if held == 0:
        return
    before_lock = spare_before_locks(state, book)
    cross_spare = cross_balance(state) - cross_maintenance(state)
    for c in range(len(state.markets)):
        market, contract, seat = state.markets[c], state.contracts[c], book.seats[c]
        if market.lots == 0:
            continue
        spare = cross_spare // max(1, crossed)
        if market.is_isolated:
            spare = market.isolated_cash + pnl(state, c) - maintenance(state, c)
        per_tick = abs(market.lots) * contract.cash_per_tick_lot
        safe = max(0, min(spare // 2, before_lock // held) // per_tick - 2)
        mark = market.mark8 // contract.tick_size8
        if market.lots > 0:
            seat.falls_ticks = max(seat.falls_ticks, mark - safe)
        else:
            seat.rises_ticks = min(seat.rises_ticks, mark + safe)
