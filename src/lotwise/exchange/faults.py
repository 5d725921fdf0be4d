"""Faults on demand: what a client must survive, planned through the admin port."""

from __future__ import annotations

from typing import Final

import msgspec

from lotwise.errors import InputError

KINDS: Final = {
    "latency": "answer so many ms later",
    "timeout": "do what is asked, then answer that nobody knows whether it was done",
    "reject": "refuse with this code, doing nothing",
    "limit": "HTTP 429: too many requests; value: seconds to wait",
    "ban": "HTTP 418: banned for so many seconds",
    "maintenance": "HTTP 503 for everything",
    "skew": "the server's clock is off by so many ms",
    "duplicate": "every event of a private stream twice",
    "reorder": "the events of one step in the opposite order",
    "drop": "close this many sockets at the next message, 0: all",
}
"""Kind to what it does; ``value`` is what the words count."""
MOST: Final = 100
ENDLESS: Final = -1


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One planned fault: so many times, for requests whose path has this part."""

    kind: str
    value: int = 0
    count: int = 1
    """How often; -1 until it is taken back."""
    path: str = ""


class Faults:
    """The plan; each fault is used up by what it hits."""

    def __init__(self) -> None:
        self.plan: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Plan a fault.

        Raises
        ------
        InputError
            EXCHANGE-120 a kind that is none, a count of nothing, a value out of range, or too many planned.
        """
        least = -86_400_000 if fault.kind in ("skew", "reject") else 0
        good = fault.kind in KINDS and (fault.count > 0 or fault.count == ENDLESS)
        if not good or not least <= fault.value <= 86_400_000 or len(self.plan) >= MOST:
            raise InputError(
                "EXCHANGE-120",
                f"fault {fault.kind[:20]!r} with count {fault.count} and value {fault.value}",
                f"one of {', '.join(KINDS)}; count above 0, or -1; value within a day of ms; {MOST} at most",
            )
        self.plan.append(fault)

    def clear(self) -> None:
        """Take all back."""
        self.plan.clear()

    def take(self, kind: str, path: str = "") -> int | None:
        """The value of the first planned fault of a kind that hits a path, used once; None: none."""
        for fault in self.plan:
            if fault.kind == kind and fault.path in path:
                if fault.count != ENDLESS:
                    fault.count -= 1
                    if fault.count == 0:
                        self.plan.remove(fault)
                return fault.value
        return None
