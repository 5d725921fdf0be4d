"""Positions at a time.

What it checks
    How many positions are open.

Why
    Five positions of 1 % that fall together lose 5 %. Nobody watches five markets at the moment when it
    matters, and it matters in all of them at once.

Refused
    A rulebook of 2 positions with 2 open: a third.

What to do instead
    Close one first. If the new trade is better than those that are open, one of those is the one to close.
"""

from __future__ import annotations

from typing import Final

from lotwise.guard.case import No, Scene, gate
from lotwise.guard.example import Example
from lotwise.kernel.limit_codes import POSITIONS

NAME: Final = "positions"


def check(scene: Scene) -> No | None:
    """Whether one more may be open."""
    if scene.standing != POSITIONS:
        return None
    return No(
        f"{scene.account.usage.positions} positions are open; {scene.book.allowed.positions} are allowed at"
        " a time",
        "close one first",
    )


RULE: Final = gate("GUARD-118", NAME, check, ("positions",))
EXAMPLE: Final = Example(book={"positions": 2}, usage={"positions": 2})
