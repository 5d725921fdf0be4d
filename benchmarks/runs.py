"""A run of the kernel over a seeded market: what it is called with, and every integer that comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import history
from lotwise.kernel import tape
from lotwise.kernel.snapshot import compiled_body, state_hash


@dataclass(frozen=True)
class Run:
    """One rule of :mod:`lotwise.kernel.sweep` over one kind of rows."""

    rule: Any
    row: type
    market: Callable[[int], tuple[np.ndarray, np.ndarray]]
    """So many rows, and the signal at each."""
    setup: tape.SetupRow
    trip_every: int
    """There is room for one round trip in so many rows."""
    small: int
    """The size that the interpreted rules confirm."""

    def given(self, count: int) -> tuple[Any, ...]:
        """What the rule is called with; a fresh account each time."""
        return (
            compiled_body(history.account()),
            *self.market(count),
            history.one(self.setup),
            tape.compiled_desk(history.desk()),
            history.round_trips(count // self.trip_every),
        )

    def compiled(self, count: int, skip: int) -> list[int]:
        """Every integer that comes out, of the small run first."""
        sizes = [self.small, count] if count > self.small else [count]
        return [number for size in sizes for number in self._compiled(size, skip)]

    def _compiled(self, count: int, skip: int) -> list[int]:
        arguments = self.given(count)
        trips = self.rule.compiled(*arguments, skip)
        return _numbers(int(trips), arguments[0], arguments[5].tolist())

    def interpreted(self, count: int) -> list[int]:
        """The same as plain Python."""
        rows, signals = self.market(count)
        account = history.account()
        trades = history.plain(tape.TradeRow, history.round_trips(count // self.trip_every))
        given = history.plain(self.row, rows), signals.tolist(), [self.setup], history.desk(), trades
        trips = self.rule(account, *given, 0)
        return _numbers(trips, account, [trade.values() for trade in trades])


def _numbers(trips: int, account: Any, trades: list[Any]) -> list[int]:
    return [trips, int(state_hash(account)[:15], 16), *(number for trade in trades for number in trade)]
