"""Correlated open risk.

What it checks
    The risk of all open trades and this one, added up by how much they move together:
    sqrt(sum of c_ij r_i r_j), rounded up, as a share of equity. A correlation counts with the signs of both
    sides: a long and a short of the same coin move against each other. What moves against each other counts
    0, not less: a hedge never pays for risk. An unknown correlation counts 1.

    Of two open positions only the correlations with the order are known, x and y. They count as the highest
    correlation that x and y leave possible, x y + sqrt((1 - x²)(1 - y²)), and as 1 where x or y is unknown.
    Correlations measured over one stretch of time are never higher than that.

Why
    Three trades of 1 % that have nothing to do with each other swing like one of 1.73 %. At a correlation of
    0.8, which is usual among coins, they swing like one of 2.79 %, at 1 like one of 3 %.

Refused
    1,000 USDT at 1.11 % with 5.70 USDT at risk in ETH, correlation 0.8: a trade that loses 6.50 USDT, where
    6.00 are left.

What to do instead
    Take a smaller trade, or something else: another sector, another side. Close what moves with it.
"""

from __future__ import annotations

from math import isqrt
from typing import Final

from lotwise.guard.case import UNBOUND, Case, GuardRule, No, Scene
from lotwise.guard.example import Example
from lotwise.guard.facts import OpenPosition
from lotwise.kernel.layout import RATE
from lotwise.kernel.limits import share_bound
from lotwise.units import Cash, percent_text

NAME: Final = "correlated risk"


def root_up(number: int) -> int:
    """The square root of a whole number, rounded up.

    >>> root_up(16), root_up(17), root_up(0)
    (4, 5, 0)
    """
    return isqrt(number - 1) + 1 if number > 0 else 0


def signed8(scene: Scene, position: OpenPosition) -> int | None:
    """How a position moves with the order, the sides counted: from -1e8 to 1e8; ``None`` is unknown."""
    together = scene.intent.side * position.side
    if position.contract_id == scene.contract.id:
        return together * RATE
    if position.correlation8 is None:
        return None
    return together * max(-RATE, min(RATE, position.correlation8))


def between8(first: OpenPosition, second: OpenPosition, x8: int | None, y8: int | None) -> int:
    """The most that two open positions can move together, by their correlations with the order."""
    if first.contract_id == second.contract_id:
        return RATE if first.side == second.side else 0
    if x8 is None or y8 is None:
        return RATE
    rest = root_up((RATE * RATE - x8 * x8) * (RATE * RATE - y8 * y8))
    return max(0, min(RATE, -(-(x8 * y8 + rest) // RATE)))


def parts(scene: Scene) -> tuple[int, int]:
    """Of sum(c_ij r_i r_j), in 1e-8: what is open alone, and half of what a lost unit of the order adds."""
    opened = [(place, signed8(scene, place), max(0, place.risk_cash)) for place in scene.account.positions]
    alone, crossed = 0, 0
    for index, (position, x8, risk) in enumerate(opened):
        alone += RATE * risk * risk
        crossed += (RATE if x8 is None else max(0, x8)) * risk
        for other, y8, more in opened[:index]:
            alone += 2 * between8(position, other, x8, y8) * risk * more
    return alone, crossed


def together_cash(scene: Scene, risk_cash: int) -> Cash:
    """The correlated risk of what is open and a further trade, rounded up."""
    alone, crossed = parts(scene)
    return Cash(root_up(-(-(alone + (2 * crossed + RATE * risk_cash) * risk_cash) // RATE)))


def room(scene: Scene) -> Cash:
    """The largest r with ``together_cash(scene, r)`` within the bound: the root of a square equation."""
    bound = share_bound(scene.account.equity_cash, scene.book.correlated_risk_share8)
    if bound == UNBOUND:
        return bound
    alone, crossed = parts(scene)
    left = RATE * bound * bound - alone
    if left <= 0:
        return Cash(0)
    return Cash((isqrt(crossed * crossed + RATE * left) - crossed) // RATE)


def check(case: Case) -> No | None:
    """Whether the trade fits beside what moves with it."""
    scene = case.scene
    left = room(scene)
    if case.risk_cash <= left:
        return None
    money, equity = scene.money, scene.account.equity_cash
    share8 = scene.book.correlated_risk_share8
    return case.too_risky(
        f"the trade loses {money(case.risk_cash)} at its stop; {money(left)} are left: with what is open and"
        f" moves with it the risk would be {money(together_cash(scene, case.risk_cash))} of"
        f" {money(share_bound(equity, share8))} ({percent_text(share8)} of {money(equity)})",
        left,
        "close or tighten what moves with it",
    )


RULE: Final = GuardRule("GUARD-113", NAME, check, room, ("correlated_risk",))
EXAMPLE: Final = Example(
    book={"correlated_risk": "1.11%"},
    positions=({"contract_id": "binance:ETHUSDT", "risk_cash": "5.70", "correlation8": "0.8"},),
)
