"""Commands to a broker, and what a guard makes of them: Approved or Refused.

Reductions and stops are approved under every lock, so a malformed one must not exist: a reduction of
-1 lots would be an opening trade that nobody judged. Building one is refused.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from lotwise.errors import InputError
from lotwise.records.order import SizedOrder
from lotwise.records.signal import Signal
from lotwise.units import Lots, Ticks


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """Open a position, or enlarge one: the only command that a limit can refuse."""

    order: SizedOrder
    signal: Signal | None = None
    """What the strategy wanted: the exits go with the entry."""
    client_id: str = ""


class MoveStop(msgspec.Struct, frozen=True, kw_only=True):
    """Place a stop or move it; ``held_ticks`` is the present one, ``None`` where there is none.

    Raises
    ------
    InputError
        GUARD-217 a side that is neither 1 nor -1; GUARD-218 a stop at no price.
    """

    contract_id: str
    side: int
    """Of the position it protects: 1 long, -1 short."""
    stop_ticks: Ticks
    held_ticks: Ticks | None = None

    def __post_init__(self) -> None:
        if self.side not in (1, -1):
            raise InputError("GUARD-217", f"the side of a stop is {self.side}", "use 1 (long) or -1 (short)")
        lowest = min(self.stop_ticks, self.stop_ticks if self.held_ticks is None else self.held_ticks)
        if lowest < 1:
            raise InputError("GUARD-218", f"a stop at tick {lowest}", "give a price of at least one tick")


class Reduce(msgspec.Struct, frozen=True, kw_only=True):
    """Close a part or all of a position, reduce-only.

    Raises
    ------
    InputError
        GUARD-219 less than one lot.
    """

    contract_id: str
    lots: Lots

    def __post_init__(self) -> None:
        if self.lots < 1:
            raise InputError("GUARD-219", f"a reduction by {self.lots} lots", "reduce by at least 1 lot")


class CancelEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Take back an entry that has not filled."""

    contract_id: str
    client_id: str


class Flatten(msgspec.Struct, frozen=True, kw_only=True):
    """Cancel every entry and close every position: the kill switch."""

    reason: str


Command = Open | MoveStop | Reduce | CancelEntry | Flatten
C = TypeVar("C", Open, MoveStop, Reduce, CancelEntry, Flatten)


class Approved(msgspec.Struct, Generic[C], frozen=True, kw_only=True):
    """A command that the guard let through; brokers take nothing else, and refuse a stale one."""

    command: C
    sequence: int
    lowest_ticks: Ticks
    highest_ticks: Ticks
    """Prices at which the judgement holds; 0 and 0 where it holds at any."""
    expires_ns: int


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A command that the guard did not let through: the rule, both numbers, the way out."""

    code: str
    rule: str
    message: str
    hint: str
    until_ns: int = 0
    """When the rule ends by itself; 0: time does not help."""
    most_lots: Lots = Lots(0)
    """The largest size that this rule lets through; 0: a smaller trade does not help."""
