"""Spread.

What it checks
    The spread, as a share of the distance from the entry to the stop. Of a ladder the nearest entry counts.

Why
    A spread is paid half on the way in and half on the way out. At a fifth of the stop's distance, a trade
    that aims at twice its risk must win 40 of 100 times to come out even, not 33.3.

Refused
    A bound of 10 % and a stop 1,300.0 away: a spread of 130.1.

What to do instead
    Wait for the book to fill up, use a limit order's price with a wider stop, or trade the coin where its
    spread is narrower: `lotwise scan` ranks contracts by it.
"""

from __future__ import annotations

from typing import Final

from lotwise.guard.case import No, Scene, gate, share_of_up, unknown
from lotwise.guard.example import Example
from lotwise.guard.words import percent_up
from lotwise.kernel.arith import mul_div_floor
from lotwise.kernel.layout import RATE
from lotwise.units import percent_text

NAME: Final = "spread"


def check(scene: Scene) -> No | None:
    """Whether the spread is narrow enough for the stop."""
    share8 = scene.book.spread_share8
    if not share8:
        return None
    intent, spread = scene.intent, scene.market.spread_ticks
    if intent.stop_is_liquidation:
        return unknown("the distance of the stop", "spread", "give the trade a stop before its liquidation")
    if spread is None:
        return unknown("the spread", "spread", "give MarketFacts.spread_ticks: best ask minus best bid")
    distance = abs(intent.entries[-1].price_ticks - intent.stop_ticks)
    most = mul_div_floor(distance, share8, RATE)
    if spread <= most:
        return None
    return No(
        f"the spread is {scene.price(spread)}, {percent_up(share_of_up(spread, distance))} of the"
        f" {scene.price(distance)} to the stop; the rulebook allows {percent_text(share8)}",
        f"wait for a spread of {scene.price(most)}",
    )


RULE: Final = gate("GUARD-133", NAME, check, ("spread",))
EXAMPLE: Final = Example(book={"spread": "10%"}, market={"spread_ticks": "130.1"})
