"""A small market and strategies for tests of what a backtest tells."""

from __future__ import annotations

from typing import Any

import numpy as np

from lotwise import Contract, FeeSchedule, MarginTier
from lotwise.backtest.feed import merged
from lotwise.backtest.run import Plan
from lotwise.broker.kernel_account import Assumptions
from lotwise.kernel.layout import dtype_of
from lotwise.kernel.limit_rows import AllowedRow
from lotwise.kernel.tape import BarRow
from lotwise.records.signal import Entry, Exit, Signal, Target
from lotwise.strategy.api import Answer, Bar, Columns, Signals, Strategy, View
from lotwise.units import Cash, Rate8

E8 = 10**8
MINUTE = 60 * 10**9
START = 20_212 * 86_400 * 10**9
"""2025-05-04, a Sunday."""


def contract(name: str) -> Contract:
    """A contract with two tiers."""
    return Contract(
        symbol=name,
        base=name,
        tick_size="0.1",
        lot_size="0.001",
        min_notional="5",
        fees=FeeSchedule(maker="0.02%", taker="0.05%"),
        tiers=[
            MarginTier("0", "50000", "50", "0.01", "0"),
            MarginTier("50000", "5000000", "20", "0.02", "500"),
        ],
    )


CONTRACTS = (contract("AAA"), contract("BBB"))
TIGHT = AllowedRow(
    risk_share8=1_000_000, day_loss_share8=2_000_000, day_trades=12, cool_ns=20 * MINUTE, positions=1
)


def bars(seed: int, count: int) -> Any:
    """A walk with bursts, and funding every eight hours."""
    rng = np.random.default_rng(seed)
    wild = np.where(rng.integers(0, 40, count) == 0, 8_000, 300)
    close = 300_000 + np.cumsum(rng.integers(-wild, wild + 1))
    close -= min(0, int(close.min()) - 100_000)
    rows = np.zeros(count, dtype_of(BarRow))
    rows["open_ticks"] = np.concatenate((close[:1], close[:-1]))
    rows["close_ticks"] = close
    rows["high_ticks"] = np.maximum(rows["open_ticks"], close) + rng.integers(0, 200, count)
    rows["low_ticks"] = np.minimum(rows["open_ticks"], close) - rng.integers(0, 200, count)
    rows["volume_lots"] = rng.integers(500, 2_000, count) * np.where(wild > 300, 6, 1)
    rows["time_ns"] = START + np.arange(count) * MINUTE
    rows["has_funding"] = np.arange(count) % 480 == 479
    rows["funding8"] = rng.integers(-20_000, 30_000, count)
    return rows


def feed(contracts: int = 2, count: int = 4_000, seed: int = 0) -> Any:
    """Bars of several contracts."""
    return merged([bars(10 * seed + c, count) for c in range(contracts)])


def plan(allowed: AllowedRow | None = None, **assumed: Any) -> Plan:
    """1,000 USDT, 1 % a trade."""
    return Plan(
        Cash(1_000 * E8),
        Rate8(1_000_000),
        allowed=allowed or AllowedRow(),
        assumed=Assumptions(**assumed),
    )


class Dip(Strategy):
    """Asked only: a limit below or above the close every so often, and an exit some bars later."""

    def __init__(self, every: int = 40, away: int = 150, leave: int = 25, wait: int = 10) -> None:
        self.every, self.away, self.leave, self.wait, self._seen = every, away, leave, wait, 0

    def on_bar(self, bar: Bar, view: View) -> Answer:
        """A limit long or short, every other one."""
        self._seen += 1
        if view.lots and self._seen % self.every == self.leave:
            return Exit("long enough")
        if self._seen % self.every:
            return None
        side = 1 if self._seen // self.every % 2 else -1
        limit = bar.close_ticks - side * self.away
        entry: Any = limit
        stop: Any = limit - side * 3_000
        goal: Any = limit + side * 4_000
        return Signal(
            side=side,
            stop_ticks=stop,
            entries=(Entry(entry, Rate8(E8)),),
            entry_valid_ns=self.wait * MINUTE,
            targets=(Target(goal, Rate8(E8)),),
            reason="a dip",
        )


class Plain:
    """In columns: a market entry every so often, one stop, one target."""

    def __init__(self, every: int = 30, stop: int = 2_500, goal: int = 4_000) -> None:
        self.every, self.stop, self.goal = every, stop, goal

    def signals(self, bars: Columns) -> Signals:
        """By the place of the bar alone."""
        rows = np.arange(self.every, len(bars), self.every)
        side = np.where(rows // self.every % 3 == 0, -1, 1)
        close = bars.close_ticks[rows]
        return Signals(
            rows=rows,
            side=side,
            stop_ticks=close - side * self.stop,
            targets=[(close + side * self.goal, E8)],
        )
