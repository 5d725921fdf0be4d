"""The records rules read, each with two bodies of the same field names.

Interpreted: slotted objects in lists (``[ask]``, ``[leg, leg]``). Compiled: NumPy structured
arrays of int64, made by :func:`array_of`. A rule reads ``ask[0].side`` and cannot tell which.
NumPy records must never be interpreted: they wrap silently where Python's integers grow.

Units: ``_ticks`` steps of the tick size, ``_cash`` 1e-8 of the settle coin, ``8`` a rate or a
share in 1e-8, ``_lots`` steps of the lot size, ``leverage100`` hundredths (3x = 300).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

RATE: Final = 100_000_000
"""One, as a rate in 1e-8."""
LEVERAGE: Final = 100
"""One, as a leverage in hundredths."""
LONG: Final = 1
SHORT: Final = -1


class Row:
    """A record: int64 fields, all given by name, compared by value."""

    __slots__: tuple[str, ...] = ()

    def __init__(self, **fields: int) -> None:
        for name in self.__slots__:
            setattr(self, name, fields.pop(name))
        if fields:
            raise TypeError(f"{type(self).__name__} has no field {', '.join(fields)}")

    def values(self) -> tuple[int, ...]:
        """The fields in order."""
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.values() == other.values()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)}" for name in self.__slots__)
        return f"{type(self).__name__}({shown})"


class SpecRow(Row):
    """What is traded."""

    __slots__ = (
        "cash_per_tick_lot",  # linear: money one lot moves by when the price moves one tick, else 0
        "cash_ticks_per_lot",  # inverse: worth of one lot times the price in ticks, else 0
        "entry_based",  # 1: maintenance margin fixed at entry (Bybit before 2025-09-02)
        "fee_to_close",  # 1: initial margin holds the closing fee (Bybit), 0: it does not
        "margin_per_lot_cash",  # listed futures: initial margin of one lot; 0: by leverage
        "max_lots",  # largest order that may be sent, int64 bounds included
        "min_lots",  # smallest order
        "min_notional_cash",  # smallest opening order in money, 0 where unknown
    )
    cash_per_tick_lot: int
    cash_ticks_per_lot: int
    entry_based: int
    fee_to_close: int
    margin_per_lot_cash: int
    max_lots: int
    min_lots: int
    min_notional_cash: int


class LegRow(Row):
    """One entry of a ladder, from the farthest from the stop to the nearest."""

    __slots__ = (
        "cumulative_share8",  # share of the lots in this leg and all before it; last = RATE
        "price_ticks",  # order price
    )
    cumulative_share8: int
    price_ticks: int


class AskRow(Row):
    """The trade, without its size."""

    __slots__ = (
        "entry_fee8",  # fee rate of the entry
        "entry_spread_ticks",  # full spread where the entry takes, 0 where it rests
        "exit_fee8",  # fee rate at the stop
        "exit_spread_ticks",  # full spread at the stop
        "funding8",  # total funding over the hold this side pays, >= 0
        "leverage100",  # leverage asked for, 0: lowest that funds the trade
        "mark_ticks2",  # mark price in half ticks for the open loss, 0: no open loss
        "side",  # LONG or SHORT
        "slippage_ticks",  # allowance at the stop
        "stop_is_liquidation",  # 1: no stop order, the isolated margin is the loss
        "stop_ticks",  # trigger price
    )
    entry_fee8: int
    entry_spread_ticks: int
    exit_fee8: int
    exit_spread_ticks: int
    funding8: int
    leverage100: int
    mark_ticks2: int
    side: int
    slippage_ticks: int
    stop_is_liquidation: int
    stop_ticks: int


class LimitsRow(Row):
    """What the account and the plan allow."""

    __slots__ = (
        "budget_cash",  # most the trade may lose at the stop
        "cross_cash",  # cross: wallet - other maintenance + other PnL; unused isolated
        "free_cash",  # money available for margin and entry fee
        "is_cross",  # 1: cross margin
        "liquidation_multiple8",  # liquidation at least this many stop distances away
        "margin_cash",  # headroom: most that may be initial margin of this trade
        "max_leverage100",  # the plan's cap
    )
    budget_cash: int
    cross_cash: int
    free_cash: int
    is_cross: int
    liquidation_multiple8: int
    margin_cash: int
    max_leverage100: int


class TierRow(Row):
    """One maintenance margin tier; the first reaches down to 0, the last has no end."""

    __slots__ = (
        "cap_cash",  # largest notional of the tier
        "cumulative_cash",  # amount subtracted from notional x rate
        "maintenance_at_cap_cash",  # maintenance margin at the cap, exact
        "max_leverage100",  # largest leverage in the tier
        "rate8",  # maintenance rate
    )
    cap_cash: int
    cumulative_cash: int
    maintenance_at_cap_cash: int
    max_leverage100: int
    rate8: int


class ListedRow(Row):
    """A contract in a scan, beside its spec: what turns a price and a plan into an ask."""

    __slots__ = (
        "clearing",  # 1: a listed future: margin per contract, no leverage, the account behind it
        "end_tier",  # its tiers end before this row of the scan's tiers
        "first_tier",  # its tiers begin here
        "maker_fee8",  # fee rate where the entry rests
        "max_leverage100",  # the largest the venue allows, or is taken to allow
        "max_lots",  # the venue's largest order, -1 where unknown
        "taker_fee8",  # fee rate at the stop, and where the entry takes
        "tick_size8",  # price step
    )
    clearing: int
    end_tier: int
    first_tier: int
    maker_fee8: int
    max_leverage100: int
    max_lots: int
    taker_fee8: int
    tick_size8: int


class QuoteRow(Row):
    """What a scan knows of a market."""

    __slots__ = (
        "atr8",  # average true range in 1e-8 of the quote, 0 where unknown
        "funding8",  # total funding over the hold this side pays, >= 0
        "price8",  # price in 1e-8, 0 where unknown
        "spread8",  # full spread in 1e-8 of the quote; -1: the plan's
    )
    atr8: int
    funding8: int
    price8: int
    spread8: int


class PlanRow(Row):
    """The setup that a scan asks of every contract."""

    __slots__ = (
        "atr_multiple8",  # stop distance in ATRs, 0: stop_share8
        "entry_takes",  # 1: the entry takes and pays half the spread
        "equity_cash",  # money of the account, in dollars
        "largest_notional_cash",  # bound of the 64-bit proof
        "liquidation_multiple8",  # liquidation at least this many stop distances away
        "margin_share8",  # share of equity that may be margin
        "max_leverage100",  # the plan's cap, 0: the venue's
        "risk8",  # share of equity at risk, 0: risk_cash
        "risk_cash",  # money at risk
        "side",  # LONG or SHORT
        "slippage_share8",  # allowance at the stop, share of the entry price
        "spread_share8",  # full spread, share of the entry price
        "stop_share8",  # stop distance, share of the entry price
    )
    atr_multiple8: int
    entry_takes: int
    equity_cash: int
    largest_notional_cash: int
    liquidation_multiple8: int
    margin_share8: int
    max_leverage100: int
    risk8: int
    risk_cash: int
    side: int
    slippage_share8: int
    spread_share8: int
    stop_share8: int


class FoundRow(Row):
    """What a scan found for a contract."""

    __slots__ = (
        "budget_cash",  # money at risk, in the settle coin
        "code",  # why not more, or why nothing: lotwise.kernel.codes
        "costs_cash",  # the part of the loss that is not the price move
        "denominator",  # of the liquidation fraction
        "entry_ticks",  # price on the tick, against the trader
        "equity_cash",  # in the settle coin
        "leverage100",  # lowest that funds it
        "loss_cash",  # loss at the stop with all costs, of lots or of the smallest order
        "lots",  # 0 where it does not fit
        "margin_cash",  # initial margin
        "notional_cash",  # worth of the order in the settle coin
        "numerator",  # of the liquidation fraction, 0 where none or unknown
        "smallest_lots",  # smallest order the venue takes
        "stop_ticks",  # the stop
    )
    budget_cash: int
    code: int
    costs_cash: int
    denominator: int
    entry_ticks: int
    equity_cash: int
    leverage100: int
    loss_cash: int
    lots: int
    margin_cash: int
    notional_cash: int
    numerator: int
    smallest_lots: int
    stop_ticks: int


def dtype_of(row: type[Row]) -> Any:
    """NumPy dtype with the row's fields, all int64."""
    import numpy as np

    return np.dtype([(name, np.int64) for name in row.__slots__], align=True)


def array_of(kind: type[Row], rows: Iterable[Row]) -> Any:
    """Structured array of ``rows`` for compiled rules.

    Raises OverflowError where a field does not fit int64: NumPy checks it on assignment.
    """
    import numpy as np

    return np.array([row.values() for row in rows], dtype=dtype_of(kind))


if TYPE_CHECKING:
    Spec = Sequence[SpecRow]
    Ask = Sequence[AskRow]
    Limits = Sequence[LimitsRow]
    Legs = Sequence[LegRow]
    Tiers = Sequence[TierRow]
    Listed = Sequence[ListedRow]
    Quotes = Sequence[QuoteRow]
    Plans = Sequence[PlanRow]
    Found = Sequence[FoundRow]
