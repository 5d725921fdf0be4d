"""A pause after losses.

What it checks
    After a losing trade nothing is opened for a while, and for longer after several in a row. A gain ends
    the row; a trade that ends at exactly 0 is neither.

Why
    A row of losses is no sign that the next trade must win. Of traders who win half their trades, 79 of 100
    lose three in a row within twenty trades. What follows is the danger: the next trade is taken to get it
    back, not because it is good.

Refused
    A cool_down of 15 min: an order 14 min 59 s after a loss.

What to do instead
    Write the note for the trade that lost. Then look at the market as if you had no position in mind.
"""

from __future__ import annotations

from typing import Final

from lotwise.guard.case import No, Scene, gate
from lotwise.guard.example import Example
from lotwise.guard.words import until_text
from lotwise.kernel.limit_codes import COOL_DOWN

NAME: Final = "cool-down"


def check(scene: Scene) -> No | None:
    """Whether the pause is over."""
    if scene.standing != COOL_DOWN:
        return None
    until = scene.until_ns(COOL_DOWN)
    losses = scene.account.usage.losses
    row = f"{losses} losses in a row" if losses > 1 else "a loss"
    return No(f"the pause after {row} lasts {until_text(until, scene.now_ns)}", "wait for its end", until)


RULE: Final = gate("GUARD-108", NAME, check, ("cool_down", "streak"))
EXAMPLE: Final = Example(
    book={"cool_down": "15min"}, usage={"losses": 1, "cool_until_ns": "2026-12-10T13:00:01Z"}
)
