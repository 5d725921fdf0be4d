"""A spot holding hedged with a short: what whole lots reach, what stays, what it costs and needs."""

from __future__ import annotations

import msgspec

from lotwise.records.answers import Answer, Block, WayOut


class HedgeChoice(msgspec.Struct, frozen=True, kw_only=True):
    """One whole number of lots, and what it leaves open.

    ``left_open`` counts coins of the contract shorted; below 0 the short is larger than the exact hedge.
    It and its worth are rounded away from 0. ``hedged_share`` is rounded down.
    """

    name: str
    """lower or nearest."""
    lots: int
    quantity: str
    notional: str
    hedged_share: str
    left_open: str
    left_open_worth: str
    allowed: bool
    """Whether the venue takes an order of this size."""


class HedgeBeta(msgspec.Struct, frozen=True, kw_only=True):
    """How far the holding moves when the hedge moves by one, and where that is from."""

    beta: str
    correlation: str | None
    r_squared: str | None
    error: str | None
    """Standard error of a measured beta."""
    window: str | None
    """Of a measured one: how many returns, of what length, from when to when."""


class HedgeRisk(msgspec.Struct, frozen=True, kw_only=True):
    """What stays of the swings. Estimates: floats, rounded to the nearest last digit shown.

    Shares are of the variance; ``day_before`` and ``day_after`` are one standard deviation of a day in money.
    """

    left_of_exact_hedge: str
    left_with_lots: str
    volatility_year: str | None
    day_before: str | None
    day_after: str | None


class HedgeMargin(msgspec.Struct, frozen=True, kw_only=True):
    """What the short needs behind it; the coins held are no margin."""

    leverage: str | None
    initial_margin: str
    liquidation_price: str | None
    bankruptcy_price: str | None
    """Where margin tiers are unknown it stands in for the liquidation price."""
    may_rise: str | None
    """How far the price may rise until then, rounded down."""
    rise: str
    rise_price: str
    cash_for_rise: str
    """Least isolated margin with which the rise is survived."""
    cash_beyond_margin: str
    """What of it must be added to the initial margin."""
    cash_in_all: str
    """The larger of margin and cash for the rise, and the costs of opening."""


class HedgeCosts(msgspec.Struct, frozen=True, kw_only=True):
    """To open and to close at the same price; every part rounded up."""

    entry_fee: str
    exit_fee: str
    spread: str
    slippage: str
    total: str
    of_worth: str


class HedgeCarry(msgspec.Struct, frozen=True, kw_only=True):
    """Funding of the short; above 0 it receives. Rounded down."""

    source: str
    year_rate: str
    day: str
    year: str


class HedgeAnswer(Answer, frozen=True, kw_only=True):
    """A hedge in whole lots. Where ``feasible`` is false, nothing is opened and its figures are ``None``."""

    feasible: bool
    contract: str
    holding: str
    holding_coin: str
    price: str
    worth: str
    hedge_price: str
    exact: str
    """The exact hedge in coins of the contract, rounded down."""
    lots: int
    quantity: str
    quantity_unit: str
    contracts: str
    notional: str | None
    chosen: str
    lower: HedgeChoice
    nearest: HedgeChoice
    beta: HedgeBeta | None
    risk: HedgeRisk | None
    margin: HedgeMargin | None
    costs: HedgeCosts | None
    carry: HedgeCarry | None
    blocked_by: Block | None
    ways_out: list[WayOut]
    warnings: list[str]
    notes: list[str]
    settle: str
    as_of: str | None
