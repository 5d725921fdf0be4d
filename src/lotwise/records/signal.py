"""What a strategy answers: a trade it wants, or that what it holds be closed. It never carries a size."""

from __future__ import annotations

import msgspec

from lotwise.units import Rate8, Ticks


class Leg(msgspec.Struct, frozen=True):
    """A price, and the share of the lots that is for it."""

    price_ticks: Ticks
    share8: Rate8


class Entry(Leg, frozen=True):
    """A limit entry."""


class Target(Leg, frozen=True):
    """A profit target."""


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """A trade that a strategy wants, with its way out.

    Without ``entries`` it enters at the market. Entries run from the farthest from the stop to the nearest,
    targets from the nearest to the farthest; the shares of each are of the whole.
    """

    side: int
    """1 long, -1 short."""
    stop_ticks: Ticks
    entries: tuple[Entry, ...] = ()
    """At most three."""
    entry_valid_ns: int = 0
    """Entries that have not filled are cancelled after so long; 0: never."""
    targets: tuple[Target, ...] = ()
    """At most four; what they leave is closed by the stop, or in time."""
    breakeven_after: int = 0
    """After so many targets the stop goes to break-even, fees included; 0: never."""
    trail_after: int = 0
    """After so many targets the stop trails at ``callback8`` of the best price; 0: never."""
    callback8: Rate8 = Rate8(0)
    hold_ns: int = 0
    """Closed after so long; 0: never."""
    risk8: Rate8 = Rate8(0)
    """Share of the equity at risk where it is not the plan's; a guard may still make it smaller."""
    reason: str = ""
    """For the journal: why, in a few words."""


class Exit(msgspec.Struct, frozen=True):
    """Close what is held, and take back entries that wait."""

    reason: str = ""
