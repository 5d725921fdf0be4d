"""Bars and signals in, trades out: the array path of sweeps, with all mechanics of the venue in a box.

:func:`run_bars` plays one contract: each bar is an event, a signal at its close opens a bracket of the
setup's form, sized by the rule that sizes everything, or closes what is held. With ``skip`` it passes
over bars that can change nothing but the last price: none of their prices reaches an order, no mark a
liquidation, and no time has come. What comes out is the same, to the byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from lotwise.kernel.arith import INT64_MAX, mul_div_ceil, mul_div_floor
from lotwise.kernel.exposure import cross_balance, cross_maintenance, maintenance, pnl
from lotwise.kernel.feasibility import largest_feasible
from lotwise.kernel.layout import RATE, AskRow, LegRow, LimitsRow, SpecRow, array_of
from lotwise.kernel.machine import room_of, step
from lotwise.kernel.matching import waits_for_fall
from lotwise.kernel.state import (
    BAR,
    BRACKET,
    FREE,
    FUNDING,
    GTD,
    MARKET,
    PLACE,
    TOUCH,
    TRAILING,
    WORKING,
    Blank,
    EventRow,
    State,
)
from lotwise.rule import rule

CLOSE: Final = 2
"""A signal that closes what is held; 1 and -1 open (and turn), 0 is none."""


class BarRow(Blank):
    """A bar, and the signal at its close."""

    __slots__ = (
        "close_ticks",
        "funding8",  # rate charged at its close; has_funding says whether
        "has_funding",
        "high_ticks",
        "low_ticks",
        "open_ticks",
        "signal",  # 1 long, -1 short, CLOSE, 0 nothing
        "time_ns",  # its opening
        "volume_lots",
    )
    close_ticks: int
    funding8: int
    has_funding: int
    high_ticks: int
    low_ticks: int
    open_ticks: int
    signal: int
    time_ns: int
    volume_lots: int


class SetupRow(Blank):
    """What a signal opens."""

    __slots__ = (
        "breakeven_after",
        "callback8",
        "hold_ns",  # time stop after so long, 0: none
        "risk8",  # share of the equity at risk
        "stop_share8",  # stop distance, share of the price
        "target_multiple8_1",  # first target in stop distances
        "target_multiple8_2",
        "target_share8_1",  # share of the lots at the first target, the rest at the second; 0: no targets
        "trail_after",
    )
    breakeven_after: int
    callback8: int
    hold_ns: int
    risk8: int
    stop_share8: int
    target_multiple8_1: int
    target_multiple8_2: int
    target_share8_1: int
    trail_after: int


class TradeRow(Blank):
    """A round trip: from flat to flat."""

    __slots__ = (
        "closed_ns",
        "lots",  # entered, signed
        "opened_ns",
        "result_cash",  # what the account won or lost, all costs and funding in it
        "risk_cash",  # what it was allowed to lose at the stop
    )
    closed_ns: int
    lots: int
    opened_ns: int
    result_cash: int
    risk_cash: int


class Desk(NamedTuple):
    """Rows that a run writes over while it works; one of each."""

    event: Sequence[EventRow]
    spec: Sequence[SpecRow]
    ask: Sequence[AskRow]
    limits: Sequence[LimitsRow]
    legs: Sequence[LegRow]


def new_desk(spec: SpecRow, limits: LimitsRow) -> Desk:
    """A desk for a contract's facts and the limits of its sizes, as plain Python rows."""
    ask = AskRow(**dict.fromkeys(AskRow.__slots__, 0))
    leg = LegRow(cumulative_share8=RATE, price_ticks=0)
    return Desk([EventRow()], [spec], [ask], [limits], [leg])


def compiled_desk(desk: Desk) -> Desk:
    """The desk as structured arrays, for compiled rules."""
    from lotwise.rule_handle import by_address

    by_address(Desk)
    kinds = (EventRow, SpecRow, AskRow, LimitsRow, LegRow)
    return Desk(*(array_of(kind, rows) for kind, rows in zip(kinds, desk, strict=True)))


