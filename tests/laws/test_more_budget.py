"""Law: more budget never gives fewer lots, single entries and ladders alike."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from lotwise.kernel.codes import LIQUIDATION
from lotwise.kernel.feasibility import largest_feasible
from lotwise.kernel.sizing import largest_within_budget
from lotwise.sizing.solve import Rows, rows_of
from lotwise.units import Cash
from tests.laws.cases import Case, chance, random_question, seeded, spread_over

PARTS: Final = 6
"""A loss has so many parts, and an inverse ladder rounds each leg's: by less than 1e-8 a part."""


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
    inverse = drawn.question.contract.is_inverse
    near = PARTS * len(rows.legs) if inverse and len(rows.legs) > 1 else 0
    for (lower, lots), (higher, others) in pairwise(zip(rising, by_budget, strict=True)):
        grown = lots <= others or higher - lower < near
        assert grown, f"budgets {rising} give {by_budget} lots in the kernel"
    more = rising[1 + drawn.number % 2]
    fewer, (after, binding, _) = (asked or _solved(rows, first))[0], _solved(rows, more)
    if fewer > after and inverse:
        # a worth is cut to 1e-8: where the cut decides, liquidation allows some lots and not their neighbours
        by_rounding = more - first < near or binding == LIQUIDATION
        assert by_rounding, f"budgets {first} and {more} give {fewer} and {after} lots in full"
        return "rounding decides"
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
