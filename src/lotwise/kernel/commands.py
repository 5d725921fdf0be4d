"""The trader's commands: the checks in their order, then the change.

Rules of ``docs/venue_in_a_box.md``, "Orders". Every check is done before anything is touched: a
command that is refused leaves the state as it was, byte for byte.
"""

from __future__ import annotations

from typing import Final

from lotwise.kernel import answers
from lotwise.kernel.arith import INT64_MAX, mul_div_ceil, mul_div_floor
from lotwise.kernel.booking import book, note
from lotwise.kernel.bracket import clear_bracket
from lotwise.kernel.exposure import (
    available,
    gross,
    initial_margin,
    most_leverage100,
    pnl,
    working_sums,
)
from lotwise.kernel.layout import LEVERAGE, RATE
from lotwise.kernel.margin import initial_margin_trunc
from lotwise.kernel.matching import (
    margin_answer,
    market_price,
    take_or_expire,
    take_or_rest,
    touch,
    within_take_bound,
)
from lotwise.kernel.slots import drop, ends_in_market, is_full, slot_of, take_slot
from lotwise.kernel.state import (
    ENTRY,
    FOK,
    FREE,
    GTC,
    GTD,
    LIMIT,
    LOG_MARGIN,
    LOG_PLACED,
    LOG_TRANSFER,
    MARKET,
    STOP_LIMIT,
    STOP_MARKET,
    TAKE_LIMIT,
    TAKE_MARKET,
    TRAILING,
    WAITING,
    WORKING,
    Events,
    State,
)
from lotwise.rule import rule
from lotwise.units import Cash, Ticks

LEAST_CALLBACK8: Final = 100_000
"""0.1 %; source: Binance USD-M, new algo order, callbackRate."""
MOST_CALLBACK8: Final = 20_000_000
"""20 %; same source, since 2026-10-23."""


@rule
def knows(state: State, c: int) -> bool:
    """Whether there is a contract of that index."""
    return 0 <= c < len(state.markets)


@rule
def is_flag(value: int) -> bool:
    """0 or 1."""
    return value in (0, 1)


@rule
def has_limit(kind: int) -> bool:
    """Whether an order of that kind has a limit price."""
    return kind in (LIMIT, STOP_LIMIT, TAKE_LIMIT)


@rule
def parameter_answer(state: State, event: Events) -> int:
    """Check 2, and whether an entry has a bracket that takes it."""
    e = event[0]
    flags = is_flag(e.by_mark) and is_flag(e.reduce_only) and is_flag(e.close_position)
    if not (flags and is_flag(e.post_only) and is_flag(e.entry)):
        return answers.BAD_PARAMETER
    if not (LIMIT <= e.order_kind <= TRAILING and e.side in (-1, 1) and GTC <= e.tif <= GTD):
        return answers.BAD_PARAMETER
    if e.tif == GTD and e.expires_ns <= e.time_ns:
        return answers.BAD_PARAMETER
    if e.order_kind == TRAILING and not LEAST_CALLBACK8 <= e.callback8 <= MOST_CALLBACK8:
        return answers.BAD_PARAMETER
    if e.entry and (state.brackets[e.contract].side != e.side or e.reduce_only or e.close_position):
        return answers.BRACKET_CANNOT_BE
    return answers.DONE


@rule
def form_answer(event: Events) -> int:
    """Checks 3 to 7: what can be said of an order without looking at the market."""
    e = event[0]
    if e.close_position and e.lots:
        return answers.CLOSE_WITH_LOTS
    if e.close_position and e.order_kind not in (STOP_MARKET, TAKE_MARKET):
        return answers.CLOSE_OF_THAT_KIND
    if e.close_position == 0 and e.lots <= 0:
        return answers.LOTS_NOT_ABOVE_ZERO
    if has_limit(e.order_kind) and e.price_ticks <= 0:
        return answers.PRICE_NOT_ABOVE_ZERO
    conditional = e.order_kind not in (LIMIT, MARKET, TRAILING)
    if (conditional and e.trigger_ticks <= 0) or (e.order_kind == TRAILING and e.activation_ticks < 0):
        return answers.TRIGGER_NOT_ABOVE_ZERO
    return answers.DONE


@rule
def reference_ticks(state: State, event: Events) -> Ticks:
    """The price at which an order's notional is judged before it fills."""
    e = event[0]
    if e.order_kind == LIMIT:
        return Ticks(e.price_ticks)
    if e.order_kind == MARKET:
        return touch(state, e.contract, e.side, x=-1)
    if e.order_kind == TRAILING:
        return Ticks(state.markets[e.contract].last_ticks)
    return Ticks(e.trigger_ticks)


