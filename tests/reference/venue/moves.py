"""The way of the price: which orders it hits, in which order, and what a mark triggers."""

from __future__ import annotations

from tests.reference.venue import exits, filling, pricing
from tests.reference.venue.names import LIMIT, STOP, TAKES, TOUCH, TRAILING, WAITING
from tests.reference.venue.rows import Order, State


def is_hit_by_fall(order: Order) -> bool:
    """Tell whether a falling price is what an order waits for."""
    with_the_side = order.kind == LIMIT or order.kind in TAKES
    return (order.side > 0) == with_the_side


def place_of_hit(state: State, order: Order, start: int, end: int) -> int | None:
    """Return where the way from start to end hits the order, or None."""
    if order.by_mark and order.status == WAITING:
        return None
    level = order.price_ticks if order.kind == LIMIT else order.trigger_ticks
    is_strict = order.kind == LIMIT and state.contracts[order.contract].limit_fill != TOUCH
    low, high = min(start, end), max(start, end)
    if is_hit_by_fall(order):
        if level < low or (is_strict and level == low):
            return None
        return min(level, start) if end < start else start
    if level > high or (is_strict and level == high):
        return None
    return max(level, start) if end > start else start


def next_hit(state: State, contract: int, start: int, end: int) -> tuple[Order, int] | None:
    """Return the order that the way hits first, and where."""
    found = []
    for order in state.orders_of(contract):
        if filling.may_be_hit(state, order):
            place = place_of_hit(state, order, start, end)
            if place is not None:
                found.append((abs(place - start), order.id, place))
    if not found:
        return None
    _, number, place = min(found)
    return state.orders[number], place


def travel(state: State, contract: int, end: int, is_jump: bool) -> None:
    """Let the price go from the last one to the end; in a jump everything is seen from the end."""
    market = state.markets[contract]
    start = market.last_ticks or end
    while (hit := next_hit(state, contract, start, end)) is not None:
        order, start = hit
        seen = end if is_jump else start
        market.last_ticks = seen
        if order.kind == LIMIT:
            filling.fill_resting(state, order, pricing.fillable(state, order))
        else:
            filling.trigger(state, order, seen)
    market.last_ticks = end
    for order in state.orders_of(contract):
        if order.kind == TRAILING:
            trail(state, order, end)


def trail(state: State, order: Order, last: int) -> None:
    """Let a trailing order follow the last price, or start."""
    if not order.active:
        if order.side * (order.activation_ticks - last) < 0:
            return
        start_trail(order, last)
        return
    better = max if order.side < 0 else min
    order.extreme_ticks = better(order.extreme_ticks, last)
    own = exits.trail_trigger(order.side, order.extreme_ticks, order.callback8)
    moved = better(order.trigger_ticks, own)
    if moved != order.trigger_ticks:
        order.trigger_ticks = moved
        if order.role == STOP:
            state.brackets[order.contract].stop_ticks = moved
            exits.note_stop(state, order.contract)


def start_trail(order: Order, last: int) -> None:
    """Make a trailing order active at the last price."""
    order.active, order.extreme_ticks = 1, last
    order.trigger_ticks = exits.trail_trigger(order.side, last, order.callback8)


# --- the mark -------------------------------------------------------------------------------------


def is_reached_by_mark(state: State, order: Order) -> bool:
    """Tell whether the mark stands at or beyond the trigger."""
    reach8 = order.trigger_ticks * state.contracts[order.contract].tick_size8
    mark8 = state.markets[order.contract].mark8
    return mark8 <= reach8 if is_hit_by_fall(order) else mark8 >= reach8


def trigger_by_mark(state: State, contract: int) -> None:
    """Trigger the orders that watch the mark, by id, each once."""
    done: set[int] = set()
    while True:
        found = [
            order
            for order in state.orders_of(contract)
            if order.by_mark
            and order.status == WAITING
            and order.id not in done
            and filling.may_be_hit(state, order)
            and is_reached_by_mark(state, order)
        ]
        if not found:
            return
        done.add(found[0].id)
        filling.trigger(state, found[0])


def follow_last(state: State, contract: int) -> None:
    """Let the mark follow the last price while no mark was ever given."""
    market = state.markets[contract]
    if not market.has_mark:
        market.mark8 = market.last_ticks * state.contracts[contract].tick_size8
