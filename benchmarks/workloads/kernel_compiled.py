"""One contract, a million one-minute bars, all mechanics: the array path of the venue in a box."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from benchmarks.timing import least_seconds, seconds
from benchmarks.workload import Figure, Outcome, Workload
from lotwise.kernel import machine, sweep
from lotwise.kernel import state as s
from lotwise.kernel.layout import AskRow, LegRow, LimitsRow, SpecRow, TierRow, array_of, dtype_of
from lotwise.kernel.snapshot import compiled_body, new_state, plain_body, state_hash

E8 = 10**8
MINUTE = 60_000_000_000
FUNDING_EVERY = 480
SMALL = 2_000
FAST, SLOW = 20, 50
GAP_ONE_IN = 10_000
"""One bar in so many closes far away: what stops and margins do not catch."""
TIERS = (
    (5_000, 400_000, 12_500),
    (20_000, 500_000, 10_000),
    (80_000, 1_000_000, 5_000),
    (10**9, 2 * 10**6, 2_500),
)
"""Caps in USDT, maintenance rates in 1e-8, leverages in hundredths: low, so that an account meets them."""


def ema(prices: list[int], span: int) -> list[int]:
    """Exponential averages in millionths of a tick; the first is the first price. Whole numbers only."""
    found, value = [], prices[0] * 10**6
    for price in prices:
        value += 2 * (price * 10**6 - value) // (span + 1)
        found.append(value)
    return found


def walk(steps: list[int]) -> list[int]:
    """Prices that take steps of so many millionths, drawn back to the first a little each time."""
    found, price = [], 600_000
    for step in steps:
        price += price * step // 10**6 - (price - 600_000) // 50_000
        price = max(1_000, price)
        found.append(price)
    return found


@cache
def market(count: int) -> np.ndarray:
    """Seeded bars with the signals of an EMA cross at their closes."""
    rng = np.random.default_rng(20_261_122)
    steps = rng.integers(-2_800, 2_801, count)
    steps[rng.integers(0, GAP_ONE_IN, count) == 0] *= 50
    prices = walk(steps.tolist())
    close = np.array(prices)
    start = np.concatenate(([close[0]], close[:-1])) + rng.integers(-30, 31, count)
    reach = rng.integers(0, 900, (2, count)) * close // 10**6
    side = np.sign(np.array(ema(prices, FAST)) - np.array(ema(prices, SLOW)))
    crossed = np.concatenate(([0], np.diff(side) != 0)) * side
    rows = np.zeros(count, dtype_of(sweep.BarRow))
    rows["open_ticks"], rows["close_ticks"] = start, close
    rows["high_ticks"] = np.maximum(start, close) + reach[0]
    rows["low_ticks"] = np.maximum(1, np.minimum(start, close) - reach[1])
    rows["volume_lots"] = 10_000
    rows["time_ns"] = 1_700_000_000_000_000_000 + np.arange(count) * MINUTE
    rows["has_funding"] = np.arange(count) % FUNDING_EVERY == FUNDING_EVERY - 1
    rows["funding8"] = rng.integers(-20_000, 30_000, count)
    rows["signal"] = crossed
    return rows


def tiers() -> list[TierRow]:
    """Four tiers with their cumulative amounts."""
    found: list[TierRow] = []
    cumulative, before = 0, TIERS[0][1]
    for cap, rate8, leverage100 in TIERS:
        cumulative += (found[-1].cap_cash if found else 0) * (rate8 - before) // E8
        before = rate8
        row = {"cap_cash": cap * E8, "cumulative_cash": cumulative, "max_leverage100": leverage100}
        found.append(TierRow(**row, rate8=rate8, maintenance_at_cap_cash=cap * rate8 - cumulative))
    return found


def given(count: int) -> tuple[Any, ...]:
    """What a run is called with; a fresh account each time."""
    facts = s.ContractRow(
        cash_per_tick_lot=10_000,
        tick_size8=10**7,
        min_lots=1,
        max_lots=10**6,
        max_market_lots=10**6,
        max_notional_cash=2**59,
        min_notional_cash=5 * E8,
        maker_fee8=20_000,
        taker_fee8=50_000,
        liquidation_fee8=1_250_000,
        end_tier=len(TIERS),
        spread_ticks=1,
    )
    state = new_state([facts], tiers(), slots=2, leverage100=2_000)
    machine.step(state, [s.EventRow(kind=s.TRANSFER, cash=100_000 * E8)])
    machine.step(state, [s.EventRow(kind=s.MARGIN_MODE, is_isolated=1)])
    spec = SpecRow(**dict.fromkeys(SpecRow.__slots__, 0))
    spec.cash_per_tick_lot, spec.max_lots, spec.min_lots = 10_000, 10**6, 1
    spec.min_notional_cash = 5 * E8
    limits = LimitsRow(**dict.fromkeys(LimitsRow.__slots__, 0))
    limits.liquidation_multiple8, limits.max_leverage100 = 110_000_000, 2_500
    desk = sweep.compiled_desk(sweep.new_desk(spec, limits))
    setup = sweep.SetupRow(
        risk8=50_000,
        stop_share8=2_000_000,
        target_multiple8_1=50_000_000,
        target_multiple8_2=E8,
        target_share8_1=50_000_000,
        breakeven_after=1,
    )
    trades = np.zeros(count // 20, dtype_of(sweep.TradeRow))
    bounds = array_of(sweep.Bounds, [sweep.Bounds()])
    return compiled_body(state), market(count), array_of(sweep.SetupRow, [setup]), desk, bounds, trades


def results(count: int, skip: int) -> list[int]:
    """Every integer that comes out, of the small run first, which the interpreted rules confirm."""
    small = results_of(SMALL, skip) if count > SMALL else []
    return small + results_of(count, skip)


def results_of(count: int, skip: int) -> list[int]:
    """Every integer that comes out of one run: trips, the account, the trades."""
    arguments = given(count)
    trips = sweep.run_bars.compiled(*arguments, skip)
    named = int(state_hash(arguments[0])[:15], 16)
    return [int(trips), named, *arguments[5].view(np.int64).ravel().tolist()]


def interpreted(count: int) -> list[int]:
    """The same as plain Python."""
    state, bars, setup, desk, bounds, trades = given(count)
    kinds = (s.EventRow, SpecRow, AskRow, LimitsRow, LegRow)
    plain = sweep.Desk(*([_row(kind, rows[0])] for kind, rows in zip(kinds, desk, strict=True)))
    account = plain_body(state)
    found = [_row(sweep.TradeRow, row) for row in trades]
    trips = sweep.run_bars(
        account,
        [_row(sweep.BarRow, row) for row in bars],
        [_row(sweep.SetupRow, setup[0])],
        plain,
        [_row(sweep.Bounds, bounds[0])],
        found,
        0,
    )
    named = int(state_hash(account)[:15], 16)
    return [trips, named, *(number for trade in found for number in trade.values())]


def _row(kind: Any, row: Any) -> Any:
    return kind(**dict(zip(kind.__slots__, row.tolist(), strict=True)))


def measure(count: int) -> Outcome:
    """Millions of bars a second: passing over quiet bars, and playing each."""
    compiling = seconds(lambda: results(50, 1))
    runs = [given(count) for _ in range(5)]  # the first round warms up
    skipping = least_seconds(lambda: sweep.run_bars.compiled(*runs.pop(), 1), 4)
    single = given(count)
    playing = seconds(lambda: sweep.run_bars.compiled(*single, 0))
    return Outcome(
        figures={
            "passing over quiet bars": count / skipping / 1e6,
            "every bar a step": count / playing / 1e6,
        },
        results=results(count, 1),
        compile_seconds=compiling,
    )


WORKLOAD = Workload(
    name="kernel_compiled",
    about="EMA cross, 2 % stop, two targets, break-even, fees, tiers, funding, liquidation; one core",
    figures=(Figure("passing over quiet bars", "M bars/s", 50), Figure("every bar a step", "M bars/s")),
    measure=measure,
    bodies={
        "interpreted": interpreted,
        "every bar a step": lambda count: results(count, 0),
        "passing over quiet bars": lambda count: results(count, 1),
    },
    small=SMALL,
    full=1_000_000,
)
