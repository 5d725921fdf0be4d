"""Whole numbers with the times from which each is known: what a strategy knows beside its own bars.

A bar is known when it closes, funding and quotes at their stamps. Nothing here can be asked for a value that
was not known yet.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from lotwise.errors import InputError
from lotwise.market.replay_units import Choices, Units
from lotwise.strategy.parts import UNKNOWN

if TYPE_CHECKING:
    import numpy as np

    from lotwise.contracts.contract import Contract
    from lotwise.market.kinds import Table
    from lotwise.strategy.api import Columns

    Numbers = np.ndarray[Any, Any]

MINUTE_NS: Final = 60 * 10**9


class Known:
    """A column of whole numbers, each known from its time on; never changed, so copies share it.

    Parameters
    ----------
    times_ns
        From when each value is known, never falling; of several at one time the last counts.
    values
        As many whole numbers.

    Raises
    ------
    InputError
        STRATEGY-102 lengths that differ, times that go back, numbers that are not whole.

    Examples
    --------
    >>> rates = Known([100, 200], [7, 9])
    >>> rates.at(199), rates.at(200), rates.at(99)
    ((7, 99), (9, 0), None)
    """

    def __init__(self, times_ns: Any, values: Any) -> None:
        import numpy as np

        times, held = np.asarray(times_ns), np.asarray(values)
        whole = all(not len(one) or one.dtype.kind in "iu" for one in (times, held))
        if not whole or times.ndim != 1 or times.shape != held.shape or bool((np.diff(times) < 0).any()):
            raise InputError(
                "STRATEGY-102",
                f"{len(times)} times and {len(held)} values, or times that go back, or numbers not whole",
                "give as many of each as whole numbers, the earliest first",
            )
        self.times_ns = np.ascontiguousarray(times, np.int64)
        self.values = np.ascontiguousarray(held, np.int64)
        self._summed = np.concatenate(([0], np.cumsum(self.values, dtype=np.int64)))
        self._times: list[int] = self.times_ns.tolist()
        self._values: list[int] = self.values.tolist()

    def __len__(self) -> int:
        return len(self._times)

    def __deepcopy__(self, memo: dict[int, Any]) -> Known:
        return self

    def at(self, now_ns: int) -> tuple[int, int] | None:
        """The newest value, and for how long it has been known; ``None`` before the first."""
        place = bisect_right(self._times, now_ns) - 1
        return None if place < 0 else (self._values[place], now_ns - self._times[place])

    def of(self, now_ns: Numbers) -> tuple[Numbers, Numbers]:
        """:meth:`at` of many times: values, :data:`UNKNOWN` where there is none, and ages, there -1."""
        import numpy as np

        place = np.searchsorted(self.times_ns, now_ns, side="right") - 1
        there = place >= 0
        values, ages = np.full(len(place), UNKNOWN, np.int64), np.full(len(place), -1, np.int64)
        values[there] = self.values[place[there]]
        ages[there] = now_ns[there] - self.times_ns[place[there]]
        return values, ages

    def sum(self, now_ns: int, back_ns: int) -> int | None:
        """Sum of the values of the last ``back_ns``, the present one in it; ``None`` where there is none."""
        end, first = bisect_right(self._times, now_ns), bisect_right(self._times, now_ns - back_ns)
        return int(self._summed[end] - self._summed[first]) if end > first else None

    def sums(self, now_ns: Numbers, back_ns: int) -> Numbers:
        """:meth:`sum` of many times; :data:`UNKNOWN` where there is none."""
        import numpy as np

        end = np.searchsorted(self.times_ns, now_ns, side="right")
        first = np.searchsorted(self.times_ns, now_ns - back_ns, side="right")
        return np.where(end > first, self._summed[end] - self._summed[first], UNKNOWN)


def for_contract(known: Mapping[str, Known], contract: Contract, what: str) -> Known:
    """What is known of a contract, else STRATEGY-105."""
    if contract.id not in known:
        raise InputError(
            "STRATEGY-105",
            f"no {what} of {contract.id}; there is that of {', '.join(known) or 'none'}",
            f"give the {what} of every contract that is played",
        )
    return known[contract.id]


def known_closes(bars: Columns, bar_ns: int = MINUTE_NS) -> Known:
    """Closes of bars in ticks: known when the bar ends.

    Raises
    ------
    InputError
        STRATEGY-103 two bars are nearer than one lasts: its close would be known too early or too late.
    """
    check_steps(bars, bar_ns)
    return Known(bars.time_ns + bar_ns, bars.close_ticks)


def check_steps(bars: Columns, bar_ns: int) -> None:
    """Bars last as long as is said, else STRATEGY-103."""
    import numpy as np

    if len(bars) > 1 and (least := int(np.diff(bars.time_ns).min())) < bar_ns:
        raise nearer(bars.contract, least, bar_ns)


def nearer(contract: Contract, step_ns: int, bar_ns: int) -> InputError:
    """Why bars cannot last as long as is said."""
    return InputError(
        "STRATEGY-103",
        f"{contract.id} has bars {step_ns // 10**9} s apart, and a bar is said to last {bar_ns // 10**9} s",
        "say how long a bar lasts (bar_ns)",
    )


def known_funding(contract: Contract, table: Table) -> Known:
    """Rates in 1e-8 of a table of funding: known at their stamps.

    Raises
    ------
    InputError
        As :func:`lotwise.market.replay.replay`: DATA-621 to DATA-627.
    """
    found = Units(contract, Choices()).funding(table, to_ns=0)
    return Known(found["time_ns"], found["rate8"])


def known_spread(contract: Contract, table: Table) -> Known:
    """Spreads in ticks of a table of quotes: known at their stamps.

    Raises
    ------
    InputError
        As :func:`lotwise.market.replay.replay`: DATA-621 to DATA-627.
    """
    found = Units(contract, Choices(off_lot="down")).quotes(table)
    return Known(found["time_ns"], found["ask_ticks"] - found["bid_ticks"])
