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
        "cash_per_tick_lot",  # money one lot moves by when the price moves one tick
        "entry_based",  # 1: maintenance margin fixed at entry (Bybit before 2025-09-02)
        "fee_to_close",  # 1: initial margin holds the closing fee (Bybit), 0: it does not
        "max_lots",  # largest order that may be sent, int64 bounds included
        "min_lots",  # smallest order
        "min_notional_cash",  # smallest opening order in money, 0 where unknown
    )
    cash_per_tick_lot: int
    entry_based: int
    fee_to_close: int
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
