"""Filters: reasons not to take a signal, as parts that wrap any strategy, in both of its forms.

>>> from lotwise.strategy.filters import Filtered, Hours, Trend
>>> from lotwise.strategy.library.breakout import Breakout
>>> Filtered(Breakout(bars=60), [Trend(span=240), Hours(first=7, end=20, weekdays=[0, 1])]).name
'Filtered(Breakout(bars=60, ranges=3), Trend(span=240), Hours(end=20, first=7, weekdays=(0, 1)))'

A filter refuses, it never asks for a trade; an exit always passes. What a filter does not know yet, or knows
too stale, it refuses. Filters that look at more than the contract's own bars are in
:mod:`lotwise.strategy.filters_market`.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from lotwise.contracts.contract import Contract
from lotwise.errors import InputError
from lotwise.records.signal import Signal
from lotwise.strategy.api import Answer, Bar, Columns, Filled, MarketTrade, Signals, Strategy, View
from lotwise.strategy.filters_facts import MINUTE_NS, check_steps, nearer
from lotwise.strategy.parts import MILLION, UNKNOWN, Average, in_range

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, Any]

HOUR_NS: Final = 3_600 * 10**9
WEEK: Final = (0, 1, 2, 3, 4, 5, 6)
"""Monday is 0."""


class Filter:
    """One reason not to take a signal.

    A filter of one's own has :meth:`allows`, and :meth:`mask` where it is used in columns; both must mean the
    same. ``bar_ns`` is how long a bar lasts: a bar closes at ``time_ns + bar_ns``, and that is now.
    """

    contract: Contract
    bar_ns: int = MINUTE_NS

    @property
    def name(self) -> str:
        """For the count of what was refused: the class and what it was made with."""
        hidden = ("contract", "bar_ns")
        told = (
            f"{key}={value}"
            for key, value in sorted(vars(self).items())
            if key[0] != "_" and key not in hidden
        )
        return f"{type(self).__name__}({', '.join(told)})"

    def begin(self, contract: Contract, bar_ns: int) -> None:
        """Called before the first bar of a contract."""
        self.contract, self.bar_ns = contract, bar_ns

    def observe(self, bar: Bar) -> None:
        """Called at every bar's close, before :meth:`allows`."""

    def allows(self, side: int, bar: Bar, view: View) -> str | None:
        """Why a signal of this side at this bar's close is refused; ``None``: it is not."""
        return None

    def mask(self, columns: Columns, sides: Numbers, rows: Numbers) -> Numbers:
        """Which of the signals at the close of the bars ``rows`` are allowed, as bool of one length."""
        import numpy as np

        return np.ones(len(rows), bool)


class Tally:
    """How many signals each filter refused, by contract; copies of a strategy share it.

    It counts signals, not trades: one that would have been passed over since a position was held counts too.
    """

    def __init__(self) -> None:
        self._counts: dict[str, dict[str, int]] = {}
        self.reasons: dict[tuple[str, str], str] = {}
        """Contract and filter to its last reason, where the class form was asked."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Tally:
        return self

    def begin(self, contract_id: str, names: Sequence[str]) -> None:
        """A run of a contract begins."""
        self._counts[contract_id] = dict.fromkeys(names, 0)

    def add(self, contract_id: str, name: str, count: int = 1) -> None:
        """Count refusals."""
        self._counts[contract_id][name] += count

    def of(self, contract_id: str) -> dict[str, int]:
        """Filter to refusals of the contract's last run; a signal counts for the first that refuses it."""
        return dict(self._counts.get(contract_id, {}))

    @property
    def total(self) -> dict[str, int]:
        """Filter to refusals, of all contracts."""
        found: dict[str, int] = {}
        for counts in self._counts.values():
            for name, count in counts.items():
                found[name] = found.get(name, 0) + count
        return found


class Filtered(Strategy):
    """A strategy whose signals must pass all filters; it has the array form where the strategy has.

    Parameters
    ----------
    filters
        Asked in this order; a signal is counted for the first that refuses it, in :attr:`refused`.
    bar_ns
        How long a bar lasts.

    Raises
    ------
    InputError
        STRATEGY-101 a length below 1 ns. While it runs: STRATEGY-103 bars nearer than they last,
        STRATEGY-104 the strategy has no array form, STRATEGY-105 a filter lacks data of the contract.
    """

    def __init__(self, strategy: Any, filters: Sequence[Filter], bar_ns: int = MINUTE_NS) -> None:
        self.strategy, self.bar_ns = strategy, in_range("bar_ns", bar_ns, 1)
        self.filters = tuple(copy.copy(one) for one in filters)
        self.refused = Tally()
        self._contract: Contract | None = None
        self._bar: Bar | None = None

    @property
    def name(self) -> str:
        """The strategy, and its filters."""
        told = getattr(self.strategy, "name", type(self.strategy).__name__)
        return f"Filtered({', '.join((told, *(one.name for one in self.filters)))})"

    def begin(self, contract: Contract) -> None:
        """Nothing is refused yet."""
        self._contract, self._bar = contract, None
        self.strategy.begin(contract)
        for one in self.filters:
            one.begin(contract, self.bar_ns)
        self.refused.begin(contract.id, [one.name for one in self.filters])

    def on_bar(self, bar: Bar, view: View) -> Answer:
        """What the strategy answers, unless it is a signal that a filter refuses."""
        before, self._bar = self._bar, bar
        if before is not None and bar.time_ns - before.time_ns < self.bar_ns:
            raise nearer(view.contract, bar.time_ns - before.time_ns, self.bar_ns)
        for one in self.filters:
            one.observe(bar)
        return self._judged(self.strategy.on_bar(bar, view), view)

    def on_trade(self, trade: MarketTrade, view: View) -> Answer:
        """As :meth:`on_bar`, judged by the last closed bar; before the first every signal is refused."""
        return self._judged(self.strategy.on_trade(trade, view), view)

    def on_fill(self, fill: Filled, view: View) -> None:
        """Told to the strategy."""
        self.strategy.on_fill(fill, view)

    def _judged(self, answer: Answer, view: View) -> Answer:
        if not isinstance(answer, Signal):
            return answer
        for one in self.filters:
            bar = self._bar
            why = "no bar has closed yet" if bar is None else one.allows(answer.side, bar, view)
            if why is not None:
                self.refused.add(view.contract.id, one.name)
                self.refused.reasons[view.contract.id, one.name] = why
                return None
        return answer

    def signals(self, bars: Columns) -> Signals:
        """The same in columns."""
        import numpy as np

        if not hasattr(self.strategy, "signals"):
            raise InputError(
                "STRATEGY-104",
                f"{type(self.strategy).__name__} has no array form",
                "give it signals(columns), or ask it at every bar",
            )
        check_steps(bars, self.bar_ns)
        found: Signals = self.strategy.signals(bars)
        rows = np.asarray(found.rows, np.int64)
        sides = np.broadcast_to(np.asarray(found.side, np.int64), rows.shape)
        names = [one.name for one in self.filters]
        self.refused.begin(bars.contract.id, names)
        keep = np.ones(len(rows), bool)
        for one, name in zip(self.filters, names, strict=True):
            mine = copy.copy(one)
            mine.begin(bars.contract, self.bar_ns)
            left = np.flatnonzero(keep)
            good = mine.mask(bars, sides[left], rows[left])
            keep[left] = good
            self.refused.add(bars.contract.id, name, len(left) - int(np.count_nonzero(good)))
        return picked(found, keep)


