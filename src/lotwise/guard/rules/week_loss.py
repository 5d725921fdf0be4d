"""Loss of the week.

What it checks
    When the equity, open positions included, is so much below the week's start, nothing is opened until
    Monday, 0:00 of your time zone; a recovery does not lift the lock. Before that, a trade may lose at its
    stop only what is left of the week after every open stop is hit. Deposits and withdrawals are neither
    loss nor gain: the start moves along with them.

Why
    A loss must be earned back on what is left. 6 % lost need 6.4 % to be back, 20 % need 25 %, and 50 % need
    100 %. A week in which the market does not suit you ends by itself; so should your losses in it.

Refused
    A week begun with 1,000 USDT and a lock at 6 %: any trade at an equity of 940 USDT.

What to do instead
    Stop for the week and read the journal. Where a little is left, take a smaller trade or tighten a stop
    that is open: that frees what it risked.
"""

from __future__ import annotations

from typing import Final

from lotwise.guard.case import UNBOUND, Case, GuardRule, No, Scene, share_of_up
from lotwise.guard.example import Example
from lotwise.guard.words import percent_up, until_text
from lotwise.kernel.limit_codes import WEEK_LOSS, WEEK_ROOM
from lotwise.kernel.limits import week_room
from lotwise.units import Cash, percent_text

NAME: Final = "week loss"


def room(scene: Scene) -> Cash:
    """What is left of the week if every open stop is hit; nothing under the lock."""
    if scene.standing == WEEK_LOSS:
        return Cash(0)
    allowed, usage = scene.rows
    left = week_room(allowed, usage, scene.account.equity_cash)
    return left if left == UNBOUND else Cash(max(0, left))


def check(case: Case) -> No | None:
    """Whether the week is open, and stays so when the trade loses."""
    scene = case.scene
    usage, equity = scene.account.usage, scene.account.equity_cash
    share8 = scene.book.allowed.week_loss_share8
    if scene.standing == WEEK_LOSS:
        until = scene.until_ns(WEEK_LOSS)
        lost = share_of_up(max(0, usage.week_start_cash - equity), usage.week_start_cash)
        return No(
            f"the week began with {scene.money(usage.week_start_cash)} and stands at {scene.money(equity)}"
            f" ({percent_up(lost)} lost); at {percent_text(share8)} it is locked"
            f" {until_text(until, scene.now_ns)}",
            "open nothing more this week",
            until,
        )
    left = room(scene)
    if case.risk_cash <= left:
        return None
    return case.too_risky(
        f"the trade loses {scene.money(case.risk_cash)} at its stop; {scene.money(left)} are left of the"
        f" week's {percent_text(share8)} once the open stops are hit ({scene.money(usage.open_risk_cash)})",
        left,
        "tighten an open stop, or wait for Monday",
        scene.until_ns(WEEK_ROOM),
    )


RULE: Final = GuardRule("GUARD-106", NAME, check, room, ("week_loss", "time_zone"))
EXAMPLE: Final = Example(book={"week_loss": "6%"}, account={"equity_cash": "940"})
