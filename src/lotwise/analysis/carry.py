"""What funding costs or earns: sums and yearly rates, by span and side, exact in whole 1e-8.

A positive rate is paid by longs to shorts (Binance, "Introduction to Funding Rates"): a long's carry is the
rates' sum with its sign turned. A payment pays for the interval that ends with it. Venues change intervals,
of a coin under stress from 8 or 4 hours to 1: the yearly rate is by the time that the payments paid for,
never by their number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from lotwise.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    Whole = np.ndarray[Any, np.dtype[np.int64]]

HOUR_NS: Final = 3_600 * 10**9
DAY_NS: Final = 24 * HOUR_NS
YEAR_NS: Final = 365 * DAY_NS
JITTER_NS: Final = 60 * 10**9
"""A payment's stamp may be so far from its hour."""
INTERVALS_H: Final = (1, 2, 4, 6, 8, 12, 24)
"""Intervals that venues use; a longer or odd time between two payments means that some are missing."""
SPANS: Final[Mapping[str, int]] = {"1d": DAY_NS, "7d": 7 * DAY_NS, "30d": 30 * DAY_NS, "all": 0}
"""Name to length, counted back from the newest payment; 0 is everything."""
MOST8: Final = 10**10
"""A rate of 10,000 % an interval is none."""


@dataclass(frozen=True)
class Carry:
    """Funding of one position of notional 1 over a span, for a long and for a short."""

    first_ns: int
    last_ns: int
    payments: int
    unknown: int
    """Payments whose interval is not known; they are in the sums and not in the yearly rates."""
    held_ns: int
    """Time that the payments of known interval paid for."""
    long8: int
    """Sum for a long in 1e-8 of the notional; below 0 it pays."""
    long_year8: int | None
    """The same for a year, without compounding, rounded down; ``None`` where no interval is known."""
    short_year8: int | None
    """For a short, rounded down."""

    @property
    def short8(self) -> int:
        """Sum for a short: what longs pay, it gets."""
        return -self.long8


@dataclass(frozen=True)
class Run:
    """A stretch of payments of one interval."""

    interval_h: int
    """0 where it is not known."""
    carry: Carry


