"""Loss of the day.

What it checks
    When the equity, open positions included, is so much below the day's start, nothing is opened until
    midnight of your time zone; a recovery does not lift the lock. Before that, a trade may lose at its stop
    only what is left of the day after every open stop is hit. Deposits and withdrawals are neither loss nor
    gain: the start moves along with them.

Why
    Days that go wrong go on going wrong. At 1 % a trade, ten losses cost 9.6 %; with a lock at 3 %, three
    cost 2.97 %, and the fourth trade may lose only the 0.03 % that is left.

Refused
    A day begun with 1,000 USDT and a lock at 3 %: any trade at an equity of 970 USDT.

What to do instead
    Stop for the day. Where a little is left, take a smaller trade or tighten a stop that is open: that frees
    what it risked.
"""

from __future__ import annotations

from typing import Final

from lotwise.guard.case import UNBOUND, Case, GuardRule, No, Scene, share_of_up
from lotwise.guard.example import Example
from lotwise.guard.words import percent_up, until_text
from lotwise.kernel.limit_codes import DAY_LOSS, DAY_ROOM
from lotwise.kernel.limits import day_room
from lotwise.units import Cash, percent_text

NAME: Final = "day loss"


def room(scene: Scene) -> Cash:
    """What is left of the day if every open stop is hit; nothing under the lock."""
    if scene.standing == DAY_LOSS:
        return Cash(0)
    allowed, usage = scene.rows
    left = day_room(allowed, usage, scene.account.equity_cash)
    return left if left == UNBOUND else Cash(max(0, left))


def check(case: Case) -> No | None:
    """Whether the day is open, and stays so when the trade loses."""
    scene = case.scene
    usage, equity = scene.account.usage, scene.account.equity_cash
    share8 = scene.book.allowed.day_loss_share8
    if scene.standing == DAY_LOSS:
        until = scene.until_ns(DAY_LOSS)
        lost = share_of_up(max(0, usage.day_start_cash - equity), usage.day_start_cash)
        return No(
            f"the day began with {scene.money(usage.day_start_cash)} and stands at {scene.money(equity)}"
            f" ({percent_up(lost)} lost); at {percent_text(share8)} it is locked"
            f" {until_text(until, scene.now_ns)}",
            "open nothing more today",
            until,
        )
    left = room(scene)
    if case.risk_cash <= left:
        return None
    return case.too_risky(
        f"the trade loses {scene.money(case.risk_cash)} at its stop; {scene.money(left)} are left of the"
        f" day's {percent_text(share8)} once the open stops are hit ({scene.money(usage.open_risk_cash)})",
        left,
        "tighten an open stop, or wait for tomorrow",
        scene.until_ns(DAY_ROOM),
    )


RULE: Final = GuardRule("GUARD-107", NAME, check, room, ("day_loss", "time_zone"))
EXAMPLE: Final = Example(book={"day_loss": "3%"}, account={"equity_cash": "970"})