class Bounds(Blank):
    """Between these prices nothing happens."""

    __slots__ = (
        "falls_ticks",  # a low at or below it may do something
        "rises_ticks",  # a high at or above it may do something
        "until_ns",  # a time at or after it may do something
    )
    falls_ticks: int
    rises_ticks: int
    until_ns: int


@rule
def clear_event(desk: Desk, kind: int, time_ns: int) -> None:
    """Make the desk's event a fresh one; fields of orders and brackets are 0."""
    event = desk.event[0]
    event.kind = kind
    event.contract = 0
    event.time_ns = time_ns
    event.lots = 0
    event.price_ticks = 0
    event.reduce_only = 0
    event.entry = 0
    event.tif = 0
    event.order_kind = MARKET
    event.price8 = 0


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
def sized_lots(state: State, desk: Desk, side: int, setup: Sequence[SetupRow], stop_ticks: int) -> int:
    """The lots that a signal opens: what the sizing rule allows of the account as it stands."""
    market, ask, limits = state.markets[0], desk.ask[0], desk.limits[0]
    contract = state.contracts[0]
    equity = cross_balance(state)
    ask.side = side
    ask.stop_ticks = stop_ticks
    ask.leverage100 = market.leverage100
    ask.entry_fee8 = contract.taker_fee8
    ask.exit_fee8 = contract.taker_fee8
    ask.entry_spread_ticks = contract.spread_ticks
    ask.exit_spread_ticks = contract.spread_ticks
    ask.slippage_ticks = contract.slippage_ticks
    desk.legs[0].price_ticks = market.last_ticks
    limits.budget_cash = mul_div_floor(equity, setup[0].risk8, RATE)
    limits.cross_cash = equity
    limits.free_cash = equity
    limits.margin_cash = equity
    if equity <= 0:
        return 0
    tiers = state.tiers[contract.first_tier : contract.end_tier]
    lots, _, _ = largest_feasible(desk.spec, desk.ask, desk.limits, legs=desk.legs, tiers=tiers)
    return min(lots, contract.max_market_lots)


@rule
def open_by_signal(state: State, desk: Desk, setup: Sequence[SetupRow], side: int, time_ns: int) -> int:
    """Declare the bracket and enter at the market; the lots entered."""
    plan, last = setup[0], state.markets[0].last_ticks
    away = max(1, mul_div_ceil(last, plan.stop_share8, RATE))
    stop = last - side * away
    lots = sized_lots(state, desk, side, setup=setup, stop_ticks=stop) if stop > 0 else 0
    first = last + side * max(1, mul_div_ceil(away, plan.target_multiple8_1, RATE))
    second = last + side * max(2, mul_div_ceil(away, plan.target_multiple8_2, RATE))
    if lots == 0 or second <= 0:
        return 0
    clear_event(desk, BRACKET, time_ns)
    event = desk.event[0]
    event.side = side
    event.stop_ticks = stop
    event.breakeven_after = plan.breakeven_after
    event.trail_after = plan.trail_after
    event.callback8 = plan.callback8
    event.time_stop_ns = time_ns + plan.hold_ns if plan.hold_ns else 0
    targets = plan.target_share8_1 > 0
    event.target_ticks_1 = first if targets else 0
    event.target_share8_1 = plan.target_share8_1
    event.target_ticks_2 = second if targets else 0
    event.target_share8_2 = RATE if targets else 0
    if step(state, desk.event) != 0:
        return 0
    clear_event(desk, PLACE, time_ns)
    desk.event[0].lots = lots
    desk.event[0].entry = 1
    return lots if step(state, desk.event) == 0 else 0


@rule
def close_by_signal(state: State, desk: Desk, time_ns: int) -> None:
    """Close what is held at the market."""
    held = state.markets[0].lots
    clear_event(desk, PLACE, time_ns)
    desk.event[0].side = -1 if held > 0 else 1
    desk.event[0].lots = abs(held)
    desk.event[0].reduce_only = 1
    step(state, desk.event)


