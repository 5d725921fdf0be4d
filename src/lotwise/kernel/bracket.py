"""The exits of a position: one stop as large as what is held, targets, break-even, trailing.

Rules of ``docs/venue_in_a_box.md``, "Brackets". :func:`tend` runs in the same step as the fill that
calls for it, so no position of a bracket is ever without its stop, and the stop only tightens.
"""

from __future__ import annotations

from lotwise.kernel.arith import mul_div_ceil, mul_div_div_floor, mul_div_floor
from lotwise.kernel.booking import note
from lotwise.kernel.layout import RATE
from lotwise.kernel.slots import drop, queue_ahead, slot_of, take_slot
from lotwise.kernel.state import (
    FREE,
    GTC,
    LIMIT,
    LOG_MERGED,
    LOG_PLACED,
    LOG_RESIZED,
    LOG_STOP_MOVED,
    NO_ROLE,
    STOP,
    STOP_MARKET,
    TARGET,
    TARGETS,
    TRAILING,
    WAITING,
    WORKING,
    State,
)
from lotwise.rule import rule
from lotwise.units import Lots, Ticks


@rule
def target_share8(state: State, c: int, k: int) -> int:
    """Cumulative share of target ``k``; 0: unused."""
    bracket = state.brackets[c]
    if k == 1:
        return bracket.target_share8_1
    if k == 2:
        return bracket.target_share8_2
    return bracket.target_share8_3 if k == 3 else bracket.target_share8_4


@rule
def target_ticks(state: State, c: int, k: int) -> Ticks:
    """Price of target ``k``."""
    bracket = state.brackets[c]
    if k == 1:
        return Ticks(bracket.target_ticks_1)
    if k == 2:
        return Ticks(bracket.target_ticks_2)
    return Ticks(bracket.target_ticks_3 if k == 3 else bracket.target_ticks_4)


@rule
def target_filled(state: State, c: int, k: int) -> Lots:
    """What target ``k`` has filled."""
    bracket = state.brackets[c]
    if k == 1:
        return Lots(bracket.filled_lots_1)
    if k == 2:
        return Lots(bracket.filled_lots_2)
    return Lots(bracket.filled_lots_3 if k == 3 else bracket.filled_lots_4)


@rule
def add_target_filled(state: State, c: int, k: int, lots: int) -> None:
    """Count a fill of target ``k``."""
    bracket = state.brackets[c]
    if k == 1:
        bracket.filled_lots_1 += lots
    elif k == 2:
        bracket.filled_lots_2 += lots
    elif k == 3:
        bracket.filled_lots_3 += lots
    else:
        bracket.filled_lots_4 += lots


@rule
def leg_is_legal(state: State, c: int, k: int, lots: int) -> bool:
    """Whether a target of so many lots may be sent to the venue."""
    contract = state.contracts[c]
    if lots < contract.min_lots or lots == 0:
        return False
    return lots * target_ticks(state, c, k) * contract.cash_per_tick_lot >= contract.min_notional_cash


@rule
def planned_lots(state: State, c: int) -> tuple[int, int, int, int]:
    """Lots of each target of all that was entered; a leg too small goes into the next used one."""
    entered = state.brackets[c].entered_lots
    first, second, third, fourth = 0, 0, 0, 0
    through, carried, last_used, last_whole = 0, 0, 0, 0
    for k in range(1, TARGETS + 1):
        share8 = target_share8(state, c, k)
        if share8 == 0:
            continue
        last_used = k
        now = mul_div_floor(entered, share8, RATE)
        leg = now - through + carried
        through = now
        if leg_is_legal(state, c, k, lots=leg):
            carried = 0
            last_whole = k
        else:
            carried = leg
            leg = 0
        if k == 1:
            first = leg
        elif k == 2:
            second = leg
        elif k == 3:
            third = leg
        else:
            fourth = leg
    into = last_whole if last_whole else last_used
    if carried and into == 1:
        first += carried
    elif carried and into == 2:
        second += carried
    elif carried and into == 3:
        third += carried
    elif carried:
        fourth += carried
    return first, second, third, fourth


@rule
def targets_done(state: State, c: int, plan: tuple[int, int, int, int]) -> int:
    """How many first targets are filled; one merged away counts with the one it went into."""
    done, merged = 0, 0
    for k in range(1, TARGETS + 1):
        if target_share8(state, c, k) == 0:
            break
        planned = plan[k - 1]
        if planned == 0:
            merged += 1
        elif target_filled(state, c, k) >= planned:
            done += merged + 1
            merged = 0
        else:
            return done
    return done + merged if done else 0


