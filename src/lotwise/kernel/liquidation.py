"""The venue's hand: margin calls, reduction, take-over by the insurance fund.

Rules of ``docs/venue_in_a_box.md``, "Liquidation". Source: Binance, "Liquidation Protocols".
"""

from __future__ import annotations

from typing import Final

from lotwise.kernel.arith import mul_div_ceil
from lotwise.kernel.booking import (
    book,
    cover_deficit,
    fill,
    note,
    release_entry_floor,
    take_over,
)
from lotwise.kernel.bracket import tend
from lotwise.kernel.exposure import (
    cross_balance,
    cross_is_healthy,
    cross_maintenance,
    has_cross_position,
    isolated_is_healthy,
    maintenance,
    pnl,
)
from lotwise.kernel.layout import RATE
from lotwise.kernel.matching import market_price
from lotwise.kernel.slots import drop
from lotwise.kernel.state import FREE, LOG_MARGIN_CALL, LOG_REDUCTION, State
from lotwise.rule import rule

LIQUIDATED: Final = 10
"""Why an order expired: its contract is being liquidated."""


@rule
def called(state: State, contract: int, was: int, needed: int, balance: int) -> int:
    """Whether a margin call holds for an open position; it is said when it begins."""
    ratio8 = state.account[0].call_ratio8
    now = needed >= mul_div_ceil(balance, ratio8, RATE)
    if now and was == 0:
        note(state, LOG_MARGIN_CALL, contract, order_id=0, lots=0, price_ticks=0, maker=0, reason=0)
    return 1 if now else 0


@rule
def call_isolated(state: State, c: int) -> None:
    """Say whether an isolated position comes near its liquidation."""
    market = state.markets[c]
    if state.account[0].call_ratio8:
        balance = market.isolated_cash + pnl(state, c)
        market.called = called(state, c, market.called, needed=maintenance(state, c), balance=balance)
    else:
        market.called = 0


@rule
def call_cross(state: State) -> None:
    """Say whether the cross account comes near its liquidation."""
    account = state.account[0]
    if account.call_ratio8 and has_cross_position(state):
        needed, balance = cross_maintenance(state), cross_balance(state)
        account.called = called(state, -1, account.called, needed=needed, balance=balance)
    else:
        account.called = 0


@rule
def cancel_contract(state: State, c: int) -> None:
    """Every order of a contract under liquidation is cancelled."""
    for i in range(state.account[0].end_slot):
        if state.orders[i].status != FREE and state.orders[i].contract == c:
            drop(state, i, reason=LIQUIDATED)


@rule
def reduce(state: State, c: int) -> bool:
    """One reduction at the market, where that price leaves the money behind it at zero or above; whether."""
    market, contract = state.markets[c], state.contracts[c]
    held = abs(market.lots)
    side = -1 if market.lots > 0 else 1
    lots = min(held, contract.max_market_lots)
    if market.room_lots >= 0:
        lots = min(lots, market.room_lots)
    price = market_price(state, c, side, x=-1)
    at_price = side * (market.entry_cash - price * held * contract.cash_per_tick_lot)
    if market.is_isolated:
        behind = market.isolated_cash + at_price
    else:
        behind = cross_balance(state) - pnl(state, c) + at_price
    if behind < 0:
        return False
    if lots == 0:
        return True
    if market.room_lots >= 0:
        market.room_lots -= lots
    at = note(state, LOG_REDUCTION, c, order_id=0, lots=side * lots, price_ticks=price, maker=0, reason=0)
    isolated = market.is_isolated
    if isolated:  # its result stays with the position: the cross wallet is not asked
        closed_isolated(state, at, c, side=side, lots=lots, price_ticks=price)
    else:
        fill(state, at, c, side=side, lots=lots, price_ticks=price, fee8=0)
    money = market.isolated_cash if isolated else state.account[0].cross_cash
    notional = price * lots * contract.cash_per_tick_lot
    fee = max(0, min(money, mul_div_ceil(notional, contract.liquidation_fee8, RATE)))
    if isolated:
        book(state, at, c, isolated=-fee, insurance=fee)
    else:
        book(state, at, c, cross=-fee, insurance=fee)
    return True


@rule
def closed_isolated(state: State, at: int, c: int, side: int, lots: int, price_ticks: int) -> None:
    """Close a part of an isolated position; all of its result stays in the isolated money."""
    notional = price_ticks * lots * state.contracts[c].cash_per_tick_lot
    released = release_entry_floor(state, c, lots)
    realised = side * (released - notional)
    short = max(0, -(state.markets[c].isolated_cash + realised))
    book(
        state,
        at,
        c,
        isolated=realised + short,
        insurance=-short,
        trades=side * notional,
        positions=-side * released,
    )


@rule
def free_isolated(state: State, c: int) -> None:
    """Money of an isolated position that is gone returns to the cross wallet."""
    money = state.markets[c].isolated_cash
    if state.markets[c].lots == 0 and money:
        at = note(state, LOG_REDUCTION, c, order_id=0, lots=0, price_ticks=0, maker=0, reason=0)
        book(state, at, c, cross=money, isolated=-money)


@rule
def liquidate_isolated(state: State, c: int) -> None:
    """Cancel, reduce, and take over what is still not healthy."""
    cancel_contract(state, c)
    reduce(state, c)
    if not isolated_is_healthy(state, c):
        take_over(state, c)
    free_isolated(state, c)
    cover_deficit(state)


@rule
def next_reduction(state: State) -> int:
    """The cross position not reduced yet with the largest maintenance margin, then lower index; -1: none."""
    found, most = -1, -1
    for c in range(len(state.markets)):
        market = state.markets[c]
        if market.lots == 0 or market.is_isolated or market.reduced:
            continue
        needed = maintenance(state, c)
        if needed > most:
            found, most = c, int(needed)
    return found


@rule
def liquidate_cross(state: State) -> None:
    """Cancel all, reduce position by position, and take over everything if that does not do."""
    for c in range(len(state.markets)):
        if state.markets[c].is_isolated == 0:
            cancel_contract(state, c)
    while not cross_is_healthy(state):
        c = next_reduction(state)
        if c < 0:
            break
        state.markets[c].reduced = 1
        if not reduce(state, c):
            break
    for c in range(len(state.markets)):
        state.markets[c].reduced = 0
    if not cross_is_healthy(state):
        for c in range(len(state.markets)):
            if state.markets[c].lots != 0 and state.markets[c].is_isolated == 0:
                take_over(state, c)
        money = state.account[0].cross_cash
        at = note(state, LOG_REDUCTION, -1, order_id=0, lots=0, price_ticks=0, maker=0, reason=0)
        book(state, at, 0, cross=-money, insurance=money)
    cover_deficit(state)


@rule
def margin_check(state: State) -> None:
    """Margin calls, then liquidations: isolated contracts in their order, then the cross account."""
    liquidated = False
    for c in range(len(state.markets)):
        market = state.markets[c]
        if market.is_isolated == 0 or market.lots == 0:
            market.called = 0
            continue
        call_isolated(state, c)
        if not isolated_is_healthy(state, c):
            liquidate_isolated(state, c)
            liquidated = True
    call_cross(state)
    if not cross_is_healthy(state):
        liquidate_cross(state)
        liquidated = True
    if liquidated:
        for c in range(len(state.markets)):
            tend(state, c, 0)
