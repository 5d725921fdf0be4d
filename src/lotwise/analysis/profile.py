"""Volume by price: rows of so many ticks, the point of control, the value area, nodes.

From trades the profile is exact. A bar does not say where in its range it traded: its volume is spread evenly
over the rows it touches, whole lots, the remainder from the lowest row up, so that no lot is lost.

Source: CBOT Market Profile handbook: the value area grows from the point of control by the heavier pair of
rows above or below until it holds 70 % of the volume.
"""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lotwise.errors import InputError
from lotwise.kernel.arith import mul_div_ceil, mul_div_floor
from lotwise.kernel.layout import RATE
from lotwise.rule import rule

if TYPE_CHECKING:
    import numpy as np

MOST_ROWS: Final = 10_000_000
VALUE_AREA8: Final = 70_000_000
"""70 % of the volume."""

Rows = MutableSequence[int]
"""Volume of each row of a profile, the lowest price first."""


@rule
def add_trades(
    rows: Rows, prices_ticks: Sequence[int], lots: Sequence[int], base_ticks: int, row_ticks: int
) -> None:
    """Add trades to a profile; every price must lie in one of its rows."""
    for i in range(len(prices_ticks)):
        rows[(prices_ticks[i] - base_ticks) // row_ticks] += lots[i]


@rule
def add_bars(
    steps: Rows,
    lows_ticks: Sequence[int],
    highs_ticks: Sequence[int],
    lots: Sequence[int],
    base_ticks: int,
    row_ticks: int,
) -> None:
    """Add bars, spread evenly, to the steps between rows; :func:`rows_of_steps` makes rows of them.

    ``steps`` has one place more than the profile has rows.
    """
    for i in range(len(lots)):
        first = (lows_ticks[i] - base_ticks) // row_ticks
        count = (highs_ticks[i] - base_ticks) // row_ticks - first + 1
        each = lots[i] // count
        rest = lots[i] - each * count
        steps[first] += each + 1
        steps[first + count] -= each
        steps[first + rest] -= 1


@rule
def rows_of_steps(steps: Rows) -> None:
    """Turn steps into rows, in place; the last place becomes 0."""
    total = 0
    for i in range(len(steps)):
        total += steps[i]
        steps[i] = total


@rule
def point_of_control(rows: Sequence[int]) -> int:
    """The row with the most volume; of several the one nearest the middle, then the lower. -1: no volume."""
    found, most, middle2 = -1, 0, len(rows) - 1
    for i in range(len(rows)):
        nearer = rows[i] == most and found >= 0 and abs(2 * i - middle2) < abs(2 * found - middle2)
        if rows[i] > most or nearer:
            found, most = i, rows[i]
    return found


@rule
def value_area(rows: Sequence[int], control: int, share8: int) -> tuple[int, int]:
    """The lowest and the highest row of the value area around the point of control.

    The two rows next above are weighed against the two next below; the heavier pair is taken, both where they
    weigh the same, and single rows at the ends, until at least the share of all volume is inside.
    """
    total = 0
    for i in range(len(rows)):
        total += rows[i]
    low, high, inside = control, control, int(rows[control])
    wanted = mul_div_ceil(total, share8, RATE)
    while inside < wanted and (low > 0 or high < len(rows) - 1):
        above, below = 0, 0
        for i in range(high + 1, min(high + 3, len(rows))):
            above += rows[i]
        for i in range(max(0, low - 2), low):
            below += rows[i]
        up = high < len(rows) - 1 and (above >= below or low == 0)
        down = low > 0 and (below >= above or high == len(rows) - 1)
        if up:
            inside += above
            high = min(high + 2, len(rows) - 1)
        if down:
            inside += below
            low = max(low - 2, 0)
    return low, high


@rule
def mark_nodes(rows: Sequence[int], reach: int, least_lots: int, valley8: int, marks: Rows) -> None:
    """Mark high-volume nodes (1) and, between two neighbours of them, a low-volume node (-1).

    A high node has at least the least volume and no more of it within reach; of equal rows the lowest. A low
    node is the row with the least volume between two high ones (of several the lowest), if it has at most the
    share ``valley8`` of the smaller of the two.
    """
    before = -1
    for i in range(len(rows)):
        high = rows[i] >= least_lots
        for j in range(max(0, i - reach), min(i + reach + 1, len(rows))):
            high = high and (rows[j] < rows[i] or (rows[j] == rows[i] and j >= i))
        if not high:
            continue
        marks[i] = 1
        lowest = i
        for j in range(before + 1, i):
            if before >= 0 and rows[j] < rows[lowest]:
                lowest = j
        if lowest < i and rows[lowest] <= mul_div_floor(min(rows[before], rows[i]), valley8, RATE):
            marks[lowest] = -1
        before = i


@dataclass(frozen=True)
class Profile:
    """Volume by price."""

    base_ticks: int
    """Lowest price of row 0."""
    row_ticks: int
    """Ticks of a row."""
    lots: np.ndarray[Any, Any]
    """int64: volume of each row, the lowest price first."""
    control: int
    """Row of the point of control (POC)."""
    value_low: int
    """Lowest row of the value area (VAL is its lowest price)."""
    value_high: int
    """Highest row of the value area (VAH is its highest price)."""

    def price_ticks(self, row: int) -> int:
        """Lowest price of a row."""
        return self.base_ticks + row * self.row_ticks


def of_trades(prices_ticks: Any, lots: Any, row_ticks: int = 1, share8: int = VALUE_AREA8) -> Profile:
    """The exact profile of trades.

    Parameters
    ----------
    prices_ticks, lots
        int64 arrays of one length.
    row_ticks
        Ticks that make a row; rows begin at whole multiples of it.

    Raises
    ------
    InputError
        ANALYSIS-101 no trade, lengths that differ, a negative volume; ANALYSIS-102 too many rows.
    """
    prices, volumes = _columns(prices_ticks, lots)
    rows, base = _room(int(prices.min()), int(prices.max()), row_ticks)
    add_trades.compiled(rows, prices, volumes, base, row_ticks)
    return _finished(rows, base, row_ticks, share8=share8)


def of_bars(
    lows_ticks: Any, highs_ticks: Any, lots: Any, row_ticks: int = 1, share8: int = VALUE_AREA8
) -> Profile:
    """The profile of bars, each spread evenly over its range.

    Raises
    ------
    InputError
        ANALYSIS-101 no bar, lengths that differ, a negative volume, a high below its low; ANALYSIS-102.
    """
    import numpy as np

    lows, volumes = _columns(lows_ticks, lots)
    highs, _ = _columns(highs_ticks, lots)
    if bool((highs < lows).any()):
        at = int(np.argmax(highs < lows))
        raise InputError(
            "ANALYSIS-101", f"bar {at}: the high {highs[at]} is below the low {lows[at]}", "check it"
        )
    steps, base = _room(int(lows.min()), int(highs.max()), row_ticks, more=1)
    add_bars.compiled(steps, lows, highs, volumes, base, row_ticks)
    rows_of_steps.compiled(steps)
    return _finished(steps[:-1], base, row_ticks, share8=share8)


def nodes(
    of: Profile, reach: int = 5, least8: int = 30_000_000, valley8: int = 50_000_000
) -> tuple[list[int], list[int]]:
    """Rows of the high-volume nodes (HVN) and of the low-volume nodes (LVN), the lowest first.

    Parameters
    ----------
    reach
        A high node has the most volume of so many rows on either side.
    least8
        Least volume of a high node, as a share of the point of control's, at 1e-8.
    valley8
        Most volume of a low node, as a share of the smaller high node beside it, at 1e-8.

    Raises
    ------
    InputError
        ANALYSIS-102 a reach below 1, a share outside 0 to 1.
    """
    import numpy as np

    if reach < 1 or not 0 <= least8 <= RATE or not 0 <= valley8 <= RATE:
        what = f"a reach of {reach} rows, shares of {least8} and {valley8} at 1e-8"
        raise InputError("ANALYSIS-102", what, f"give a reach of 1 or more, shares of 0 to {RATE}")
    if of.control < 0:
        return [], []
    marks = np.zeros(len(of.lots), np.int64)
    least_lots = max(1, mul_div_ceil(int(of.lots[of.control]), least8, RATE))
    mark_nodes.compiled(of.lots, reach, least_lots, valley8, marks)
    return np.flatnonzero(marks == 1).tolist(), np.flatnonzero(marks == -1).tolist()


def _columns(prices: Any, lots: Any) -> tuple[Any, Any]:
    import numpy as np

    prices, lots = np.ascontiguousarray(prices, np.int64), np.ascontiguousarray(lots, np.int64)
    if len(prices) == 0 or len(prices) != len(lots):
        raise InputError(
            "ANALYSIS-101", f"{len(prices)} prices and {len(lots)} volumes", "give as many, at least one"
        )
    if bool((lots < 0).any()):
        raise InputError(
            "ANALYSIS-101", f"row {int(np.argmax(lots < 0))}: a negative volume", "check the data first"
        )
    return prices, lots


def _room(low: int, high: int, row_ticks: int, more: int = 0) -> tuple[Any, int]:
    """Rows of zeros from a low to a high, and where the first begins."""
    import numpy as np

    if row_ticks < 1:
        raise InputError("ANALYSIS-102", f"a row of {row_ticks} ticks", "a row has at least one tick")
    base = low // row_ticks * row_ticks
    count = (high - base) // row_ticks + 1
    if count > MOST_ROWS:
        raise InputError(
            "ANALYSIS-102",
            f"{count:,} rows of {row_ticks} ticks, at most {MOST_ROWS:,}",
            hint=f"make a row of {-(-(high - low) // MOST_ROWS)} ticks or more",
        )
    return np.zeros(count + more, np.int64), base


def _finished(rows: Any, base: int, row_ticks: int, share8: int) -> Profile:
    control = int(point_of_control.compiled(rows))
    if control < 0:
        return Profile(base, row_ticks, rows, -1, -1, -1)
    low, high = value_area.compiled(rows, control, share8)
    return Profile(base, row_ticks, rows, control, int(low), int(high))