@rule
def put_exit(state: State, c: int, role: int, kind: int, lots: int, ticks: int) -> int:
    """Place an exit in a free slot; its slot. Slots are kept for exits, so one is free."""
    i = take_slot(state)
    account, order = state.account[0], state.orders[i]
    order.id = account.next_order_id
    account.next_order_id += 1
    order.contract = c
    order.role = role
    order.kind = kind
    order.side = -state.brackets[c].side
    order.status = WORKING if kind == LIMIT else WAITING
    order.lots = lots
    order.filled_lots = 0
    order.price_ticks = ticks if kind == LIMIT else 0
    order.trigger_ticks = 0 if kind == LIMIT else ticks
    order.by_mark = 0
    order.reduce_only = 1
    order.close_position = 0
    order.post_only = 0
    order.tif = GTC
    order.expires_ns = 0
    order.callback8 = 0
    order.activation_ticks = 0
    order.active = 0
    order.extreme_ticks = 0
    order.queue_lots = queue_ahead(state, i) if kind == LIMIT else 0
    note(state, LOG_PLACED, c, order_id=order.id, lots=lots, price_ticks=ticks, maker=0, reason=0)
    return i


@rule
def resize(state: State, i: int, open_lots: int) -> None:
    """Let an order have so many lots left, under its id."""
    order = state.orders[i]
    lots = order.filled_lots + open_lots
    if order.lots != lots:
        order.lots = lots
        note(
            state,
            LOG_RESIZED,
            order.contract,
            order_id=order.id,
            lots=open_lots,
            price_ticks=0,
            maker=0,
            reason=0,
        )


@rule
def start_trailing(state: State, c: int, i: int) -> None:
    """Make the stop in slot ``i`` trail from the last price; its trigger only tightens."""
    bracket, order = state.brackets[c], state.orders[i]
    last = state.markets[c].last_ticks
    bracket.trailing = 1
    order.kind = TRAILING
    order.by_mark = 0
    order.callback8 = bracket.callback8
    order.active = 1
    order.extreme_ticks = last
    trail_to(state, i, last)


@rule
def trail_to(state: State, i: int, extreme: int) -> None:
    """Move the trigger of a trailing order to its callback behind ``extreme``, never back."""
    order = state.orders[i]
    if order.side < 0:
        trigger = mul_div_ceil(extreme, RATE - order.callback8, RATE)
        if order.trigger_ticks and trigger <= order.trigger_ticks:
            return
    else:
        trigger = mul_div_floor(extreme, RATE + order.callback8, RATE)
        if order.trigger_ticks and trigger >= order.trigger_ticks:
            return
    order.trigger_ticks = trigger
    if order.role == STOP:
        state.brackets[order.contract].stop_ticks = trigger
        note(
            state,
            LOG_STOP_MOVED,
            order.contract,
            order_id=order.id,
            lots=0,
            price_ticks=trigger,
            maker=0,
            reason=0,
        )


@rule
def closes_even(state: State, c: int, held: int, paid: int, ticks: int) -> bool:
    """Whether closing ``held`` lots there as taker, after ``paid`` entry fees, loses nothing."""
    contract, market = state.contracts[c], state.markets[c]
    worth = ticks * held * contract.cash_per_tick_lot
    gained = worth - market.entry_cash if market.lots > 0 else market.entry_cash - worth
    return gained - mul_div_ceil(worth, contract.taker_fee8, RATE) - paid >= 0


@rule
def break_even_ticks(state: State, c: int, held: int) -> Ticks:
    """The tick nearest to the entry that leaves no loss with all fees; 0: none."""
    bracket, contract, market = state.brackets[c], state.contracts[c], state.markets[c]
    paid = 0
    if bracket.entered_lots:
        paid = mul_div_ceil(bracket.fees_cash, held, bracket.entered_lots)
    side = bracket.side
    due = market.entry_cash + side * paid
    if due <= 0:
        return Ticks(0)
    kept8 = RATE - side * contract.taker_fee8
    ticks = max(1, mul_div_div_floor(due, RATE, held * contract.cash_per_tick_lot, kept8))
    while ticks > 0 and not closes_even(state, c, held=held, paid=paid, ticks=ticks):
        ticks += side
    if ticks <= 0:
        return Ticks(0)
    while ticks > side and closes_even(state, c, held=held, paid=paid, ticks=ticks - side):
        ticks -= side
    return Ticks(ticks)


@rule
def move_to_break_even(state: State, c: int, held: int) -> None:
    """Tighten the stop to break-even where the last price has not reached it yet."""
    bracket = state.brackets[c]
    bracket.moved = 1
    even = break_even_ticks(state, c, held=held)
    if even == 0 or bracket.side * (even - bracket.stop_ticks) <= 0:
        return
    if bracket.side * (state.markets[c].last_ticks - even) <= 0:
        return
    bracket.stop_ticks = even
    i = slot_of(state, bracket.stop_id)
    state.orders[i].trigger_ticks = even
    note(
        state,
        LOG_STOP_MOVED,
        c,
        order_id=bracket.stop_id,
        lots=held,
        price_ticks=even,
        maker=0,
        reason=0,
    )


