"""``step(state, event)``: the single entrance. A market event or a command, checked first, then done.

``docs/venue_in_a_box.md`` says what each does. A refused event leaves the state as it was.
"""

from __future__ import annotations

from typing import Final

from lotwise.kernel import answers
from lotwise.kernel.arith import INT64_MAX, mul_div_floor
from lotwise.kernel.booking import pay_funding
from lotwise.kernel.bracket import clear_bracket
from lotwise.kernel.commands import (
    amend,
    amend_answer,
    bracket_answer,
    cancel_all,
    cancel_answer,
    declare_bracket,
    isolated_margin_answer,
    knows,
    leverage_answer,
    mode_answer,
    move_isolated_margin,
    place,
    place_answer,
    transfer,
    transfer_answer,
)
from lotwise.kernel.layout import RATE
from lotwise.kernel.liquidation import margin_check
from lotwise.kernel.matching import (
    TIME_IS_UP,
    fill_by_quote,
    fill_in_queue,
    fill_order,
    market_price,
    travel,
    trigger_by_mark,
)
from lotwise.kernel.slots import drop, fillable, slot_of
from lotwise.kernel.state import (
    ADVERSE,
    AMEND,
    BAR,
    BRACKET,
    CANCEL,
    CANCEL_ALL,
    CLOCK,
    ENTRY,
    FAVOURABLE,
    FREE,
    GTD,
    INDEX,
    ISOLATED_MARGIN,
    LEVERAGE,
    MARGIN_MODE,
    MARK,
    NO_ROLE,
    OHLC,
    PLACE,
    QUOTE,
    STOP,
    TRADE,
    TRANSFER,
    Events,
    State,
)
from lotwise.rule import rule

MOST_CASH: Final = 2**59
"""Largest wallet; with the bound of a notional it keeps every sum within 64 bits."""
MOST_RATE8: Final = RATE
"""Largest funding rate of one stamp, either way."""


@rule
def step(state: State, event: Events) -> int:
    """Do one event; 0, or the code of why not, and then nothing has changed.

    Codes: :mod:`lotwise.kernel.answers`.
    """
    code = answer_to(state, event)
    if code != answers.DONE:
        return code
    account = state.account[0]
    account.time_ns = event[0].time_ns
    account.sequence += 1
    if event[0].kind <= CLOCK:
        run_clock(state)
        market_event(state, event)
    else:
        command(state, event)
        margin_check(state)
    end_empty_brackets(state)
    return answers.DONE


@rule
def run(state: State, events: Events, codes: list[int]) -> None:
    """Do events one after the other; their codes are written to ``codes``."""
    for i in range(len(events)):
        codes[i] = step(state, events[i : i + 1])


@rule
def answer_to(state: State, event: Events) -> int:
    """The code of an event, without doing anything."""
    e = event[0]
    if e.time_ns < state.account[0].time_ns:
        return answers.TIME_GOES_BACK
    if e.kind == CLOCK:
        return answers.DONE
    if BAR <= e.kind < CLOCK:
        return market_event_answer(state, event)
    if e.kind == PLACE:
        return place_answer(state, event)
    if e.kind == AMEND:
        return amend_answer(state, event)
    if e.kind == CANCEL:
        return cancel_answer(state, event)
    if e.kind == CANCEL_ALL:
        return answers.DONE if e.contract == -1 or knows(state, e.contract) else answers.UNKNOWN_CONTRACT
    if e.kind == LEVERAGE:
        return leverage_answer(state, event)
    if e.kind == MARGIN_MODE:
        return mode_answer(state, event)
    if e.kind == ISOLATED_MARGIN:
        return isolated_margin_answer(state, event)
    if e.kind == TRANSFER:
        return transfer_answer(state, e.cash, most=MOST_CASH)
    return bracket_answer(state, event) if e.kind == BRACKET else answers.BAD_COMMAND


@rule
def is_price(state: State, c: int, ticks: int) -> bool:
    """Whether a price is above zero and can be counted."""
    return 0 < ticks <= INT64_MAX // (4 * state.contracts[c].tick_size8)