@rule
def size_answer(state: State, c: int, kind: int, lots: int) -> int:
    """Checks 8 and 9, lots alone."""
    contract = state.contracts[c]
    if lots < contract.min_lots:
        return answers.LOTS_TOO_FEW
    most = contract.max_market_lots if ends_in_market(kind) else contract.max_lots
    return answers.LOTS_TOO_MANY if lots > min(most, contract.max_lots) else answers.DONE


@rule
def is_beyond_bound(state: State, c: int, price_ticks: int, lots: int) -> bool:
    """Whether the notional is more than the 64-bit proof allows; divided, not multiplied: no overflow."""
    contract = state.contracts[c]
    if price_ticks < 0 or price_ticks > INT64_MAX // (4 * contract.tick_size8):
        return True
    most_lots = contract.max_notional_cash // contract.cash_per_tick_lot // max(1, price_ticks)
    return lots > most_lots


@rule
def band_answer(state: State, c: int, side: int, price_ticks: int) -> int:
    """Check 12: how far from the mark a limit price may be."""
    contract = state.contracts[c]
    price8, mark8 = price_ticks * contract.tick_size8, state.markets[c].mark8
    highest = mul_div_floor(mark8, RATE + contract.price_up8, RATE)
    lowest = mul_div_ceil(mark8, RATE - contract.price_down8, RATE)
    if side > 0 and contract.price_up8 and price8 > highest:
        return answers.PRICE_TOO_HIGH
    if side < 0 and contract.price_down8 and price8 < lowest:
        return answers.PRICE_TOO_LOW
    return answers.DONE


@rule
def is_reached(state: State, event: Events) -> bool:
    """Check 15: whether a conditional order would be triggered where it is placed."""
    e = event[0]
    market = state.markets[e.contract]
    if e.order_kind in (LIMIT, MARKET):
        return False
    if e.order_kind == TRAILING:
        return e.activation_ticks > 0 and e.side * (e.activation_ticks - market.last_ticks) >= 0
    falls = (e.order_kind in (STOP_MARKET, STOP_LIMIT)) == (e.side < 0)
    if e.by_mark:
        above: int = market.mark8 - e.trigger_ticks * state.contracts[e.contract].tick_size8
    else:
        above = market.last_ticks - e.trigger_ticks
    return above <= 0 if falls else above >= 0


@rule
def fits_at_once(state: State, event: Events) -> bool:
    """Check 19: whether the market takes all of a FOK order."""
    e = event[0]
    market = state.markets[e.contract]
    lots = e.lots if market.room_lots < 0 else min(e.lots, market.room_lots)
    if e.reduce_only:
        lots = min(lots, -e.side * market.lots)
    if e.order_kind == LIMIT:
        reached = e.side * (e.price_ticks - touch(state, e.contract, e.side, x=-1)) >= 0
    else:
        price = market_price(state, e.contract, e.side, x=-1)
        reached = within_take_bound(state, e.contract, e.side, price_ticks=price)
    return reached and lots == e.lots


@rule
def market_answer(state: State, event: Events, c: int) -> int:
    """Checks 10 to 16: what the market and the position say."""
    e = event[0]
    market = state.markets[c]
    if is_full(state):
        return answers.TOO_MANY_ORDERS
    if market.last_ticks == 0:
        return answers.NO_PRICE
    ticks = reference_ticks(state, event)
    lots = max(1, e.lots)
    beyond = is_beyond_bound(state, c, price_ticks=ticks, lots=lots)
    if beyond or (
        has_limit(e.order_kind) and is_beyond_bound(state, c, price_ticks=e.price_ticks, lots=lots)
    ):
        return answers.LOTS_TOO_MANY
    if e.order_kind == LIMIT:
        code = band_answer(state, c, e.side, price_ticks=e.price_ticks)
        if code != answers.DONE:
            return code
    notional = ticks * lots * state.contracts[c].cash_per_tick_lot
    exempt = e.reduce_only or e.close_position
    if not exempt and notional < state.contracts[c].min_notional_cash:
        return answers.NOTIONAL_TOO_SMALL
    if e.reduce_only and e.side * market.lots >= 0:
        return answers.REDUCE_ONLY_REJECTED
    if is_reached(state, event):
        return answers.WOULD_TRIGGER
    takes = e.side * (e.price_ticks - touch(state, c, e.side, x=-1)) >= 0
    if e.post_only and (e.order_kind == MARKET or (e.order_kind == LIMIT and takes)):
        return answers.WOULD_TAKE
    return answers.DONE


