"""The EMA cross of the workloads as a strategy: a rule, and a Python object."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.history import FAST, SLOW
from lotwise.kernel.tape import Seen
from lotwise.rule import rule

MILLION = 1_000_000


@rule
def cross(seen: Seen, i: int) -> int:
    """The signal at the close of bar ``i``; memory: fast average, slow average, the side they stood on."""
    price, memory = seen.bars[i].close_ticks * MILLION, seen.memory
    if i == 0:
        memory[0] = price  # type: ignore[index]
        memory[1] = price  # type: ignore[index]
    memory[0] += 2 * (price - memory[0]) // (FAST + 1)  # type: ignore[index]
    memory[1] += 2 * (price - memory[1]) // (SLOW + 1)  # type: ignore[index]
    side = 1 if memory[0] > memory[1] else -1 if memory[0] < memory[1] else 0
    signal = side if side != memory[2] else 0
    memory[2] = side  # type: ignore[index]
    return signal


class Cross:
    """The same, asked by Python."""

    __slots__ = ("closes", "fast", "side", "slow")

    def __init__(self, closes: Sequence[int]) -> None:
        self.closes = closes
        self.fast = self.slow = closes[0] * MILLION
        self.side = 0

    def on_bar(self, row: int) -> int:
        """The signal at the close of bar ``row``."""
        price = self.closes[row] * MILLION
        self.fast = fast = self.fast + 2 * (price - self.fast) // (FAST + 1)
        self.slow = slow = self.slow + 2 * (price - self.slow) // (SLOW + 1)
        side = 1 if fast > slow else -1 if fast < slow else 0
        if side == self.side:
            return 0
        self.side = side
        return side
