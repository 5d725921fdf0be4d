"""What a session says of itself: small records that journal and notifications listen to."""

from __future__ import annotations

from typing import Final, Literal, Protocol

import msgspec

Kind = Literal[
    "plan",
    "order",
    "fill",
    "stop_seen",
    "stop_moved",
    "stop_gone",
    "naked",
    "closing",
    "ended",
    "refused",
    "unknown",
    "trouble",
    "foreign",
    "divergence",
    "lock",
    "stale",
    "skew",
    "recovered",
    "venue",
]
URGENT: Final = frozenset({"naked", "stop_gone", "divergence", "lock", "trouble", "foreign", "unknown"})
"""What a trader wants to be woken for."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, in words and in numbers."""

    kind: Kind
    time_ns: int
    message: str
    contract_id: str = ""
    trade_id: str = ""
    numbers: dict[str, int] = {}
    """By names with their units: ``lots``, ``ticks``, ``naked_ns``."""


class Chronicle(Protocol):
    """Whoever listens. It may not raise, and it may not wait: orders stand behind it."""

    def told(self, event: Told) -> None:
        """Take note."""


class Kept:
    """A chronicle that keeps what it is told, in order."""

    def __init__(self) -> None:
        self.events: list[Told] = []

    def told(self, event: Told) -> None:
        """Keep it."""
        self.events.append(event)

    def of(self, kind: Kind) -> list[Told]:
        """All of one kind."""
        return [event for event in self.events if event.kind == kind]