@rule
def place_answer(state: State, event: Events) -> int:
    """The table of the page, row by row."""
    e = event[0]
    c = e.contract
    if not knows(state, c):
        return answers.UNKNOWN_CONTRACT
    code = parameter_answer(state, event)
    if code == answers.DONE:
        code = form_answer(event)
    if code == answers.DONE and e.close_position == 0:
        code = size_answer(state, c, kind=e.order_kind, lots=e.lots)
    if code == answers.DONE:
        code = market_answer(state, event, c)
    if code != answers.DONE:
        return code
    if e.order_kind in (LIMIT, MARKET) and e.reduce_only == 0:
        price = e.price_ticks if e.order_kind == LIMIT else market_price(state, c, e.side, x=-1)
        code = margin_answer(state, c, e.side, lots=e.lots, price_ticks=price, skip=-1)
        if code != answers.DONE:
            return code
    if e.order_kind in (LIMIT, MARKET) and e.tif == FOK and not fits_at_once(state, event):
        return answers.CANNOT_FILL_WHOLLY
    return answers.DONE


@rule
def place(state: State, event: Events) -> None:
    """Put an accepted order into a slot, and let it take what it takes at once."""
    e = event[0]
    c = e.contract
    i = take_slot(state)
    account, order = state.account[0], state.orders[i]
    order.id = account.next_order_id
    account.next_order_id += 1
    order.contract = c
    order.kind = e.order_kind
    order.side = e.side
    order.status = WORKING if e.order_kind in (LIMIT, MARKET) else WAITING
    order.lots = e.lots
    order.filled_lots = 0
    order.price_ticks = e.price_ticks if has_limit(e.order_kind) else 0
    order.trigger_ticks = 0 if e.order_kind in (LIMIT, MARKET, TRAILING) else e.trigger_ticks
    order.by_mark = e.by_mark if order.status == WAITING else 0
    order.reduce_only = e.reduce_only
    order.close_position = e.close_position
    order.post_only = e.post_only
    order.tif = e.tif
    order.expires_ns = e.expires_ns if e.tif == GTD else 0
    order.callback8 = e.callback8 if e.order_kind == TRAILING else 0
    order.activation_ticks = e.activation_ticks if e.order_kind == TRAILING else 0
    order.active = 0
    order.extreme_ticks = 0
    order.queue_lots = 0
    order.role = ENTRY if e.entry else 0
    state.brackets[c].entries += e.entry
    note(
        state,
        LOG_PLACED,
        c,
        order_id=order.id,
        lots=e.lots,
        price_ticks=order.price_ticks if order.price_ticks else order.trigger_ticks,
        maker=0,
        reason=0,
    )
    if e.order_kind == LIMIT:
        take_or_rest(state, i, x=-1)
    elif e.order_kind == MARKET:
        take_or_expire(state, i, x=-1)
    elif e.order_kind == TRAILING and e.activation_ticks == 0:
        start(state, i)


@rule
def start(state: State, i: int) -> None:
    """A trailing order without activation trails at once."""
    order = state.orders[i]
    last = state.markets[order.contract].last_ticks
    order.active = 1
    order.extreme_ticks = last
    if order.side < 0:
        order.trigger_ticks = mul_div_ceil(last, RATE - order.callback8, RATE)
    else:
        order.trigger_ticks = mul_div_floor(last, RATE + order.callback8, RATE)


@rule
def amend_answer(state: State, event: Events) -> int:
    """Checks of a new price and new lots for a limit order in the book."""
    e = event[0]
    i = slot_of(state, e.order_id)
    if i < 0:
        return answers.NO_SUCH_ORDER
    order = state.orders[i]
    if order.role > ENTRY:
        return answers.ORDER_OF_A_BRACKET
    if order.kind != LIMIT:
        return answers.NOT_A_LIMIT_ORDER
    if order.price_ticks == e.price_ticks and order.lots == e.lots:
        return answers.NOTHING_TO_AMEND
    c, side = order.contract, order.side
    left = e.lots - order.filled_lots
    if e.lots <= 0 or left <= 0:
        return answers.LOTS_NOT_ABOVE_ZERO
    if e.price_ticks <= 0:
        return answers.PRICE_NOT_ABOVE_ZERO
    code = size_answer(state, c, kind=LIMIT, lots=e.lots)
    if code != answers.DONE:
        return code
    if is_beyond_bound(state, c, price_ticks=e.price_ticks, lots=e.lots):
        return answers.LOTS_TOO_MANY
    code = band_answer(state, c, side, price_ticks=e.price_ticks)
    if code != answers.DONE:
        return code
    notional = e.price_ticks * e.lots * state.contracts[c].cash_per_tick_lot
    if order.reduce_only == 0 and notional < state.contracts[c].min_notional_cash:
        return answers.NOTIONAL_TOO_SMALL
    if order.post_only and side * (e.price_ticks - touch(state, c, side, x=-1)) >= 0:
        return answers.WOULD_TAKE
    if order.reduce_only:
        return answers.DONE
    return margin_answer(state, c, side, lots=left, price_ticks=e.price_ticks, skip=i)


