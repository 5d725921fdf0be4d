"""What a signal does: a bracket of the setup's form, sized by the rule that sizes everything, or a close."""

from __future__ import annotations

from collections.abc import Sequence

from lotwise.kernel.arith import mul_div_ceil, mul_div_floor
from lotwise.kernel.bracket import clear_bracket
from lotwise.kernel.exposure import cross_balance
from lotwise.kernel.feasibility import largest_feasible
from lotwise.kernel.layout import RATE
from lotwise.kernel.machine import step
from lotwise.kernel.matching import market_price, touch
from lotwise.kernel.state import BRACKET, MARKET, PLACE, State
from lotwise.kernel.tape import CLOSE, Desk, SetupRow, TradeRow
from lotwise.rule import rule


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
def sized_lots(state: State, desk: Desk, side: int, setup: Sequence[SetupRow], stop_ticks: int) -> int:
    """The lots that a signal opens: what the sizing rule allows of the account as it stands.

    A market fill slips at the entry and at the stop: by what it would slip now.
    """
    market, ask, limits = state.markets[0], desk.ask[0], desk.limits[0]
    contract = state.contracts[0]
    equity = cross_balance(state)
    slipped = side * (market_price(state, 0, side, x=-1) - touch(state, 0, side, x=-1))
    ask.side = side
    ask.stop_ticks = stop_ticks
    ask.leverage100 = market.leverage100
    ask.entry_fee8 = contract.taker_fee8
    ask.exit_fee8 = contract.taker_fee8
    ask.entry_spread_ticks = contract.spread_ticks
    ask.exit_spread_ticks = contract.spread_ticks
    ask.slippage_ticks = slipped
    desk.legs[0].price_ticks = max(1, market.last_ticks + side * slipped)
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
    if step(state, desk.event) != 0:
        clear_bracket(state, 0)  # it never had an entry: the next signal declares its own
        return 0
    return lots


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
def end_trip(state: State, desk: Desk, trades: Sequence[TradeRow], now: int) -> None:
    """Write down the round trip that has just ended, where there is room for it."""
    run = desk.run[0]
    if run.trips < len(trades):
        trade = trades[run.trips]
        trade.opened_ns = run.opened_ns
        trade.closed_ns = now
        trade.lots = run.lots
        trade.result_cash = cross_balance(state) - run.equity_cash
        trade.risk_cash = run.risk_cash
    run.trips += 1


@rule
def follow(
    state: State,
    desk: Desk,
    setup: Sequence[SetupRow],
    trades: Sequence[TradeRow],
    signal: int,
    held: int,
    now: int,
) -> None:
    """Do what a signal says after the market has moved; ``held`` are the lots held before it did."""
    market, run = state.markets[0], desk.run[0]
    if signal and market.lots and (signal == CLOSE or signal * market.lots < 0):
        close_by_signal(state, desk, now)
    if held and market.lots == 0:
        end_trip(state, desk, trades, now=now)
    if signal in (-1, 1) and market.lots == 0 and state.brackets[0].side == 0:
        run.equity_cash = cross_balance(state)
        run.lots = signal * open_by_signal(state, desk, setup, side=signal, time_ns=now)
        run.opened_ns = now
        run.risk_cash = desk.limits[0].budget_cash