@rule
def set_bounds(state: State, bounds: Sequence[Bounds]) -> None:
    """Find the prices and the time before which no bar can do anything."""
    falls, rises, until = 0, INT64_MAX, INT64_MAX
    strict = 0 if state.contracts[0].limit_fill == TOUCH else 1
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
    if state.account[0].call_ratio8:  # a call is said long before
        falls, rises = INT64_MAX, 0
    if state.brackets[0].time_stop_ns:
        until = min(until, state.brackets[0].time_stop_ns)
    bounds[0].falls_ticks = falls
    bounds[0].rises_ticks = rises
    bounds[0].until_ns = until
    bound_by_margin(state, bounds)


@rule
def bound_by_margin(state: State, bounds: Sequence[Bounds]) -> None:
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
        bounds[0].falls_ticks = max(bounds[0].falls_ticks, last - safe)
    else:
        bounds[0].rises_ticks = min(bounds[0].rises_ticks, last + safe)


@rule
def pass_over(state: State, bars: Sequence[BarRow], i: int, count: int) -> None:
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
def is_quiet(bars: Sequence[BarRow], bounds: Sequence[Bounds], i: int) -> bool:
    """Whether bar ``i`` stays within the bounds."""
    bar = bars[i]
    if bar.low_ticks <= bounds[0].falls_ticks or bar.high_ticks >= bounds[0].rises_ticks:
        return False
    return bar.time_ns < bounds[0].until_ns


@rule
def quiet_until(bars: Sequence[BarRow], bounds: Sequence[Bounds], first: int) -> int:
    """The first bar from ``first`` on that may do something."""
    i = first
    while i < len(bars):
        if bars[i].signal != 0 or bars[i].has_funding != 0 or not is_quiet(bars, bounds, i):
            return i
        i += 1
    return i


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
def run_bars(
    state: State,
    bars: Sequence[BarRow],
    setup: Sequence[SetupRow],
    desk: Desk,
    bounds: Sequence[Bounds],
    trades: Sequence[TradeRow],
    skip: int,
) -> int:
    """Play all bars; the number of round trips, of which ``trades`` holds as many as it has room for.

    The account has one contract in it and may not be told marks: its mark is the last price. A bar that
    cannot be is found before anything is played: the answer is then ``-1 - its index``.
    """
    bad = first_bad_bar(state, bars)
    if bad >= 0:
        return -1 - bad
    market = state.markets[0]
    count, opened_ns, lots, equity, risk = 0, 0, 0, 0, 0
    i = 0
    while i < len(bars):
        held = market.lots
        quiet = False
        if skip:
            set_bounds(state, bounds)
            first, i = i, quiet_until(bars, bounds, i)
            quiet = i < len(bars) and is_quiet(bars, bounds, i)  # it has a signal or funding alone
            passed = i - first + int(quiet)
            if passed:
                pass_over(state, bars, first + passed - 1, count=passed)
            if i == len(bars):
                break
        if not quiet:
            bar_event(state, desk, bars, i=i)
        now = bars[i].time_ns
        signal = bars[i].signal
        if bars[i].has_funding:
            clear_event(desk, FUNDING, now)
            desk.event[0].rate8 = bars[i].funding8
            desk.event[0].interval_ns = 0
            step(state, desk.event)
        if signal and market.lots and (signal == CLOSE or signal * market.lots < 0):
            close_by_signal(state, desk, now)
        if held and market.lots == 0:
            if count < len(trades):
                trades[count].opened_ns = opened_ns
                trades[count].closed_ns = now
                trades[count].lots = lots
                trades[count].result_cash = cross_balance(state) - equity
                trades[count].risk_cash = risk
            count += 1
        if signal in (-1, 1) and market.lots == 0 and state.brackets[0].side == 0:
            equity = cross_balance(state)
            lots = signal * open_by_signal(state, desk, setup, side=signal, time_ns=now)
            opened_ns, risk = now, desk.limits[0].budget_cash
        i += 1
    return count
