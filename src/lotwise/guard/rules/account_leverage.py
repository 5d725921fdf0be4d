"""Leverage of the account.

What it checks
    The worth of all open positions and this order, as a multiple of equity. The leverage set at the venue
    only says how much margin is asked; this says what a move does to the account.

Why
    A gap passes over every stop. At 3 times the equity a gap of 5 % against all positions takes 15 % of the
    account; at 10 times it takes 50 %, whatever the stops were.

Refused
    1,000 USDT at 2 times with 1,700.00 USDT open: an order of 325.00, where 300.00 are left.

What to do instead
    Take fewer lots, or close something. A stop farther away gives the same risk with fewer lots.
"""

from __future__ import annotations

from typing import Final

from lotwise.guard.case import UNBOUND, Case, GuardRule, No, Scene, shown_leverage
from lotwise.guard.example import Example
from lotwise.kernel.limits import notional_room_cash
from lotwise.units import Cash

NAME: Final = "account leverage"


def left_cash(scene: Scene) -> Cash:
    """Notional that may still be opened."""
    allowed, usage = scene.rows
    return notional_room_cash(allowed, usage, scene.account.equity_cash)


def room(scene: Scene) -> Cash:
    """Nothing where no notional is left; else a matter of the size, not of the loss at the stop."""
    return Cash(0) if left_cash(scene) <= 0 else UNBOUND


def check(case: Case) -> No | None:
    """Whether the order fits beside what is open."""
    scene = case.scene
    left = left_cash(scene)
    if case.notional_cash <= left:
        return None
    money, usage = scene.money, scene.account.usage
    return case.too_large(
        f"the order is worth {money(case.notional_cash)}; {money(max(0, left))} are left, with"
        f" {money(usage.open_notional_cash)} open of {shown_leverage(scene.book.allowed.leverage100)}"
        f" {money(scene.account.equity_cash)}",
        lambda lots: case.notional(lots) <= left,
        "close a position first",
    )


RULE: Final = GuardRule("GUARD-114", NAME, check, room, ("account_leverage",))
EXAMPLE: Final = Example(book={"account_leverage": "2"}, usage={"open_notional_cash": "1700"})