@rule
def amend(state: State, event: Events) -> None:
    """Change a limit order; it loses its place and takes at once what it can."""
    e = event[0]
    i = slot_of(state, e.order_id)
    order = state.orders[i]
    order.price_ticks = e.price_ticks
    order.lots = e.lots
    note(
        state,
        LOG_PLACED,
        order.contract,
        order_id=order.id,
        lots=e.lots - order.filled_lots,
        price_ticks=e.price_ticks,
        maker=0,
        reason=0,
    )
    take_or_rest(state, i, x=-1)


@rule
def cancel_answer(state: State, event: Events) -> int:
    """Whether there is such an order of the trader's."""
    i = slot_of(state, event[0].order_id)
    if i < 0:
        return answers.CANCEL_REJECTED
    return answers.ORDER_OF_A_BRACKET if state.orders[i].role > ENTRY else answers.DONE


@rule
def cancel_all(state: State, c: int) -> None:
    """Cancel the trader's orders of a contract, or of all (-1); exits of brackets stay."""
    for i in range(state.account[0].end_slot):
        order = state.orders[i]
        if order.status != FREE and order.role <= ENTRY and (c < 0 or order.contract == c):
            drop(state, i, reason=0)


@rule
def leverage_answer(state: State, event: Events) -> int:
    """Whether a contract may have that leverage now."""
    e = event[0]
    c, leverage = e.contract, e.leverage100
    if not knows(state, c):
        return answers.UNKNOWN_CONTRACT
    most = most_leverage100(state, c, Cash(0))
    if leverage < LEVERAGE or leverage > most or leverage % LEVERAGE:
        return answers.BAD_LEVERAGE
    market = state.markets[c]
    if market.is_isolated and market.lots != 0 and leverage < market.leverage100:
        return answers.LOWER_LEVERAGE_ISOLATED
    buys, sells, _ = working_sums(state, c, skip=-1)
    exposed = gross(state, c, buys=buys, sells=sells)
    if leverage > most_leverage100(state, c, exposed):
        return answers.ABOVE_LEVERAGE
    more = int(initial_margin_trunc(exposed, leverage100=leverage))
    more -= initial_margin_trunc(exposed, leverage100=market.leverage100)
    if market.is_isolated:  # the position's margin is paid already: the orders' alone changes
        worth_margin = initial_margin_trunc(gross(state, c, buys=0, sells=0), leverage100=leverage)
        more -= worth_margin - initial_margin(state, c)
    if available(state) < more:
        return answers.MARGIN_IS_INSUFFICIENT
    return answers.DONE


@rule
def has_orders(state: State, c: int) -> bool:
    """Whether a contract has any order."""
    for i in range(state.account[0].end_slot):
        if state.orders[i].status != FREE and state.orders[i].contract == c:
            return True
    return False


@rule
def mode_answer(state: State, event: Events) -> int:
    """Whether a contract's margin mode may change."""
    e = event[0]
    if not knows(state, e.contract):
        return answers.UNKNOWN_CONTRACT
    if not is_flag(e.is_isolated):
        return answers.BAD_COMMAND
    if state.markets[e.contract].is_isolated == e.is_isolated:
        return answers.SAME_MARGIN_MODE
    if has_orders(state, e.contract):
        return answers.MODE_WITH_ORDERS
    return answers.MODE_WITH_POSITION if state.markets[e.contract].lots != 0 else answers.DONE


