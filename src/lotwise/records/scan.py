"""What a scan says: one row per contract, ready for JSON, CSV and tables."""

from __future__ import annotations

from html import escape
from typing import Final

import msgspec

from lotwise.records.answers import Answer

SHOWN_ROWS: Final = 30
"""Of a table in a notebook."""


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a market at one moment: decimal text, ``None`` where unknown.

    ``price`` in the quote coin, ``spread`` the full spread in it, ``volume`` the last 24 hours'
    turnover and ``open_interest`` in the quote coin, ``funding_rate`` per interval, ``atr`` the
    average true range in the quote coin. ``at`` is when, ``source`` where from.
    """

    price: str
    at: str
    source: str
    spread: str | None = None
    volume: str | None = None
    open_interest: str | None = None
    funding_rate: str | None = None
    atr: str | None = None


class ScanRow(msgspec.Struct, frozen=True, kw_only=True):
    """One contract under the setup.

    Where ``fits`` is false, ``reason`` names the rule that refuses, or what is missing
    (``no_price``, ``no_fees``, ``no_stop``) or out of range (``costs``, ``funding``,
    ``too_large_to_count``); of a refusal the figures are those of the smallest order the venue
    takes, otherwise they are ``None``. ``waste`` is the share of the budget
    that the lot step leaves unused, ``costs_of_budget`` what fees, spread, slippage and funding
    take of it. ``liquidation`` is ``open`` (there is a price), ``none`` (no price does it) or
    ``unknown`` (without margin tiers). Money is in ``settle``.
    """

    contract: str
    base: str
    settle: str
    sector: str | None
    fits: bool
    reason: str | None
    price: str | None
    price_at: str | None
    price_source: str | None
    stop: str | None
    lots: int
    quantity: str | None
    quantity_unit: str
    contracts: str | None
    notional: str | None
    loss_at_stop: str | None
    budget: str | None
    waste: str | None
    costs: str | None
    costs_of_budget: str | None
    leverage: str | None
    initial_margin: str | None
    liquidation: str | None
    liquidation_price: str | None
    liquidation_distance: str | None
    spread: str | None
    volume: str | None
    open_interest: str | None
    funding_rate: str | None
    as_of: str | None


class ScanAnswer(Answer, frozen=True, kw_only=True):
    """The setup, how many contracts it was asked of, and the rows."""

    side: str
    equity: str
    risk: str
    stop: str
    contracts: int
    priced: int
    fitting: int
    rows: list[ScanRow]
    notes: list[str]

    def _repr_html_(self) -> str:
        """A table for notebooks: the first rows, what fits and what refuses."""
        heads = ("contract", "price", "quantity", "loss at stop", "waste", "leverage", "")
        names = ("contract", "price", "quantity", "loss_at_stop", "waste", "leverage")
        rows = [
            "<tr>"
            + "".join(f"<td>{escape(str(getattr(row, name) or '–'))}</td>" for name in names)
            + f"<td>{'fits' if row.fits else escape((row.reason or '').replace('_', ' '))}</td></tr>"
            for row in self.rows[:SHOWN_ROWS]
        ]
        said = (
            f"{self.fitting} of {self.contracts} contracts fit {self.equity} at {self.risk}"
            f" with a stop of {self.stop}, {self.side}; {len(rows)} of {len(self.rows)} are shown"
        )
        head = "".join(f"<th>{name}</th>" for name in heads)
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return f"<table><caption>{escape(said)}</caption><tr>{head}</tr>{''.join(rows)}</table>{notes}"
