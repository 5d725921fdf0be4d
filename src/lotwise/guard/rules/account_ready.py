"""The account is ready.

What it checks
    The account's books are of today, and there is money to count shares of.

Why
    Losses are counted from the start of the day. With the books of yesterday, a loss of 3 % today is
    measured from yesterday's start, and after a good yesterday it does not show.

Refused
    An equity of 0 USDT.

What to do instead
    Tell the limits the time and the equity before every judgement (`lotwise.kernel.limits.watch`). An
    account without money needs a deposit.
"""

from __future__ import annotations

from typing import Final

from lotwise.guard.case import No, Scene, gate
from lotwise.guard.example import Example
from lotwise.kernel.limit_codes import NO_EQUITY, NOT_ROLLED

NAME: Final = "account ready"


def check(scene: Scene) -> No | None:
    """Whether limits can be counted."""
    if scene.standing == NOT_ROLLED:
        return No(
            "the account's books are of an earlier day", "call watch with the time and the equity, then judge"
        )
    if scene.standing == NO_EQUITY:
        return No(f"the equity is {scene.money(scene.account.equity_cash)}", "pay in what is to be traded")
    return None


RULE: Final = gate("GUARD-101", NAME, check)
EXAMPLE: Final = Example(account={"equity_cash": "0"})
