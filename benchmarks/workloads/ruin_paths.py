"""Paths to ruin with whole lots, sized anew at every trade, in lots and in fractions, on two cores."""

from __future__ import annotations

from typing import Any

from benchmarks.timing import least_seconds, seconds
from benchmarks.workload import Figure, Outcome, Workload
from lotwise import Contract, FeeSchedule
from lotwise.kernel import ruin as rules
from lotwise.kernel.layout import RATE
from lotwise.kernel.limit_rows import EQUITY_STEPS, PlanStepRow
from lotwise.kernel.ruin_rows import EndRow
from lotwise.sizing.question import Words
from lotwise.sizing.solve import countable_rows_of
from lotwise.stats.ruin import Course, draws_of, walk
from lotwise.stats.rungs import Account, Desk, Odds, Sample

SMALL = 20
CORES = 2
TRADES = 500
SEED = 7
EQUITY = 500 * RATE
RESULTS8 = tuple(RATE * r // 100 for r in (-100, 150, -100, -40, 275, -100, -170, 0, 310, -100, 90, -100))
SHARE = PlanStepRow(risk_share8=RATE // 100)
STEPS = PlanStepRow(kind=EQUITY_STEPS, risk_share8=RATE // 100, step_share8=RATE // 5, down_share8=RATE // 10)
CASES: dict[str, tuple[Odds | Sample, PlanStepRow]] = {
    "win rate": (Odds(RATE * 38 // 100, 624_000), SHARE),
    "results in blocks": (Sample(RESULTS8, block=5), SHARE),
    "steps of the plan": (Odds(RATE * 38 // 100, 624_000), STEPS),
}


def desk() -> Desk:
    """One contract of 0.001 BTC at 60,000, a stop of 2 %."""
    contract = Contract(
        symbol="BTCUSDT",
        base="BTC",
        tick_size="0.1",
        lot_size="0.001",
        max_leverage="50",
        fees=FeeSchedule("0.02%", "0.055%"),
    )
    words = Words(side="long", entry="60000", stop="2%", equity="500", risk="1%")
    return Desk(*countable_rows_of(words.on(contract)))


def ran(name: str, count: int) -> Any:
    """The paths as a user walks them."""
    source, plan = CASES[name]
    course = Course(TRADES, count, SEED)
    return walk(desk(), source, Account(EQUITY, EQUITY // 2), plan, course, workers=CORES)


def integers(ends: Any) -> list[int]:
    """Every field of every path."""
    return [int(number) for end in ends.tolist() for number in end]


def results(count: int) -> list[int]:
    """All paths in lots and in fractions, of the small run first, which the interpreted rules confirm."""
    found = []
    for size in sorted({SMALL, count}):
        for name in CASES:
            walked = ran(name, size)
            found += integers(walked.ends) + integers(walked.ideal_ends)
    return found


def interpreted(count: int) -> list[int]:
    """The same as plain Python, one path after the other."""
    found = []
    for name, (source, _) in CASES.items():
        rung, table = ran(name, count).rung, desk()
        block = source.block if isinstance(source, Sample) else 1
        net = [rung.net_result8(r) for r in (RESULTS8 if isinstance(source, Sample) else (-RATE, RATE))]
        drawn = list(RESULTS8) if isinstance(source, Sample) else [-RATE, RATE]
        draws = draws_of(SEED, 0, count * -(-TRADES // block)).tolist()
        for ideal, multiples in ((0, drawn), (1, net)):
            rung.walk.ideal = ideal
            rung.walk.trades = TRADES
            ends = [EndRow() for _ in range(count)]
            rules.walk_paths(
                [rung.walk],
                table.spec,
                table.ask,
                limits=table.limits,
                legs=table.legs,
                tiers=table.tiers,
                rungs=rung.rungs,
                results8=multiples,
                plan=[rung.plan],
                draws=draws,
                ends=ends,
            )
            found += [number for end in ends for number in end.values()]
    return found


def measure(count: int) -> Outcome:
    """Millions of trades a second, each counted once: the fractions beside the lots are not counted."""
    compiling = seconds(lambda: ran("win rate", SMALL))
    figures = {}
    for name in CASES:
        spent = least_seconds(lambda name=name: ran(name, count), 3)  # type: ignore[misc]
        figures[name] = int(ran(name, count).ends["trades"].sum()) / spent / 1e6
    return Outcome(figures=figures, results=results(count), compile_seconds=compiling)


WORKLOAD = Workload(
    name="ruin_paths_compiled",
    about="paths of 500 trades, whole lots found anew at every trade, fractions beside them; two cores",
    figures=(
        Figure("win rate", "M trades/s", 20),
        Figure("results in blocks", "M trades/s", 20),
        Figure("steps of the plan", "M trades/s"),
    ),
    measure=measure,
    bodies={"interpreted": interpreted, "compiled": results},
    small=SMALL,
    full=20_000,
    processes=3,
)
