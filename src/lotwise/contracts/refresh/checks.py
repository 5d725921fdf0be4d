"""When a whole refresh is refused: too many contracts contradict themselves, or too few are left."""

from __future__ import annotations

from typing import Final

from lotwise.contracts.facts_file import NO_TIER
from lotwise.contracts.refresh.rebuild import InForce, Rebuilt
from lotwise.errors import InputError, VenueError

MOST_REFUSED_PERCENT: Final = 5
"""A few odd contracts are the venue's; more of them mean that the answer is not what we read it as."""


def check_day(venue: str, before: InForce, day: str) -> None:
    """A refresh never goes back in time.

    Raises
    ------
    InputError
        CONTRACT-403.
    """
    if before.day > day:
        raise InputError(
            "CONTRACT-403",
            f"this machine's day is {day}, the facts of {venue} are of {before.day}",
            "set the clock of this machine",
        )


def check_whole(venue: str, before: InForce, made: Rebuilt, tiers_by: str) -> None:
    """Refuse an answer that cannot be trusted as a whole.

    Raises
    ------
    VenueError
        CONTRACT-401 more than 5 % of the contracts contradict themselves; CONTRACT-402 fewer than
        half of today's contracts, or of its tier tables, are in the answer.
    """
    refused, taken = len(made.refused), len(made.rows)
    total = refused + taken + len(made.left_out)
    if refused * 100 > MOST_REFUSED_PERCENT * total:
        first = "; ".join(f"{one.symbol}: {one.reason}" for one in made.refused[:3])
        raise VenueError(
            "CONTRACT-401",
            f"{refused} of {total} contracts of {venue} contradict themselves, over {MOST_REFUSED_PERCENT} %:"
            f" {first}",
            "nothing was written; try again later, and report it if it stays",
        )
    _check_half(venue, "contracts", taken, len(before.listed()))
    if made.tiers is not None and tiers_by != "contract":
        known = [symbol for symbol in before.tables() if symbol in before.listed()]
        told = [table for table in made.tiers.values() if table[0]["tier"] != NO_TIER]
        _check_half(venue, "tier tables", len(told), len(known))


def _check_half(venue: str, what: str, now: int, before: int) -> None:
    said = f"{venue} answers with {now} usable {what}"
    if now * 2 < before:
        said += f", today's facts have {before}: fewer than half"
    elif now or what != "contracts":
        return
    raise VenueError("CONTRACT-402", said, "nothing was written; try again later")
