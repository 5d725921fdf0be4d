"""No chasing.

What it checks
    How far the entry is from the mean, in average true ranges, in the direction of the trade: above the mean
    for a long, below it for a short. Of a ladder the farthest entry counts.

Why
    A stop belongs where the move began, not where you came in. With a mean at 0 and a target at 6 ranges, an
    entry at 1 earns 5 for each 1 at risk; an entry at 3 earns 3 for 3: 1 for 1, of the same move.

Refused
    A mean of 64,000.0, a range of 400.0 and a bound of 2 ranges: a long at 65,000.0, which is 2.5 away.

What to do instead
    Place a limit order nearer to the mean, or let this one go.
"""

from __future__ import annotations

from typing import Final

from lotwise.guard.case import No, Scene, gate, unknown
from lotwise.guard.example import Example
from lotwise.guard.words import times_text
from lotwise.kernel.arith import mul_div_ceil, mul_div_floor
from lotwise.kernel.layout import LONG, RATE

NAME: Final = "no chasing"


def check(scene: Scene) -> No | None:
    """Whether the entry is near enough to the mean."""
    bound8 = scene.book.chase_atr8
    if not bound8:
        return None
    mean, span = scene.market.mean_ticks, scene.market.atr_ticks
    if mean is None:
        return unknown("the mean", "chase", "give MarketFacts.mean_ticks, e.g. the EMA of 20 bars")
    if span is None or span < 1:
        return unknown("the average true range", "chase", "give MarketFacts.atr_ticks, at least one tick")
    entry, side = scene.intent.entries[0].price_ticks, scene.intent.side
    farthest = mul_div_floor(span, bound8, RATE)
    away = side * (entry - mean)
    if away <= farthest:
        return None
    nearest, where = scene.price(mean + side * farthest), "below" if side == LONG else "above"
    return No(
        f"the entry {scene.price(entry)} is {scene.price(away)} from the mean {scene.price(mean)}:"
        f" {times_text(mul_div_ceil(away, RATE, span))} ranges of {scene.price(span)}; the rulebook allows"
        f" {times_text(bound8)}",
        f"enter at {nearest} or {where}, or let it go",
    )


RULE: Final = gate("GUARD-131", NAME, check, ("chase",))
EXAMPLE: Final = Example(book={"chase": "2"}, market={"mean_ticks": "64000", "atr_ticks": "400"})
