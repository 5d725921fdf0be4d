"""A strategy of one's own from bars to trades: asked at every bar, through the pipeline, and in columns."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from benchmarks import history
from benchmarks.timing import least_seconds, seconds
from benchmarks.workload import Figure, Outcome, Workload
from lotwise.backtest.feed import merged
from lotwise.backtest.guarded import play_guarded
from lotwise.backtest.run import Plan, Played, play_asked, play_columns
from lotwise.contracts.contract import Contract, FeeSchedule
from lotwise.contracts.tiers import MarginTier
from lotwise.guard.facts import Rulebook
from lotwise.kernel.limit_rows import AllowedRow
from lotwise.records.signal import Signal, Target
from lotwise.strategy.api import Answer, Bar, Columns, Signals, Strategy, View
from lotwise.units import Cash, Rate8, Ticks

SMALL = 3_000
STOP8 = 2_000_000
HALF8 = Rate8(50_000_000)
FAST, SLOW = history.FAST, history.SLOW
CONTRACT = Contract(
    symbol="BTCLIKE",
    base="BTC",
    tick_size="0.1",
    lot_size="0.001",
    min_notional="5",
    fees=FeeSchedule("0.02%", "0.05%"),
    tiers=[
        MarginTier("0", "50000", "125", "0.004", "0"),
        MarginTier("50000", "5000000", "50", "0.01", "300"),
    ],
)
ALLOWED = AllowedRow(risk_share8=1_000_000, open_risk_share8=3_000_000, day_loss_share8=5_000_000)


class Cross(Strategy):
    """EMA 20/50 cross, a 2 % stop, half out at half of the second target, then break-even."""

    def __init__(self) -> None:
        self._fast, self._slow, self._side = 0, 0, 0

    def on_bar(self, bar: Bar, view: View) -> Answer:
        """A cross at the close."""
        price = bar.close_ticks * 10**6
        if self._fast == 0:
            self._fast = self._slow = price
        self._fast += 2 * (price - self._fast) // (FAST + 1)
        self._slow += 2 * (price - self._slow) // (SLOW + 1)
        side = (self._fast > self._slow) - (self._fast < self._slow)
        if side == self._side:
            return None
        self._side = side
        if side == 0:
            return None
        away = -(-bar.close_ticks * STOP8 // 10**8)
        near, far = bar.close_ticks + side * ((away + 1) // 2), bar.close_ticks + side * away
        return Signal(
            side=side,
            stop_ticks=Ticks(bar.close_ticks - side * away),
            targets=(Target(Ticks(near), HALF8), Target(Ticks(far), HALF8)),
            breakeven_after=1,
            reason="cross",
        )

    def signals(self, bars: Columns) -> Signals:
        """The same in columns."""
        crosses = history.crosses(bars.close_ticks.tolist(), FAST, SLOW)
        rows = np.flatnonzero(crosses)
        side, close = crosses[rows].astype(np.int64), bars.close_ticks[rows]
        away = -(-close * STOP8 // 10**8)
        targets = [(close + side * ((away + 1) // 2), HALF8), (close + side * away, HALF8)]
        return Signals(
            rows=rows, side=side, stop_ticks=close - side * away, targets=targets, breakeven_after=1
        )


@cache
def feed(count: int) -> Any:
    """The bars of the kernel's workloads."""
    return merged([history.bars(count)])


def plan() -> Plan:
    """100,000 USDT, 0.05 % a trade."""
    return Plan(Cash(100_000 * 10**8), Rate8(50_000), leverage100=2_000, allowed=ALLOWED, curve_every_ns=0)


def numbers(played: Played) -> list[int]:
    """What a run comes to."""
    return [len(played.trips), int(played.named[:15], 16), *played.trips["result_cash"].tolist()]


def asked(count: int) -> Played:
    """Asked at every bar, the kernel sizes and judges."""
    return play_asked([Cross()], [CONTRACT], feed(count), plan())


def guarded(count: int) -> Played:
    """Asked at every bar, every signal through intent, size, guard and broker."""
    book = Rulebook(allowed=ALLOWED)
    return play_guarded([Cross()], [CONTRACT], feed(count), plan(), rulebook=lambda _: book)[0]


def columns(count: int) -> Played:
    """In columns."""
    return play_columns([Cross()], [CONTRACT], feed(count), plan())


def results(count: int) -> list[int]:
    """The small run's numbers first: the pipeline confirms them."""
    sizes = (SMALL, count) if count > SMALL else (count,)
    return [number for size in sizes for number in numbers(columns(size))]


def measure(count: int) -> Outcome:
    """Millions of bars a second, from bars to trades."""
    compiling = seconds(lambda: results(50))
    guarded(SMALL)
    feed(count)
    return Outcome(
        figures={
            "through the pipeline": count / least_seconds(lambda: guarded(count), 1) / 1e6,
            "asked at every bar": count / least_seconds(lambda: asked(count), 2) / 1e6,
            "in columns, signals made anew": count / least_seconds(lambda: columns(count), 2) / 1e6,
        },
        results=results(count),
        compile_seconds=compiling,
    )


WORKLOAD = Workload(
    name="backtest_class_compiled",
    about="EMA cross, 2 % stop, two targets, break-even, fees, tiers, funding, loss lock; one core",
    figures=(
        Figure("through the pipeline", "M bars/s", 0.5),
        Figure("asked at every bar", "M bars/s", 0.5),
        Figure("in columns, signals made anew", "M bars/s"),
    ),
    measure=measure,
    bodies={
        "through the pipeline": lambda count: numbers(guarded(count)),
        "asked at every bar": lambda count: numbers(asked(count)),
        "in columns": results,
    },
    small=SMALL,
    full=1_000_000,
    processes=2,
)
