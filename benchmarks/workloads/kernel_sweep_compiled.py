"""Two hundred combinations of averages, stops and targets over the same bars, on two cores."""

from __future__ import annotations

from itertools import product
from typing import Any

from benchmarks import history
from benchmarks.timing import least_seconds, seconds
from benchmarks.workload import Figure, Outcome, Workload
from lotwise.kernel import sweep as runs
from lotwise.kernel import tape
from lotwise.kernel.layout import array_of
from lotwise.kernel.snapshot import compiled_body, plain_body, state_hash
from lotwise.strategy.sweep import Case, sweep

SMALL = 300
CORES = 2
AVERAGES = ((10, 30), (15, 40), (20, 50), (25, 60), (30, 80))
STOPS8 = (500_000, 750_000, 1_000_000, 1_500_000, 2_000_000, 2_500_000, 3_000_000, 4_000_000)
TARGETS8 = (75_000_000, 100_000_000, 150_000_000, 200_000_000, 300_000_000)
COMBINATIONS = len(AVERAGES) * len(STOPS8) * len(TARGETS8)


def cases(count: int) -> list[Case]:
    """Every combination; averages are worked out once each and are not timed."""
    signals = {pair: history.signals(count, *pair) for pair in AVERAGES}
    return [
        Case(signals[pair], history.setup(stop, target))
        for pair, stop, target in product(AVERAGES, STOPS8, TARGETS8)
    ]


def ran(count: int) -> list[Any]:
    """The sweep as a user calls it."""
    return sweep(cases(count), history.account(), history.bars(count), history.desk(), workers=CORES)


def results(count: int) -> list[int]:
    """Every integer that comes out, of the small run first, which the interpreted rules confirm."""
    small = results_of(SMALL) if count > SMALL else []
    return small + results_of(count)


def results_of(count: int) -> list[int]:
    """Trips, account and trades of every combination."""
    found = []
    for one in ran(count):
        found += [one.trips, int(state_hash(one.state)[:15], 16)]
        found += [number for trade in one.trades.tolist() for number in trade]
    return found


def interpreted(count: int) -> list[int]:
    """The same as plain Python, one after the other."""
    found, start = [], history.account()
    rows = history.plain(tape.BarRow, history.bars(count))
    for case in cases(count):
        account, trades = plain_body(start), history.plain(tape.TradeRow, history.round_trips(count))
        signals = case.signals.tolist()
        trips = runs.run_bars(account, rows, signals, [case.setup], history.desk(), trades, 0)
        found += [trips, int(state_hash(account)[:15], 16)]
        found += [number for trade in trades[:trips] for number in trade.values()]
    return found


def measure(count: int) -> Outcome:
    """Millions of bars times combinations a second."""
    compiling = seconds(lambda: results(50))
    given = cases(count), history.account(), history.bars(count), history.desk()
    spent = least_seconds(lambda: sweep(*given, workers=CORES), 3)
    return Outcome(
        figures={"200 combinations, 2 cores": count * COMBINATIONS / spent / 1e6},
        results=results(count),
        compile_seconds=compiling,
    )


def one_by_one(count: int) -> list[int]:
    """The same compiled, one after the other on this thread."""
    found = []
    for case in cases(count):
        desk = tape.compiled_desk(history.desk())
        bars, setup = history.bars(count), array_of(tape.SetupRow, [case.setup])
        account, trades = compiled_body(history.account()), history.round_trips(count)
        trips = int(runs.run_bars.compiled(account, bars, case.signals, setup, desk, trades, 0))
        found += [trips, int(state_hash(account)[:15], 16)]
        found += [number for trade in trades[:trips].tolist() for number in trade]
    return found


WORKLOAD = Workload(
    name="kernel_sweep_compiled",
    about="EMA pairs x stops x targets, all mechanics; threads",
    figures=(Figure("200 combinations, 2 cores", "M bars/s", 60),),
    measure=measure,
    bodies={
        "interpreted": interpreted,
        "one by one": one_by_one,
        "side by side": results,
    },
    small=SMALL,
    full=100_000,
    processes=3,
)
