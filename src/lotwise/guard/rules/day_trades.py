"""Trades a day.

What it checks
    How many trades were opened today, in your time zone, whether they won or lost.

Why
    Every trade pays. Ten trades a day at a taker fee of 0.05 % each way cost 1 % of what is traded; at twice
    the account that is 2 % of the account, every day, before the market has done anything.

Refused
    A rulebook of 5 trades a day: the sixth.

What to do instead
    Wait for tomorrow, and choose better among the setups of a day: the count makes each of them cost one.
"""

from __future__ import annotations

from typing import Final

from lotwise.guard.case import No, Scene, gate
from lotwise.guard.example import Example
from lotwise.guard.words import until_text
from lotwise.kernel.limit_codes import DAY_TRADES

NAME: Final = "trades a day"


def check(scene: Scene) -> No | None:
    """Whether one more may be opened today."""
    if scene.standing != DAY_TRADES:
        return None
    until = scene.until_ns(DAY_TRADES)
    return No(
        f"{scene.account.usage.day_trades} trades were opened today; {scene.book.allowed.day_trades} are"
        f" allowed a day: nothing is opened {until_text(until, scene.now_ns)}",
        "wait for tomorrow",
        until,
    )


RULE: Final = gate("GUARD-109", NAME, check, ("trades_a_day", "time_zone"))
EXAMPLE: Final = Example(book={"trades_a_day": 5}, usage={"day_trades": 5})
