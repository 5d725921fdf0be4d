"""Seeded markets and accounts of the kernel's workloads: bars, trades, EMA crosses, tiers."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from lotwise.kernel import machine, tape
from lotwise.kernel import state as s
from lotwise.kernel.layout import LimitsRow, SpecRow, TierRow, array_of, dtype_of
from lotwise.kernel.snapshot import new_state

E8 = 10**8
MINUTE = 60_000_000_000
FUNDING_EVERY = 480
FAST, SLOW = 20, 50
GAP_ONE_IN = 10_000
"""One bar in so many closes far away: what stops and margins do not catch."""
START = 600_000
SEED = 20_261_122
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


def crosses(prices: list[int], fast: int, slow: int) -> np.ndarray:
    """1 where the fast average has risen above the slow one, -1 where it has fallen below, else 0."""
    side = np.sign(np.array(ema(prices, fast)) - np.array(ema(prices, slow)))
    return (np.concatenate(([0], np.diff(side) != 0)) * side).astype(np.int8)


def walk(steps: list[int], strength: int) -> list[int]:
    """Prices that take steps of so many millionths, drawn back to the first a little each time."""
    found, price = [], START
    for step in steps:
        price += price * step // 10**6 - (price - START) // strength
        price = max(1_000, price)
        found.append(price)
    return found


@cache
def bars(count: int) -> np.ndarray:
    """Seeded one-minute bars."""
    rng = np.random.default_rng(SEED)
    steps = rng.integers(-2_800, 2_801, count)
    steps[rng.integers(0, GAP_ONE_IN, count) == 0] *= 50
    close = np.array(walk(steps.tolist(), 50_000))
    start = np.concatenate(([close[0]], close[:-1])) + rng.integers(-30, 31, count)
    reach = rng.integers(0, 900, (2, count)) * close // 10**6
    rows = np.zeros(count, dtype_of(tape.BarRow))
    rows["open_ticks"], rows["close_ticks"] = start, close
    rows["high_ticks"] = np.maximum(start, close) + reach[0]
    rows["low_ticks"] = np.maximum(1, np.minimum(start, close) - reach[1])
    rows["volume_lots"] = 10_000
    rows["time_ns"] = 1_700_000_000_000_000_000 + np.arange(count) * MINUTE
    rows["has_funding"] = np.arange(count) % FUNDING_EVERY == FUNDING_EVERY - 1
    rows["funding8"] = rng.integers(-20_000, 30_000, count)
    return rows


@cache
def signals(count: int, fast: int = FAST, slow: int = SLOW) -> np.ndarray:
    """The signals of an EMA cross at the bars' closes."""
    return crosses(bars(count)["close_ticks"].tolist(), fast, slow)


@cache
def market_trades(count: int, signal_every: int) -> tuple[np.ndarray, np.ndarray]:
    """Seeded trades of a market ten to the second, and a signal every so many of them, in turns."""
    rng = np.random.default_rng(SEED)
    rows = np.zeros(count, dtype_of(tape.MarketTradeRow))
    rows["price_ticks"] = walk(rng.integers(-60, 61, count).tolist(), 5_000_000)
    rows["lots"] = rng.integers(1, 200, count)
    rows["time_ns"] = 1_700_000_000_000_000_000 + np.arange(count) * 100_000_000
    found = np.zeros(count, np.int8)
    found[signal_every - 1 :: signal_every] = 1
    found[2 * signal_every - 1 :: 2 * signal_every] = -1
    return rows, found


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


def account(limit_fill: int = s.TOUCH) -> s.State:
    """A fresh account with one contract, isolated, 20x, and 100,000 USDT."""
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
        limit_fill=limit_fill,
        end_tier=len(TIERS),
        spread_ticks=1,
    )
    state = new_state([facts], tiers(), slots=2, leverage100=2_000)
    machine.step(state, [s.EventRow(kind=s.TRANSFER, cash=100_000 * E8)])
    machine.step(state, [s.EventRow(kind=s.MARGIN_MODE, is_isolated=1)])
    return state


def desk() -> tape.Desk:
    """What a run writes over, as plain rows."""
    spec = SpecRow(**dict.fromkeys(SpecRow.__slots__, 0))
    spec.cash_per_tick_lot, spec.max_lots, spec.min_lots = 10_000, 10**6, 1
    spec.min_notional_cash = 5 * E8
    limits = LimitsRow(**dict.fromkeys(LimitsRow.__slots__, 0))
    limits.liquidation_multiple8, limits.max_leverage100 = 110_000_000, 2_500
    return tape.new_desk(spec, limits)


def setup(stop_share8: int = 2_000_000, second8: int = E8) -> tape.SetupRow:
    """0.05 % at risk, a 2 % stop, half of it out at half of the second target, then break-even."""
    return tape.SetupRow(
        risk8=50_000,
        stop_share8=stop_share8,
        target_multiple8_1=second8 // 2,
        target_multiple8_2=second8,
        target_share8_1=50_000_000,
        breakeven_after=1,
    )


def round_trips(count: int) -> np.ndarray:
    """Room for so many round trips."""
    return np.zeros(count, dtype_of(tape.TradeRow))


def plain(kind: Any, rows: Any) -> list[Any]:
    """Structured rows as plain Python rows."""
    return [kind(**dict(zip(kind.__slots__, row.tolist(), strict=True))) for row in rows]


def one(row: Any) -> np.ndarray:
    """A row as a structured array."""
    made: np.ndarray = array_of(type(row), [row])
    return made