@dataclass(frozen=True)
class Funding:
    """Payments, oldest first, each with the time it paid for."""

    times_ns: Whole
    rates8: Whole
    intervals_ns: Whole
    """0 where it is not known."""

    def over(self, since_ns: int | None = None, until_ns: int | None = None) -> Carry:
        """The carry of the payments from ``since_ns`` on and before ``until_ns``.

        Raises
        ------
        InputError
            ANALYSIS-537 no payment in it.
        """
        import numpy as np

        low = 0 if since_ns is None else int(np.searchsorted(self.times_ns, since_ns))
        high = len(self.times_ns) if until_ns is None else int(np.searchsorted(self.times_ns, until_ns))
        if low >= high:
            raise InputError(
                "ANALYSIS-537",
                f"no payment from {since_ns} on and before {until_ns}",
                f"there are {len(self.times_ns)} from {self.times_ns[0]} to {self.times_ns[-1]}",
            )
        return self._part(low, high)

    def _part(self, low: int, high: int) -> Carry:
        rates, intervals = self.rates8[low:high], self.intervals_ns[low:high]
        known = intervals > 0
        held, paid = int(intervals.sum()), int(rates[known].sum())
        return Carry(
            first_ns=int(self.times_ns[low]),
            last_ns=int(self.times_ns[high - 1]),
            payments=high - low,
            unknown=int((~known).sum()),
            held_ns=held,
            long8=-int(rates.sum()),
            long_year8=-paid * YEAR_NS // held if held else None,
            short_year8=paid * YEAR_NS // held if held else None,
        )

    def by_span(self, spans: Mapping[str, int] = SPANS) -> dict[str, Carry]:
        """The carry of spans that end with the newest payment; of so much of them as there is."""
        last = int(self.times_ns[-1])
        # a day back from a payment is the day's payments, though its stamps are late by a few ms
        return {
            name: self.over(last - length + JITTER_NS if length else None) for name, length in spans.items()
        }

    def runs(self) -> tuple[Run, ...]:
        """Stretches of one interval, oldest first: where the venue changed it."""
        import numpy as np

        turns = np.flatnonzero(np.diff(self.intervals_ns)) + 1
        edges = [0, *turns.tolist(), len(self.times_ns)]
        return tuple(
            Run(int(self.intervals_ns[low]) // HOUR_NS, self._part(low, high))
            for low, high in pairwise(edges)
        )


def funding_of(times_ns: Any, rates8: Any, intervals_ns: Any = None) -> Funding:
    """Payments with their intervals, where the source says none: from the time since the payment before.

    Parameters
    ----------
    times_ns, rates8
        int64 columns of one length, times rising; rates in 1e-8.
    intervals_ns
        As the source says, 0 where it does not; ``None``: nowhere.

    Raises
    ------
    InputError
        ANALYSIS-536 no payment, columns of several lengths or not of whole numbers, times that do not rise, a
        rate beyond 10,000 %, an interval that no venue uses.
    """
    import numpy as np

    times, rates = _whole(times_ns, "times_ns"), _whole(rates8, "rates8")
    said = np.zeros(len(times), np.int64) if intervals_ns is None else _whole(intervals_ns, "intervals_ns")
    if not len(times) == len(rates) == len(said) or not len(times):
        raise _refused(
            f"{len(times)} times, {len(rates)} rates, {len(said)} intervals", "give as many of each"
        )
    hours = (times + JITTER_NS) // HOUR_NS
    steps = np.diff(times)
    if bool((steps <= 0).any()):
        raise _refused(f"row {int(np.argmax(steps <= 0)) + 1}: not later than the row before", "sort them")
    if bool((np.abs(rates) > MOST8).any()):
        at = int(np.argmax(np.abs(rates) > MOST8))
        raise _refused(f"row {at}: a rate of {rates[at]} in 1e-8", "count in 1e-8: 0.01 % is 10000")
    usual = np.array((0, *INTERVALS_H), np.int64)
    odd = ~np.isin(said, usual * HOUR_NS)
    if bool(odd.any()):
        at = int(np.argmax(odd))
        raise _refused(f"row {at}: an interval of {said[at]} ns", "whole hours of 1, 2, 4, 6, 8, 12 or 24")
    since = np.concatenate(([0], np.diff(hours)))
    late = np.abs(times - hours * HOUR_NS) > JITTER_NS
    late[1:] |= late[:-1]
    guessed = np.where(np.isin(since, usual) & ~late, since, 0) * HOUR_NS
    return Funding(times, rates, np.where(said > 0, said, guessed))


def _whole(values: Any, name: str) -> Whole:
    import numpy as np

    found = np.asarray(values)
    if found.ndim != 1 or (found.size and found.dtype.kind not in "iu"):
        raise _refused(f"{name} is not a column of whole numbers", "give int64: ns, and rates in 1e-8")
    return np.ascontiguousarray(found, np.int64)


def _refused(what: str, hint: str) -> InputError:
    return InputError("ANALYSIS-536", what, hint)


def carry_table(found: Funding, spans: Sequence[str] = tuple(SPANS)) -> dict[str, dict[str, int | None]]:
    """Spans to figures of both sides, for a table or JSON; rates in 1e-8.

    Raises
    ------
    InputError
        ANALYSIS-538 no span of that name.
    """
    if odd := [span for span in spans if span not in SPANS]:
        raise InputError("ANALYSIS-538", f"no span {', '.join(odd)}", f"known are {', '.join(SPANS)}")
    return {
        span: {
            "payments": one.payments,
            "unknown": one.unknown,
            "long8": one.long8,
            "short8": one.short8,
            "long_year8": one.long_year8,
            "short_year8": one.short_year8,
        }
        for span, one in found.by_span({span: SPANS[span] for span in spans}).items()
    }
