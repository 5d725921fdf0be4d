"""Placing, amending and cancelling orders, with the venue's checks in the order of the page."""

from __future__ import annotations

from copy import copy

from tests.reference.venue import exits, filling, pricing, worth
from tests.reference.venue.moves import is_hit_by_fall, is_reached_by_mark, start_trail
from tests.reference.venue.names import (
    CALLBACK_LEAST,
    CALLBACK_MOST,
    CONDITIONAL,
    ENDS_IN_MARKET,
    ENTRY,
    FOK,
    GTD,
    LIMIT,
    MARKET,
    NO_SUCH_BRACKET,
    OF_A_BRACKET,
    STOP_MARKET,
    TAKE_MARKET,
    TRAILING,
    WAITING,
    WITH_LIMIT,
    WITH_TRIGGER,
    WORKING,
    need,
)
from tests.reference.venue.rounding import rate
from tests.reference.venue.rows import Event, Order, State


def need_contract(state: State, contract: int) -> None:
    """Refuse a contract that is not there (check 1)."""
    need(0 <= contract < len(state.contracts), -1121)


def order_of(event: Event) -> Order:
    """Return the order an event asks for, with the fields its kind has."""
    kind = event.order_kind
    return Order(
        contract=event.contract,
        kind=kind,
        side=event.side,
        tif=event.tif,
        lots=event.lots,
        post_only=event.post_only,
        reduce_only=event.reduce_only,
        close_position=event.close_position,
        role=ENTRY if event.entry else 0,
        status=WAITING if kind in CONDITIONAL else WORKING,
        price_ticks=event.price_ticks if kind in WITH_LIMIT else 0,
        trigger_ticks=event.trigger_ticks if kind in WITH_TRIGGER else 0,
        by_mark=event.by_mark if kind in CONDITIONAL else 0,
        activation_ticks=event.activation_ticks if kind == TRAILING else 0,
        callback8=event.callback8 if kind == TRAILING else 0,
        expires_ns=event.expires_ns if event.tif == GTD else 0,
    )


# --- the checks -----------------------------------------------------------------------------------


def check_words(state: State, event: Event) -> None:
    """Check 2, and that an entry has its bracket."""
    flags = (event.by_mark, event.reduce_only, event.close_position, event.post_only, event.entry)
    known = event.order_kind in (LIMIT, MARKET, *CONDITIONAL) and event.side in (1, -1)
    need(known and event.tif in range(4) and all(flag in (0, 1) for flag in flags), -1102)
    need(event.tif != GTD or event.expires_ns > state.account.time_ns, -1102)
    if event.order_kind == TRAILING:
        need(CALLBACK_LEAST <= event.callback8 <= CALLBACK_MOST, -1102)
    if event.entry:
        fits = state.brackets[event.contract].side == event.side
        need(fits and not event.reduce_only and not event.close_position, NO_SUCH_BRACKET)


def check_shape(order: Order) -> None:
    """Checks 3 to 7."""
    if order.close_position:
        need(order.lots == 0, -4137)
        need(order.kind in (STOP_MARKET, TAKE_MARKET), -4138)
    else:
        need(order.lots > 0, -4003)
    need(order.kind not in WITH_LIMIT or order.price_ticks > 0, -4001)
    need(order.kind not in WITH_TRIGGER or order.trigger_ticks > 0, -4006)
    need(order.activation_ticks >= 0, -4006)


def stated_notional(state: State, order: Order) -> int:
    """Return the notional of an order by limit price, touch, trigger or last price."""
    market = state.markets[order.contract]
    if order.kind == LIMIT:
        ticks = order.price_ticks
    elif order.kind in WITH_TRIGGER:
        ticks = order.trigger_ticks
    elif not market.last_ticks:
        ticks = 0
    elif order.kind == MARKET:
        ticks = pricing.touch(state, order.contract, order.side)
    else:
        ticks = market.last_ticks
    return worth.notional(state, order.contract, ticks, order.lots)


def check_size(state: State, order: Order) -> None:
    """Checks 8 and 9, and the bound of the 64 bits."""
    facts = state.contracts[order.contract]
    if not order.close_position:
        need(order.lots >= facts.min_lots, -4004)
    need(order.lots <= facts.max_lots, -4005)
    need(order.kind not in ENDS_IN_MARKET or order.lots <= facts.max_market_lots, -4005)
    if facts.max_notional_cash:
        need(stated_notional(state, order) <= facts.max_notional_cash, -4005)


