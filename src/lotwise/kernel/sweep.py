"""Runs over history, with all mechanics of the venue in a box: bars or trades, signals or a strategy.

A signal at the close of a bar, or after a trade, opens a bracket of the setup's form or closes what is held.
With ``skip`` a run passes over what can change nothing but the last price (:mod:`lotwise.kernel.quiet`); what
comes out is the same, to the byte. The contract is the first of the account.

A run returns the number of round trips, of which ``trades`` holds as many as it has room for, or -1 where
it ended early: ``desk.run[0]`` says why, and at which row. A row or a setup that cannot be is found before
anything is played.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lotwise.kernel.arith import INT64_MAX
from lotwise.kernel.layout import RATE
from lotwise.kernel.machine import step
from lotwise.kernel.quiet import (
    is_quiet_bar,
    is_quiet_trade,
    next_loud_bar,
    next_loud_trade,
    pass_over_bars,
    pass_over_trades,
    set_bounds,
)
from lotwise.kernel.signals import clear_event, follow
from lotwise.kernel.state import BAR, FUNDING, TRADE, State
from lotwise.kernel.tape import (
    BAD_ROW,
    BAD_SETUP,
    BAD_SIGNAL,
    CLOSE,
    MOST_MULTIPLE8,
    STOP_RUN,
    STOPPED,
    BarRow,
    Desk,
    MarketTradeRow,
    Seen,
    SetupRow,
    TradeRow,
)
from lotwise.rule import rule

Strategy = Callable[[Seen, int], int]
"""A rule that is asked at the close of every bar: (what it sees, which bar) -> signal, or STOP_RUN."""


@rule
def bar_event(state: State, desk: Desk, bars: Sequence[BarRow], i: int) -> int:
    """Play bar ``i``."""
    clear_event(desk, BAR, bars[i].time_ns)
    event = desk.event[0]
    event.open_ticks = bars[i].open_ticks
    event.high_ticks = bars[i].high_ticks
    event.low_ticks = bars[i].low_ticks
    event.close_ticks = bars[i].close_ticks
    event.volume_lots = bars[i].volume_lots
    return step(state, desk.event)


@rule
def trade_event(state: State, desk: Desk, tape: Sequence[MarketTradeRow], i: int) -> int:
    """Play trade ``i``."""
    clear_event(desk, TRADE, tape[i].time_ns)
    desk.event[0].price_ticks = tape[i].price_ticks
    desk.event[0].lots = tape[i].lots
    return step(state, desk.event)


@rule
def funding_event(state: State, desk: Desk, bars: Sequence[BarRow], i: int) -> None:
    """Charge the funding at the close of bar ``i``, where there is any."""
    if bars[i].has_funding:
        clear_event(desk, FUNDING, bars[i].time_ns)
        desk.event[0].rate8 = bars[i].funding8
        desk.event[0].interval_ns = 0
        step(state, desk.event)


@rule
def first_bad_bar(state: State, bars: Sequence[BarRow]) -> int:
    """The first bar that cannot be, or whose time goes back; -1: none."""
    before = state.account[0].time_ns
    highest = INT64_MAX // (4 * state.contracts[0].tick_size8)
    for i in range(len(bars)):
        bar = bars[i]
        low, high = min(bar.open_ticks, bar.close_ticks), max(bar.open_ticks, bar.close_ticks)
        good = 0 < bar.low_ticks <= low and high <= bar.high_ticks <= highest
        if not good or bar.volume_lots < 0 or bar.time_ns < before or abs(bar.funding8) > RATE:
            return i
        before = bar.time_ns
    return -1


@rule
def first_bad_trade(state: State, tape: Sequence[MarketTradeRow]) -> int:
    """The first trade that cannot be, or whose time goes back; -1: none."""
    before = state.account[0].time_ns
    highest = INT64_MAX // (4 * state.contracts[0].tick_size8)
    for i in range(len(tape)):
        trade = tape[i]
        if not 0 < trade.price_ticks <= highest or trade.lots < 0 or trade.time_ns < before:
            return i
        before = trade.time_ns
    return -1


@rule
def first_bad_signal(signals: Sequence[int], count: int) -> int:
    """The first of ``count`` signals that is none, or is not there; -1: all are good."""
    for i in range(min(len(signals), count)):
        if signals[i] < -1 or signals[i] > CLOSE:
            return i
    return -1 if len(signals) == count else min(len(signals), count)


@rule
def setup_is_good(setup: Sequence[SetupRow]) -> bool:
    """Whether a setup's shares are shares, and its distances and times not negative."""
    plan = setup[0]
    if not (0 < plan.risk8 <= RATE and 0 < plan.stop_share8 < RATE and 0 <= plan.target_share8_1 <= RATE):
        return False
    if plan.target_share8_1 and not 0 < plan.target_multiple8_1 <= plan.target_multiple8_2:
        return False
    if plan.target_multiple8_2 > MOST_MULTIPLE8 or not 0 <= plan.callback8 < RATE:
        return False
    return plan.hold_ns >= 0 and plan.breakeven_after >= 0 and plan.trail_after >= 0


