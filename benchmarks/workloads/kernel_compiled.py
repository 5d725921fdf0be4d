"""One contract, a million one-minute bars, all mechanics: a single run of the venue in a box."""

from __future__ import annotations

from typing import Any

from benchmarks import history
from benchmarks.timing import least_seconds, seconds
from benchmarks.workload import Figure, Outcome, Workload
from lotwise.kernel import sweep, tape
from lotwise.kernel.snapshot import compiled_body, state_hash

SMALL = 2_000


def given(count: int) -> tuple[Any, ...]:
    """What a run is called with; a fresh account each time."""
    return (
        compiled_body(history.account()),
        history.bars(count),
        history.signals(count),
        history.one(history.setup()),
        tape.compiled_desk(history.desk()),
        history.round_trips(count // 20),
    )


def results(count: int, skip: int) -> list[int]:
    """Every integer that comes out, of the small run first, which the interpreted rules confirm."""
    small = results_of(SMALL, skip) if count > SMALL else []
    return small + results_of(count, skip)


def results_of(count: int, skip: int) -> list[int]:
    """Every integer that comes out of one run: trips, the account, the trades."""
    arguments = given(count)
    trips = sweep.run_bars.compiled(*arguments, skip)
    named = int(state_hash(arguments[0])[:15], 16)
    return [int(trips), named, *(number for trade in arguments[5].tolist() for number in trade)]


def interpreted(count: int) -> list[int]:
    """The same as plain Python."""
    account, trades = history.account(), history.plain(tape.TradeRow, history.round_trips(count // 20))
    trips = sweep.run_bars(
        account,
        history.plain(tape.BarRow, history.bars(count)),
        history.signals(count).tolist(),
        [history.setup()],
        history.desk(),
        trades,
        0,
    )
    named = int(state_hash(account)[:15], 16)
    return [trips, named, *(number for trade in trades for number in trade.values())]


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
