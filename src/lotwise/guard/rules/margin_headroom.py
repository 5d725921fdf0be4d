"""Margin headroom.

What it checks
    The initial margin of all that is open and of this order, as a share of equity.

Why
    Money that is margin cannot pay for anything else: funding, a tightened tier, another trade's loss. With
    half of the equity as margin at 10x, 5 times the equity is traded, and a move of 5 % against all of it
    takes 25 %: half of what was free.

Refused
    1,000 USDT at 25 % with 190.00 USDT of margin: an order that needs 65.00, where 60.00 are left.

What to do instead
    Take fewer lots, or close something. More leverage also lowers the margin, and moves liquidation nearer.
"""

from __future__ import annotations

from typing import Final

from lotwise.guard.case import UNBOUND, Case, GuardRule, No, Scene
from lotwise.guard.example import Example
from lotwise.kernel.feasibility import margin_needed
from lotwise.kernel.limits import share_bound
from lotwise.units import Cash, Lots, percent_text

NAME: Final = "margin headroom"


def left_cash(scene: Scene) -> Cash:
    """Money that may still become margin."""
    bound = share_bound(scene.account.equity_cash, scene.book.margin_share8)
    return bound if bound == UNBOUND else Cash(bound - scene.account.margin_cash)


def room(scene: Scene) -> Cash:
    """Nothing where no margin is left; else a matter of the size, not of the loss at the stop."""
    return Cash(0) if left_cash(scene) <= 0 else UNBOUND


def check(case: Case) -> No | None:
    """Whether enough of the equity stays free."""
    scene = case.scene
    left = left_cash(scene)
    if left == UNBOUND:
        return None

    def needed(lots: Lots) -> Cash:
        spec, ask, _, legs, _ = case.rows
        return margin_needed(spec, ask, legs, lots=lots, leverage100=case.order.leverage100)

    if needed(case.order.lots) <= left:
        return None
    money, account = scene.money, scene.account
    return case.too_large(
        f"the order needs {money(needed(case.order.lots))} of margin; {money(max(0, left))} are left, with"
        f" {money(account.margin_cash)} in use of {percent_text(scene.book.margin_share8)} of"
        f" {money(account.equity_cash)}",
        lambda lots: needed(lots) <= left,
        "close a position first",
    )


RULE: Final = GuardRule("GUARD-116", NAME, check, room, ("margin",))
EXAMPLE: Final = Example(book={"margin": "25%"}, account={"margin_cash": "190"})
