"""Law: the same integers under another tick size give the same lots and losses, of linear contracts.

A tick of ten times the size on a lot or a contract of a tenth is the same money per tick and
lot, so prices in ticks, lots and losses stay what they are.
"""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

import lotwise
from lotwise.errors import InputError
from lotwise.sizing.solve import Question, countable_rows_of, rows_of, solve
from tests.laws import bulk
from tests.laws.cases import (
    OWN_CONTRACTS,
    Case,
    linear_own,
    own_case,
    own_contract,
    question_on,
    scaled_contract,
    words_of,
)

SAME_WORDS = ("lots", "loss_at_stop", "initial_margin", "notional", "budget_used", "binding", "leverage")


def countable(question: Question) -> bool:
    """Whether the smallest order fits 64 bits; where it does not, it must be refused."""
    try:
        countable_rows_of(question)
    except InputError as refused:
        return refused.code != "SIZE-033"
    return True


def check_other_units(drawn: Case) -> str:
    """The question on its contract and on the same contract in other units."""
    number, question = drawn
    own = int(question.contract.symbol.removeprefix("OWN"))
    tens = (1, -1, 2, -2, 3, -3)[number % 6]
    other = scaled_contract(own, tens)
    if other is None or rows_of(question).spec[0].max_lots < 1:
        return "does not fit eight decimals"
    assert other.scales.tick_size8 != question.contract.scales.tick_size8
    moved = question._replace(contract=other)
    assert rows_of(moved) == rows_of(question)
    if not countable(question):
        assert not countable(moved)
        return "too large to count"
    order, same = solve(question), solve(moved)
    assert order == same
    words = words_of(question) if number % 10 == 0 else None
    if words is not None:
        in_words = lotwise.size(**words)
        other_words = lotwise.size(**(words_of(moved) or {}))
        assert in_words.feasible == other_words.feasible == bool(order.lots)
        for name in SAME_WORDS:
            assert getattr(in_words, name) == getattr(other_words, name), name
    return "same" if order.lots else "same refusal"


@bulk.every_shard
def test_the_same_integers_in_other_units(shard: int, law_cases: int) -> None:
    seen = bulk.run(
        "the same integers under another tick size give the same lots and losses",
        bulk.numbers_of(shard, law_cases),
        own_case,
        check_other_units,
    )
    assert min(seen["same"], seen["same refusal"]) > 0, seen


@given(st.randoms(use_true_random=False), st.integers(0, OWN_CONTRACTS - 1), st.integers(0, 1_000))
def test_the_same_integers_in_other_units_drawn(rng: random.Random, own: int, number: int) -> None:
    assert check_other_units(Case(number, question_on(rng, own_contract(linear_own(own)))))