def check_limit_price(state: State, order: Order) -> None:
    """Check 12."""
    facts, mark8 = state.contracts[order.contract], state.markets[order.contract].mark8
    if order.kind != LIMIT:
        return
    price8 = order.price_ticks * facts.tick_size8
    if order.side > 0 and facts.price_up8:
        need(price8 <= mark8 * (1 + rate(facts.price_up8)), -4016)
    if order.side < 0 and facts.price_down8:
        need(price8 >= mark8 * (1 - rate(facts.price_down8)), -4024)


def check_least_notional(state: State, order: Order) -> None:
    """Check 13."""
    least = state.contracts[order.contract].min_notional_cash
    need(not order.is_opening or stated_notional(state, order) >= least, -4164)


def is_reached(state: State, order: Order) -> bool:
    """Tell whether a trigger is reached, or a trailing activation passed."""
    last = state.markets[order.contract].last_ticks
    if order.kind == TRAILING:
        return order.activation_ticks > 0 and order.side * (order.activation_ticks - last) >= 0
    if order.kind not in WITH_TRIGGER:
        return False
    if order.by_mark:
        return is_reached_by_mark(state, order)
    return last <= order.trigger_ticks if is_hit_by_fall(order) else last >= order.trigger_ticks


def check_post_only(state: State, order: Order) -> None:
    """Check 16."""
    takes = order.kind == MARKET or (order.kind == LIMIT and pricing.reaches(state, order))
    need(not (order.post_only and takes), -5022)


def check_margin(state: State, order: Order) -> None:
    """Checks 17 and 18."""
    if order.kind not in (LIMIT, MARKET) or not order.is_opening:
        return
    ticks = order.price_ticks
    if order.kind == MARKET:
        ticks = pricing.market_price(state, order.contract, order.side)
    filling.check_exposure(state, order, ticks)


# --- the commands ---------------------------------------------------------------------------------


def place(state: State, event: Event) -> None:
    """Place an order."""
    need_contract(state, event.contract)
    check_words(state, event)
    order = order_of(event)
    market = state.markets[order.contract]
    check_shape(order)
    check_size(state, order)
    traders = sum(order.role <= ENTRY for order in state.orders.values())
    need(traders < state.slots, -2025)
    need(market.last_ticks > 0, -1013)
    check_limit_price(state, order)
    check_least_notional(state, order)
    need(not order.reduce_only or pricing.against(state, order) > 0, -2022)
    need(not is_reached(state, order), -2021)
    check_post_only(state, order)
    check_margin(state, order)
    if order.tif == FOK and order.kind in (LIMIT, MARKET):
        need(pricing.offer(state, order)[0] == order.lots, -5021)
    exits.add_order(state, order)
    if order.role == ENTRY:
        state.brackets[order.contract].entries += 1
    if order.kind == TRAILING and not order.activation_ticks:
        start_trail(order, market.last_ticks)
    if order.status == WORKING:
        filling.take(state, order)


def amend(state: State, event: Event) -> None:
    """Give a limit order a new price and new lots."""
    need(event.order_id in state.orders, -2013)
    order = state.orders[event.order_id]
    need(order.role <= ENTRY, OF_A_BRACKET)
    need(order.kind == LIMIT, -5025)
    need((event.price_ticks, event.lots) != (order.price_ticks, order.lots), -5027)
    changed = copy(order)
    changed.price_ticks, changed.lots, changed.queue_lots = event.price_ticks, event.lots, 0
    del state.orders[order.id]
    need(changed.lots > changed.filled_lots, -4003)
    check_shape(changed)
    check_size(state, changed)
    check_limit_price(state, changed)
    check_least_notional(state, changed)
    check_post_only(state, changed)
    check_margin(state, changed)
    state.orders[changed.id] = changed
    state.note("amended", changed.contract, order_id=changed.id)
    filling.take(state, changed)


def cancel(state: State, event: Event) -> None:
    """Cancel an order."""
    need(event.order_id in state.orders, -2011)
    order = state.orders[event.order_id]
    need(order.role <= ENTRY, OF_A_BRACKET)
    exits.drop_order(state, order, "cancelled")


def cancel_all(state: State, event: Event) -> None:
    """Cancel all orders of a contract, or of all, but the exits of brackets."""
    if event.contract != -1:
        need_contract(state, event.contract)
    for number in sorted(state.orders):
        order = state.orders[number]
        if event.contract in (-1, order.contract) and order.role <= ENTRY:
            exits.drop_order(state, order, "cancelled")
