"""The order slots: finding, freeing, what an order may still fill."""

from __future__ import annotations

from lotwise.kernel.arith import mul_div_floor
from lotwise.kernel.booking import note
from lotwise.kernel.layout import RATE
from lotwise.kernel.state import (
    ENTRY,
    EXITS,
    FREE,
    LOG_CANCELLED,
    LOG_EXPIRED,
    MARKET,
    STOP,
    STOP_MARKET,
    TAKE_MARKET,
    TRAILING,
    State,
)
from lotwise.rule import rule
from lotwise.units import Lots


@rule
def slot_of(state: State, order_id: int) -> int:
    """The slot of an order, or -1."""
    if order_id > 0:
        for i in range(state.account[0].end_slot):
            if state.orders[i].id == order_id:
                return i
    return -1


@rule
def take_slot(state: State) -> int:
    """The first slot without an order, for a new one; a check before has seen that there is one."""
    i = 0
    while state.orders[i].status != FREE:
        i += 1
    state.account[0].end_slot = max(state.account[0].end_slot, i + 1)
    return i


@rule
def is_full(state: State) -> bool:
    """Whether the trader's orders take all slots that are not kept for brackets' exits."""
    count = 0
    for i in range(state.account[0].end_slot):
        if state.orders[i].status != FREE and state.orders[i].role <= ENTRY:
            count += 1
    return count >= len(state.orders) - EXITS * len(state.markets)


@rule
def ends_in_market(kind: int) -> bool:
    """Whether an order of that kind fills as a market order."""
    return kind in (MARKET, STOP_MARKET, TAKE_MARKET, TRAILING)


@rule
def release(state: State, i: int) -> None:
    """Empty a slot; a bracket forgets its stop."""
    order = state.orders[i]
    if order.role == STOP:
        state.brackets[order.contract].stop_id = 0
    order.status = FREE
    order.id = 0
    order.role = 0
    end = int(state.account[0].end_slot)
    while end > 0 and state.orders[end - 1].status == FREE:
        end -= 1
    state.account[0].end_slot = end


@rule
def drop(state: State, i: int, reason: int) -> None:
    """An order expires (``reason`` a code) or, with reason 0, is cancelled."""
    order = state.orders[i]
    kind = LOG_EXPIRED if reason else LOG_CANCELLED
    left = order.lots - order.filled_lots
    note(
        state,
        kind,
        order.contract,
        order_id=order.id,
        lots=left,
        price_ticks=order.price_ticks,
        maker=0,
        reason=reason,
    )
    release(state, i)


@rule
def wanted(state: State, i: int) -> Lots:
    """Lots that an order has still to fill; of a close-position order the position against it."""
    order = state.orders[i]
    if order.close_position:
        return Lots(max(0, -order.side * state.markets[order.contract].lots))
    return Lots(order.lots - order.filled_lots)


@rule
def fillable(state: State, i: int) -> Lots:
    """Lots that an order may fill now: what is left of it, the position it reduces, the room."""
    order = state.orders[i]
    market = state.markets[order.contract]
    lots = wanted(state, i)
    if order.reduce_only:
        lots = Lots(min(lots, max(0, -order.side * market.lots)))
    if market.room_lots >= 0:
        lots = Lots(min(lots, market.room_lots))
    return lots


@rule
def queue_ahead(state: State, i: int) -> int:
    """Lots that stand before an order that begins to rest now."""
    order = state.orders[i]
    market = state.markets[order.contract]
    share8 = state.contracts[order.contract].queue_share8
    if order.side > 0:
        if market.bid_ticks == 0 or order.price_ticks > market.bid_ticks:
            return 0
        return mul_div_floor(market.bid_lots, share8, RATE)
    if market.ask_ticks == 0 or order.price_ticks < market.ask_ticks:
        return 0
    return mul_div_floor(market.ask_lots, share8, RATE)
