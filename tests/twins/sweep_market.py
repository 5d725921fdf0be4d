"""Seeded markets and strategies that the tests of sweeps share; processes import strategies from here."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np

from lotwise.backtest.run import Plan
from lotwise.backtest.sweep import Accounts, Feed, Sweep, feeds_of, settings_of, whole_of
from lotwise.kernel.limit_rows import AllowedRow
from lotwise.strategy.api import Columns, Signals
from lotwise.strategy.library.breakout import Breakout
from lotwise.strategy.library.null import Null
from tests.twins.test_class_and_columns import CONTRACTS, TIGHT, bars
from tests.twins.test_class_and_columns import plan as plain_plan

GRID: dict[str, list[object]] = {"bars": [10, 30, 90], "ranges": [1, 2, 4]}


def plan(allowed: AllowedRow | None = TIGHT) -> Plan:
    """1,000 USDT, 1 % a trade, tight limits."""
    return plain_plan(allowed)


def jumpy(seed: int, count: int) -> Any:
    """Bars that open far away now and then: stops and margins do not catch it."""
    rows = bars(seed, count)
    rng = np.random.Generator(np.random.PCG64(seed + 1_000))
    jumps = np.where(rng.integers(0, 150, count) == 0, rng.choice([-45_000, 45_000], count), 0)
    jumps[1::2] = np.where(rng.integers(0, 75, len(jumps[1::2])) == 0, 0, jumps[1::2])
    level = np.cumsum(jumps)
    level = np.where(level < -90_000, -90_000, level)
    for name in ("open_ticks", "high_ticks", "low_ticks", "close_ticks"):
        rows[name] += level
    return rows


def feeds(count: int = 4_000, accounts: Accounts = "per_contract") -> tuple[Feed, ...]:
    """Two contracts."""
    return feeds_of(CONTRACTS, [bars(seed, count) for seed in range(2)], accounts)


def sweep(
    strategy: Any = Breakout,
    grid: Any = None,
    accounts: Accounts = "per_contract",
    count: int = 4_000,
    allowed: AllowedRow | None = TIGHT,
) -> Sweep:
    """Nine settings on two contracts."""
    there = feeds(count, accounts)
    return Sweep(strategy, settings_of(strategy, grid or GRID), there, plan(allowed), (whole_of(there),))


class Fails(Breakout):
    """Raises with one of its settings."""

    def signals(self, bars: Columns) -> Signals:
        if self.ranges == 2:
            raise ZeroDivisionError(f"no range of {self.ranges}")
        return super().signals(bars)


class Cannot(Breakout):
    """Answers what cannot be with one of its settings."""

    def signals(self, bars: Columns) -> Signals:
        found = super().signals(bars)
        return Signals(rows=found.rows[::-1], side=1, stop_ticks=1) if self.ranges == 2 else found


class Dies(Breakout):
    """Kills its process: once, where ``once`` names a file that is not there yet; else always."""

    def __init__(self, bars: int = 60, ranges: int = 3, once: str = "") -> None:
        super().__init__(bars, ranges)
        self.once = once

    def signals(self, bars: Columns) -> Signals:
        if self.ranges == 2 and not (self.once and Path(self.once).exists()):
            if self.once:
                Path(self.once).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().signals(bars)


class Logged(Null):
    """Writes down that it was asked."""

    def __init__(self, one_in: int = 40, seed: int = 1, log: str = "") -> None:
        super().__init__(one_in, seed=seed)
        self.log = log

    def signals(self, bars: Columns) -> Signals:
        with open(self.log, "a", encoding="utf-8") as lines:
            lines.write(f"{self.seed}\n")
        return super().signals(bars)


class Clock:
    """Long at the minutes of the day that are a multiple of ``every``; a planted edge may stand there."""

    def __init__(self, every: int = 60, offset: int = 0) -> None:
        self.every, self.offset = every, offset

    def signals(self, bars: Columns) -> Signals:
        minutes = bars.time_ns // (60 * 10**9)
        rows = np.flatnonzero(minutes % self.every == self.offset)
        close = bars.close_ticks[rows]
        return Signals(
            rows=rows,
            side=1,
            stop_ticks=close - close // 100,
            targets=[(close + close // 100, 10**8)],
            hold_ns=5 * 60 * 10**9,
        )


class Peeks(Clock):
    """Looks at the last bar it is shown: what it does depends on the future."""

    def signals(self, bars: Columns) -> Signals:
        found = super().signals(bars)
        tail = int(bars.close_ticks[-1]) % 2 if len(bars) else 0
        return (
            found if (self.offset + tail) % 2 else Signals(rows=np.zeros(0, np.int64), side=1, stop_ticks=1)
        )
