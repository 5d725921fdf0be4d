"""What is done about each thing that can go wrong while real orders stand: the choices of a session.

Every choice has a safe value from the start; ``docs/recovery.md`` tells what each of them does.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from lotwise.errors import InputError
from lotwise.units import Ticks

SECOND_NS: Final = 1_000_000_000
LEAST_NAKED_NS: Final = SECOND_NS // 10
"""Below a tenth of a second no venue has answered yet: every trade would be closed again."""
MOST_NAKED_NS: Final = 60 * SECOND_NS
"""A position that may go without its stop for longer has none."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How a contract is traded: what :meth:`lotwise.broker.venue.VenuePort.prepare` sets and verifies."""

    leverage100: int
    is_isolated: bool = True
    slippage_ticks: Ticks = Ticks(0)
    """What a market order is counted to slip, beside the spread."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The choices of a session.

    Raises
    ------
    InputError
        SESSION-101 a time that is below 0, or a naked bound below a tenth of a second; SESSION-120 a naked
        bound above a minute.
    """

    naked_ns: int = 5 * SECOND_NS
    """A position whose stop was not seen for so long is closed at the market."""
    stop_gone: Literal["replace", "flatten"] = "replace"
    """A stop that was cancelled or loosened by someone else: put it back, or close the position."""
    by_mark: bool = False
    """Stops are triggered by the mark price; backtests have the last price."""
    rest: Literal["keep", "cancel"] = "keep"
    """What has not filled of an entry, once some of it has: keep it working, or cancel it."""
    rest_ns: int = 0
    """With ``cancel``: so long after the first fill."""
    absent_ns: int = 30 * SECOND_NS
    """An order whose answer was lost is looked for so long before it counts as never arrived. Longer than a
    venue takes a signed request (Binance 5 s, ``recvWindow``)."""
    overlap_ns: int = 5 * SECOND_NS
    """Fills are read from so long before the plan: venues stamp an order and its fill by two clocks."""
    check_ns: int = 10 * SECOND_NS
    """The watch compares what stands with what should so often."""
    busy_ns: int = 5 * SECOND_NS
    """And so often while a trade is open: a notice of a fill may be lost."""
    stale_ns: int = 30 * SECOND_NS
    """Without news of a market for so long nothing is opened in it; exits stay."""
    skew_ns: int = 2 * SECOND_NS
    """With the venue's clock so far from ours nothing is opened."""
    divergence_ns: int = 20 * SECOND_NS
    """A position that stays smaller than our fills say for so long is taken for what the venue says."""
    trail_step_ticks: int = 1
    """A trailing stop is moved on the venue when it can be moved by so much."""
    at_end: Literal["keep", "flatten"] = "keep"
    """A graceful stop: leave positions behind their stops, or close them."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if type(value) is int and value < 0:
                raise InputError("SESSION-101", f"{name} is {value}, below 0", f"give {name} of 0 or more")
        if self.naked_ns < LEAST_NAKED_NS:
            raise InputError(
                "SESSION-101",
                f"naked_ns is {self.naked_ns}: below {LEAST_NAKED_NS}",
                "give at least 0.1 s; 5 s is usual",
            )
        if self.naked_ns > MOST_NAKED_NS:
            raise InputError(
                "SESSION-120",
                f"naked_ns is {self.naked_ns}: above {MOST_NAKED_NS}",
                "a position may be without its stop for a minute at most; 5 s is usual",
            )
