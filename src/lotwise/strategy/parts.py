"""Whole-number measures that a strategy is made of: bar after bar, or all at once, the same integers.

Each has ``update(...)`` for the class form and ``of(...)`` for the array form. Where a measure is not known
yet it is ``None``, and in an array :data:`UNKNOWN`.
"""

from __future__ import annotations

from collections import deque
from operator import index
from typing import TYPE_CHECKING, Any, Final

from lotwise.errors import InputError
from lotwise.kernel.arith import INT64_MAX
from lotwise.rule import rule
from lotwise.strategy.kept import kept

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, Any]

UNKNOWN: Final = -INT64_MAX - 1
MILLION: Final = 1_000_000
"""Averages are in millionths of a tick."""


def in_range(name: str, value: int, least: int, most: int = INT64_MAX) -> int:
    """A parameter, if it is a whole number within its bounds.

    Raises
    ------
    InputError
        STRATEGY-101 it is not.
    """
    try:
        number = index(value)
    except TypeError:
        number = least - 1
    if isinstance(value, bool) or not least <= number <= most:
        bound = f"{least} or more" if most == INT64_MAX else f"{least} to {most}"
        raise InputError("STRATEGY-101", f"{name} is {value!r}", f"give a whole number, {bound}")
    return number


@rule
def next_average(before: int, value: int, span: int) -> int:
    """An exponential average, in the units of the value: ``before`` moved 2 / (span + 1) of the way."""
    return before + 2 * (value - before) // (span + 1)


@rule
def averages(values: Any, span: int, out: Any) -> None:
    """:func:`next_average` of all values, in millionths; the first is the first value."""
    average = values[0] * 1_000_000
    for i in range(len(values)):
        average = next_average(average, values[i] * 1_000_000, span)
        out[i] = average


class Average:
    """Exponential average in millionths of a tick (EMA); unknown before ``span`` values."""

    def __init__(self, span: int) -> None:
        self.span, self._seen, self._value = in_range("span", span, 1), 0, 0

    def update(self, ticks: int) -> int | None:
        """Take in the next value."""
        self._seen += 1
        before = self._value if self._seen > 1 else ticks * MILLION
        self._value = next_average(before, ticks * MILLION, self.span)
        return self._value if self._seen >= self.span else None

    @staticmethod
    @kept
    def of(ticks: Numbers, span: int) -> Numbers:
        """All at once."""
        import numpy as np

        found = np.full(len(ticks), UNKNOWN, np.int64)
        if len(ticks) >= span:
            averages.compiled(np.ascontiguousarray(ticks, np.int64), span, found)
            found[: span - 1] = UNKNOWN
        return found


class Window:
    """Highest, lowest and sum of the last ``size`` values, the present one in it."""

    def __init__(self, size: int) -> None:
        self.size, self.total = in_range("size", size, 1), 0
        self._values: deque[int] = deque()
        self._tops: deque[int] = deque()
        self._bottoms: deque[int] = deque()

    def update(self, value: int) -> bool:
        """Take in the next value; whether the window is full."""
        if len(self._values) == self.size:
            gone = self._values.popleft()
            self.total -= gone
            if self._tops[0] == gone:
                self._tops.popleft()
            if self._bottoms[0] == gone:
                self._bottoms.popleft()
        self._values.append(value)
        self.total += value
        while self._tops and self._tops[-1] < value:
            self._tops.pop()
        while self._bottoms and self._bottoms[-1] > value:
            self._bottoms.pop()
        self._tops.append(value)
        self._bottoms.append(value)
        return len(self._values) == self.size

    @property
    def is_full(self) -> bool:
        """Whether so many values were seen."""
        return len(self._values) == self.size

    @property
    def highest(self) -> int:
        """The highest."""
        return self._tops[0]

    @property
    def lowest(self) -> int:
        """The lowest."""
        return self._bottoms[0]

    @staticmethod
    @kept
    def sums(values: Numbers, size: int) -> Numbers:
        """All sums; :data:`UNKNOWN` before the window is full."""
        import numpy as np

        found = np.full(len(values), UNKNOWN, np.int64)
        if len(values) >= size:
            summed = np.concatenate(([0], np.cumsum(values, dtype=np.int64)))
            found[size - 1 :] = summed[size:] - summed[:-size]
        return found

    @staticmethod
    @kept
    def tops(values: Numbers, size: int) -> Numbers:
        """All highest values; :data:`UNKNOWN` before the window is full."""
        import numpy as np

        found = np.full(len(values), UNKNOWN, np.int64)
        if len(values) >= size:
            found[size - 1 :] = np.lib.stride_tricks.sliding_window_view(values, size).max(axis=1)
        return found

    @staticmethod
    @kept
    def bottoms(values: Numbers, size: int) -> Numbers:
        """All lowest values; :data:`UNKNOWN` before the window is full."""
        import numpy as np

        found = np.full(len(values), UNKNOWN, np.int64)
        if len(values) >= size:
            found[size - 1 :] = np.lib.stride_tricks.sliding_window_view(values, size).min(axis=1)
        return found


