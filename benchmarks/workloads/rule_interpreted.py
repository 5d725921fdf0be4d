"""The rules as plain Python: what a live session or a calculator pays for a size."""

from __future__ import annotations

from benchmarks import sizes
from benchmarks.questions import interpreted, questions
from benchmarks.timing import least_seconds
from benchmarks.workload import Figure, Outcome, Workload


def measure(count: int) -> Outcome:
    """Microseconds a call over varied questions."""
    asked = interpreted(questions(count))
    plain = [question for question in asked if len(question.legs) == 1]
    return Outcome(
        figures={
            "largest_within_budget": least_seconds(lambda: sizes.budgets(asked), 7) / count * 1e6,
            "largest_within_budget, one entry": least_seconds(lambda: sizes.budgets(plain), 7)
            / len(plain)
            * 1e6,
            "largest_feasible": least_seconds(lambda: sizes.feasibles(asked), 7) / count * 1e6,
        },
        results=sizes.flat(sizes.budgets(asked), sizes.feasibles(asked)),
    )


WORKLOAD = Workload(
    name="rule_interpreted",
    about="the sizing rule, and every rule at once with 8 to 12 tiers, as plain Python",
    figures=(
        Figure("largest_within_budget", "us", 20),
        Figure("largest_within_budget, one entry", "us", 20),
        Figure("largest_feasible", "us"),
    ),
    measure=measure,
    bodies={"interpreted": sizes.by_python},
    small=500,
    full=2_000,
)
