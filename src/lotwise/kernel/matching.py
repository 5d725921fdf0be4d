"""When an order fills, and at what price: the touch, moves of the price, triggers.

Rules of ``docs/venue_in_a_box.md``, "Orders" and "Moves of the price". ``x`` is the price from which a
triggered order looks at the market; -1: the market as it stands.
"""

from __future__ import annotations

from typing import Final

from lotwise.kernel.answers import ABOVE_LEVERAGE, DONE, MARGIN_IS_INSUFFICIENT, WOULD_TAKE
from lotwise.kernel.arith import mul_div_ceil, mul_div_floor
from lotwise.kernel.booking import cover_deficit, fill, note
from lotwise.kernel.bracket import add_target_filled, tend, trail_to
from lotwise.kernel.exposure import (
    available,
    gross,
    most_leverage100,
    open_loss_ceil,
    working_sums,
)
from lotwise.kernel.layout import RATE
from lotwise.kernel.margin import initial_margin_trunc
from lotwise.kernel.slots import drop, ends_in_market, fillable, queue_ahead, release, wanted
from lotwise.kernel.state import (
    ENTRY,
    FOK,
    FREE,
    IOC,
    LIMIT,
    LOG_FILL,
    LOG_TRIGGERED,
    MARKET,
    QUEUE,
    STOP,
    STOP_LIMIT,
    STOP_MARKET,
    TARGET,
    TOUCH,
    TRAILING,
    WAITING,
    WORKING,
    State,
)
from lotwise.rule import rule
from lotwise.units import Ticks

UNFILLED: Final = 7
"""Why an order expired: the market did not take all of it."""
NOTHING_TO_CLOSE: Final = 8
"""Why an order expired: the position it reduces is gone."""
TIME_IS_UP: Final = 9
"""Why an order expired: its time in force."""


