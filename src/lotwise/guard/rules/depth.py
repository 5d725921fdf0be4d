"""Depth.

What it checks
    What rests on the side that the stop would take, as a multiple of what is traded.

Why
    A stop takes what is there. One as large as all that rests within 0.2 % of the price goes through all of
    it and ends 0.2 % away: a tenth more than a 2 % stop was to lose, and that in a quiet market.

Refused
    A bound of 20 times the order: 325.00 USDT where 6,499.99 rest.

What to do instead
    Take fewer lots, or a contract with more behind it: `lotwise scan` screens by volume and spread.
"""

from __future__ import annotations

from typing import Final

from lotwise.guard.case import UNBOUND, Case, GuardRule, No, Scene, unknown
from lotwise.guard.example import Example
from lotwise.guard.words import times_text
from lotwise.kernel.arith import mul_div_ceil, mul_div_floor
from lotwise.kernel.layout import RATE
from lotwise.units import Cash

NAME: Final = "depth"


def room(scene: Scene) -> Cash:
    """Nothing where the depth is unknown; else a matter of the size, not of the loss at the stop."""
    return Cash(0) if scene.book.depth_multiple8 and scene.market.depth_cash is None else UNBOUND


def check(case: Case) -> No | None:
    """Whether enough rests for the way out."""
    multiple8, depth = case.scene.book.depth_multiple8, case.scene.market.depth_cash
    if not multiple8:
        return None
    if depth is None:
        how = "give MarketFacts.depth_cash: what rests where the stop would take"
        return unknown("the depth of the book", "depth", how)
    if mul_div_ceil(case.notional_cash, multiple8, RATE) <= depth:
        return None
    money = case.scene.money
    return case.too_large(
        f"{money(depth)} rest where the stop would take; {times_text(multiple8)} times the order's"
        f" {money(case.notional_cash)} are {money(mul_div_ceil(case.notional_cash, multiple8, RATE))}",
        lambda lots: mul_div_ceil(case.notional(lots), multiple8, RATE) <= depth,
        f"it needs an order of {money(mul_div_floor(depth, RATE, multiple8))}; trade a deeper contract",
    )


RULE: Final = GuardRule("GUARD-134", NAME, check, room, ("depth",))
EXAMPLE: Final = Example(book={"depth": "20"}, market={"depth_cash": "6499.99"})
