"""Locked by hand, or by the kill switch.

What it checks
    Nothing is opened while the account is locked. Stops, reductions, cancelled entries and flattening go
    through.

Why
    Whoever locked the account was calmer than whoever would open it now. So a lock can be made longer, never
    shorter, and no rule, setting or restart lifts it before its time: only `lotwise trade --unlock REASON`
    does, and the reason is kept.

Refused
    An account locked until 2026-12-11 00:00 UTC: any trade on 2026-12-10.

What to do instead
    Wait. Close what is open, or let its stops work.
"""

from __future__ import annotations

from typing import Final

from lotwise.guard.case import No, Scene, gate
from lotwise.guard.example import Example
from lotwise.guard.words import until_text
from lotwise.kernel.limit_codes import LOCKED

NAME: Final = "locked"


def check(scene: Scene) -> No | None:
    """Whether the lock is over."""
    if scene.standing != LOCKED:
        return None
    until = scene.until_ns(LOCKED)
    return No(
        f"the account is locked by hand {until_text(until, scene.now_ns)}",
        "wait; what is open can be closed, and its stops tightened",
        until,
    )


RULE: Final = gate("GUARD-102", NAME, check)
EXAMPLE: Final = Example(usage={"locked_until_ns": "2026-12-11T00:00Z"})