@rule
def market_event_answer(state: State, event: Events) -> int:
    """Whether a market event can be."""
    e = event[0]
    if not knows(state, e.contract):
        return answers.UNKNOWN_CONTRACT
    good = True
    if e.kind == BAR:
        good = bar_is_good(state, event)
    elif e.kind == TRADE:
        good = is_price(state, e.contract, e.price_ticks) and e.lots >= 0
    elif e.kind == QUOTE:
        good = is_price(state, e.contract, e.ask_ticks) and 0 <= e.bid_ticks < e.ask_ticks
        good = good and e.bid_lots >= 0 and e.ask_lots >= 0
    elif e.kind in (MARK, INDEX):
        good = 0 < e.price8 <= INT64_MAX // 4
    else:
        good = 0 <= e.price8 <= INT64_MAX // 4 and abs(e.rate8) <= MOST_RATE8 and e.interval_ns >= 0
    return answers.DONE if good else answers.BAD_MARKET


@rule
def bar_is_good(state: State, event: Events) -> bool:
    """Whether a bar's prices, marks and volume can be."""
    e = event[0]
    if not is_price(state, e.contract, e.high_ticks) or e.low_ticks <= 0 or e.volume_lots < 0:
        return False
    if min(e.open_ticks, e.close_ticks) < e.low_ticks or max(e.open_ticks, e.close_ticks) > e.high_ticks:
        return False
    if e.mark_open8 == 0 and e.mark_high8 == 0 and e.mark_low8 == 0 and e.mark_close8 == 0:
        return True
    if e.mark_low8 <= 0 or e.mark_high8 > INT64_MAX // 4:
        return False
    low, high = min(e.mark_open8, e.mark_close8), max(e.mark_open8, e.mark_close8)
    return e.mark_low8 <= low and high <= e.mark_high8


@rule
def run_clock(state: State) -> None:
    """What the new time brings: expiries by id, then time stops."""
    now = state.account[0].time_ns
    while True:
        found = -1
        for i in range(state.account[0].end_slot):
            order = state.orders[i]
            if order.status == FREE or order.tif != GTD or order.expires_ns > now:
                continue
            if found < 0 or order.id < state.orders[found].id:
                found = i
        if found < 0:
            break
        drop(state, found, reason=TIME_IS_UP)
    for c in range(len(state.markets)):
        if state.brackets[c].side and 0 < state.brackets[c].time_stop_ns <= now:
            stop_by_time(state, c)


@rule
def stop_by_time(state: State, c: int) -> None:
    """Cancel a bracket's entries and targets, and close at the market what may be closed now."""
    bracket, market = state.brackets[c], state.markets[c]
    for i in range(state.account[0].end_slot):
        order = state.orders[i]
        if order.status != FREE and order.contract == c and order.role not in (NO_ROLE, STOP):
            drop(state, i, reason=0)
    i = slot_of(state, bracket.stop_id)
    if i < 0 or market.lots * bracket.side <= 0:
        return
    lots = fillable(state, i)
    if lots > 0:
        price = market_price(state, c, -bracket.side, x=-1)
        fill_order(state, i, lots=lots, price_ticks=price, maker=0)


@rule
def end_empty_brackets(state: State) -> None:
    """A bracket that had an entry, holds nothing and has no order left ends."""
    for c in range(len(state.markets)):
        if state.brackets[c].side == 0 or state.brackets[c].entries == 0 or state.markets[c].lots:
            continue
        left = False
        for i in range(state.account[0].end_slot):
            order = state.orders[i]
            if order.status != FREE and order.contract == c and order.role == ENTRY:
                left = True
        if not left:
            clear_bracket(state, c)


