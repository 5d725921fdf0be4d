"""Filters that look beside the contract's own bars: at bitcoin, at funding, at the spread.

What they look at is given when they are made, with the times from which it is known
(:class:`lotwise.strategy.filters_facts.Known`).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from lotwise.contracts.contract import Contract
from lotwise.kernel.layout import RATE
from lotwise.strategy.api import Bar, Columns, View
from lotwise.strategy.filters import HOUR_NS, Filter
from lotwise.strategy.filters_facts import MINUTE_NS, Known, check_steps, for_contract, known_closes
from lotwise.strategy.parts import MILLION, UNKNOWN, Average, TrueRange, Window, in_range

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, Any]

GOOD, BELOW, FELL, WILD, UNSEEN = 0, 1, 2, 3, 4
WORDS: Final = {
    BELOW: "it is below its average",
    FELL: "it fell from its high",
    WILD: "it swings far wider than usual",
    UNSEEN: "too few of its bars are known",
}
MOVE: Final = 1_000_000
"""Moves are in millionths of the price."""
MOST_MOVE: Final = 100_000
"""A move of more than 10 % in a bar counts as 10 %: then no sum of squares leaves 64 bits."""
MOST_WINDOW: Final = 20_000


class BtcHealth(Filter):
    """No longs while the leader, usually bitcoin, is weak; no trade at all while it swings wildly.

    A long is refused while the leader's close is below its average, or has fallen from the high of the last
    bars by a share; both sides while its mean true range is a multiple of the usual. A short is not refused
    for the leader's weakness.

    Parameters
    ----------
    leader
        Bars of the leader.
    span
        Bars of its exponential average.
    fall8, fall_bars
        The fall, a share in 1e-8, from the highest high of so many bars.
    wild100, wild_bars, usual_bars
        The mean true range of ``wild_bars`` over that of ``usual_bars``, in hundredths.
    most_age_ns
        A leader whose last bar closed longer ago is not known.
    leader_bar_ns
        How long a bar of the leader lasts.

    Raises
    ------
    InputError
        STRATEGY-101 a parameter, STRATEGY-103 bars nearer than they last.
    """

    def __init__(
        self,
        leader: Columns,
        span: int = 240,
        fall8: int = 2_000_000,
        fall_bars: int = 60,
        wild100: int = 300,
        wild_bars: int = 15,
        usual_bars: int = 720,
        most_age_ns: int = 5 * MINUTE_NS,
        leader_bar_ns: int = MINUTE_NS,
    ) -> None:
        self.span, self.fall8 = in_range("span", span, 1), in_range("fall8", fall8, 1, RATE)
        self.fall_bars, self.wild100 = in_range("fall_bars", fall_bars, 1), in_range("wild100", wild100, 1)
        self.usual_bars = in_range("usual_bars", usual_bars, 2)
        self.wild_bars = in_range("wild_bars", wild_bars, 1, usual_bars - 1)
        self._most_age_ns = in_range("most_age_ns", most_age_ns, 0)
        self._name = leader.contract.id
        check_steps(leader, in_range("leader_bar_ns", leader_bar_ns, 1))
        self._states = Known(leader.time_ns + leader_bar_ns, self._judged(leader))

    def _judged(self, leader: Columns) -> Numbers:
        """The leader's state at the close of each of its bars."""
        import numpy as np

        close, average = leader.close_ticks, Average.of(leader.close_ticks, self.span)
        top = Window.tops(leader.high_ticks, self.fall_bars)
        columns = (leader.high_ticks, leader.low_ticks, close)
        short, usual = TrueRange.of(*columns, self.wild_bars), TrueRange.of(*columns, self.usual_bars)
        unseen = (average == UNKNOWN) | (top == UNKNOWN) | (usual == UNKNOWN)
        high, now, often = (np.where(unseen, 0, one) for one in (top, short, usual))
        cases = (unseen, now * 100 > often * self.wild100, (high - close) * RATE > high * self.fall8)
        return np.select((*cases, close * MILLION < average), (UNSEEN, WILD, FELL, BELOW), GOOD)

    def allows(self, side: int, bar: Bar, view: View) -> str | None:
        """The leader is well."""
        found = self._states.at(bar.time_ns + self.bar_ns)
        if found is None or found[1] > self._most_age_ns:
            return f"{self._name}: no bar of it is known"
        state = found[0]
        if state == GOOD or (side < 0 and state in (BELOW, FELL)):
            return None
        return f"{self._name}: {WORDS[state]}"

    def mask(self, columns: Columns, sides: Numbers, rows: Numbers) -> Numbers:
        """The same in columns."""
        import numpy as np

        states, ages = self._states.of(columns.time_ns[rows] + self.bar_ns)
        known = (ages >= 0) & (ages <= self._most_age_ns)
        weak = (states == BELOW) | (states == FELL)
        allowed: Numbers = known & ((states == GOOD) | (np.less(sides, 0) & weak))
        return allowed


