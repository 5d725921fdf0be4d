"""Leverage of the order.

What it checks
    The leverage that the order is set to at the venue.

Why
    It sets how far away liquidation is, about 1 / leverage: 20 % at 5x, 5 % at 20x, 1 % at 100x, less what
    maintenance asks. A stop in between is of no use.

Refused
    A bound of 3x: an order at 5x.

What to do instead
    Set a lower leverage. The position and its risk stay the same; it needs more margin.
"""

from __future__ import annotations

from typing import Final

from lotwise.guard.case import UNBOUND, Case, GuardRule, No, Scene, shown_leverage
from lotwise.guard.example import Example
from lotwise.kernel.feasibility import margin_needed
from lotwise.kernel.layout import LEVERAGE
from lotwise.units import Cash

NAME: Final = "order leverage"


def room(scene: Scene) -> Cash:
    """Not a matter of the loss at the stop; a bound below 1x lets nothing through that has a leverage."""
    has_one = scene.contract.scales.margin_per_lot_cash == 0
    return Cash(0) if has_one and 0 < scene.book.max_leverage100 < LEVERAGE else UNBOUND


def check(case: Case) -> No | None:
    """Whether the order's leverage is within the rulebook's."""
    most, asked = case.scene.book.max_leverage100, case.order.leverage100
    if not most or asked <= most or case.rows.spec[0].margin_per_lot_cash:
        return None
    step = case.scene.contract.scales.leverage_step100
    least = max(LEVERAGE, most // step * step)
    spec, ask, _, legs, _ = case.rows
    needed = margin_needed(spec, ask, legs, lots=case.order.lots, leverage100=least)
    return No(
        f"the order is at {shown_leverage(asked)}; the rulebook allows {shown_leverage(most)}",
        f"set {shown_leverage(least)}: it needs {case.scene.money(needed)} of margin",
    )


RULE: Final = GuardRule("GUARD-115", NAME, check, room, ("order_leverage",))
EXAMPLE: Final = Example(book={"order_leverage": "3"})