@rule
def touch(state: State, c: int, side: int, x: int) -> Ticks:
    """The price a taker of that side meets."""
    contract, market = state.contracts[c], state.markets[c]
    if side > 0:
        if x < 0 and market.ask_ticks:
            return Ticks(market.ask_ticks)
        return Ticks((market.last_ticks if x < 0 else x) + (contract.spread_ticks + 1) // 2)
    if x < 0 and market.bid_ticks:
        return Ticks(market.bid_ticks)
    return Ticks((market.last_ticks if x < 0 else x) - contract.spread_ticks // 2)


@rule
def market_price(state: State, c: int, side: int, x: int) -> Ticks:
    """What a taker pays: the touch, worse by the slippage; never below one tick."""
    contract = state.contracts[c]
    slipped = mul_div_floor(state.markets[c].range_ticks, contract.slippage_range8, RATE)
    return Ticks(max(1, touch(state, c, side, x=x) + side * (contract.slippage_ticks + slipped)))


@rule
def within_take_bound(state: State, c: int, side: int, price_ticks: int) -> bool:
    """Whether a market order may fill so far from the mark."""
    contract = state.contracts[c]
    if contract.take_bound8 == 0:
        return True
    price8, mark8 = price_ticks * contract.tick_size8, state.markets[c].mark8
    if side > 0:
        return price8 <= mul_div_floor(mark8, RATE + contract.take_bound8, RATE)
    return price8 >= mul_div_ceil(mark8, RATE - contract.take_bound8, RATE)


@rule
def margin_answer(state: State, c: int, side: int, lots: int, price_ticks: int, skip: int) -> int:
    """Whether the tier and the free money carry one more order; slot ``skip`` counts as gone."""
    leverage = state.markets[c].leverage100
    buys, sells, losses = working_sums(state, c, skip=-1)
    present = initial_margin_trunc(gross(state, c, buys=buys, sells=sells), leverage100=leverage) + losses
    if skip >= 0:
        buys, sells, losses = working_sums(state, c, skip=skip)
    before = gross(state, c, buys=buys, sells=sells)
    margin_before = initial_margin_trunc(before, leverage100=leverage) + losses
    notional = price_ticks * lots * state.contracts[c].cash_per_tick_lot
    if side > 0:
        buys += notional
    else:
        sells += notional
    losses += open_loss_ceil(state, c, side, price_ticks=price_ticks, lots=lots)
    after = gross(state, c, buys=buys, sells=sells)
    if after > before and leverage > most_leverage100(state, c, after):
        return ABOVE_LEVERAGE
    margin_after = initial_margin_trunc(after, leverage100=leverage) + losses
    if margin_after > margin_before and available(state) + present < margin_after:
        return MARGIN_IS_INSUFFICIENT
    return DONE


@rule
def fill_order(state: State, i: int, lots: int, price_ticks: int, maker: int) -> None:
    """An order fills: money, position, its slot, the bracket of the contract."""
    order = state.orders[i]
    c, side, role = order.contract, order.side, order.role
    contract, market = state.contracts[c], state.markets[c]
    fee8 = contract.maker_fee8 if maker else contract.taker_fee8
    before = market.lots
    at = note(
        state,
        LOG_FILL,
        c,
        order_id=order.id,
        lots=side * lots,
        price_ticks=price_ticks,
        maker=maker,
        reason=0,
    )
    fee = fill(state, at, c, side=side, lots=lots, price_ticks=price_ticks, fee8=fee8)
    order.filled_lots += lots
    if market.room_lots >= 0:
        market.room_lots -= lots
    if role == ENTRY:
        state.brackets[c].entered_lots += lots
        state.brackets[c].fees_cash += fee
    elif role > TARGET:
        add_target_filled(state, c, role - TARGET, lots=lots)
    whole = market.lots == 0 if order.close_position else order.filled_lots == order.lots
    if whole:
        release(state, i)
    after_fill(state, c, before=before, entered_now=int(role == ENTRY))


@rule
def after_fill(state: State, c: int, before: int, entered_now: int) -> None:
    """What every change of a position calls for: reducing orders of a gone one, the bracket, a deficit."""
    now = state.markets[c].lots
    if before != 0 and (now == 0 or (now > 0) != (before > 0)):
        for i in range(state.account[0].end_slot):
            order = state.orders[i]
            if order.status != FREE and order.contract == c and (order.reduce_only or order.close_position):
                drop(state, i, reason=NOTHING_TO_CLOSE)
    tend(state, c, entered_now)
    cover_deficit(state)


@rule
def take(state: State, i: int, x: int) -> None:
    """An order takes what it can at once; ``x`` as in the module's words."""
    order = state.orders[i]
    c, side = order.contract, order.side
    lots = fillable(state, i)
    price = market_price(state, c, side, x=x)
    if order.kind == LIMIT:
        price = Ticks(min(price, order.price_ticks) if side > 0 else max(price, order.price_ticks))
    elif order.kind == MARKET and not within_take_bound(state, c, side, price_ticks=price):
        return
    if lots > 0:
        fill_order(state, i, lots=lots, price_ticks=price, maker=0)


@rule
def reaches_touch(state: State, i: int, x: int) -> bool:
    """Whether a limit order would take."""
    order = state.orders[i]
    return order.side * (order.price_ticks - touch(state, order.contract, order.side, x=x)) >= 0


@rule
def take_or_rest(state: State, i: int, x: int) -> None:
    """A limit order takes what it reaches; the rest goes into the book, or expires with IOC and FOK."""
    order_id = state.orders[i].id
    if reaches_touch(state, i, x=x):
        take(state, i, x=x)
    if state.orders[i].id != order_id:
        return
    if state.orders[i].tif in (IOC, FOK):
        drop(state, i, reason=UNFILLED)
    else:
        state.orders[i].queue_lots = queue_ahead(state, i)


@rule
def take_or_expire(state: State, i: int, x: int) -> None:
    """A market order takes what it can, and expires; a bracket's stop stands again for the rest."""
    c, order_id, role = state.orders[i].contract, state.orders[i].id, state.orders[i].role
    take(state, i, x=x)
    if state.orders[i].id == order_id:
        drop(state, i, reason=UNFILLED)
        if role == STOP:
            tend(state, c, 0)


@rule
def fits(state: State, i: int, x: int) -> bool:
    """Whether the market takes all of an order that is being triggered."""
    order = state.orders[i]
    if fillable(state, i) < max(1, wanted(state, i)):
        return False
    return ends_in_market(order.kind) or reaches_touch(state, i, x=x)


@rule
def trigger(state: State, i: int, x: int) -> None:
    """A waiting order becomes a market or limit order."""
    order = state.orders[i]
    c = order.contract
    note(
        state,
        LOG_TRIGGERED,
        c,
        order_id=order.id,
        lots=0,
        price_ticks=order.trigger_ticks,
        maker=0,
        reason=0,
    )
    in_market = ends_in_market(order.kind)
    if order.tif == FOK and not fits(state, i, x=x):
        drop(state, i, reason=UNFILLED)
        return
    if order.post_only and not in_market and reaches_touch(state, i, x=x):
        drop(state, i, reason=WOULD_TAKE)
        return
    if order.reduce_only == 0 and order.close_position == 0:
        price = market_price(state, c, order.side, x=x) if in_market else Ticks(order.price_ticks)
        code = margin_answer(
            state, c, order.side, lots=order.lots - order.filled_lots, price_ticks=price, skip=-1
        )
        if code != DONE:
            drop(state, i, reason=code)
            return
    if in_market:
        take_or_expire(state, i, x=x)
        return
    order.kind = LIMIT
    order.status = WORKING
    take_or_rest(state, i, x=x)


@rule
def waits_for_fall(state: State, i: int) -> bool:
    """Whether a waiting order is triggered by a fall to its trigger (else by a rise)."""
    order = state.orders[i]
    stops = order.kind in (STOP_MARKET, STOP_LIMIT, TRAILING)
    return stops == (order.side < 0)


@rule
def hit_place(state: State, i: int, a: int, b: int) -> int:
    """Where the way from ``a`` to ``b`` hits an order, or -1."""
    order = state.orders[i]
    low, high = min(a, b), max(a, b)
    if order.status == WORKING:
        level = order.price_ticks
        falls = order.side > 0
        passed = 0 if state.contracts[order.contract].limit_fill == TOUCH else 1
        if (falls and level < low + passed) or (not falls and level > high - passed):
            return -1
    else:
        if order.by_mark or (order.kind == TRAILING and order.active == 0):
            return -1
        level = order.trigger_ticks
        falls = waits_for_fall(state, i)
        if (falls and level < low) or (not falls and level > high):
            return -1
    if falls:
        return min(level, a) if b < a else a
    return max(level, a) if b > a else a


@rule
def next_hit(state: State, c: int, a: int, b: int) -> tuple[int, int]:
    """The order that the way hits first, and where: (slot, place); slot -1: none."""
    found, place, nearest, lowest = -1, 0, 0, 0
    for i in range(state.account[0].end_slot):
        order = state.orders[i]
        if order.status == FREE or order.contract != c:
            continue
        h = hit_place(state, i, a=a, b=b)
        if h < 0:
            continue
        far = abs(h - a)
        if found < 0 or far < nearest or (far == nearest and order.id < lowest):
            found, place, nearest, lowest = i, h, far, order.id
    return found, place


@rule
def travel(state: State, c: int, b: int, jump: int) -> None:
    """The price goes from the last one to ``b``; in a jump nothing trades on the way."""
    market = state.markets[c]
    a = int(market.last_ticks if market.last_ticks else b)
    while market.room_lots != 0:
        i, place = next_hit(state, c, a=a, b=b)
        if i < 0:
            break
        a = place
        market.last_ticks = b if jump else place
        if state.orders[i].status == WORKING:
            price = state.orders[i].price_ticks
            fill_order(state, i, lots=fillable(state, i), price_ticks=price, maker=1)
        else:
            trigger(state, i, x=b if jump else place)
    market.last_ticks = b
    trail(state, c)


@rule
def trail(state: State, c: int) -> None:
    """Trailing orders follow the last price."""
    last = state.markets[c].last_ticks
    for i in range(state.account[0].end_slot):
        order = state.orders[i]
        if order.status != WAITING or order.contract != c or order.kind != TRAILING:
            continue
        side = order.side
        if order.active == 0:
            if side * (order.activation_ticks - last) < 0:
                continue
            order.active = 1
            order.extreme_ticks = last
        elif side * (order.extreme_ticks - last) <= 0:
            continue
        order.extreme_ticks = last
        trail_to(state, i, last)


@rule
def trigger_by_mark(state: State, c: int) -> None:
    """Orders that wait for the mark, by id."""
    market, contract = state.markets[c], state.contracts[c]
    while market.room_lots != 0:
        found = -1
        for i in range(state.account[0].end_slot):
            order = state.orders[i]
            if order.status != WAITING or order.contract != c or order.by_mark == 0:
                continue
            if order.kind == TRAILING and order.active == 0:
                continue
            above8 = market.mark8 - order.trigger_ticks * contract.tick_size8
            reached = above8 <= 0 if waits_for_fall(state, i) else above8 >= 0
            if reached and (found < 0 or order.id < state.orders[found].id):
                found = i
        if found < 0:
            return
        trigger(state, found, x=-1)


@rule
def fill_in_queue(state: State, c: int, traded_lots: int) -> None:
    """A trade at the price of resting orders fills what exceeds the lots before them."""
    if state.contracts[c].limit_fill != QUEUE:
        return
    market = state.markets[c]
    done, born = 0, int(state.account[0].next_order_id)
    while True:
        found = -1
        for i in range(state.account[0].end_slot):
            order = state.orders[i]
            if order.status != WORKING or order.contract != c or order.price_ticks != market.last_ticks:
                continue
            if done < order.id < born and (found < 0 or order.id < state.orders[found].id):
                found = i
        if found < 0:
            return
        order = state.orders[found]
        done = order.id
        taken = traded_lots if market.room_lots < 0 else min(traded_lots, market.room_lots)
        lots = min(taken - order.queue_lots, fillable(state, found))
        order.queue_lots = max(0, order.queue_lots - traded_lots)
        if lots > 0:
            fill_order(state, found, lots=lots, price_ticks=order.price_ticks, maker=1)


@rule
def best_inside(state: State, c: int, side: int) -> int:
    """The resting order of a side that the quote has come to, the best price first; -1: none."""
    market = state.markets[c]
    found, best = -1, 0
    for i in range(state.account[0].end_slot):
        order = state.orders[i]
        if order.status != WORKING or order.contract != c or order.side != side:
            continue
        inside = side * (order.price_ticks - (market.ask_ticks if side > 0 else market.bid_ticks))
        if inside < 0:
            continue
        if found < 0 or inside > best or (inside == best and order.id < state.orders[found].id):
            found, best = i, inside
    return found


@rule
def fill_by_quote(state: State, c: int) -> None:
    """Resting orders that the quote has come to fill at their price, buys first."""
    while True:
        i = best_inside(state, c, 1)
        if i < 0:
            i = best_inside(state, c, -1)
        if i < 0:
            return
        fill_order(state, i, lots=fillable(state, i), price_ticks=state.orders[i].price_ticks, maker=1)
