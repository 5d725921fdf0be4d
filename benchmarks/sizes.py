"""Sizing questions answered by each body of the rules; both give the same list of integers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.questions import Packed, Question, interpreted, questions
from lotwise.kernel.feasibility import largest_feasible
from lotwise.kernel.sizing import largest_within_budget
from lotwise.units import Cash


def budgets(asked: Sequence[Question]) -> list[int]:
    """Most lots within the budget, interpreted."""
    return [
        largest_within_budget(spec, ask, legs, budget_cash=Cash(limits[0].budget_cash))
        for spec, ask, limits, legs, _ in asked
    ]


def feasibles(asked: Sequence[Question]) -> list[tuple[int, ...]]:
    """(lots, code, smallest order) by every rule, interpreted."""
    return [
        largest_feasible(spec, ask, limits, legs=legs, tiers=tiers)
        for spec, ask, limits, legs, tiers in asked
    ]


def flat(lots: Iterable[int], answers: Iterable[Iterable[int]]) -> list[int]:
    """Question by question: the sizing rule's lots, then the answer of every rule."""
    return [number for most, answer in zip(lots, answers, strict=True) for number in (most, *answer)]


def empty_answers(asked: Packed) -> tuple[Any, Any]:
    """Arrays for the compiled loops to fill."""
    import numpy as np

    return np.zeros(len(asked.spec), np.int64), np.zeros((len(asked.spec), 3), np.int64)


def compiled_budgets(asked: Packed, lots: Any) -> None:
    """Most lots within the budget, compiled."""
    from benchmarks import loops

    loops.within_budget(asked.spec, asked.ask, asked.limits, asked.legs, asked.first_leg, lots)


def compiled_feasibles(asked: Packed, answers: Any) -> None:
    """(lots, code, smallest order) by every rule, compiled."""
    from benchmarks import loops

    loops.feasible(*asked, answers)


def by_python(count: int) -> list[int]:
    """All answers, interpreted."""
    asked = interpreted(questions(count))
    return flat(budgets(asked), feasibles(asked))


def by_numba(count: int) -> list[int]:
    """All answers, compiled."""
    asked = questions(count)
    lots, answers = empty_answers(asked)
    compiled_budgets(asked, lots)
    compiled_feasibles(asked, answers)
    return flat(lots.tolist(), answers.tolist())