class TrueRange:
    """Mean true range of the last ``size`` bars, in ticks rounded up; Wilder 1978, with a plain mean."""

    def __init__(self, size: int) -> None:
        self.size, self._close = size, 0
        self._window = Window(size)

    def update(self, high: int, low: int, close: int) -> int | None:
        """Take in the next bar."""
        before = self._close or close
        self._close = close
        full = self._window.update(max(high, before) - min(low, before))
        return -(-self._window.total // self.size) if full else None

    @staticmethod
    @kept
    def of(high: Numbers, low: Numbers, close: Numbers, size: int) -> Numbers:
        """All at once."""
        import numpy as np

        before = np.concatenate((close[:1], close[:-1]))
        sums = Window.sums(np.maximum(high, before) - np.minimum(low, before), size)
        return np.where(sums == UNKNOWN, UNKNOWN, -(-sums // size))


@rule
def next_strength(ups: int, downs: int, change: int, span: int) -> tuple[int, int]:
    """Wilder's averages of gains and losses, in millionths of a tick."""
    gain, loss = max(0, change) * 1_000_000, max(0, -change) * 1_000_000
    return (ups * (span - 1) + gain) // span, (downs * (span - 1) + loss) // span


@rule
def strengths(closes: Any, span: int, out: Any) -> None:
    """:class:`Strength` of all closes, in hundredths of a percent."""
    ups, downs = 0, 0
    for i in range(1, len(closes)):
        ups, downs = next_strength(ups, downs, closes[i] - closes[i - 1], span=span)
        total = ups + downs
        if i >= span:
            out[i] = ups // 1_000 * 10_000 // (total // 1_000) if total >= 1_000 else 5_000


class Strength:
    """Relative strength index in hundredths of a percent (0 .. 10,000); begins at zero averages.

    Source: Wilder, "New Concepts in Technical Trading Systems", 1978. Unlike his, the averages begin at
    nothing instead of a first mean; after some spans both are the same.
    """

    def __init__(self, span: int) -> None:
        self.span, self._seen, self._close = in_range("span", span, 1), 0, 0
        self._ups, self._downs = 0, 0

    def update(self, close: int) -> int | None:
        """Take in the next close."""
        change = close - self._close if self._seen else 0
        if self._seen:
            self._ups, self._downs = next_strength(self._ups, self._downs, change, span=self.span)
        self._seen += 1
        self._close = close
        total = self._ups + self._downs
        if self._seen <= self.span:
            return None
        return self._ups // 1_000 * 10_000 // (total // 1_000) if total >= 1_000 else 5_000

    @staticmethod
    @kept
    def of(closes: Numbers, span: int) -> Numbers:
        """All at once."""
        import numpy as np

        found = np.full(len(closes), UNKNOWN, np.int64)
        if len(closes) > span:
            strengths.compiled(np.ascontiguousarray(closes, np.int64), span, found)
        return found