@rule
def isolated_margin_answer(state: State, event: Events) -> int:
    """Whether money may be added to, or taken from, an isolated position."""
    e = event[0]
    c = e.contract
    if not knows(state, c):
        return answers.UNKNOWN_CONTRACT
    if e.cash == 0:
        return answers.AMOUNT_IS_ZERO
    market = state.markets[c]
    if market.is_isolated == 0:
        return answers.NOT_ISOLATED
    if market.lots == 0:
        return answers.NO_POSITION
    if e.cash > 0 and e.cash > available(state):
        return answers.CROSS_IS_INSUFFICIENT
    if e.cash < 0 and market.isolated_cash + e.cash + min(0, pnl(state, c)) < initial_margin(state, c):
        return answers.ISOLATED_IS_INSUFFICIENT
    return answers.DONE


@rule
def move_isolated_margin(state: State, c: int, cash: int) -> None:
    """Move money between the cross wallet and an isolated position."""
    at = note(state, LOG_MARGIN, c, order_id=0, lots=0, price_ticks=0, maker=0, reason=0)
    book(state, at, c, cross=-cash, isolated=cash)


@rule
def transfer_answer(state: State, cash: int, most: int) -> int:
    """Whether money may come or go; ``most`` bounds the wallet."""
    wallet = state.account[0].cross_cash
    if cash == 0 or cash > most - max(0, wallet):
        return answers.BAD_COMMAND
    if cash < 0 and -cash > min(wallet, available(state)):
        return answers.BAD_COMMAND
    return answers.DONE


@rule
def transfer(state: State, cash: int) -> None:
    """Money comes from outside, or goes there."""
    at = note(state, LOG_TRANSFER, -1, order_id=0, lots=0, price_ticks=0, maker=0, reason=0)
    book(state, at, 0, cross=cash, outside=-cash)


@rule
def targets_answer(state: State, event: Events) -> int:
    """Whether a bracket's targets lie one beyond the other on the winning side, with rising shares."""
    e = event[0]
    shares = (e.target_share8_1, e.target_share8_2, e.target_share8_3, e.target_share8_4)
    ticks = (e.target_ticks_1, e.target_ticks_2, e.target_ticks_3, e.target_ticks_4)
    through, price, ended, used = 0, e.stop_ticks, False, 0
    for k in range(4):
        if shares[k] == 0:
            if ticks[k] != 0:
                return answers.BRACKET_CANNOT_BE
            ended = True
            continue
        used += 1
        if ended or shares[k] <= through or shares[k] > RATE or e.side * (ticks[k] - price) <= 0:
            return answers.BRACKET_CANNOT_BE
        if ticks[k] <= 0:
            return answers.BRACKET_CANNOT_BE
        through, price = shares[k], ticks[k]
    if e.breakeven_after > used or e.trail_after > used:
        return answers.BRACKET_CANNOT_BE
    return answers.DONE if through in (0, RATE) else answers.BRACKET_CANNOT_BE


@rule
def bracket_answer(state: State, event: Events) -> int:
    """Whether a bracket may be declared."""
    e = event[0]
    c = e.contract
    if not knows(state, c):
        return answers.UNKNOWN_CONTRACT
    if state.brackets[c].side or state.markets[c].lots or has_orders(state, c):
        return answers.BRACKET_IN_THE_WAY
    if e.side not in (-1, 1) or e.stop_ticks <= 0 or not is_flag(e.by_mark):
        return answers.BRACKET_CANNOT_BE
    if e.breakeven_after < 0 or e.trail_after < 0 or e.time_stop_ns < 0:
        return answers.BRACKET_CANNOT_BE
    if e.trail_after and not LEAST_CALLBACK8 <= e.callback8 <= MOST_CALLBACK8:
        return answers.BRACKET_CANNOT_BE
    return targets_answer(state, event)


@rule
def declare_bracket(state: State, event: Events) -> None:
    """Keep the exits that the coming entries will have."""
    e = event[0]
    c = e.contract
    clear_bracket(state, c)
    bracket = state.brackets[c]
    bracket.side = e.side
    bracket.stop_ticks = e.stop_ticks
    bracket.by_mark = e.by_mark
    bracket.breakeven_after = e.breakeven_after
    bracket.trail_after = e.trail_after
    bracket.callback8 = e.callback8
    bracket.time_stop_ns = e.time_stop_ns
    bracket.target_share8_1 = e.target_share8_1
    bracket.target_share8_2 = e.target_share8_2
    bracket.target_share8_3 = e.target_share8_3
    bracket.target_share8_4 = e.target_share8_4
    bracket.target_ticks_1 = e.target_ticks_1
    bracket.target_ticks_2 = e.target_ticks_2
    bracket.target_ticks_3 = e.target_ticks_3
    bracket.target_ticks_4 = e.target_ticks_4
