"""What a scaling plan is told, what it allows, and why it moved: integers with their units."""

from __future__ import annotations

from typing import Literal

import msgspec

from lotwise.units import Cash, Rate8

Where = Literal["paper", "live"]


class PlanEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """Something that a plan is told. Times are ns UTC and never go back."""

    time_ns: int


class Begun(PlanEvent, frozen=True, kw_only=True, tag="begun"):
    """The plan begins; the first event of every plan."""

    equity_cash: Cash
    """Of the live account, reserve included."""
    paper_cash: Cash = Cash(0)
    """Of the paper account; 0: as much."""


class TradeClosed(PlanEvent, frozen=True, kw_only=True, tag="closed"):
    """A round trip ended."""

    trade_id: str
    where: Where
    equity_cash: Cash
    """After it."""
    result_cash: Cash
    """Costs in."""
    risk_cash: Cash
    """What it could lose at its stop; 0: not known, the trade counts for no expectancy."""
    is_breach: bool = False
    """It broke a rule."""
    is_noted: bool = False
    """Its journal note is written."""


class TradeNoted(PlanEvent, frozen=True, kw_only=True, tag="noted"):
    """The note of a trade was written."""

    trade_id: str


class BreachFound(PlanEvent, frozen=True, kw_only=True, tag="breach"):
    """A review found later that a trade broke a rule."""

    trade_id: str


class EquitySeen(PlanEvent, frozen=True, kw_only=True, tag="equity"):
    """The account's equity, looked at between trades."""

    where: Where
    equity_cash: Cash


class Transferred(PlanEvent, frozen=True, kw_only=True, tag="transfer"):
    """Money came (above 0) or went (below 0): neither progress nor drawdown."""

    where: Where = "live"
    equity_before_cash: Cash
    amount_cash: Cash
    of_reserve: bool = False
    """It is of the money that the plan does not count on."""


class Priced(PlanEvent, frozen=True, kw_only=True, tag="priced"):
    """What the smallest order of each contract of the ladder loses at the usual stop now, costs in."""

    losses_cash: dict[str, Cash]


class SteppedBack(PlanEvent, frozen=True, kw_only=True, tag="back"):
    """The trader goes back a phase: always possible, never asked why."""

    reason: str = ""


AnyPlanEvent = (
    Begun | TradeClosed | TradeNoted | BreachFound | EquitySeen | Transferred | Priced | SteppedBack
)


class GateSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A gate as it stood: what was asked, what was there."""

    name: str
    """count, days, expectancy, breaches, drawdown or notes."""
    asked: str
    found: str
    is_open: bool
    """The trader may pass it."""
    share8: Rate8 = Rate8(0)
    """How far, 1e8: there."""


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """The plan allows something else than before, and what showed it."""

    time_ns: int
    sequence: int
    """Of the event that caused it."""
    kind: Literal["begin", "phase up", "phase down", "step up", "step down", "lock", "unlock", "contract"]
    before: str
    after: str
    why: str
    gates: tuple[GateSeen, ...] = ()
    equity_cash: Cash
    risk_cash: Cash
    """What a trade may lose after it."""


class PlanLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What the plan allows now; a session obeys it before its next intent."""

    sequence: int
    """Events it rests on."""
    phase: str
    where: Where
    """``paper``: no live order may be opened."""
    capital_cash: Cash
    risk_cash: Cash
    """Most that one trade may lose at its stop; 0: nothing is opened."""
    lots: int = 0
    """Most lots of one trade; 0: no bound of its own."""
    contracts: tuple[str, ...] = ()
    """The only ones that may be opened; empty: any."""
    locked_until_ns: int = 0
    next_step_cash: Cash | None = None
    """Equity at which the money at risk goes up; None: no equity alone does it."""
    next_fall_cash: Cash | None = None
    """Equity at which it goes down."""
