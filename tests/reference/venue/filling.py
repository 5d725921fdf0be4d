"""How orders fill: the booking, what it means for the other orders, and taking at once."""

from __future__ import annotations

from tests.reference.venue import exits, pricing, worth
from tests.reference.venue.bookings import book_fill
from tests.reference.venue.names import (
    ENDS_IN_MARKET,
    FOK,
    IOC,
    LIMIT,
    MARKET,
    STOP,
    TRAILING,
    WAITING,
    WORKING,
    Refused,
    need,
)
from tests.reference.venue.rows import Order, State
from tests.reference.venue.worth import Wish


def execute(state: State, order: Order, lots: int, ticks: int, is_maker: bool) -> None:
    """Fill lots of an order at a price, and do all that follows from it in the same step."""
    contract = order.contract
    market, facts = state.markets[contract], state.contracts[contract]
    held = market.lots
    fee = book_fill(
        state, contract, order.side, lots, ticks, facts.maker_fee8 if is_maker else facts.taker_fee8
    )
    state.log[-1].facts |= {"order_id": order.id, "is_maker": int(is_maker), "role": order.role}
    if market.room_lots >= 0:
        market.room_lots -= lots
    order.filled_lots += lots
    if not order.close_position and order.filled_lots >= order.lots:
        state.orders.pop(order.id, None)
    exits.count_fill(state, order, lots, fee)
    if market.lots * held <= 0 and held:
        for other in state.orders_of(contract):
            if not other.is_opening:
                exits.drop_order(state, other, "expired")
    exits.sync(state, contract)


def fill_resting(state: State, order: Order, lots: int) -> None:
    """Fill an order of the book at its own price; one that has nothing left to reduce expires."""
    if lots:
        execute(state, order, lots, order.price_ticks, is_maker=True)
    else:
        exits.drop_order(state, order, "expired")


def take(state: State, order: Order, seen: int | None = None, is_triggered: bool = False) -> None:
    """Let a market or limit order take what it can; the rest comes to rest or expires."""
    lots, ticks = pricing.offer(state, order, seen, is_triggered=is_triggered)
    stays = order.kind == LIMIT and order.tif not in (IOC, FOK)
    if order.tif == FOK and lots < max(1, pricing.wanted(state, order)):
        lots = 0
    state.orders.pop(order.id, None)
    if stays:
        order.status = WORKING
        state.orders[order.id] = order
    if lots:
        execute(state, order, lots, ticks, is_maker=False)
    if stays:
        if order.id in state.orders:
            order.queue_lots = pricing.queue_ahead(state, order)
        return
    if order.close_position or order.filled_lots < order.lots:
        state.note("expired", order.contract, order_id=order.id)
    if order.role == STOP and not lots:
        exits.sync(state, order.contract)


def check_exposure(state: State, order: Order, ticks: int) -> None:
    """Refuse an order that is not in the book for leverage (-2027) or margin (-2019)."""
    contract = order.contract
    wish = Wish(contract, order.side, ticks, order.lots - order.filled_lots)
    grown = worth.gross(state, contract, wish)
    if grown > worth.gross(state, contract):
        most = worth.tier_of(state, contract, grown).max_leverage100
        need(state.markets[contract].leverage100 <= most, -2027)
    if worth.bound(state, contract, wish) > worth.bound(state, contract):
        need(worth.available(state, wish) >= 0, -2019)


def trigger(state: State, order: Order, seen: int | None = None) -> None:
    """Turn a conditional order into a market or limit order, and let it take what it can."""
    state.orders.pop(order.id)
    state.note("triggered", order.contract, order_id=order.id)
    order.kind = MARKET if order.kind in ENDS_IN_MARKET else LIMIT
    if order.is_opening:
        ticks = order.price_ticks
        if order.kind == MARKET:
            ticks = pricing.market_price(state, order.contract, order.side, seen)
        try:
            check_exposure(state, order, ticks)
        except Refused:
            state.note("expired", order.contract, order_id=order.id)
            return
    if order.kind == LIMIT and order.post_only and pricing.reaches(state, order, seen):
        state.note("expired", order.contract, order_id=order.id)
        return
    take(state, order, seen, is_triggered=True)


def may_be_hit(state: State, order: Order) -> bool:
    """Tell whether an order stands where a price can hit it: there is room, and it is active."""
    if order.status == WAITING and order.kind == TRAILING and not order.active:
        return False
    return state.markets[order.contract].room_lots != 0
