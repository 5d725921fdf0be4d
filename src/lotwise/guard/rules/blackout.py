"""No trades around announced events.

What it checks
    Nothing is opened between the start and the end of an event of your calendar.

Why
    A stop is an order to sell at what is bid then, and in the second of a number nothing is. A 2 % stop that
    is passed over by a fall of 5 % loses 2.5 times what was meant.

Refused
    CPI from 2026-12-10 13:00 to 13:45 UTC: an order at 13:00.

What to do instead
    Wait until it is over. What is open may be made smaller before it, and its stops tightened at any time.
"""

from __future__ import annotations

from typing import Final

from lotwise.guard.case import No, Scene, gate
from lotwise.guard.example import Example
from lotwise.guard.facts import Blackout
from lotwise.guard.words import until_text

NAME: Final = "blackout"


def _over_ns(blackouts: tuple[Blackout, ...], now_ns: int) -> int:
    """The first instant from now on that no blackout holds."""
    free = now_ns
    while later := [black.until_ns for black in blackouts if black.from_ns <= free < black.until_ns]:
        free = max(later)
    return free


def check(scene: Scene) -> No | None:
    """Whether no event is on."""
    now_ns = scene.now_ns
    for black in scene.book.blackouts:
        if black.from_ns <= now_ns < black.until_ns:
            until = _over_ns(scene.book.blackouts, now_ns)
            return No(
                f"nothing is opened around {black.name}, {until_text(until, now_ns)}", "wait for it", until
            )
    return None


RULE: Final = gate("GUARD-104", NAME, check, ("blackouts",))
EXAMPLE: Final = Example(
    book={"blackouts": [{"from": "2026-12-10T13:00Z", "until": "2026-12-10T13:45Z", "name": "CPI"}]}
)