@rule
def command(state: State, event: Events) -> None:
    """Do a command that was found good."""
    e = event[0]
    if e.kind == PLACE:
        place(state, event)
    elif e.kind == AMEND:
        amend(state, event)
    elif e.kind == CANCEL:
        drop(state, slot_of(state, e.order_id), reason=0)
    elif e.kind == CANCEL_ALL:
        cancel_all(state, e.contract)
    elif e.kind == LEVERAGE:
        state.markets[e.contract].leverage100 = e.leverage100
    elif e.kind == MARGIN_MODE:
        state.markets[e.contract].is_isolated = e.is_isolated
    elif e.kind == ISOLATED_MARGIN:
        move_isolated_margin(state, e.contract, e.cash)
    elif e.kind == TRANSFER:
        transfer(state, e.cash)
    else:
        declare_bracket(state, event)


@rule
def market_event(state: State, event: Events) -> None:
    """Do a market event that was found good."""
    e = event[0]
    if e.kind == CLOCK:
        return
    c = e.contract
    market = state.markets[c]
    if e.kind == BAR:
        do_bar(state, event)
    elif e.kind == TRADE:
        market.room_lots = room_of(state, c, e.lots)
        travel(state, c, e.price_ticks, jump=1)
        fill_in_queue(state, c, e.lots)
        at_point(state, c, 0)
    elif e.kind == QUOTE:
        market.bid_ticks = e.bid_ticks
        market.bid_lots = e.bid_lots
        market.ask_ticks = e.ask_ticks
        market.ask_lots = e.ask_lots
        market.room_lots = -1
        fill_by_quote(state, c)
    elif e.kind == INDEX:
        market.index8 = e.price8
    elif e.kind == MARK:
        at_point(state, c, e.price8)
    else:
        market.interval_ns = e.interval_ns
        pay_funding(state, c, rate8=e.rate8, mark8=e.price8 if e.price8 else market.mark8)
        margin_check(state)


@rule
def room_of(state: State, c: int, lots: int) -> int:
    """How much of a volume this account may take; -1: no bound."""
    share8 = state.contracts[c].volume_share8
    return mul_div_floor(lots, share8, RATE) if share8 else -1


@rule
def at_point(state: State, c: int, mark8: int) -> None:
    """A place where the market is looked at: the mark, orders that wait for it, the margin."""
    market = state.markets[c]
    if mark8:
        market.mark8 = mark8
        market.has_mark = 1
    elif market.has_mark == 0:
        market.mark8 = market.last_ticks * state.contracts[c].tick_size8
    trigger_by_mark(state, c)
    margin_check(state)


@rule
def opening_sides(state: State, c: int) -> int:
    """1 where a contract has opening buys alone, -1 sells alone, else 0."""
    buys, sells = 0, 0
    for i in range(state.account[0].end_slot):
        order = state.orders[i]
        if order.status == FREE or order.contract != c or order.reduce_only or order.close_position:
            continue
        if order.side > 0:
            buys = 1
        else:
            sells = 1
    return buys - sells


@rule
def goes_high_first(state: State, c: int) -> bool:
    """In which order a bar visits its extremes, by the contract's choice."""
    path = state.contracts[c].path
    if path not in (ADVERSE, FAVOURABLE):
        return path == OHLC
    lots = state.markets[c].lots
    adverse = lots < 0 if lots else opening_sides(state, c) >= 0
    return adverse == (path == ADVERSE)


@rule
def do_bar(state: State, event: Events) -> None:
    """A bar: a jump to its open, then ways to its extremes and its close."""
    e = event[0]
    c = e.contract
    market = state.markets[c]
    market.bid_ticks = 0
    market.bid_lots = 0
    market.ask_ticks = 0
    market.ask_lots = 0
    market.room_lots = room_of(state, c, e.volume_lots)
    market.range_ticks = e.high_ticks - e.low_ticks
    travel(state, c, e.open_ticks, jump=1)
    at_point(state, c, e.mark_open8)
    high_first = goes_high_first(state, c)
    if high_first:
        travel(state, c, e.high_ticks, jump=0)
        at_point(state, c, e.mark_high8)
    travel(state, c, e.low_ticks, jump=0)
    at_point(state, c, e.mark_low8)
    if not high_first:
        travel(state, c, e.high_ticks, jump=0)
        at_point(state, c, e.mark_high8)
    travel(state, c, e.close_ticks, jump=0)
    at_point(state, c, e.mark_close8)
