"""Risk per trade.

What it checks
    The loss at the stop, with fees, spread, slippage and funding, is counted again from the contract's facts.
    It must be at most the share of equity, and the amount of money, that one trade may risk.

Why
    Ten losses in a row are no accident: of traders who win half their trades, one in a thousand begins with
    them. At 1 % each they cost 9.6 % of the account. At 5 % they cost 40 %, and 67 % must be won to be back.

Refused
    1,000 USDT at 1 %: 0.008 BTC, which lose 10.40 USDT at their stop.

What to do instead
    Take fewer lots, or a stop that is nearer; `lotwise size` finds the most lots that fit.
"""

from __future__ import annotations

from typing import Final

from lotwise.guard.case import Case, GuardRule, No, Scene
from lotwise.guard.example import Example
from lotwise.kernel.limits import share_bound
from lotwise.units import Cash, percent_text

NAME: Final = "trade risk"


def room(scene: Scene) -> Cash:
    """The smaller of both bounds."""
    allowed = scene.book.allowed
    share = share_bound(scene.account.equity_cash, allowed.risk_share8)
    return min(share, Cash(allowed.risk_cash)) if allowed.risk_cash else share


def check(case: Case) -> No | None:
    """Whether the loss at the stop is within both bounds."""
    scene = case.scene
    bound = room(scene)
    if case.risk_cash <= bound:
        return None
    allowed = scene.book.allowed
    share = f"{percent_text(allowed.risk_share8)} of {scene.money(scene.account.equity_cash)}"
    why = "the most in money" if bound == allowed.risk_cash else share
    return case.too_risky(
        f"the trade loses {scene.money(case.risk_cash)} at its stop; one trade may lose {scene.money(bound)}"
        f" ({why})",
        bound,
        "take a nearer stop (lotwise size finds what fits)",
    )


RULE: Final = GuardRule("GUARD-110", NAME, check, room, ("risk", "risk_money"))
EXAMPLE: Final = Example(book={"risk": "1%"}, order={"lots": 8})
