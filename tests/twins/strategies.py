"""One strategy in three forms: a rule, a Python object, and its signals as a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lotwise.kernel.tape import Seen
from lotwise.rule import rule

FAST, SLOW = 5, 12
MILLION = 1_000_000


@rule
def averaged(before: int, price: int, span: int) -> int:
    """An exponential average in millionths of a tick."""
    if before == 0:
        return price * MILLION
    return before + 2 * (price * MILLION - before) // (span + 1)


@rule
def cross(seen: Seen, i: int) -> int:
    """1 where the fast average rises above the slow one, -1 where it falls below, 0 otherwise."""
    memory, price = seen.memory, seen.bars[i].close_ticks
    memory[0] = averaged(memory[0], price, span=FAST)  # type: ignore[index]
    memory[1] = averaged(memory[1], price, span=SLOW)  # type: ignore[index]
    side = 1 if memory[0] > memory[1] else -1 if memory[0] < memory[1] else 0
    before = memory[2]
    memory[2] = side  # type: ignore[index]
    return side if side != before else 0


class Cross:
    """The same as a Python object."""

    def __init__(self, closes: Sequence[int]) -> None:
        self.closes = closes
        self.fast, self.slow, self.side = 0, 0, 0
        self.lots_seen: set[int] = set()
        self.view: Any = None

    def begin(self, view: Any) -> None:
        """Keep what may be looked at."""
        self.view = view

    def on_bar(self, row: int) -> int:
        """Answer as :func:`cross`."""
        price = self.closes[row] * MILLION
        self.fast = self.fast + 2 * (price - self.fast) // (FAST + 1) if self.fast else price
        self.slow = self.slow + 2 * (price - self.slow) // (SLOW + 1) if self.slow else price
        before, self.side = self.side, (self.fast > self.slow) - (self.fast < self.slow)
        if self.view is not None:
            self.lots_seen.add(self.view.lots)
        return self.side if self.side != before else 0
