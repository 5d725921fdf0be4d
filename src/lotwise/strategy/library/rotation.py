"""Sector rotation: hold the strongest coins of the strongest sectors for days."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lotwise.analysis.sectors import sectors as known_sectors
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError
from lotwise.kernel.layout import LONG, RATE
from lotwise.records.signal import Exit, Signal
from lotwise.strategy.api import Answer, Bar, Columns, Signals, View
from lotwise.strategy.filters_facts import Known, for_contract
from lotwise.strategy.parts import UNKNOWN, TrueRange, Window, in_range
from lotwise.strategy.portfolio import PortfolioStrategy
from lotwise.units import Ticks

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, Any]

HOUR_NS: Final = 3_600 * 10**9
DAY_NS: Final = 24 * HOUR_NS
STEPS: Final = (1, 2, 3, 4, 6, 8, 12, 24)
"""Hours between two decisions: a day is a whole number of them."""


class Standing(NamedTuple):
    """A contract at the time of a decision."""

    growth: Fraction
    """Close over the close of the span ago."""
    rising: bool
    """The close is above its long average."""
    fresh: bool
    """It traded since the decision before."""
    cheap: bool
    """The funding of the last day is within the bound."""
    range_ticks: int
    """Mean true range of the time between two decisions."""


class Sample(NamedTuple):
    """The time since the decision before, of one contract."""

    high_ticks: int
    low_ticks: int
    close_ticks: int
    fresh: bool


def chosen(
    standings: Sequence[Standing | None],
    sector_of: Sequence[str],
    before: frozenset[int],
    *,
    sectors: int,
    most: int,
) -> frozenset[int]:
    """Which contracts are wanted, by their places.

    Sectors rank by the mean growth of those of their contracts that are known; of equals the name decides.
    The first ``sectors`` lead, if they grew more than the mean of all. What was wanted before stays while it
    rises and its sector is among the first twice as many. Then come the strongest contracts of the leaders
    that grew more than the mean of all, rise, trade, and do not pay too much funding, until ``most``.
    """
    known = [(place, one) for place, one in enumerate(standings) if one is not None]
    if not known:
        return frozenset()
    mean = sum((one.growth for _, one in known), Fraction()) / len(known)
    members: dict[str, list[Fraction]] = {}
    for place, one in known:
        members.setdefault(sector_of[place], []).append(one.growth)
    means = {name: sum(growths, Fraction()) / len(growths) for name, growths in members.items()}
    ranked = sorted(means, key=lambda name: (-means[name], name))
    leaders = {name for name in ranked[:sectors] if means[name] > mean}
    near = set(ranked[: 2 * sectors])
    kept = [
        place
        for place, one in known
        if place in before and one.rising and one.fresh and sector_of[place] in near
    ]
    new = [
        (-one.growth, place)
        for place, one in known
        if place not in kept
        and sector_of[place] in leaders
        and one.growth > mean
        and one.rising
        and one.fresh
        and one.cheap
    ]
    return frozenset([*kept, *(place for _, place in sorted(new))][:most])


class _Track:
    """One contract's memory in the class form."""

    def __init__(self, span: int, average: int) -> None:
        self.closes: deque[int] = deque(maxlen=span + 1)
        self.average, self.range = Window(average), TrueRange(span)
        self.close, self.high, self.low, self.fresh = 0, 0, 0, False
        self.bars, self.was_wanted = 0, False
        self.standing: Standing | None = None

    def take(self, bar: Bar) -> None:
        """A bar of the time that runs."""
        self.high = max(self.high, bar.high_ticks) if self.fresh else bar.high_ticks
        self.low = min(self.low, bar.low_ticks) if self.fresh else bar.low_ticks
        self.close, self.fresh = bar.close_ticks, True

    def end(self) -> Sample | None:
        """The time that ran has ended."""
        if not self.close:
            return None
        fresh, close = self.fresh, self.close
        self.fresh = False
        return Sample(self.high, self.low, close, True) if fresh else Sample(close, close, close, False)


