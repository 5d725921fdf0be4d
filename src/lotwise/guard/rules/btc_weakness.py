"""BTC weakness.

What it checks
    Where the health of BTC (0 % to 100 %, which `lotwise trade` takes from BTC's bars) is below one bound,
    nothing is opened; below another, what a trade may risk shrinks in proportion. For both sides: in a
    falling market the recoveries are as violent as the falls.

Why
    Other coins follow BTC. With a correlation of 0.8, a fall of BTC by 5 of its usual days is a fall of 4
    usual days that no chart of the coin announces.

Refused
    Health 30 % with btc_reduce at 60 % and a risk of 1 % of 1,000 USDT: a trade that loses 6.50 USDT at its
    stop, where 5.00 are left.

What to do instead
    Take the smaller size, or wait until BTC has found its feet.
"""

from __future__ import annotations

from typing import Final

from lotwise.guard.case import UNBOUND, Case, GuardRule, No, Scene, unknown
from lotwise.guard.example import Example
from lotwise.guard.rules import trade_risk
from lotwise.guard.words import percent_down
from lotwise.kernel.arith import mul_div_floor
from lotwise.units import Cash, percent_text

NAME: Final = "BTC weakness"


def room(scene: Scene) -> Cash:
    """Nothing below the one bound or where unknown; below the other, the trade's risk in proportion."""
    book, health = scene.book, scene.market.btc_health8
    if not book.btc_refuse8 and not book.btc_reduce8:
        return UNBOUND
    if health is None or health < book.btc_refuse8:
        return Cash(0)
    usual = trade_risk.room(scene)
    if health >= book.btc_reduce8 or usual == UNBOUND:
        return UNBOUND
    return Cash(mul_div_floor(usual, max(0, health), book.btc_reduce8))


def check(case: Case) -> No | None:
    """Whether BTC carries a trade of this size."""
    scene = case.scene
    left = room(scene)
    if left == UNBOUND:
        return None
    book, health = scene.book, scene.market.btc_health8
    if health is None:
        how = "give MarketFacts.btc_health8, from 0 (falls apart) to 1e8 (nothing is wrong)"
        return unknown("the health of BTC", "btc_refuse, btc_reduce", how)
    if health < book.btc_refuse8:
        return No(
            f"the health of BTC is {percent_down(health)}; nothing is opened below"
            f" {percent_text(book.btc_refuse8)}",
            "wait until BTC has recovered",
        )
    if case.risk_cash <= left:
        return None
    return case.too_risky(
        f"the trade loses {scene.money(case.risk_cash)} at its stop; at a health of BTC of"
        f" {percent_down(health)}, below {percent_text(book.btc_reduce8)}, it may lose {scene.money(left)}"
        f" instead of {scene.money(trade_risk.room(scene))}",
        left,
        "wait until BTC has recovered",
    )


RULE: Final = GuardRule("GUARD-130", NAME, check, room, ("btc_refuse", "btc_reduce"))
EXAMPLE: Final = Example(book={"risk": "1%", "btc_reduce": "60%"}, market={"btc_health8": "30%"})
