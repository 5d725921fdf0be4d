"""What every venue's module provides: how its markets and its tiers become rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from lotwise.contracts.bounds import MAX_NOTIONAL_CASH
from lotwise.contracts.facts_file import UNKNOWN, FactRow
from lotwise.contracts.refresh.reading import Contradiction, Raw, plain, require
from lotwise.units import SCALE

_FINEST: Final = Decimal(1) / SCALE
"""What is finer is not counted: amounts have 8 decimals."""


class Tier(NamedTuple):
    """One tier as read: notional bounds in the settle coin, highest leverage where told."""

    floor: Decimal
    cap: Decimal
    leverage: Decimal | None
    rate: Decimal
    cumulative: Decimal


class VenueReader(NamedTuple):
    """One venue: its words for the head of the file, and its two functions."""

    title: str
    markets_from: str
    """Which answer the contracts are read from."""
    tiers_from: str
    """Which answer the tiers are read from; empty where the venue gives none."""
    row: Callable[[Raw], FactRow | None]
    """A market's facts; None where it is not of this file, or does not trade."""
    tiers: Callable[[Raw, Sequence[Raw]], list[Tier]]
    """The market and its raw tiers to a table, lowest first; empty where it has none."""
    tiers_by: Literal["all", "market", "contract", "never"] = "all"
    """Asked for all at once, market by market, found in the contract itself, or not to be had."""
    tiers_signed: bool = False
    rules: FactRow = {}  # noqa: RUF012  # never changed
    """What the venue's documents say of all its contracts, and no answer tells."""


def no_tiers(raw: Raw, tiers: Sequence[Raw]) -> list[Tier]:
    """For a venue that tells no tiers."""
    return []


def tier_facts(symbol: str, day: str, tiers: Sequence[Tier]) -> list[FactRow]:
    """Rows of a table. The last cap is unknown where it is beyond what is counted: it has no end."""
    rows = [
        {
            "symbol": symbol,
            "as_of": day,
            "tier": str(number),
            "notional_floor": plain(tier.floor),
            "notional_cap": plain(tier.cap),
            "max_leverage": UNKNOWN if tier.leverage is None else plain(tier.leverage),
            "maintenance_rate": plain(tier.rate),
            "cumulative": plain(tier.cumulative),
        }
        for number, tier in enumerate(tiers, 1)
    ]
    if tiers and tiers[-1].cap * SCALE > MAX_NOTIONAL_CASH:
        rows[-1]["notional_cap"] = UNKNOWN
    return rows


def check_tiers(tiers: Sequence[Tier], highest: Decimal | None = None) -> list[Tier]:
    """A table that hangs together: no gap, rising rates, continuous margin, fractions.

    Parameters
    ----------
    highest
        Leverage that the venue allows at least, where its tiers name none.
    """
    for number, tier in enumerate(tiers, 1):
        most = tier.leverage or highest or Decimal(1)
        require(0 <= tier.floor < tier.cap, f"tier {number}: {plain(tier.floor)} to {plain(tier.cap)}")
        require(
            tier.rate > 0 and tier.rate * most <= 1,
            f"tier {number}: maintenance rate {plain(tier.rate)} at {plain(most)}x: not a fraction",
        )
        require(tier.leverage is None or tier.leverage >= 1, f"tier {number}: leverage below 1")
    if tiers:
        first = tiers[0]
        require(first.floor == 0, f"tier 1 begins at {plain(first.floor)}")
        require(first.cumulative == 0, f"tier 1 has the cumulative amount {plain(first.cumulative)}")
    for number, (before, tier) in enumerate(pairwise(tiers), 2):
        _check_follows(number, before, tier)
    return list(tiers)


def _check_follows(number: int, before: Tier, tier: Tier) -> None:
    if tier.floor != before.cap:
        raise Contradiction(
            f"tier {number} begins at {plain(tier.floor)}, tier {number - 1} ends at {plain(before.cap)}"
        )
    require(tier.rate >= before.rate, f"tier {number}: the maintenance rate falls")
    if tier.leverage is not None and before.leverage is not None:
        require(tier.leverage <= before.leverage, f"tier {number}: the leverage rises")
    expected = before.cumulative + tier.floor * (tier.rate - before.rate)
    require(
        abs(tier.cumulative - expected) < _FINEST,
        f"tier {number}: cumulative amount {plain(tier.cumulative)}, continuity asks {plain(expected)}",
    )
