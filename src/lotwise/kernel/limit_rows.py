"""The rows of the trader's own limits and plan: what is allowed, what has happened, what is at risk.

Two bodies each, as :mod:`lotwise.kernel.layout` says. A limit of 0 is no bound. Amounts of money
are at most 1e18 (ten thousand million of the coin), times are ns UTC from 1970 on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lotwise.kernel.state import Blank

if TYPE_CHECKING:
    from collections.abc import Sequence

# -- how a plan raises what is at risk
FRACTION: Final = 0
"""No steps: always the same share of the capital."""
EQUITY_STEPS: Final = 1
"""A share of a base that moves in steps of the capital."""
TRADE_STEPS: Final = 2
"""One lot more after so many good trades, within the share of the capital."""


class AllowedRow(Blank):
    """What the plan allows. The caller says which money is the equity: account or allocated."""

    __slots__ = (
        "cool_ns",  # pause after a losing trade
        "day_loss_share8",  # of the equity at the day's start
        "day_offset_ns",  # the trader's clock is so far ahead of UTC (UTC+2: two hours)
        "day_trades",  # most trades opened in a day
        "leverage100",  # most notional of all positions over equity, in hundredths
        "open_risk_share8",  # most that all open trades may lose at their stops, share of equity
        "positions",  # most positions open at a time
        "risk_cash",  # most that one trade may lose at its stop, in money
        "risk_share8",  # most that one trade may lose at its stop, share of equity
        "streak_cool_ns",  # pause after a loss that is the k-th in a row, or a later one
        "streak_losses",  # k
        "week_loss_share8",  # of the equity at the week's start
    )
    cool_ns: int
    day_loss_share8: int
    day_offset_ns: int
    day_trades: int
    leverage100: int
    open_risk_share8: int
    positions: int
    risk_cash: int
    risk_share8: int
    streak_cool_ns: int
    streak_losses: int
    week_loss_share8: int


class UsageRow(Blank):
    """What has happened, as far as limits ask for it."""

    __slots__ = (
        "cool_until_ns",  # no opening before it
        "day",  # the trader's day, counted from 1970-01-01
        "day_locked",  # 1: the day's largest loss was reached
        "day_start_cash",  # equity at the day's start, moved along by transfers
        "day_trades",  # trades opened today
        "last_loss_ns",  # when the last losing trade was closed, 0: none
        "locked_until_ns",  # locked by hand until then
        "losses",  # losing trades in a row
        "open_notional_cash",  # of all open positions
        "open_risk_cash",  # what open trades lose at their stops, none below 0
        "positions",  # open now
        "started",  # 1: the first day has begun
        "week",  # the trader's week from Monday on, counted from 1969-12-29
        "week_locked",  # 1: the week's largest loss was reached
        "week_start_cash",  # equity at the week's start, moved along by transfers
    )
    cool_until_ns: int
    day: int
    day_locked: int
    day_start_cash: int
    day_trades: int
    last_loss_ns: int
    locked_until_ns: int
    losses: int
    open_notional_cash: int
    open_risk_cash: int
    positions: int
    started: int
    week: int
    week_locked: int
    week_start_cash: int


class PlanStepRow(Blank):
    """How the money at risk grows and shrinks, and where it stands."""

    __slots__ = (
        "base_cash",  # what the money at risk is a share of, with EQUITY_STEPS
        "down_share8",  # a fall of so much from the step's peak is a step down, 0: never
        "down_steps",  # steps down that were not given back yet
        "first_lots",  # TRADE_STEPS: lots at the start, and the fewest
        "good_trades",  # TRADE_STEPS: since the last step
        "kind",  # FRACTION, EQUITY_STEPS or TRADE_STEPS
        "level",  # steps up minus steps down
        "lots",  # TRADE_STEPS: lots now
        "peak_cash",  # highest capital since the last step
        "recover_cash",  # capital that gives the last step down back, 0: none to give back
        "reserve_cash",  # money of the account that is not the plan's; capital = equity - reserve
        "risk_share8",  # share at risk
        "step_share8",  # a rise of so much above the base is a step up, 0: never
        "step_trades",  # TRADE_STEPS: good trades for one lot more, 0: never
    )
    base_cash: int
    down_share8: int
    down_steps: int
    first_lots: int
    good_trades: int
    kind: int
    level: int
    lots: int
    peak_cash: int
    recover_cash: int
    reserve_cash: int
    risk_share8: int
    step_share8: int
    step_trades: int


if TYPE_CHECKING:
    Allowed = Sequence[AllowedRow]
    Usage = Sequence[UsageRow]
    PlanSteps = Sequence[PlanStepRow]
