"""What the calculator says: records of exact decimal text, ready for JSON, tables and notebooks.

Money and prices are decimal strings; counts are integers; what is unknown or does not exist
(a long that cannot be liquidated) is ``None``.
"""

from __future__ import annotations

from html import escape
from typing import Any

import msgspec

from lotwise.errors import RefusedError


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Shared by all answers: JSON and a notebook table."""

    def as_dict(self) -> dict[str, Any]:
        """Plain builtins, nested."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built

    def to_json(self) -> str:
        """One JSON object with the field names of this record."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode()

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(name.replace('_', ' '))}</th>"
            f"<td style='text-align:right'>{_cell(value)}</td></tr>"
            for name, value in self.as_dict().items()
            if value not in (None, [], "")
        )
        return f"<table>{rows}</table>"


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return "<br>".join(f"{escape(str(name))}: {escape(str(part))}" for name, part in value.items())
    if isinstance(value, list):
        return "<br>".join(
            escape(str(part.get("text", part) if isinstance(part, dict) else part)) for part in value
        )
    return escape(str(value))


class LossBreakdown(msgspec.Struct, frozen=True, kw_only=True):
    """The loss at the stop, part by part; each is rounded up to 1e-8."""

    price: str
    entry_fee: str
    exit_fee: str
    spread: str
    slippage: str
    funding: str


class EntryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One entry order: a ladder has several."""

    price: str
    lots: int
    quantity: str


class TargetAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One target: profit after all costs, and that in units of the loss at the stop.

    ``costs`` is what entry and exit take of it, ``cost_share`` that as a share of the price move
    (``None`` where nothing is closed); above 1 the target does not pay its costs.
    """

    price: str
    profit: str
    r: str
    costs: str
    cost_share: str | None
    lots: int
    quantity: str


class Friction(msgspec.Struct, frozen=True, kw_only=True):
    """What trading costs, beside what the price takes: at the stop, in money and in shares.

    ``of_loss`` is in R (the loss at the stop is one), ``of_notional`` a rate.
    """

    costs: str
    of_loss: str
    of_budget: str
    of_notional: str


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """The same trade under other fees: sized again."""

    change: str
    maker: str
    taker: str
    feasible: bool
    quantity: str
    loss_at_stop: str | None
    costs: str | None
    break_even_price: str | None


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """The rule that refuses the smallest order the venue takes."""

    code: str
    rule: str
    text: str


class WayOut(msgspec.Struct, frozen=True, kw_only=True):
    """A change that makes the trade fit; ``value`` can be passed back as the argument ``kind``."""

    kind: str
    value: str
    text: str


class SizePlan(Answer, frozen=True, kw_only=True):
    """What this account may trade, what it risks, and why not more.

    Where ``feasible`` is false, ``lots`` is 0 and loss, margin and prices describe nothing and
    are ``None``; ``next_lot_loss`` is then what the smallest order would lose.
    """

    feasible: bool
    contract: str
    side: str
    entry: str
    stop: str
    stop_distance: str
    lots: int
    quantity: str
    contracts: str
    notional: str
    preview: str
    entries: list[EntryAnswer]
    loss_at_stop: str | None
    loss_breakdown: LossBreakdown | None
    worst_loss: str | None
    budget: str
    budget_used: str
    margin: str
    leverage: str | None
    effective_leverage: str | None
    initial_margin: str | None
    free_margin_after: str | None
    maintenance_margin: str | None
    liquidation_price: str | None
    bankruptcy_price: str | None
    break_even_price: str | None
    cash_per_tick: str | None
    """``None`` for an inverse contract, where a tick is worth less the higher the price."""
    next_lot_loss: str
    friction: Friction | None
    targets: list[TargetAnswer]
    what_if: list[WhatIf]
    binding: str | None
    blocked_by: Block | None
    ways_out: list[WayOut]
    warnings: list[str]
    steps: list[str]
    settle: str
    base: str
    quantity_unit: str
    as_of: str | None

    def require(self) -> SizePlan:
        """This plan where it fits; code that must not go on without a size calls it.

        Raises
        ------
        RefusedError
            The blocking rule's code and sentence; the hint is the first way out.
        """
        if self.blocked_by is not None:
            hint = self.ways_out[0].text if self.ways_out else ""
            raise RefusedError(self.blocked_by.code, self.blocked_by.text, hint)
        return self


class MarginCall(msgspec.Struct, frozen=True, kw_only=True):
    """Where maintenance margin reaches a chosen share of the balance: a warning before the end."""

    ratio: str
    price: str | None
    distance: str | None


class LiquidationAnswer(Answer, frozen=True, kw_only=True):
    """Where a position is liquidated, exactly.

    ``liquidation_price`` is ``numerator / denominator`` rounded to 1e-8 toward the entry (the
    cautious side); ``None`` with ``status`` "never" (no positive price does it) or "now" (the
    account is under its maintenance margin whatever the price). ``tier`` counts from 1 and is
    the tier of the notional *at* that price. ``other_liquidation_price`` is the far one of a
    hedge. A listed future has the status "call": the broker calls for margin, and there is no
    liquidation price.
    """

    contract: str
    side: str
    quantity: str
    entry: str
    mark: str
    margin: str
    wallet: str
    rule: str
    status: str
    liquidation_price: str | None
    other_liquidation_price: str | None
    numerator: str | None
    denominator: str | None
    tier: int | None
    opened_in_tier: int | None
    notional_at_liquidation: str | None
    bankruptcy_price: str | None
    venue_break_even_price: str | None
    notional: str
    unrealised_pnl: str
    initial_margin: str | None
    maintenance_margin: str | None
    margin_balance: str
    margin_ratio: str | None
    distance: str | None
    margin_call: MarginCall
    warnings: list[str]
    settle: str
    as_of: str | None
