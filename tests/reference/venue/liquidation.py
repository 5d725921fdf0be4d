"""The margin check: who is called, who is liquidated, and how."""

from __future__ import annotations

from tests.reference.venue import exits, pricing, worth
from tests.reference.venue.bookings import book_reduction, book_takeover, book_wallet_lost
from tests.reference.venue.names import EIGHT
from tests.reference.venue.rounding import sign
from tests.reference.venue.rows import Account, Market, State


def check(state: State) -> None:
    """Judge isolated contracts in their order, then the cross account; then brackets stand again."""
    is_liquidated = False
    for contract, market in enumerate(state.markets):
        is_held = bool(market.lots and market.is_isolated)
        balance = worth.isolated_balance(state, contract) if is_held else 0
        call(state, market, contract, is_held, worth.maintenance(state, contract), balance)
        if is_held and not worth.isolated_healthy(state, contract):
            liquidate_isolated(state, contract)
            is_liquidated = True
    is_held = bool(worth.cross_contracts(state))
    call(state, state.account, -1, is_held, worth.cross_maintenance(state), worth.cross_balance(state))
    if not worth.cross_healthy(state):
        liquidate_cross(state)
        is_liquidated = True
    if is_liquidated:
        for contract in range(len(state.contracts)):
            exits.sync(state, contract)


def call(
    state: State, who: Account | Market, contract: int, is_held: bool, maintenance: int, balance: int
) -> None:
    """Say a margin call, or take it back."""
    ratio8 = state.account.call_ratio8
    is_due = is_held and ratio8 > 0 and maintenance * EIGHT >= ratio8 * balance
    if is_due and not who.called:
        state.note("margin_call", contract)
    who.called = int(is_due)


def cancel_orders(state: State, contract: int) -> None:
    """Cancel all orders of a contract."""
    for order in state.orders_of(contract):
        exits.drop_order(state, order, "cancelled")


def reduction(state: State, contract: int) -> tuple[int, int, int]:
    """Return lots and price of a reduction, and what the whole position would bring at that price."""
    market, facts = state.markets[contract], state.contracts[contract]
    held = sign(market.lots)
    lots = min(abs(market.lots), facts.max_market_lots)
    if market.room_lots >= 0:
        lots = min(lots, market.room_lots)
    ticks = pricing.market_price(state, contract, -held)
    brings = held * (worth.notional(state, contract, ticks, abs(market.lots)) - market.entry_cash)
    return lots, ticks, brings


def reduce(state: State, contract: int, lots: int, ticks: int) -> None:
    """Reduce a position, and take the lots off the room."""
    if not lots:
        return
    book_reduction(state, contract, lots, ticks)
    if state.markets[contract].room_lots >= 0:
        state.markets[contract].room_lots -= lots


def liquidate_isolated(state: State, contract: int) -> None:
    """Liquidate an isolated position."""
    cancel_orders(state, contract)
    lots, ticks, brings = reduction(state, contract)
    if state.markets[contract].isolated_cash + brings >= 0:
        reduce(state, contract, lots, ticks)
    if not worth.isolated_healthy(state, contract):
        book_takeover(state, contract)


def liquidate_cross(state: State) -> None:
    """Liquidate cross positions, the largest maintenance margin first, until the account is healthy."""
    for contract, market in enumerate(state.markets):
        if not market.is_isolated:
            cancel_orders(state, contract)
    for contract in sorted(worth.cross_contracts(state), key=lambda c: (-worth.maintenance(state, c), c)):
        if worth.cross_healthy(state):
            return
        lots, ticks, brings = reduction(state, contract)
        if worth.cross_balance(state) - worth.pnl(state, contract) + brings < 0:
            break
        reduce(state, contract, lots, ticks)
    if worth.cross_healthy(state):
        return
    for contract in worth.cross_contracts(state):
        book_takeover(state, contract)
    book_wallet_lost(state)
