"""What positions and orders are worth, what margin they bind, what is available, who is healthy."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from tests.reference.venue.names import LIMIT, WORKING
from tests.reference.venue.rounding import rate, rounded_down, rounded_up, sign
from tests.reference.venue.rows import State, Tier


@dataclass(frozen=True)
class Wish:
    """An order that is not in the book yet, as margin counts it."""

    contract: int
    side: int
    price_ticks: int
    lots: int


def notional(state: State, contract: int, ticks: int, lots: int) -> int:
    """Return what lots are worth at a price in ticks."""
    return ticks * lots * state.contracts[contract].cash_per_tick_lot


def worth_at(state: State, contract: int, mark8: int) -> int:
    """Return the worth N of the position at a mark."""
    facts = state.contracts[contract]
    lots = abs(state.markets[contract].lots)
    return rounded_down(Fraction(mark8 * lots * facts.cash_per_tick_lot, facts.tick_size8))


def worth(state: State, contract: int) -> int:
    """Return the worth N of the position at the present mark."""
    return worth_at(state, contract, state.markets[contract].mark8)


def pnl(state: State, contract: int) -> int:
    """Return the unrealised profit or loss at the mark."""
    market = state.markets[contract]
    return sign(market.lots) * (worth(state, contract) - market.entry_cash)


def at_leverage(amount: int, leverage100: int) -> int:
    """Return the margin of an amount at a leverage."""
    return rounded_down(Fraction(amount * 100, leverage100))


def initial(state: State, contract: int, leverage100: int = 0) -> int:
    """Return the position's initial margin, at another leverage where one is given."""
    return at_leverage(worth(state, contract), leverage100 or state.markets[contract].leverage100)


def tier_of(state: State, contract: int, amount: int) -> Tier:
    """Return the tier that holds the amount."""
    tiers = state.tiers[contract]
    return next((tier for tier in tiers[:-1] if amount <= tier.cap_cash), tiers[-1])


def maintenance(state: State, contract: int) -> int:
    """Return the position's maintenance margin; none without a position."""
    if not state.markets[contract].lots:
        return 0
    amount = worth(state, contract)
    tier = tier_of(state, contract, amount)
    return rounded_down(amount * rate(tier.rate8)) - tier.cumulative_cash


def opening(state: State, contract: int, wish: Wish | None = None) -> list[tuple[int, int, int]]:
    """Return (side, price, lots left) of the opening orders in the book, and of the wished one."""
    found = [
        (order.side, order.price_ticks, order.lots - order.filled_lots)
        for order in state.orders_of(contract)
        if order.status == WORKING and order.kind == LIMIT and order.is_opening
    ]
    if wish is not None and wish.contract == contract:
        found.append((wish.side, wish.price_ticks, wish.lots))
    return found


def gross(state: State, contract: int, wish: Wish | None = None) -> int:
    """Return G: the largest worth the position may come to when all orders of one side fill."""
    sums = {1: 0, -1: 0}
    for side, ticks, lots in opening(state, contract, wish):
        sums[side] += notional(state, contract, ticks, lots)
    held = worth(state, contract)
    signed = sign(state.markets[contract].lots) * held
    return max(signed + sums[1], sums[-1] - signed, held)


def open_losses(state: State, contract: int, wish: Wish | None = None) -> int:
    """Return what the opening orders would lose if they filled at once."""
    facts, mark8 = state.contracts[contract], state.markets[contract].mark8
    total = 0
    for side, ticks, lots in opening(state, contract, wish):
        worse8 = side * (ticks * facts.tick_size8 - mark8)
        total += max(0, rounded_up(Fraction(worse8 * lots * facts.cash_per_tick_lot, facts.tick_size8)))
    return total


def bound(state: State, contract: int, wish: Wish | None = None, leverage100: int = 0) -> int:
    """Return order margin and initial margin of a contract together."""
    leverage = leverage100 or state.markets[contract].leverage100
    return at_leverage(gross(state, contract, wish), leverage) + open_losses(state, contract, wish)


def cross_contracts(state: State) -> list[int]:
    """Return the contracts with an open cross position."""
    return [c for c, market in enumerate(state.markets) if market.lots and not market.is_isolated]


def cross_balance(state: State) -> int:
    """Return the cross wallet with the profits and losses of the cross positions."""
    return state.account.cross_cash + sum(pnl(state, c) for c in cross_contracts(state))


def available(state: State, wish: Wish | None = None, changed: tuple[int, int] = (-1, 0)) -> int:
    """Return what is available, with a wished order, or with (contract, leverage) changed."""
    left = cross_balance(state)
    for contract, market in enumerate(state.markets):
        leverage = changed[1] if contract == changed[0] else market.leverage100
        margin = initial(state, contract, leverage)
        if not market.is_isolated:
            left -= margin
        left -= bound(state, contract, wish, leverage) - margin
    return left


def isolated_balance(state: State, contract: int) -> int:
    """Return the money of an isolated position with its profit or loss."""
    return state.markets[contract].isolated_cash + pnl(state, contract)


def isolated_healthy(state: State, contract: int) -> bool:
    """Tell whether an isolated position may stay."""
    if not state.markets[contract].lots:
        return True
    return isolated_balance(state, contract) > maintenance(state, contract)


def cross_maintenance(state: State) -> int:
    """Return the maintenance margins of all cross positions."""
    return sum(maintenance(state, c) for c in cross_contracts(state))


def cross_healthy(state: State) -> bool:
    """Tell whether the cross positions may stay; without one they always may."""
    return not cross_contracts(state) or cross_balance(state) > cross_maintenance(state)
