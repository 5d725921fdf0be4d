"""Which bars and trades of a run can do nothing: they are passed over, with the state they leave.

Between the bounds no price reaches an order, no mark a liquidation, and no time has come. What passing
over leaves is what playing would have left, to the byte.
"""

from __future__ import annotations

from collections.abc import Sequence

from lotwise.kernel.arith import INT64_MAX
from lotwise.kernel.exposure import cross_balance, cross_maintenance, maintenance, pnl
from lotwise.kernel.machine import room_of
from lotwise.kernel.matching import waits_for_fall
from lotwise.kernel.state import FREE, GTD, THROUGH, TOUCH, TRAILING, WORKING, State
from lotwise.kernel.tape import BarRow, Desk, MarketTradeRow
from lotwise.rule import rule


@rule
def set_bounds(state: State, desk: Desk, trades: int) -> None:
    """Find the prices and the time before which no bar (with ``trades`` 1: no trade) can do anything."""
    falls, rises, until = 0, INT64_MAX, INT64_MAX
    choice = state.contracts[0].limit_fill
    strict = 0 if choice == TOUCH or (trades and choice != THROUGH) else 1  # a trade moves a queue
    for i in range(state.account[0].end_slot):
        order = state.orders[i]
        if order.status == FREE:
            continue
        if order.tif == GTD:
            until = min(until, order.expires_ns)
        if order.status == WORKING:
            if order.side > 0:
                falls = max(falls, order.price_ticks - strict)
            else:
                rises = min(rises, order.price_ticks + strict)
        elif order.kind == TRAILING:  # its extreme moves with the price: every bar counts
            falls, rises = INT64_MAX, 0
        elif waits_for_fall(state, i):
            falls = max(falls, order.trigger_ticks)
        else:
            rises = min(rises, order.trigger_ticks)
    last = state.markets[0].last_ticks
    if last <= falls or last >= rises:  # reached, but there was no room: the next way begins here
        falls, rises = INT64_MAX, 0
    if state.account[0].call_ratio8:  # a call is said long before
        falls, rises = INT64_MAX, 0
    if state.brackets[0].time_stop_ns:
        until = min(until, state.brackets[0].time_stop_ns)
    run = desk.run[0]
    run.falls_ticks = falls
    run.rises_ticks = rises
    run.until_ns = until
    bound_by_margin(state, desk)


@rule
def bound_by_margin(state: State, desk: Desk) -> None:
    """Hold the bounds within half the way to where the position's margin runs out.

    While the price moves against the position the balance falls by what the lots lose, and maintenance
    rises by less (its rate is below one): what is spare today pays for both up to there.
    """
    market, contract = state.markets[0], state.contracts[0]
    if market.lots == 0:
        return
    if market.is_isolated:
        spare = market.isolated_cash + pnl(state, 0) - maintenance(state, 0)
    else:
        spare = cross_balance(state) - cross_maintenance(state)
    per_tick = abs(market.lots) * contract.cash_per_tick_lot
    safe = max(0, (spare // 2) // per_tick - 2)
    last = market.mark8 // contract.tick_size8
    if market.lots > 0:
        desk.run[0].falls_ticks = max(desk.run[0].falls_ticks, last - safe)
    else:
        desk.run[0].rises_ticks = min(desk.run[0].rises_ticks, last + safe)


@rule
def pass_over_bars(state: State, bars: Sequence[BarRow], i: int, count: int) -> None:
    """Leave the state as ``count`` uneventful bars up to ``i`` leave it."""
    market, contract = state.markets[0], state.contracts[0]
    market.bid_ticks = 0
    market.bid_lots = 0
    market.ask_ticks = 0
    market.ask_lots = 0
    market.last_ticks = bars[i].close_ticks
    market.range_ticks = bars[i].high_ticks - bars[i].low_ticks
    market.room_lots = room_of(state, 0, bars[i].volume_lots)
    if market.has_mark == 0:
        market.mark8 = bars[i].close_ticks * contract.tick_size8
    state.account[0].time_ns = bars[i].time_ns
    state.account[0].sequence += count


@rule
def pass_over_trades(state: State, tape: Sequence[MarketTradeRow], i: int, count: int) -> None:
    """Leave the state as ``count`` uneventful trades up to ``i`` leave it."""
    market, contract = state.markets[0], state.contracts[0]
    market.last_ticks = tape[i].price_ticks
    market.room_lots = room_of(state, 0, tape[i].lots)
    if market.has_mark == 0:
        market.mark8 = tape[i].price_ticks * contract.tick_size8
    state.account[0].time_ns = tape[i].time_ns
    state.account[0].sequence += count


@rule
def is_quiet_bar(bars: Sequence[BarRow], desk: Desk, i: int) -> bool:
    """Whether bar ``i`` stays within the bounds."""
    bar, run = bars[i], desk.run[0]
    if bar.low_ticks <= run.falls_ticks or bar.high_ticks >= run.rises_ticks:
        return False
    return bar.time_ns < run.until_ns


@rule
def is_quiet_trade(tape: Sequence[MarketTradeRow], desk: Desk, i: int) -> bool:
    """Whether trade ``i`` stays within the bounds."""
    trade, run = tape[i], desk.run[0]
    return run.falls_ticks < trade.price_ticks < run.rises_ticks and trade.time_ns < run.until_ns


@rule
def next_loud_bar(bars: Sequence[BarRow], signals: Sequence[int], desk: Desk, first: int) -> int:
    """The first bar from ``first`` on that has a signal or funding, or may do something."""
    falls, rises, until = desk.run[0].falls_ticks, desk.run[0].rises_ticks, desk.run[0].until_ns
    i = first
    while i < len(bars):
        bar = bars[i]
        if bar.low_ticks <= falls or bar.high_ticks >= rises or bar.time_ns >= until:
            return i
        if signals[i] != 0 or bar.has_funding != 0:
            return i
        i += 1
    return i


@rule
def next_loud_trade(tape: Sequence[MarketTradeRow], signals: Sequence[int], desk: Desk, first: int) -> int:
    """The first trade from ``first`` on that has a signal, or may do something."""
    falls, rises, until = desk.run[0].falls_ticks, desk.run[0].rises_ticks, desk.run[0].until_ns
    i = first
    while i < len(tape):
        price = tape[i].price_ticks
        if price <= falls or price >= rises or tape[i].time_ns >= until or signals[i] != 0:
            return i
        i += 1
    return i