@rule
def ended(desk: Desk, why: int, at: int) -> int:
    """Say why a run ended early."""
    desk.run[0].why = why
    desk.run[0].at = at
    return -1


@rule
def begin_run(desk: Desk, setup: Sequence[SetupRow]) -> bool:
    """Nothing is done yet; whether the setup can be."""
    desk.run[0].why = 0
    desk.run[0].trips = 0
    return setup_is_good(setup)


@rule
def run_bars(
    state: State,
    bars: Sequence[BarRow],
    signals: Sequence[int],
    setup: Sequence[SetupRow],
    desk: Desk,
    trades: Sequence[TradeRow],
    skip: int,
) -> int:
    """Play all bars, with a signal at the close of each (0: none)."""
    if not begin_run(desk, setup):
        return ended(desk, BAD_SETUP, 0)
    bad = first_bad_bar(state, bars)
    if bad < 0:
        bad = first_bad_signal(signals, len(bars))
    if bad >= 0:
        return ended(desk, BAD_ROW, bad)
    i = 0
    while i < len(bars):
        held = state.markets[0].lots
        quiet = False
        if skip:
            set_bounds(state, desk, 0)
            first, i = i, next_loud_bar(bars, signals, desk, first=i)
            quiet = i < len(bars) and is_quiet_bar(bars, desk, i)  # it has a signal or funding alone
            passed = i - first + int(quiet)
            if passed:
                pass_over_bars(state, bars, first + passed - 1, count=passed)
            if i == len(bars):
                break
        if not quiet:
            bar_event(state, desk, bars, i=i)
        funding_event(state, desk, bars, i=i)
        follow(state, desk, setup, trades=trades, signal=int(signals[i]), held=held, now=bars[i].time_ns)
        i += 1
    return desk.run[0].trips


@rule
def run_trades(
    state: State,
    tape: Sequence[MarketTradeRow],
    signals: Sequence[int],
    setup: Sequence[SetupRow],
    desk: Desk,
    trades: Sequence[TradeRow],
    skip: int,
) -> int:
    """Play all trades of a market, with a signal after each (0: none)."""
    if not begin_run(desk, setup):
        return ended(desk, BAD_SETUP, 0)
    bad = first_bad_trade(state, tape)
    if bad < 0:
        bad = first_bad_signal(signals, len(tape))
    if bad >= 0:
        return ended(desk, BAD_ROW, bad)
    i = 0
    while i < len(tape):
        held = state.markets[0].lots
        quiet = False
        if skip:
            set_bounds(state, desk, 1)
            first, i = i, next_loud_trade(tape, signals, desk, first=i)
            quiet = i < len(tape) and is_quiet_trade(tape, desk, i)  # it has a signal alone
            passed = i - first + int(quiet)
            if passed:
                pass_over_trades(state, tape, first + passed - 1, count=passed)
            if i == len(tape):
                break
        if not quiet:
            trade_event(state, desk, tape, i=i)
        follow(state, desk, setup, trades=trades, signal=int(signals[i]), held=held, now=tape[i].time_ns)
        i += 1
    return desk.run[0].trips


@rule
def run_strategy(
    state: State,
    bars: Sequence[BarRow],
    strategy: Strategy,
    seen: Seen,
    desk: Desk,
    trades: Sequence[TradeRow],
    skip: int,
) -> int:
    """Play all bars and ask a strategy at the close of each.

    ``seen`` holds the same account, market and bars; its setup is what a signal opens.
    """
    if not begin_run(desk, seen.setup):
        return ended(desk, BAD_SETUP, 0)
    bad = first_bad_bar(state, bars)
    if bad >= 0:
        return ended(desk, BAD_ROW, bad)
    set_bounds(state, desk, 0)
    for i in range(len(bars)):
        held = state.markets[0].lots
        quiet = skip != 0 and is_quiet_bar(bars, desk, i)
        if quiet:
            pass_over_bars(state, bars, i, count=1)
        else:
            bar_event(state, desk, bars, i=i)
        funding_event(state, desk, bars, i=i)
        signal = strategy(seen, i)
        if signal == STOP_RUN:
            return ended(desk, STOPPED, i)
        if signal < -1 or signal > CLOSE:
            return ended(desk, BAD_SIGNAL, i)
        if quiet and signal == 0 and bars[i].has_funding == 0:
            continue
        follow(state, desk, seen.setup, trades=trades, signal=signal, held=held, now=bars[i].time_ns)
        if skip:
            set_bounds(state, desk, 0)
    return desk.run[0].trips
