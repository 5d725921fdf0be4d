"""Twin of the twin: the loss in whole numbers is the loss in fractions, part by part."""

from __future__ import annotations

from tests.laws import bulk, judge
from tests.laws.cases import Case, case, seeded, spread_over
from tests.reference.sizing import rounded_loss_scaled

COMPARED = 20_000


def check_scaled(drawn: Case) -> str:
    """Every part and the total, for a few lots and for many."""
    if drawn.question.intent.stop_is_liquidation:
        return "no stop"
    plan, scaled = judge.plan_of(drawn.question), judge.scaled_plan_of(drawn.question)
    lots = spread_over(seeded(drawn.number + 29), 1, 10**9)
    found = rounded_loss_scaled(scaled, lots)
    assert {name: judge.part(value) for name, value in found.items()} == plan.rounded_loss(lots)
    return "single" if len(scaled.prices) == 1 else "ladder"


@bulk.every_shard
def test_whole_numbers_are_the_fractions(shard: int) -> None:
    numbers = bulk.numbers_of(shard, COMPARED)
    seen = bulk.run("the twin's loss in whole numbers is that in fractions", numbers, case, check_scaled)
    assert min(seen["single"], seen["ladder"]) > 0, seen