def picked(signals: Signals, keep: Numbers) -> Signals:
    """The signals alone where ``keep`` is true, with all exits."""
    import numpy as np

    def part(column: Any) -> Any:
        return column if np.ndim(column) == 0 else np.asarray(column)[keep]

    plain = ("rows", "side", "stop_ticks", "entry_valid_ns", "breakeven_after", "trail_after")
    changed: dict[str, Any] = {
        name: part(getattr(signals, name)) for name in (*plain, "callback8", "hold_ns", "risk8")
    }
    for name in ("entries", "targets"):
        changed[name] = [(part(ticks), share8) for ticks, share8 in getattr(signals, name)]
    return replace(signals, **changed)


class Trend(Filter):
    """Longs above the contract's own average of the close, shorts below it.

    Parameters
    ----------
    span
        Bars of the exponential average.
    """

    def __init__(self, span: int = 240) -> None:
        self.span = in_range("span", span, 1)

    def begin(self, contract: Contract, bar_ns: int) -> None:
        """Nothing seen yet."""
        super().begin(contract, bar_ns)
        self._average, self._now = Average(self.span), None

    _average: Average
    _now: int | None

    def observe(self, bar: Bar) -> None:
        """Move the average."""
        self._now = self._average.update(bar.close_ticks)

    def allows(self, side: int, bar: Bar, view: View) -> str | None:
        """The close is on the signal's side of the average."""
        if self._now is None:
            return f"the average of {self.span} bars is not known yet"
        if (bar.close_ticks * MILLION - self._now) * side > 0:
            return None
        return f"a close of {bar.close_ticks} ticks against an average of {self._now / MILLION:.1f}"

    def mask(self, columns: Columns, sides: Numbers, rows: Numbers) -> Numbers:
        """The same in columns."""
        average = Average.of(columns.close_ticks, self.span)[rows]
        away = columns.close_ticks[rows] * MILLION
        allowed: Numbers = (average != UNKNOWN) & (
            ((sides > 0) & (away > average)) | ((sides < 0) & (away < average))
        )
        return allowed


class Hours(Filter):
    """Signals only in these hours of the day and on these days of the week, UTC, by the bar's close.

    Parameters
    ----------
    first, end
        From the hour ``first`` on and before the hour ``end``; over midnight where ``end`` is not the later
        of the two. Both the same: all day.
    weekdays
        Monday is 0. The day is that of the close, after midnight too.
    """

    def __init__(self, first: int = 0, end: int = 24, weekdays: Sequence[int] = WEEK) -> None:
        self.first, self.end = in_range("first", first, 0, 23), in_range("end", end, 0, 24)
        self.weekdays = tuple(in_range("a day of the week", day, 0, 6) for day in weekdays)
        hours = range(24)
        if self.first < self.end:
            self._hours = tuple(self.first <= hour < self.end for hour in hours)
        else:
            over = self.first == self.end
            self._hours = tuple(over or hour >= self.first or hour < self.end for hour in hours)

    def allows(self, side: int, bar: Bar, view: View) -> str | None:
        """The close is within the hours."""
        hour, day = self._clock(bar.time_ns)
        if self._hours[hour] and day in self.weekdays:
            return None
        return f"hour {hour} of weekday {day} is outside {self.first} to {self.end} of {self.weekdays}"

    def mask(self, columns: Columns, sides: Numbers, rows: Numbers) -> Numbers:
        """The same in columns."""
        import numpy as np

        hour, day = self._clock(columns.time_ns[rows])
        allowed: Numbers = np.array(self._hours)[hour] & np.isin(day, self.weekdays)
        return allowed

    def _clock(self, time_ns: Any) -> tuple[Any, Any]:
        """Hour and weekday at the close of a bar; 1970 began on a Thursday."""
        hours = (time_ns + self.bar_ns) // HOUR_NS
        return hours % 24, (hours // 24 + 3) % 7
