"""The rules compiled: what a sweep or a backtest pays for a size, on one core."""

from __future__ import annotations

from benchmarks import sizes
from benchmarks.questions import questions
from benchmarks.timing import least_seconds, seconds
from benchmarks.workload import Figure, Outcome, Workload


def measure(count: int) -> Outcome:
    """Millions of calls a second, each call another question."""
    asked = questions(count)
    lots, answers = sizes.empty_answers(asked)
    compiling = seconds(lambda: sizes.by_numba(1))
    figures = {
        "largest_within_budget": least_seconds(lambda: sizes.compiled_budgets(asked, lots), 9),
        "largest_feasible": least_seconds(lambda: sizes.compiled_feasibles(asked, answers), 9),
    }
    return Outcome(
        figures={name: count / taken / 1e6 for name, taken in figures.items()},
        results=sizes.flat(lots.tolist(), answers.tolist()),
        compile_seconds=compiling,
    )


WORKLOAD = Workload(
    name="rule_compiled",
    about="the sizing rule, and every rule at once with 8 to 12 tiers, compiled, one core",
    figures=(
        Figure("largest_within_budget", "M/s", 5),
        Figure("largest_feasible", "M/s"),
    ),
    measure=measure,
    bodies={"interpreted": sizes.by_python, "compiled": sizes.by_numba},
    small=500,
    full=120_000,
)