@rule
def put_stop(state: State, c: int, held: int) -> None:
    """The stop stands with as many lots as are held."""
    bracket = state.brackets[c]
    i = slot_of(state, bracket.stop_id)
    if i >= 0:
        resize(state, i, open_lots=held)
        return
    i = put_exit(state, c, STOP, kind=STOP_MARKET, lots=held, ticks=bracket.stop_ticks)
    bracket.stop_id = state.orders[i].id
    if bracket.trailing:
        start_trailing(state, c, i)
    else:
        state.orders[i].by_mark = bracket.by_mark


@rule
def target_slot(state: State, c: int, k: int) -> int:
    """The slot of target ``k``, or -1."""
    for i in range(state.account[0].end_slot):
        order = state.orders[i]
        if order.status != FREE and order.contract == c and order.role == TARGET + k:
            return i
    return -1


@rule
def put_targets(state: State, c: int, held: int, plan: tuple[int, int, int, int]) -> None:
    """Each target works with what is left of its plan, all together within what is held.

    Once the time stop's time has come, none does.
    """
    time_stop_ns = state.brackets[c].time_stop_ns
    left = 0 if 0 < time_stop_ns <= state.account[0].time_ns else held
    for k in range(1, TARGETS + 1):
        lots = min(max(0, plan[k - 1] - target_filled(state, c, k)), left)
        left -= lots
        i = target_slot(state, c, k)
        if i < 0 and lots > 0:
            put_exit(state, c, TARGET + k, kind=LIMIT, lots=lots, ticks=target_ticks(state, c, k))
        elif i >= 0 and lots > 0:
            resize(state, i, open_lots=lots)
        elif i >= 0:
            drop(state, i, reason=0)


@rule
def end_bracket(state: State, c: int) -> None:
    """Cancel what is left of a bracket's orders and forget it."""
    for i in range(state.account[0].end_slot):
        order = state.orders[i]
        if order.status != FREE and order.contract == c and order.role != NO_ROLE:
            drop(state, i, reason=0)
    clear_bracket(state, c)


@rule
def clear_bracket(state: State, c: int) -> None:
    """Empty a bracket's slot."""
    bracket = state.brackets[c]
    bracket.breakeven_after = 0
    bracket.by_mark = 0
    bracket.callback8 = 0
    bracket.entered_lots = 0
    bracket.entries = 0
    bracket.fees_cash = 0
    bracket.filled_lots_1 = 0
    bracket.filled_lots_2 = 0
    bracket.filled_lots_3 = 0
    bracket.filled_lots_4 = 0
    bracket.moved = 0
    bracket.side = 0
    bracket.stop_id = 0
    bracket.stop_ticks = 0
    bracket.target_share8_1 = 0
    bracket.target_share8_2 = 0
    bracket.target_share8_3 = 0
    bracket.target_share8_4 = 0
    bracket.target_ticks_1 = 0
    bracket.target_ticks_2 = 0
    bracket.target_ticks_3 = 0
    bracket.target_ticks_4 = 0
    bracket.time_stop_ns = 0
    bracket.trail_after = 0
    bracket.trailing = 0


@rule
def say_merged(state: State, c: int, plan: tuple[int, int, int, int]) -> None:
    """Say which targets were too small and went into another."""
    for k in range(1, TARGETS + 1):
        if target_share8(state, c, k) and plan[k - 1] == 0:
            ticks = target_ticks(state, c, k)
            note(state, LOG_MERGED, c, order_id=0, lots=0, price_ticks=ticks, maker=0, reason=k)


@rule
def tend(state: State, c: int, entered_now: int) -> None:
    """Put a bracket's exits in place after anything that changed the position."""
    bracket = state.brackets[c]
    if bracket.side == 0:
        return
    held = bracket.side * state.markets[c].lots
    if held <= 0:
        if bracket.entered_lots > 0:
            end_bracket(state, c)
        return
    put_stop(state, c, held=held)
    plan = planned_lots(state, c)
    if entered_now:
        say_merged(state, c, plan)
    put_targets(state, c, held=held, plan=plan)
    done = targets_done(state, c, plan)
    if bracket.breakeven_after and done >= bracket.breakeven_after and bracket.moved == 0:
        move_to_break_even(state, c, held=held)
    if bracket.trail_after and done >= bracket.trail_after and bracket.trailing == 0:
        start_trailing(state, c, slot_of(state, bracket.stop_id))