class Correlation(Filter):
    """No trade in a contract that only repeats the leader: its moves correlate with the leader's too much.

    Moves are those from bar to bar of the contract, and the leader's between the same closes, in millionths.
    The leader itself passes. A contract or leader that did not move at all is refused: nothing is known.

    Parameters
    ----------
    leader
        Bars of the leader.
    window
        Moves that are looked at, 2 to 20,000.
    most8
        Most correlation, 1 is 100,000,000.
    most_age_ns, leader_bar_ns
        As in :class:`BtcHealth`.

    Raises
    ------
    InputError
        STRATEGY-101, STRATEGY-103.
    """

    def __init__(
        self,
        leader: Columns,
        window: int = 240,
        most8: int = 80_000_000,
        most_age_ns: int = 5 * MINUTE_NS,
        leader_bar_ns: int = MINUTE_NS,
    ) -> None:
        self.window = in_range("window", window, 2, MOST_WINDOW)
        self.most8 = in_range("most8", most8, -RATE, RATE)
        self._most_age_ns = in_range("most_age_ns", most_age_ns, 0)
        self._leader = leader.contract.id
        self._closes = known_closes(leader, in_range("leader_bar_ns", leader_bar_ns, 1))

    _moves: deque[tuple[int, int]]
    _sums: tuple[int, int, int, int, int]
    _before: tuple[int, int] | None
    _age_ns: int

    def begin(self, contract: Contract, bar_ns: int) -> None:
        """Nothing seen yet."""
        super().begin(contract, bar_ns)
        self._moves, self._sums, self._before, self._age_ns = deque(), (0, 0, 0, 0, 0), None, -1

    def observe(self, bar: Bar) -> None:
        """Take in the moves of both."""
        found = self._closes.at(bar.time_ns + self.bar_ns)
        if found is None:
            return
        leader, self._age_ns = found
        close, before = bar.close_ticks, self._before
        self._before = close, leader
        if before is None:
            return
        x, y = _move(before[0], close), _move(before[1], leader)
        moves = self._moves
        moves.append((x, y))
        a, b, aa, bb, ab = self._sums
        if len(moves) > self.window:
            u, v = moves.popleft()
            self._sums = a + x - u, b + y - v, aa + x * x - u * u, bb + y * y - v * v, ab + x * y - u * v
        else:
            self._sums = a + x, b + y, aa + x * x, bb + y * y, ab + x * y

    def allows(self, side: int, bar: Bar, view: View) -> str | None:
        """The two do not move as one."""
        if self.contract.id == self._leader:
            return None
        if len(self._moves) < self.window or self._age_ns > self._most_age_ns:
            return f"the correlation with {self._leader} is not known"
        together, own, other = _spreads(self.window, *self._sums)
        if own == 0 or other == 0:
            return f"one of {self.contract.id} and {self._leader} did not move"
        found = float(together) / math.sqrt(float(own) * float(other))
        return None if found * RATE <= self.most8 else f"a correlation of {found:.2f} with {self._leader}"

    def mask(self, columns: Columns, sides: Numbers, rows: Numbers) -> Numbers:
        """The same in columns, the same bits."""
        import numpy as np

        if columns.contract.id == self._leader:
            return np.ones(len(rows), bool)
        leader, ages = self._closes.of(columns.time_ns + self.bar_ns)
        first = int(np.argmax(ages >= 0)) if bool((ages >= 0).any()) else len(ages)
        x, y = _moves_of(columns.close_ticks[first:]), _moves_of(leader[first:])
        sums = [Window.sums(one, self.window) for one in (x, y, x * x, y * y, x * y)]
        at = rows - first - 1  # the move that ends with the bar of the signal
        known = (at >= self.window - 1) & (ages[rows] >= 0) & (ages[rows] <= self._most_age_ns)
        together, own, other = _spreads(self.window, *(one[at[known]] for one in sums))
        with np.errstate(divide="ignore", invalid="ignore"):
            found = together.astype(np.float64) / np.sqrt(own.astype(np.float64) * other.astype(np.float64))
        allowed = np.zeros(len(rows), bool)
        allowed[known] = (own != 0) & (other != 0) & (found * RATE <= self.most8)
        return allowed