class SectorRotation(PortfolioStrategy):
    """Hold the strongest coins of the strongest sectors, and change over at fixed hours.

    Idea: money that moves from one sector of coins to another does so over days. At every decision sectors
    are ranked by their growth over the last days. Entries: at the market, long, in the strongest contracts of
    the leading sectors whose close is above its long average and whose funding of the last day is not too
    high. Stop: some mean true ranges of the time between two decisions below, which is wide. There is no
    target: a trade ends at its stop, in time, or when its contract is no longer wanted at a decision.

    A decision looks at bars that opened before its time and nothing else. What is no longer wanted is closed
    after the contract's first bar from that time on, what is wanted is opened after its second: so an
    exit comes before an entry, and at most ``most`` are open (a contract whose bars are missing then leaves
    late). What was stopped out and is still wanted at the next decision is entered again.

    The stop is so far away that an isolated position of high leverage is liquidated before it: then every
    entry is refused for its liquidation. Play it at a leverage of 3 or less. It is no hedge: it only buys,
    and coins fall together.

    Parameters
    ----------
    days
        Growth is over so many days; the true range is a mean over them.
    average_days
        The long average is the plain mean of the closes at the decisions of so many days.
    sectors
        So many sectors lead.
    most
        At most so many contracts are wanted at once.
    every_hours, at_hour
        A decision every so many hours (a part of a day), one of them at this hour UTC.
    ranges
        The stop stands so many mean true ranges below.
    hold_days
        A trade is closed after so long; 0: never.
    funding
        Contract id to its rates in 1e-8, known at their stamps; ``None``: no funding filter.
    funding_most8
        No entry where the rates of the last 24 hours sum up to more, or none is known.
    sector_of
        Contract id to its sector; ``None``: the package's table (:mod:`lotwise.analysis.sectors`), where a
        coin that is not in it is of the sector ``unknown``.

    Raises
    ------
    InputError
        STRATEGY-101 a parameter; STRATEGY-105, when it begins, no funding or no sector of a contract.
    """

    def __init__(
        self,
        days: int = 7,
        average_days: int = 20,
        sectors: int = 2,
        most: int = 3,
        every_hours: int = 24,
        at_hour: int = 0,
        ranges: int = 2,
        hold_days: int = 10,
        funding: Mapping[str, Known] | None = None,
        funding_most8: int = 100_000,
        sector_of: Mapping[str, str] | None = None,
    ) -> None:
        self.days, self.average_days = in_range("days", days, 1), in_range("average_days", average_days, 1)
        self.sectors, self.most = in_range("sectors", sectors, 1), in_range("most", most, 1)
        if every_hours not in STEPS:
            raise InputError(
                "STRATEGY-101", f"every_hours is {every_hours!r}", f"one of {', '.join(map(str, STEPS))}"
            )
        self.every_hours, self.at_hour = every_hours, in_range("at_hour", at_hour, 0, 23)
        self.ranges, self.hold_days = (
            in_range("ranges", ranges, 1),
            in_range("hold_days", hold_days, 0, 3_650),
        )
        self.funding_most8 = in_range("funding_most8", funding_most8, -RATE, RATE)
        self._funding, self._given = funding, sector_of
        self._offset, self._step = at_hour * HOUR_NS % (every_hours * HOUR_NS), every_hours * HOUR_NS
        self._span, self._average = days * 24 // every_hours, average_days * 24 // every_hours
        self._number: int | None = None
        self._wanted: frozenset[int] = frozenset()
        self._rates: list[Known | None] = []
        self._sectors: list[str] = []
        self._tracks: list[_Track] = []

    def begin(self, contracts: Sequence[Contract]) -> None:
        """Learn the contracts' sectors and find their funding."""
        self._number, self._wanted = None, frozenset()
        self._sectors, self._rates = self._facts(contracts)
        self._tracks = [_Track(self._span, self._average) for _ in contracts]

    def _facts(self, contracts: Sequence[Contract]) -> tuple[list[str], list[Known | None]]:
        funding, given = self._funding, self._given
        rates = [None if funding is None else for_contract(funding, one, "funding") for one in contracts]
        if given is None:
            table = known_sectors()
            return [table.of(one.id) for one in contracts], rates
        if missing := [one.id for one in contracts if one.id not in given]:
            raise InputError(
                "STRATEGY-105", f"no sector of {', '.join(missing)}", "name one for each contract"
            )
        return [given[one.id] for one in contracts], rates

    def on_bar(self, bar: Bar, number: int, view: View) -> Answer:
        """An exit after the first bar from a decision on, an entry after the second."""
        now = (bar.time_ns - self._offset) // self._step
        if self._number is None:
            self._number = now
        while self._number < now:
            self._number += 1
            self._decide(self._number)
        track, is_wanted = self._tracks[number], number in self._wanted
        track.bars = 1 if not track.fresh else track.bars + 1
        track.take(bar)
        was, track.was_wanted = track.was_wanted, is_wanted
        if was and not is_wanted:
            return Exit("no longer among the strongest")
        late = bar.time_ns >= now * self._step + self._offset + HOUR_NS
        if track.bars != 2 or not is_wanted or late or track.standing is None:
            return None
        away, close = self.ranges * track.standing.range_ticks, bar.close_ticks
        if not 0 < away < close // 2:
            return None
        return Signal(
            side=LONG,
            stop_ticks=Ticks(close - away),
            hold_ns=self.hold_days * DAY_NS,
            reason=f"among the strongest of {self._sectors[number]}",
        )

    def _decide(self, number: int) -> None:
        """The decision at the opening of a time: everything that opened before it is known."""
        for track, rates in zip(self._tracks, self._rates, strict=True):
            sample = track.end()
            if sample is None:
                continue
            full = track.average.update(sample.close_ticks)
            reach = track.range.update(sample.high_ticks, sample.low_ticks, sample.close_ticks)
            track.closes.append(sample.close_ticks)
            track.standing = None
            if full and reach is not None and len(track.closes) > self._span:
                track.standing = Standing(
                    growth=Fraction(sample.close_ticks, track.closes[0]),
                    rising=sample.close_ticks * self._average > track.average.total,
                    fresh=sample.fresh,
                    cheap=self._is_cheap(rates, number),
                    range_ticks=reach,
                )
        self._wanted = self._next([track.standing for track in self._tracks], self._sectors, self._wanted)

    def _is_cheap(self, rates: Known | None, number: int) -> bool:
        if rates is None:
            return True
        paid = rates.sum(number * self._step + self._offset, DAY_NS)
        return paid is not None and paid <= self.funding_most8

    def _next(
        self, standings: Sequence[Standing | None], sectors: Sequence[str], before: frozenset[int]
    ) -> frozenset[int]:
        return chosen(standings, sectors, before, sectors=self.sectors, most=self.most)

    def signals(self, columns: Sequence[Columns]) -> list[Signals]:
        """The same in columns."""
        sectors, rates = self._facts([one.contract for one in columns])
        times = [(one.time_ns - self._offset) // self._step for one in columns]
        held = [one for one in times if len(one)]
        first = min((int(one[0]) for one in held), default=0)
        last = max((int(one[-1]) for one in held), default=0)
        tables = [
            list(self._standings(one, number, known, span=(first, last)))
            for one, number, known in zip(columns, times, rates, strict=True)
        ]
        wanted = [frozenset[int]()]
        for place in range(last - first):
            wanted.append(self._next([table[place] for table in tables], sectors, wanted[-1]))
        return [
            self._answers(place, one, number - first, wanted=wanted, table=table)
            for place, (one, number, table) in enumerate(zip(columns, times, tables, strict=True))
        ]

    def _standings(
        self, bars: Columns, number: Numbers, rates: Known | None, *, span: tuple[int, int]
    ) -> Iterator[Standing | None]:
        """A contract's standing at each decision after the first number of the span up to the last."""
        import numpy as np

        decisions = np.arange(span[0] + 1, span[1] + 1)
        ends = np.searchsorted(number, decisions)  # bars that opened before each
        begins = np.searchsorted(number, decisions - 1)
        seen = ends > 0
        yield from [None] * int(np.count_nonzero(~seen))
        ends, begins, decisions = ends[seen], begins[seen], decisions[seen]
        if not len(ends):
            return
        fresh, close = ends > begins, bars.close_ticks[ends - 1]
        high, low = close.copy(), close.copy()
        if bool(fresh.any()):
            cuts = begins[fresh]  # where bars are missing the next time that has some begins where it must
            stop = int(ends[-1])
            high[fresh] = np.maximum.reduceat(bars.high_ticks[:stop], cuts)
            low[fresh] = np.minimum.reduceat(bars.low_ticks[:stop], cuts)
        sums = Window.sums(close, self._average).tolist()
        reach = TrueRange.of(high, low, close, self._span).tolist()
        closes, is_fresh = close.tolist(), fresh.tolist()
        for i, decision in enumerate(decisions.tolist()):
            if sums[i] == UNKNOWN or reach[i] == UNKNOWN or i < self._span:
                yield None
                continue
            yield Standing(
                growth=Fraction(closes[i], closes[i - self._span]),
                rising=closes[i] * self._average > sums[i],
                fresh=is_fresh[i],
                cheap=self._is_cheap(rates, decision),
                range_ticks=reach[i],
            )

    def _answers(
        self,
        place: int,
        bars: Columns,
        number: Numbers,
        *,
        wanted: Sequence[frozenset[int]],
        table: Sequence[Standing | None],
    ) -> Signals:
        """Entries and exits of one contract; ``number`` counts the decisions before a bar."""
        import numpy as np

        rows, stops, exits, was = [], [], [], False
        starts = np.flatnonzero(np.diff(number, prepend=number[:1] - 1)) if len(number) else np.zeros(0, int)
        for start in starts.tolist():
            at = int(number[start])
            is_wanted = place in wanted[at]
            if was and not is_wanted:
                exits.append(start)
            was = is_wanted
            second = start + 1
            standing = table[at - 1] if at else None
            if not is_wanted or standing is None or second >= len(number) or number[second] != at:
                continue
            away, close = self.ranges * standing.range_ticks, int(bars.close_ticks[second])
            early = (int(bars.time_ns[second]) - self._offset) % self._step < HOUR_NS
            if early and 0 < away < close // 2:
                rows.append(second)
                stops.append(close - away)
        return Signals(
            rows=np.array(rows, np.int64),
            side=LONG,
            stop_ticks=np.array(stops, np.int64),
            hold_ns=self.hold_days * DAY_NS,
            exits=np.array(exits, np.int64),
        )
