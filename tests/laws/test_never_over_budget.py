"""Law: the lots never lose more than the budget, and one more lot breaks the rule that is named.

Every loss, margin and liquidation is recomputed by the twin in exact fractions.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

import lotwise
from lotwise.kernel import codes
from lotwise.kernel.sizing import largest_within_budget
from lotwise.sizing.solve import Rows, rows_of, solve
from lotwise.sizing.words import RULE_NAMES
from lotwise.units import Cash
from tests.laws import bulk, judge
from tests.laws.cases import Case, case, random_question, words_of
from tests.laws.inverse_judge import judge_of, loss8_of

SCANNED = 3_000
"""Counts above the answer looked at one by one where a leg of the ladder stops it."""
ENOUGH = 1_000
"""So many cases meet every rule."""
LEGAL_BUT_REFUSED = 5
"""After so many counts with legal legs that another rule refuses, the rest are refused as well."""


def check_kernel_budget(drawn: Case, rows: Rows | None = None) -> str:
    """``largest_within_budget`` against the twin, at the budget asked and at the exact edge."""
    rows = rows or rows_of(drawn.question)
    most, budget = rows.spec[0].max_lots, rows.limits[0].budget_cash
    loss8 = loss8_of(drawn.question)
    lots = largest_within_budget(rows.spec, rows.ask, rows.legs, budget_cash=budget)
    assert 0 <= lots <= max(0, most)
    assert loss8(lots) <= budget, f"{lots} lots lose more than the budget"
    if lots >= most:
        return "all the venue takes"
    edge = loss8(lots + 1)
    assert edge > budget, f"{lots + 1} lots would fit as well"
    at_edge = largest_within_budget(rows.spec, rows.ask, rows.legs, budget_cash=Cash(edge))
    below = largest_within_budget(rows.spec, rows.ask, rows.legs, budget_cash=Cash(edge - 1))
    if drawn.question.contract.is_inverse and len(rows.legs) > 1:
        # each leg is rounded on its own: a lot more may lose 1e-8 less, and several edges then exist
        for found, carried in ((at_edge, edge), (below, edge - 1)):
            assert loss8(found) <= carried
            assert found >= most or loss8(found + 1) > carried
        return "some" if lots else "none"
    assert at_edge >= lots + 1, "a budget of exactly the loss does not carry it"
    assert below == lots, "a budget of 1e-8 less than the loss carries it"
    return "some" if lots else "none"


def check_solved(drawn: Case) -> Iterator[str]:
    """``solve`` against the judge: within every rule, and one more breaks the one it names."""
    question = drawn.question
    rows = rows_of(question)
    order = solve(question, rows)
    judged = judge_of(question)
    trade = judged.trade
    if order.lots == 0:
        smallest = order.smallest_lots
        assert not judge.leg_problem(question, trade, smallest), "the smallest order is not legal"
        assert smallest == 1 or judge.leg_problem(question, trade, smallest - 1), "a smaller one is legal"
        assert order.refusal in judged.broken(smallest, judge.ROUNDING), "the rule named does not refuse"
        yield f"refused by {RULE_NAMES[order.refusal]}"
        return
    assert not judged.broken(order.lots), "a rule is broken"
    assert not judge.leg_problem(question, trade, order.lots), "a leg is too small"
    yield RULE_NAMES[order.binding]
    if order.binding != codes.LOT:
        assert order.binding in judged.broken(order.lots + 1, judge.ROUNDING), "one more lot fits"
        return
    legal = 0
    for more in range(order.lots + 1, order.lots + SCANNED):
        if judge.leg_problem(question, trade, more):
            continue
        assert judged.broken(more, judge.ROUNDING), f"{more} lots have legal legs and break no rule"
        legal += 1
        if legal == LEGAL_BUT_REFUSED:
            return


def check_words(drawn: Case) -> str:
    """``lotwise.size``, asked in words, against the judge and against ``solve``."""
    question = drawn.question
    words = words_of(question)
    if words is None:
        return "not in words"
    plan = lotwise.size(**words)
    order = solve(question)
    assert plan.lots == order.lots
    if not plan.feasible:
        assert plan.blocked_by is not None
        return "refused"
    judged = judge_of(question)
    found = Fraction(str(plan.loss_at_stop))
    assert found == judge.loss(judged.plan, plan.lots) <= judged.budget
    assert Fraction(plan.next_lot_loss) == judge.loss(judged.plan, plan.lots + 1)
    assert Fraction(plan.notional) == judged.notional(plan.lots)
    leverage = judged.leverage(plan.lots, judged.room(plan.lots))
    assert leverage is not None
    assert Fraction(str(plan.leverage or 1)) == leverage or question.contract.clearing
    assert (plan.leverage is None) == question.contract.clearing
    needed = judged.margin(plan.lots, leverage)
    assert Fraction(str(plan.initial_margin)) == needed
    assert Fraction(str(plan.free_margin_after)) == judged.room(plan.lots) - needed >= 0
    if question.contract.tier_rows:
        price = judged.shown_liquidation(plan.lots, leverage)
        assert (plan.liquidation_price is None) == (price is None)
        if price is not None:
            cautious = judge.margin.ceil8(price) if judged.trade.direction > 0 else judge.floor8(price)
            assert Fraction(str(plan.liquidation_price)) == cautious
    return "sized, inverse" if question.contract.is_inverse else "sized"


@bulk.every_shard
def test_every_rule_at_its_edge(shard: int, law_cases: int) -> None:
    numbers = bulk.numbers_of(shard, bulk.tenth(law_cases))
    seen = bulk.run(
        "the size breaks no rule, one more lot breaks the one named",
        numbers,
        case,
        check_solved,
    )
    missed = set(RULE_NAMES.values()) - {"min_notional"} - set(seen) if len(numbers) >= ENOUGH else set()
    assert not missed, f"no case was bound by {missed}: {seen}"


@bulk.every_shard
def test_the_answer_in_words(shard: int, law_cases: int) -> None:
    seen = bulk.run(
        "lotwise.size: loss, margin and liquidation are the twin's",
        bulk.numbers_of(shard, max(bulk.SHARDS, bulk.tenth(law_cases) // 5)),
        case,
        check_words,
    )
    assert min(seen[name] for name in ("sized", "sized, inverse", "refused")) > 0, seen


@given(st.randoms(use_true_random=False))
def test_the_kernel_at_the_budget_drawn(rng: random.Random) -> None:
    check_kernel_budget(Case(-1, random_question(rng)))


@given(st.randoms(use_true_random=False))
def test_every_rule_at_its_edge_drawn(rng: random.Random) -> None:
    assert list(check_solved(Case(-1, random_question(rng))))


@given(st.randoms(use_true_random=False))
def test_the_answer_in_words_drawn(rng: random.Random) -> None:
    check_words(Case(-1, random_question(rng)))
