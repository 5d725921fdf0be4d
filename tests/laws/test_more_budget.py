"""Law: more budget never gives fewer lots, single entries and ladders alike."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from lotwise.kernel.feasibility import largest_feasible
from lotwise.kernel.sizing import largest_within_budget
from lotwise.sizing.solve import Rows, rows_of
from lotwise.units import Cash
from tests.laws.cases import Case, chance, random_question, seeded, spread_over


def budgets(rng: random.Random, first: int) -> tuple[int, int]:
    """A second and third budget above the first: by the least there is, by a little, or by far."""
    little = spread_over(rng, 1, max(1, first // 100))
    far = first * rng.randint(1, 30)
    return first + (1 if chance(rng, 20) else little), first + little + far


def check_more_budget(
    drawn: Case, rows: Rows | None = None, asked: tuple[int, int, int] | None = None
) -> str:
    """Lots of the kernel and of all rules together under rising budgets; ``asked``: the first, solved."""
    rows = rows or rows_of(drawn.question)
    first = rows.limits[0].budget_cash
    rising = (first, *budgets(seeded(drawn.number + 7), first))
    by_budget = [
        largest_within_budget(rows.spec, rows.ask, rows.legs, budget_cash=Cash(budget)) for budget in rising
    ]
    assert by_budget == sorted(by_budget), f"budgets {rising} give {by_budget} lots in the kernel"
    more = rising[1 + drawn.number % 2]
    fewer, after = (asked or _solved(rows, first))[0], _solved(rows, more)[0]
    assert fewer <= after, f"budgets {first} and {more} give {fewer} and {after} lots in full"
    if fewer == after:
        return "stays"
    return "single grows" if len(rows.legs) == 1 else "ladder grows"


def _solved(rows: Rows, budget: int) -> tuple[int, int, int]:
    asked = rows.limits[0].budget_cash
    rows.limits[0].budget_cash = budget
    found = largest_feasible(rows.spec, rows.ask, rows.limits, legs=rows.legs, tiers=rows.tiers)
    rows.limits[0].budget_cash = asked
    return found


@given(st.randoms(use_true_random=False), st.integers(0, 2**32))
def test_more_budget_never_gives_fewer_lots_drawn(rng: random.Random, number: int) -> None:
    check_more_budget(Case(number, random_question(rng)))
