"""Open risk.

What it checks
    What all open trades and this one lose together if every stop is hit, as a share of equity. A stop that
    locks in a profit counts 0; it does not pay for the others.

Why
    Stops are hit together. Five trades of 1 % are one trade of 5 % on the day when it matters, and 5.3 %
    must be won to be back.

Refused
    1,000 USDT at 3 % with 24.00 USDT at risk: a trade that loses 6.50 USDT, where 6.00 are left.

What to do instead
    Take a smaller trade, or move an open stop to break-even: that frees what it risked.
"""

from __future__ import annotations

from typing import Final

from lotwise.guard.case import UNBOUND, Case, GuardRule, No, Scene
from lotwise.guard.example import Example
from lotwise.kernel.limits import open_risk_room
from lotwise.units import Cash, percent_text

NAME: Final = "open risk"


def room(scene: Scene) -> Cash:
    """What is left of the share that may be at risk."""
    allowed, usage = scene.rows
    left = open_risk_room(allowed, usage, scene.account.equity_cash)
    return left if left == UNBOUND else Cash(max(0, left))


def check(case: Case) -> No | None:
    """Whether the trade fits beside what is open."""
    scene = case.scene
    left = room(scene)
    if case.risk_cash <= left:
        return None
    money, usage = scene.money, scene.account.usage
    return case.too_risky(
        f"the trade loses {money(case.risk_cash)} at its stop; {money(left)} are left, with"
        f" {money(usage.open_risk_cash)} at risk of {percent_text(scene.book.allowed.open_risk_share8)} of"
        f" {money(scene.account.equity_cash)}",
        left,
        "tighten an open stop, or close a trade",
    )


RULE: Final = GuardRule("GUARD-112", NAME, check, room, ("open_risk",))
EXAMPLE: Final = Example(book={"open_risk": "3%"}, usage={"open_risk_cash": "24"})
