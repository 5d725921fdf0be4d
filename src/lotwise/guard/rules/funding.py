"""Funding.

What it checks
    What the next funding charges this side, as a share of what is traded; where the rulebook says so, only a
    funding that is charged within so long. What this side is paid is no reason to refuse.

Why
    0.1 % every 8 hours is 109.5 % a year. With a stop 2 % away, one such charge is a twentieth of what the
    trade was to risk, and it is paid whether the trade wins or not.

Refused
    A bound of 0.05 %: a long that is charged 0.06 % in 30 min.

What to do instead
    Wait until it is charged, trade the other side, or a dated contract of the coin: those have no funding.
"""

from __future__ import annotations

from typing import Final

from lotwise.guard.case import No, Scene, gate, unknown
from lotwise.guard.example import Example
from lotwise.guard.words import instant_text, span_text
from lotwise.units import percent_text

NAME: Final = "funding"
_HOW: Final = "give MarketFacts.funding8 and funding_ns: the next rate and when it is charged"


def check(scene: Scene) -> No | None:
    """Whether the next funding is cheap enough, or far enough."""
    bound8, within_ns = scene.book.funding8, scene.book.funding_within_ns
    if not bound8 or scene.contract.is_dated:
        return None
    rate8, charged_ns, now_ns = scene.market.funding8, scene.market.funding_ns, scene.now_ns
    if within_ns and charged_ns is None:
        return unknown("when funding is charged", "funding_within", _HOW)
    if charged_ns is not None and charged_ns <= now_ns:
        what = f"the funding after that of {instant_text(charged_ns)}"
        return unknown(what, "funding", _HOW)
    if charged_ns is not None and within_ns and charged_ns - now_ns > within_ns:
        return None
    if rate8 is None:
        return unknown("the next funding rate", "funding", _HOW)
    charge8 = scene.intent.side * rate8
    if charge8 <= bound8:
        return None
    when = "" if charged_ns is None else f" in {span_text(charged_ns - now_ns)}"
    return No(
        f"the next funding charges this side {percent_text(charge8)}{when}; the rulebook allows"
        f" {percent_text(bound8)}",
        "wait until it is charged" if charged_ns else "wait for a lower rate",
        charged_ns or 0,
    )


RULE: Final = gate("GUARD-132", NAME, check, ("funding", "funding_within"))
EXAMPLE: Final = Example(
    book={"funding": "0.05%"}, market={"funding8": "0.06%", "funding_ns": "2026-12-10T13:30Z"}
)
