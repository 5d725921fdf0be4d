"""Fresh facts.

What it checks
    The market was heard of within so long, and the contract's facts (steps, tiers, fees) are no older than
    so long. A stamp as far in the future is as wrong as one in the past: a clock is off.

Why
    A market that moves 0.05 % a minute is 0.5 % away after ten: a quarter of a 2 % stop. Venues change lot
    steps and margin tiers with a few days' notice.

Refused
    A market_age of 10 s: an order on a price that is 10.001 s old.

What to do instead
    See why the feed stands still. `lotwise contracts refresh` reads the contract's facts anew.
"""

from __future__ import annotations

from typing import Final

from lotwise.guard.case import No, Scene, gate, unknown
from lotwise.guard.example import Example
from lotwise.guard.words import span_text

NAME: Final = "fresh facts"


def _stale(age_ns: int, bound_ns: int, what: str, hint: str) -> No | None:
    if -bound_ns <= age_ns <= bound_ns:
        return None
    allowed = f"the rulebook allows {span_text(bound_ns)}"
    if age_ns < 0:
        return No(f"{what} is from {span_text(-age_ns)} in the future; {allowed}", "set the clock right")
    return No(f"{what} is {span_text(age_ns)} old; {allowed}", hint)


def check(scene: Scene) -> No | None:
    """Whether nothing is stale, and nothing that is asked for is missing."""
    book, market = scene.book, scene.market
    if book.market_age_ns:
        if market.seen_ns is None:
            return unknown("when the market was last heard of", "market_age", "give MarketFacts.seen_ns")
        what = f"the last of {scene.contract.id} that was heard"
        hint = "wait for a new price; see whether the feed still runs"
        if said := _stale(scene.now_ns - market.seen_ns, book.market_age_ns, what, hint):
            return said
    if book.facts_age_ns:
        if market.facts_ns is None:
            how = "give MarketFacts.facts_ns: the day of the contract's facts (Contract.as_of)"
            return unknown(f"the day of the facts of {scene.contract.id}", "facts_age", how)
        hint = f"read them anew: lotwise contracts refresh --venue {scene.contract.venue}"
        what = f"what is known of {scene.contract.id} (steps, tiers, fees)"
        return _stale(scene.now_ns - market.facts_ns, book.facts_age_ns, what, hint)
    return None


RULE: Final = gate("GUARD-105", NAME, check, ("market_age", "facts_age"))
EXAMPLE: Final = Example(book={"market_age": "10s"}, market={"seen_ns": "2026-12-10T12:59:49.999Z"})
