"""Where an order would fill: touch, market price, how many lots, and what stands before it in the queue."""

from __future__ import annotations

from tests.reference.venue.names import LIMIT
from tests.reference.venue.rounding import rate, rounded_down
from tests.reference.venue.rows import Order, State


def touch(state: State, contract: int, side: int, seen: int | None = None) -> int:
    """Return where a side takes; `seen` takes the place of the last price, and then no quote is asked."""
    market, spread = state.markets[contract], state.contracts[contract].spread_ticks
    if seen is None:
        quoted = market.ask_ticks if side > 0 else market.bid_ticks
        if quoted:
            return quoted
        seen = market.last_ticks
    return seen + (spread + 1) // 2 if side > 0 else seen - spread // 2


def market_price(state: State, contract: int, side: int, seen: int | None = None) -> int:
    """Return the touch made worse by the slippage, never below one tick."""
    facts = state.contracts[contract]
    by_range = rounded_down(state.markets[contract].range_ticks * rate(facts.slippage_range8))
    return max(1, touch(state, contract, side, seen) + side * (facts.slippage_ticks + by_range))


def reaches(state: State, order: Order, seen: int | None = None) -> bool:
    """Tell whether a limit price reaches the touch."""
    return order.side * (order.price_ticks - touch(state, order.contract, order.side, seen)) >= 0


def against(state: State, order: Order) -> int:
    """Return the lots of the position that the order could close."""
    lots = state.markets[order.contract].lots
    return abs(lots) if lots * order.side < 0 else 0


def wanted(state: State, order: Order) -> int:
    """Return the lots that the order has still to fill."""
    return against(state, order) if order.close_position else order.lots - order.filled_lots


def fillable(state: State, order: Order) -> int:
    """Return the lots that room and position let the order fill."""
    lots = wanted(state, order)
    if order.reduce_only:
        lots = min(lots, against(state, order))
    room = state.markets[order.contract].room_lots
    return lots if room < 0 else min(lots, room)


def is_beyond_bound(state: State, contract: int, side: int, ticks: int) -> bool:
    """Tell whether a market price is farther from the mark than the venue lets it fill."""
    facts, mark8 = state.contracts[contract], state.markets[contract].mark8
    if not facts.take_bound8:
        return False
    return side * (ticks * facts.tick_size8 - mark8 * (1 + side * rate(facts.take_bound8))) > 0


def offer(state: State, order: Order, seen: int | None = None, is_triggered: bool = False) -> tuple[int, int]:
    """Return the (lots, price) that a working market or limit order may take at once."""
    ticks = market_price(state, order.contract, order.side, seen)
    if order.kind == LIMIT:
        if not reaches(state, order, seen):
            return 0, 0
        ticks = min(ticks, order.price_ticks) if order.side > 0 else max(ticks, order.price_ticks)
    elif not is_triggered and is_beyond_bound(state, order.contract, order.side, ticks):
        return 0, 0
    return fillable(state, order), ticks


def queue_ahead(state: State, order: Order) -> int:
    """Return the lots that stand before an order which comes to rest now."""
    market, facts = state.markets[order.contract], state.contracts[order.contract]
    best, lots = (
        (market.bid_ticks, market.bid_lots) if order.side > 0 else (market.ask_ticks, market.ask_lots)
    )
    if not best or order.side * (order.price_ticks - best) > 0:
        return 0
    return rounded_down(lots * rate(facts.queue_share8))