def _move(before: int, now: int) -> int:
    """How far a price went, in millionths, bounded."""
    move = (now - before) * MOVE // before
    return move if -MOST_MOVE <= move <= MOST_MOVE else MOST_MOVE if move > 0 else -MOST_MOVE


def _moves_of(prices: Numbers) -> Numbers:
    """:func:`_move` from each price to the next."""
    import numpy as np

    if len(prices) < 2:
        return np.zeros(0, np.int64)
    moves: Numbers = np.clip(np.diff(prices) * MOVE // prices[:-1], -MOST_MOVE, MOST_MOVE)
    return moves


def _spreads(count: int, x: Any, y: Any, xx: Any, yy: Any, xy: Any) -> tuple[Any, Any, Any]:
    """Covariance and variances times the count squared: whole numbers, of numbers or of arrays."""
    return count * xy - x * y, count * xx - x * x, count * yy - y * y


class Funding(Filter):
    """No side that pays too much funding: longs pay a positive rate, shorts a negative one.

    Parameters
    ----------
    rates
        Contract id to its rates in 1e-8, known at their stamps
        (:func:`lotwise.strategy.filters_facts.known_funding`).
    most8
        Most that the side may have paid over the last ``hours``, in 1e-8 of the notional.
    hours
        No rate in that time: it is refused.

    Raises
    ------
    InputError
        STRATEGY-101; STRATEGY-105 at the first bar of a contract without rates.
    """

    def __init__(self, rates: Mapping[str, Known], most8: int = 30_000, hours: int = 24) -> None:
        self.most8, self.hours = in_range("most8", most8, 0, RATE), in_range("hours", hours, 1, 8_760)
        self._rates = dict(rates)

    _mine: Known

    def begin(self, contract: Contract, bar_ns: int) -> None:
        """Find the contract's rates."""
        super().begin(contract, bar_ns)
        self._mine = for_contract(self._rates, contract, "funding")

    def allows(self, side: int, bar: Bar, view: View) -> str | None:
        """The side did not pay too much."""
        paid = self._mine.sum(bar.time_ns + self.bar_ns, self.hours * HOUR_NS)
        if paid is None:
            return f"no funding of the last {self.hours} h is known"
        if paid * side <= self.most8:
            return None
        return f"funding of {paid * side / MILLION:.4f} % in {self.hours} h"

    def mask(self, columns: Columns, sides: Numbers, rows: Numbers) -> Numbers:
        """The same in columns."""
        paid = self._mine.sums(columns.time_ns[rows] + self.bar_ns, self.hours * HOUR_NS)
        allowed: Numbers = (paid != UNKNOWN) & (paid * sides <= self.most8)
        return allowed


class Spread(Filter):
    """No trade while the spread is a large share of the price.

    Parameters
    ----------
    spreads
        Contract id to its spread in ticks, known at the stamps of the quotes
        (:func:`lotwise.strategy.filters_facts.known_spread`).
    most8
        Most spread, share of the close in 1e-8: 10,000 is one hundredth of a percent.
    most_age_ns
        A quote that is older is none.

    Raises
    ------
    InputError
        STRATEGY-101; STRATEGY-105 at the first bar of a contract without spreads.
    """

    def __init__(
        self, spreads: Mapping[str, Known], most8: int = 20_000, most_age_ns: int = MINUTE_NS
    ) -> None:
        self.most8 = in_range("most8", most8, 0, RATE)
        self._most_age_ns = in_range("most_age_ns", most_age_ns, 0)
        self._spreads = dict(spreads)

    _mine: Known

    def begin(self, contract: Contract, bar_ns: int) -> None:
        """Find the contract's spreads."""
        super().begin(contract, bar_ns)
        self._mine = for_contract(self._spreads, contract, "spread")

    def allows(self, side: int, bar: Bar, view: View) -> str | None:
        """The spread is small."""
        found = self._mine.at(bar.time_ns + self.bar_ns)
        if found is None or found[1] > self._most_age_ns:
            return "no spread is known"
        if found[0] * RATE <= self.most8 * bar.close_ticks:
            return None
        return f"a spread of {found[0]} ticks at {bar.close_ticks}"

    def mask(self, columns: Columns, sides: Numbers, rows: Numbers) -> Numbers:
        """The same in columns."""
        spread, ages = self._mine.of(columns.time_ns[rows] + self.bar_ns)
        known = (ages >= 0) & (ages <= self._most_age_ns)
        allowed: Numbers = known & (spread * RATE <= self.most8 * columns.close_ticks[rows])
        return allowed
