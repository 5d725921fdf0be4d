"""Twins: the array path passing over quiet bars, playing each one, compiled and interpreted."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import numpy as np
import pytest

from lotwise.kernel import machine, sweep, tape
from lotwise.kernel import state as s
from lotwise.kernel.layout import LimitsRow, SpecRow, TierRow, array_of
from lotwise.kernel.snapshot import compiled_body, new_state, state_hash
from tests.twins.venue_twin import assert_balanced

E8 = 10**8
MINUTE = 60_000_000_000
BARS = 1_500
RUNS = 40


def contract(rng: random.Random) -> s.ContractRow:
    """A BTC-like contract with the choices that a run may make."""
    return s.ContractRow(
        cash_per_tick_lot=10_000,
        tick_size8=10_000_000,
        min_lots=1,
        max_lots=100_000,
        max_market_lots=100_000,
        max_notional_cash=2**59,
        min_notional_cash=5 * E8,
        maker_fee8=20_000,
        taker_fee8=50_000,
        liquidation_fee8=1_250_000,
        first_tier=0,
        end_tier=4,
        path=rng.randrange(4),
        limit_fill=rng.randrange(3),
        spread_ticks=rng.choice((0, 1, 4)),
        slippage_ticks=rng.choice((0, 2)),
        slippage_range8=rng.choice((0, 2_000_000)),
        volume_share8=rng.choice((0, 0, 5_000_000)),
    )


def tiers() -> list[TierRow]:
    """Four tiers, low enough that a growing account meets them."""
    found, cumulative, before = [], 0, 400_000
    for cap, rate8, leverage100 in (
        (5_000, 400_000, 12_500),
        (20_000, 500_000, 10_000),
        (80_000, 1_000_000, 5_000),
        (10**9, 2_000_000, 2_500),
    ):
        floor = found[-1].cap_cash if found else 0
        cumulative += floor * (rate8 - before) // E8
        before = rate8
        found.append(
            TierRow(
                cap_cash=cap * E8,
                cumulative_cash=cumulative,
                maintenance_at_cap_cash=cap * rate8 - cumulative,
                max_leverage100=leverage100,
                rate8=rate8,
            )
        )
    return found


def bars(rng: random.Random) -> list[tape.BarRow]:
    """A walk with signals and funding."""
    price, found = rng.randint(300_000, 900_000), []
    wild = rng.choice((400, 2_000, 9_000))
    for i in range(BARS):
        start = max(1_000, price + rng.choice((0, 0, rng.randint(-wild, wild))))
        end = max(1_000, start + rng.randint(-wild, wild))
        found.append(
            tape.BarRow(
                time_ns=10**18 + i * MINUTE,
                open_ticks=start,
                close_ticks=end,
                high_ticks=max(start, end) + rng.randint(0, wild),
                low_ticks=max(1, min(start, end) - rng.randint(0, wild)),
                volume_lots=rng.choice((0, 50, 4_000)),
                has_funding=int(i % 480 == 479),
                funding8=rng.choice((10_000, -25_000, 300_000)),
            )
        )
        price = end
    return found


def setup(rng: random.Random) -> tape.SetupRow:
    """What a signal opens."""
    return tape.SetupRow(
        risk8=rng.choice((1_000_000, 5_000_000, 30_000_000)),
        stop_share8=rng.choice((500_000, 2_000_000, 9_000_000)),
        target_multiple8_1=E8,
        target_multiple8_2=2 * E8,
        target_share8_1=rng.choice((0, 50_000_000, 50_000_000)),
        breakeven_after=0,
        trail_after=0,
        callback8=500_000,
        hold_ns=rng.choice((0, 0, 90 * MINUTE)),
    )


def account(rng: random.Random, facts: s.ContractRow) -> s.State:
    """A funded account."""
    state = new_state([facts], tiers(), slots=2, log_rows=0, leverage100=rng.choice((500, 2_000)))
    machine.step(state, [s.EventRow(kind=s.TRANSFER, cash=1_000 * E8, time_ns=1)])
    if rng.randrange(2):
        machine.step(state, [s.EventRow(kind=s.MARGIN_MODE, is_isolated=1, time_ns=1)])
    return state


def desk(facts: s.ContractRow) -> tape.Desk:
    """The rows that a run writes over."""
    spec = SpecRow(
        cash_per_tick_lot=facts.cash_per_tick_lot,
        cash_ticks_per_lot=0,
        entry_based=0,
        fee_to_close=0,
        margin_per_lot_cash=0,
        max_lots=facts.max_lots,
        min_lots=facts.min_lots,
        min_notional_cash=facts.min_notional_cash,
    )
    limits = LimitsRow(**dict.fromkeys(LimitsRow.__slots__, 0))
    limits.liquidation_multiple8 = 110_000_000
    limits.max_leverage100 = 2_500
    return tape.new_desk(spec, limits)


def market_trades(rng: random.Random) -> list[tape.MarketTradeRow]:
    """The trades of a market, small steps and some leaps; many at one price."""
    price, found = rng.randint(300_000, 900_000), []
    wild = rng.choice((60, 400, 2_500))
    for i in range(BARS * 3):
        price = max(1_000, price + rng.choice((0, 0, rng.randint(-wild, wild))))
        found.append(
            tape.MarketTradeRow(time_ns=10**18 + i * 10**9, price_ticks=price, lots=rng.randrange(90))
        )
    return found


def some_signals(rng: random.Random, count: int, one_in: int) -> list[int]:
    """A signal here and there."""
    return [rng.choice((1, -1, tape.CLOSE)) if rng.randrange(one_in) == 0 else 0 for _ in range(count)]


def played(
    seed: int, skip: int, compiled: bool, run: str = "run_bars"
) -> tuple[int, str, list[Any], s.State]:
    """A run of a seed: trips, state hash, trades, the state."""
    rng = random.Random(seed)
    facts = contract(rng)
    state, plan = account(rng, facts), setup(rng)
    rows: list[Any] = bars(rng) if run == "run_bars" else market_trades(rng)
    signals = some_signals(rng, len(rows), 25 if run == "run_bars" else 60)
    if plan.target_share8_1:
        plan.breakeven_after, plan.trail_after = rng.choice((0, 1)), rng.choice((0, 0, 1))
    trades = [tape.TradeRow() for _ in range(200)]
    given: tuple[Any, ...] = (state, rows, signals, [plan], desk(facts), trades)
    rule = getattr(sweep, run)
    if compiled:
        state, trades = compiled_body(state), array_of(tape.TradeRow, trades)
        given = (
            state,
            array_of(type(rows[0]), rows),
            np.array(signals, np.int8),
            array_of(tape.SetupRow, [plan]),
            tape.compiled_desk(given[4]),
            trades,
        )
        rule = rule.compiled
    trips = rule(*given, skip)
    told = [list(trade.values()) if not compiled else list(trade.tolist()) for trade in trades]
    return trips, state_hash(state), told, state


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("run", ["run_bars", "run_trades"])
def test_what_is_quiet_may_be_passed_over(part: int, run: str) -> None:
    seen: Counter[str] = Counter()
    for seed in range(part, RUNS, 4):
        plain = played(seed, skip=0, compiled=False, run=run)
        assert played(seed, skip=1, compiled=False, run=run)[:3] == plain[:3], f"seed {seed}: skipping"
        assert played(seed, skip=0, compiled=True, run=run)[:3] == plain[:3], f"seed {seed}: compiled"
        assert played(seed, skip=1, compiled=True, run=run)[:3] == plain[:3], f"seed {seed}: both"
        assert_balanced(plain[3])
        seen["trips"] += plain[0]
        seen["won"] += sum(trade[3] > 0 for trade in plain[2])
        seen["lost"] += sum(trade[3] < 0 for trade in plain[2])
        seen["liquidated"] += plain[3].account[0].insurance_cash != 0
    assert seen["trips"] > 150, seen
    assert min(seen["won"], seen["lost"]) > 20, seen


def test_an_entry_the_venue_refuses_does_not_silence_the_signals_after_it() -> None:
    rng = random.Random(8)
    facts = contract(rng)
    facts.volume_share8, facts.slippage_range8, facts.slippage_ticks = 0, 0, 0
    facts.price_up8 = facts.price_down8 = facts.take_bound8 = 0
    state = account(rng, facts)
    row = {"open_ticks": 500_000, "close_ticks": 500_000, "high_ticks": 500_000, "low_ticks": 500_000}
    rows = [tape.BarRow(time_ns=10**18 + i * MINUTE, volume_lots=1, **row) for i in range(6)]
    plan = tape.SetupRow(risk8=E8 // 100, stop_share8=E8 // 100)
    table = desk(facts)
    table.spec[0].min_notional_cash = 0  # sizes what the venue then finds too small
    table.spec[0].min_lots = 1
    facts.min_notional_cash = 10**18
    signals = [0, 1, 0, 0, 1, 0]
    assert sweep.run_bars(state, rows[:3], signals[:3], [plan], table, [tape.TradeRow()], 0) == 0
    assert state.brackets[0].side == 0
    assert state.markets[0].lots == 0
    facts.min_notional_cash = 5 * E8
    sweep.run_bars(state, rows[3:], signals[3:], [plan], table, [tape.TradeRow()], 0)
    assert state.markets[0].lots > 0


def test_a_signal_risks_no_more_than_its_budget_where_fills_slip() -> None:
    rng = random.Random(9)
    facts = contract(rng)
    facts.volume_share8, facts.spread_ticks, facts.slippage_ticks = 0, 4, 300
    facts.slippage_range8, facts.path = E8 // 2, s.OHLC
    state = account(rng, facts)
    flat = {"open_ticks": 500_000, "close_ticks": 500_000}
    rows = [
        tape.BarRow(time_ns=10**18, high_ticks=501_000, low_ticks=500_000, volume_lots=1, **flat),
        tape.BarRow(
            time_ns=10**18 + MINUTE,
            open_ticks=495_500,  # above the stop, so that it is met at its price; as wide as the first
            high_ticks=495_500,
            low_ticks=494_500,
            close_ticks=494_500,
        ),
    ]
    plan = tape.SetupRow(risk8=E8 // 50, stop_share8=E8 // 100)
    trades = [tape.TradeRow()]
    assert sweep.run_bars(state, rows, [1, 0], [plan], desk(facts), trades, 0) == 1
    assert trades[0].risk_cash == 20 * E8
    assert -trades[0].risk_cash <= trades[0].result_cash < -trades[0].risk_cash * 9 // 10


def refused(rows: list[Any], signals: list[int], plan: tape.SetupRow, run: str) -> tuple[int, int]:
    """Why a run refuses, and at which row, having changed nothing."""
    rng = random.Random(3)
    facts = contract(rng)
    state = account(rng, facts)
    before = state_hash(state)
    table = desk(facts)
    for skip in (0, 1):
        trips = getattr(sweep, run)(state, rows, signals, [plan], table, [tape.TradeRow()], skip)
        assert trips == -1
        assert state_hash(state) == before
    return table.run[0].why, table.run[0].at


@pytest.mark.parametrize(
    ("field", "value"),
    [("high_ticks", 1), ("low_ticks", 0), ("volume_lots", -1), ("time_ns", 5), ("funding8", 2 * E8)],
)
def test_a_bar_that_cannot_be_changes_nothing(field: str, value: int) -> None:
    rng = random.Random(3)
    rows = bars(rng)
    setattr(rows[700], field, value)
    assert refused(rows, [0] * len(rows), setup(rng), "run_bars") == (tape.BAD_ROW, 700)


@pytest.mark.parametrize(("field", "value"), [("price_ticks", 0), ("lots", -1), ("time_ns", 5)])
def test_a_trade_that_cannot_be_changes_nothing(field: str, value: int) -> None:
    rng = random.Random(3)
    rows = market_trades(rng)
    setattr(rows[700], field, value)
    assert refused(rows, [0] * len(rows), setup(rng), "run_trades") == (tape.BAD_ROW, 700)


@pytest.mark.parametrize("run", ["run_bars", "run_trades"])
def test_a_signal_that_is_none_or_is_not_there_changes_nothing(run: str) -> None:
    rng = random.Random(3)
    rows: list[Any] = bars(rng) if run == "run_bars" else market_trades(rng)
    odd = [0] * len(rows)
    odd[700] = 3
    assert refused(rows, odd, setup(rng), run) == (tape.BAD_ROW, 700)
    assert refused(rows, [0] * 600, setup(rng), run) == (tape.BAD_ROW, 600)
    assert refused(rows, [0] * (len(rows) + 1), setup(rng), run) == (tape.BAD_ROW, len(rows))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("risk8", 0),
        ("risk8", E8 + 1),
        ("stop_share8", 0),
        ("stop_share8", E8),
        ("target_share8_1", -1),
        ("target_multiple8_1", 3 * E8),
        ("target_multiple8_2", 2_000 * E8),
        ("callback8", E8),
        ("hold_ns", -1),
        ("breakeven_after", -1),
        ("trail_after", -1),
    ],
)
def test_a_setup_that_cannot_be_changes_nothing(field: str, value: int) -> None:
    rng = random.Random(3)
    rows, plan = bars(rng), setup(rng)
    plan.target_share8_1 = plan.target_share8_1 or E8 // 2
    setattr(plan, field, value)
    assert refused(rows, [0] * len(rows), plan, "run_bars")[0] == tape.BAD_SETUP
