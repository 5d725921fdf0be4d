"""Commands that are no orders: leverage, margin mode, margin, transfers, brackets; and the time stops."""

from __future__ import annotations

from tests.reference.venue import exits, filling, pricing, worth
from tests.reference.venue.bookings import book_margin, book_transfer
from tests.reference.venue.names import (
    BRACKET_IN_THE_WAY,
    CALLBACK_LEAST,
    CALLBACK_MOST,
    EIGHT,
    NO_SUCH_BRACKET,
    OUT_OF_RANGE,
    STOP,
    TARGETS,
    need,
)
from tests.reference.venue.placing import need_contract
from tests.reference.venue.rows import Bracket, Event, State


def leverage(state: State, event: Event) -> None:
    """Change the leverage of a contract."""
    contract, wished = event.contract, event.leverage100
    need_contract(state, contract)
    market = state.markets[contract]
    need(wished % 100 == 0 and 100 <= wished <= state.tiers[contract][0].max_leverage100, -4028)
    need(not (market.is_isolated and market.lots and wished < market.leverage100), -4161)
    most = worth.tier_of(state, contract, worth.gross(state, contract)).max_leverage100
    need(wished <= most, -2027)
    need(worth.available(state, changed=(contract, wished)) >= 0, -2019)
    market.leverage100 = wished


def margin_mode(state: State, event: Event) -> None:
    """Change a contract between cross and isolated."""
    need_contract(state, event.contract)
    need(event.is_isolated in (0, 1), OUT_OF_RANGE)
    market = state.markets[event.contract]
    need(market.is_isolated != event.is_isolated, -4046)
    need(not state.orders_of(event.contract), -4047)
    need(market.lots == 0, -4048)
    market.is_isolated = event.is_isolated


def isolated_margin(state: State, event: Event) -> None:
    """Add money to an isolated position, or take some off."""
    contract, cash = event.contract, event.cash
    need_contract(state, contract)
    market = state.markets[contract]
    need(cash != 0, -4055)
    need(market.is_isolated == 1, -4049)
    need(market.lots != 0, -4054)
    if cash > 0:
        need(cash <= worth.available(state), -4050)
    else:
        left = market.isolated_cash + cash + min(0, worth.pnl(state, contract))
        need(left >= worth.initial(state, contract), -4051)
    book_margin(state, contract, cash)


def transfer(state: State, event: Event) -> None:
    """Bring money in, or take some out."""
    need(event.cash != 0, OUT_OF_RANGE)
    if event.cash < 0:
        need(-event.cash <= min(state.account.cross_cash, worth.available(state)), OUT_OF_RANGE)
    book_transfer(state, event.cash)


# --- brackets -------------------------------------------------------------------------------------


def bracket_of(event: Event) -> Bracket:
    """Return the bracket that an event declares."""
    places = range(1, TARGETS + 1)
    return Bracket(
        side=event.side,
        stop_ticks=event.stop_ticks,
        by_mark=event.by_mark,
        breakeven_after=event.breakeven_after,
        trail_after=event.trail_after,
        callback8=event.callback8,
        time_stop_ns=event.time_stop_ns,
        target_ticks=tuple(getattr(event, f"target_ticks_{k}") for k in places),
        target_share8=tuple(getattr(event, f"target_share8_{k}") for k in places),
    )


def check_targets(bracket: Bracket) -> None:
    """Refuse targets that do not go outward from the stop, or shares that do not rise to the whole."""
    used, side = bracket.used, bracket.side
    shares, ticks = bracket.target_share8[:used], bracket.target_ticks[:used]
    unused = (*bracket.target_share8[used:], *bracket.target_ticks[used:])
    need(not any(unused), NO_SUCH_BRACKET)
    need(all(tick > 0 for tick in ticks), NO_SUCH_BRACKET)
    before = (bracket.stop_ticks, *ticks)
    need(all(side * (tick - near) > 0 for tick, near in zip(ticks, before, strict=False)), NO_SUCH_BRACKET)
    rising = all(share > near for share, near in zip(shares, (0, *shares), strict=False))
    need(rising and (not used or shares[-1] == EIGHT), NO_SUCH_BRACKET)


def declare(state: State, event: Event) -> None:
    """Declare the bracket of a contract."""
    contract = event.contract
    need_contract(state, contract)
    is_free = not state.markets[contract].lots and not state.brackets[contract].side
    need(is_free and not state.orders_of(contract), BRACKET_IN_THE_WAY)
    bracket = bracket_of(event)
    need(bracket.side in (1, -1) and bracket.by_mark in (0, 1), NO_SUCH_BRACKET)
    need(bracket.stop_ticks > 0 and bracket.time_stop_ns >= 0, NO_SUCH_BRACKET)
    check_targets(bracket)
    need(0 <= bracket.breakeven_after <= bracket.used, NO_SUCH_BRACKET)
    need(0 <= bracket.trail_after <= bracket.used, NO_SUCH_BRACKET)
    if bracket.trail_after:
        need(CALLBACK_LEAST <= bracket.callback8 <= CALLBACK_MOST, NO_SUCH_BRACKET)
    state.brackets[contract] = bracket
    state.note("bracket", contract, side=bracket.side, ticks=bracket.stop_ticks)


def run_time_stops(state: State) -> None:
    """Close what is held where the time of a bracket has come."""
    for contract in range(len(state.contracts)):
        bracket = state.brackets[contract]
        if not bracket.side or not exits.time_has_come(state, contract):
            continue
        for order in exits.of_bracket(state, contract):
            if order.role != STOP:
                exits.drop_order(state, order, "cancelled")
        held = bracket.side * state.markets[contract].lots
        if held > 0:
            order = state.orders[bracket.stop_id]
            lots = pricing.fillable(state, order)
            if lots:
                ticks = pricing.market_price(state, contract, order.side)
                filling.execute(state, order, lots, ticks, is_maker=False)


def end_idle_brackets(state: State) -> None:
    """End the brackets that had an entry, are flat and have no order left."""
    for contract, bracket in enumerate(state.brackets):
        is_flat = not state.markets[contract].lots
        if bracket.side and bracket.entries and is_flat and not exits.of_bracket(state, contract):
            exits.end_bracket(state, contract)
