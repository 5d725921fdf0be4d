"""What a comparison of venues says: for one account, one coin and one stop, venue by venue.

Money is in the account's coin, exact decimal text; unknown is ``None``, and every fact that is
known names its source and, where that has one, its day.
"""

from __future__ import annotations

from html import escape
from typing import Literal

import msgspec

from lotwise.records.answers import Answer, Block, WayOut

VenueStatus = Literal["fits", "refused", "not sized", "no contract facts"]
"""``refused``: even the smallest order breaks a rule; ``not sized``: the question does not suit it."""


class SourcedFact(msgspec.Struct, frozen=True, kw_only=True):
    """One fact of a venue: what, of which day (``None``: the source names none), from where."""

    value: str
    as_of: str | None
    source: str


class VenueAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One venue: what this account may trade there and under which rules.

    ``quantity`` and ``smallest_quantity`` count coins, whatever the venue's order counts;
    ``contracts`` is in the venue's own unit. ``smallest_loss`` is given where nothing fits: what
    the smallest order would lose. ``lot_waste`` is the share of the budget that stays unused.
    """

    venue: str
    name: str
    status: VenueStatus
    contract: str | None = None
    kind: str | None = None
    settle: str | None = None
    entry: str | None = None
    stop: str | None = None
    smallest_quantity: str | None = None
    smallest_money: str | None = None
    quantity: str | None = None
    contracts: str | None = None
    loss: str | None = None
    smallest_loss: str | None = None
    budget_used: str | None = None
    lot_waste: str | None = None
    leverage: str | None = None
    margin: str | None = None
    blocked_by: Block | None = None
    way_out: WayOut | None = None
    maker_fee: str | None = None
    taker_fee: str | None = None
    max_leverage: str | None = None
    margin_tiers: int | None = None
    tick_size: str | None = None
    lot_size: str | None = None
    lot_quantity: str | None = None
    funding_hours: int | None = None
    contract_as_of: str | None = None
    contract_source: str | None = None
    notes: list[str] = []
    facts: dict[str, SourcedFact | None] = {}


class VenueComparison(Answer, frozen=True, kw_only=True):
    """Venues side by side for one account; ``least_waste`` is the one that uses most of the budget."""

    coin: str
    side: str
    equity: str
    currency: str
    risk: str
    budget: str
    price: str
    price_from: str
    price_day: str | None
    stop: str
    least_waste: str | None
    assumptions: list[str]
    venues: list[VenueAnswer]

    def _repr_html_(self) -> str:
        """A table for notebooks, one column for each venue."""
        header = "".join(f"<th>{escape(one.name)}</th>" for one in self.venues)
        rows = [
            f"<tr><th style='text-align:left'>{name.replace('_', ' ')}</th>"
            + "".join(f"<td>{escape(str(getattr(one, name) or '–'))}</td>" for one in self.venues)
            + "</tr>"
            for name in ("status", "contract", "smallest_money", "quantity", "loss", "budget_used")
        ]
        return f"<table><tr><th></th>{header}</tr>{''.join(rows)}</table>"
