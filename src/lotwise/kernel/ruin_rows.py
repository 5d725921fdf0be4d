"""The rows of paths to ruin: counts of lots, how a path is walked, what it came to.

Two bodies each, as :mod:`lotwise.kernel.layout` says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lotwise.kernel.state import Blank

if TYPE_CHECKING:
    from collections.abc import Sequence

CHANCES: Final = 4_294_967_296
"""A draw is one of so many, 2**32."""

# -- what a result is
NET: Final = 0
"""A multiple of the loss at the stop, costs in."""
GROSS: Final = 1
"""A multiple of the price move to the stop; the costs of the trade come off."""
TARGET: Final = 2
"""The stop or the target, by chance; all costs of either are charged."""

# -- how a path ends
GOING: Final = 0
"""It made every trade."""
RUINED: Final = 1
"""Equity at or below the ruin line."""
STUCK: Final = 2
"""Not even the smallest order fits any more."""
REACHED: Final = 3
"""Equity at or above the target."""


class RungRow(Blank):
    """A count of lots."""

    __slots__ = (
        "equity_cash",  # least equity that every rule but the budget asks, NO_BOUND: none is enough
        "gain_cash",  # profit at the target after all costs
        "loss_cash",  # loss at the stop with all costs
        "price_cash",  # the part of the loss that is the price move
    )
    equity_cash: int
    gain_cash: int
    loss_cash: int
    price_cash: int


class WalkRow(Blank):
    """How paths are walked."""

    __slots__ = (
        "block",  # so many results in a row are taken from the sample
        "equity_cash",  # at the start
        "ideal",  # 1: fractions of a lot, no smallest order, no margin: for comparison
        "kind",  # NET, GROSS or TARGET
        "lot_loss_cash",  # loss of a lot at the last rung, for a first guess
        "margin_share8",  # share of equity that may be margin
        "risk_cash",  # money at risk, 0: the plan's share
        "ruin_cash",  # ruined at or below it
        "smallest_lots",  # lots of the first rung
        "stretch8",  # the smallest order is taken while it loses at most so many budgets
        "target_cash",  # the path ends at or above it, 0: none
        "target_ticks",  # TARGET: price of the target
        "trades",  # most trades of a path
        "win_below",  # TARGET: a draw below it wins
    )
    block: int
    equity_cash: int
    ideal: int
    kind: int
    lot_loss_cash: int
    margin_share8: int
    risk_cash: int
    ruin_cash: int
    smallest_lots: int
    stretch8: int
    target_cash: int
    target_ticks: int
    trades: int
    win_below: int


class EndRow(Blank):
    """What a path came to."""

    __slots__ = (
        "code",  # GOING, RUINED, STUCK or REACHED
        "deepest8",  # deepest fall from a peak, share of the peak
        "equity_cash",  # at the end
        "trades",  # made
    )
    code: int
    deepest8: int
    equity_cash: int
    trades: int


if TYPE_CHECKING:
    Walk = Sequence[WalkRow]
    Rungs = Sequence[RungRow]
    Ends = Sequence[EndRow]
