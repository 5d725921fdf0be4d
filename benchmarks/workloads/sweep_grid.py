"""A sweep as a user runs it: settings of a library strategy on several contracts, limits on, two cores."""

from __future__ import annotations

import resource
from functools import cache
from typing import Any

from benchmarks import history
from benchmarks.timing import least_seconds, seconds
from benchmarks.workload import Figure, Outcome, Workload
from lotwise import Contract, FeeSchedule, MarginTier
from lotwise.backtest.run import Plan, play_columns
from lotwise.backtest.sweep import Sweep, feeds_of, settings_of, whole_of
from lotwise.backtest.sweep_row import measured
from lotwise.backtest.workers import Workers, played
from lotwise.kernel.limit_rows import AllowedRow
from lotwise.strategy.library.breakout import Breakout
from lotwise.units import Cash, Rate8

SMALL = 300
BARS = 43_200
CONTRACTS = 16
GRID = {"bars": list(range(60, 1_260, 60)), "ranges": list(range(4, 54))}
"""A thousand settings."""
SMALL_GRID = {"bars": [10, 20, 40], "ranges": [2, 4]}
LIMITS = {"day_loss_share8": 3_000_000, "open_risk_share8": 5_000_000}


def contract(number: int) -> Contract:
    """A contract with two tiers."""
    return Contract(
        symbol=f"C{number}",
        base=f"C{number}",
        tick_size="0.1",
        lot_size="0.001",
        min_notional="5",
        fees=FeeSchedule(maker="0.02%", taker="0.05%"),
        tiers=[
            MarginTier("0", "50000", "50", "0.01", "0"),
            MarginTier("50000", "5000000", "20", "0.02", "500"),
        ],
    )


@cache
def market(count: int, contracts: int) -> Any:
    """One-minute bars: a long seeded walk, cut into contracts."""
    whole = history.bars(count * contracts)
    parts = []
    for number in range(contracts):
        part = whole[number * count : (number + 1) * count].copy()
        part["time_ns"] = whole["time_ns"][:count]
        parts.append(part)
    return feeds_of([contract(number) for number in range(contracts)], parts)


def made(count: int, contracts: int, grid: Any) -> Sweep:
    """All settings on all contracts, each its own account."""
    feeds = market(count, contracts)
    plan = Plan(Cash(1_000 * 10**8), Rate8(1_000_000), allowed=AllowedRow(**LIMITS), curve_every_ns=0)
    return Sweep(Breakout, settings_of(Breakout, grid), feeds, plan, (whole_of(feeds),))


def told(outcomes: Any) -> list[int]:
    """Trips, money and fingerprint of every case."""
    found = []
    for one in outcomes:
        found += [one.trips, one.refused, one.equity_cash, int(one.fingerprint[:15], 16)]
    return found


def results_on(count: int, workers: int) -> list[int]:
    """The small sweep; and for a measurement the whole grid on one contract."""
    small = told(played(made(SMALL, 2, SMALL_GRID), Workers("threads", workers)))
    return small + (told(played(made(count, 1, GRID), Workers("threads", workers))) if count > SMALL else [])


def one_by_one(count: int) -> list[int]:
    """The same through play_columns, case by case."""
    sweeps = [made(SMALL, 2, SMALL_GRID)] + ([made(count, 1, GRID)] if count > SMALL else [])
    found = []
    for sweep in sweeps:
        for number in range(len(sweep)):
            case = sweep.case(number)
            feed, period = sweep.feeds[case.feed], sweep.periods[0]
            listed = play_columns(
                [Breakout(**sweep.settings[case.setting])],  # type: ignore[arg-type]
                feed.contracts,
                feed.rows,
                sweep.plan,
            )
            one = measured(listed, period.since_ns, period.until_ns)
            found += [one["trips"], one["refused"], one["equity_cash"], int(one["fingerprint"][:15], 16)]
    return found


def measure(count: int) -> Outcome:
    """Seconds of a thousand settings on sixteen contracts, bars times settings a second, memory."""
    compiling = seconds(lambda: results_on(SMALL, 1))
    contracts = CONTRACTS if count > SMALL else 2
    whole = made(count, contracts, GRID if count > SMALL else SMALL_GRID)
    spent = least_seconds(lambda: played(whole, Workers("threads", 2)), 1)
    return Outcome(
        figures={
            "1,000 settings x 16 contracts": spent,
            "bars x settings": count * len(whole) / spent / 1e6,
            "most memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        },
        results=results_on(count, 2),
        compile_seconds=compiling,
    )


WORKLOAD = Workload(
    name="sweep_grid_compiled",
    about="breakouts of 20 lengths x 50 stops on 16 contracts, each its account, loss limits on; two threads",
    figures=(
        Figure("1,000 settings x 16 contracts", "s", 15),
        Figure("bars x settings", "M bars/s", 46),
        Figure("most memory", "MB", 1_500),
    ),
    measure=measure,
    bodies={
        "play_columns": one_by_one,
        "one thread": lambda count: results_on(count, 1),
        "two threads": lambda count: results_on(count, 2),
    },
    small=SMALL,
    full=BARS,
    processes=1,
)
