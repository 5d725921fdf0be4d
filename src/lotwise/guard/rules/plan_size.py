"""A larger size only by the plan.

What it checks
    The loss at the stop is at most what the scaling plan lets one trade risk at its present step. Without a
    plan nothing is asked.

Why
    After a good week a larger size feels earned. At 2 % instead of 1 %, ten losses cost 18.3 % instead of
    9.6 %; the plan asks for the trades and the equity first that make such a row survivable.

Refused
    A plan that is at 5.00 USDT a trade: one that loses 6.50 USDT.

What to do instead
    Take the plan's size. The plan says what is missing for the next step.
"""

from __future__ import annotations

from typing import Final

from lotwise.guard.case import UNBOUND, Case, GuardRule, No, Scene
from lotwise.guard.example import Example
from lotwise.units import Cash

NAME: Final = "plan size"


def room(scene: Scene) -> Cash:
    """What the plan lets one trade risk."""
    planned = scene.account.plan_risk_cash
    return UNBOUND if planned is None else Cash(max(0, planned))


def check(case: Case) -> No | None:
    """Whether the plan has come so far."""
    bound = room(case.scene)
    if case.risk_cash <= bound:
        return None
    money = case.scene.money
    return case.too_risky(
        f"the trade loses {money(case.risk_cash)} at its stop; the plan is at {money(bound)} a trade",
        bound,
        "take a nearer stop, or wait for the plan's next step",
    )


RULE: Final = GuardRule("GUARD-111", NAME, check, room)
EXAMPLE: Final = Example(account={"plan_risk_cash": "5"})
