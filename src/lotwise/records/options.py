"""A future with a stop beside a bought option: one view, the same money at risk."""

from __future__ import annotations

import msgspec

from lotwise.records.answers import Answer, Block, SizePlan, WayOut


class BoughtOption(msgspec.Struct, frozen=True, kw_only=True):
    """The option. ``amount``, ``cost`` and ``break_even`` follow exactly from the premium.

    Estimates (floats, rounded to the nearest last digit): ``model_premium``, ``delta``, ``theta_day``,
    ``implied_volatility``, ``near_break_even``. A premium that is the model's own is rounded up to 1e-8.
    """

    kind: str
    """call or put."""
    strike: str
    expiry_days: str
    premium: str
    """Of one coin."""
    premium_from: str
    """given or model."""
    model_premium: str | None
    volatility: str
    """What later values are reckoned with, a year."""
    implied_volatility: str | None
    """Of a given premium."""
    amount: str
    cost: str
    """Premium and fee: the most that it loses; rounded up."""
    fee: str
    budget: str
    unused: str
    break_even: str
    """At expiry, rounded away from the entry to the contract's tick."""
    near_break_even: str | None
    delta: str
    """Of all of it, in coins."""
    theta_day: str
    """What all of it loses in the next day, in money."""


class PayoffRow(msgspec.Struct, frozen=True, kw_only=True):
    """One price. ``future_*`` are exact, with all costs; ``option_near`` is an estimate."""

    price: str
    name: str
    future_near: str
    option_near: str
    future_expiry: str
    option_expiry: str
    stopped: bool
    """The price is at or beyond the stop: the future is out there."""


class PathRow(msgspec.Struct, frozen=True, kw_only=True):
    """A way of the price until the near day, and what each makes of it; the option's is an estimate."""

    name: str
    text: str
    future: str
    option: str


class CurvePoint(msgspec.Struct, frozen=True, kw_only=True):
    """A point of the picture: the future and the option at expiry, and the option on the nearer day."""

    price: str
    future: str
    option_near: str
    option_expiry: str


class OptionComparison(Answer, frozen=True, kw_only=True):
    """Both side by side. Where ``feasible`` is false, ``blocked_by`` says which of them does not fit."""

    feasible: bool
    contract: str
    side: str
    entry: str
    stop: str
    target: str | None
    future: SizePlan
    option: BoughtOption | None
    near_days: str
    rows: list[PayoffRow]
    paths: list[PathRow]
    curve: list[CurvePoint]
    gap_price: str | None
    gap_loss_future: str | None
    """What a jump to the gap price takes; at most the margin and the costs, as the venue liquidates."""
    gap_loss_option: str | None
    """The most it can be: what the option cost."""
    funding_near: str | None
    """Funding of the future until the near day at its entry notional, rounded up; ``None``: not given."""
    funding_expiry: str | None
    blocked_by: Block | None
    ways_out: list[WayOut]
    warnings: list[str]
    notes: list[str]
    settle: str
    as_of: str | None
