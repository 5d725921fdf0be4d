"""Where two runs of the same strategy and market part: every cent of the difference under a name.

Round trips of both are put beside each other, in order, where their sides agree and they were open at the
same time or began within a bar. What is in one run alone is a missed fill, and so is what one run holds more
of a pair. Of the common quantity: fees and funding by themselves; a price that differs at another moment is
timing, at the same moment slippage. The names sum to the difference exactly; shares are cut to 1e-8 and the
rest belongs to the missed fill.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import msgspec

from lotwise.contracts.contract import Contract
from lotwise.records.journal import Fill, Income
from lotwise.units import Cash, Lots


class Trip(msgspec.Struct, frozen=True, kw_only=True):
    """A closed round trip of either run."""

    contract: str
    side: int
    opened_ns: int
    closed_ns: int
    lots: Lots
    entry_cash: int
    exit_cash: int
    fee_cash: int
    funding_cash: int = 0
    """Received; paid is negative."""

    @property
    def net_cash(self) -> Cash:
        """Result with all costs."""
        moved = self.side * (self.exit_cash - self.entry_cash)
        return Cash(moved - self.fee_cash + self.funding_cash)


@dataclass(frozen=True)
class Parts:
    """A difference in 1e-8, the second run less the first."""

    fee: int = 0
    funding: int = 0
    slippage: int = 0
    timing: int = 0
    missed: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.fee + self.funding + self.slippage + self.timing + self.missed

    def plus(self, other: Parts) -> Parts:
        """Both together."""
        return Parts(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(Parts)))


class Pair(msgspec.Struct, frozen=True):
    """A round trip of each run, or of one alone, and where they part."""

    first: Trip | None
    second: Trip | None
    parts: Parts


@dataclass(frozen=True)
class Divergence:
    """Two runs side by side."""

    pairs: tuple[Pair, ...]
    first_cash: int
    second_cash: int

    @property
    def parts(self) -> Parts:
        """All pairs together; its total is ``second_cash - first_cash``."""
        found = Parts()
        for pair in self.pairs:
            found = found.plus(pair.parts)
        return found


def diverge(first: Iterable[Trip], second: Iterable[Trip], near_ns: int) -> Divergence:
    """Put two runs side by side; trips whose openings are ``near_ns`` apart at most may be the same."""
    one, two = (sorted(run, key=lambda trip: (trip.opened_ns, trip.contract)) for run in (first, second))
    left, pairs = list(two), list[Pair]()
    for trip in one:
        other = next((found for found in left if _same(trip, found, near_ns)), None)
        if other is not None:
            left.remove(other)
        pairs.append(Pair(trip, other, parts_of(trip, other)))
    pairs += [Pair(None, trip, parts_of(None, trip)) for trip in left]
    pairs.sort(key=lambda pair: min(trip.opened_ns for trip in (pair.first, pair.second) if trip))
    return Divergence(tuple(pairs), sum(trip.net_cash for trip in one), sum(trip.net_cash for trip in two))


def _same(one: Trip, two: Trip, near_ns: int) -> bool:
    if (one.contract, one.side) != (two.contract, two.side):
        return False
    overlap = min(one.closed_ns, two.closed_ns) > max(one.opened_ns, two.opened_ns)
    return overlap or abs(one.opened_ns - two.opened_ns) <= near_ns


def parts_of(one: Trip | None, two: Trip | None) -> Parts:
    """Where two trips part; of one alone all is missed."""
    if one is None or two is None:
        return Parts(missed=(two.net_cash if two else 0) - (one.net_cash if one else 0))
    common = min(one.lots, two.lots)
    a, b = _share(one, common), _share(two, common)
    entry = -one.side * (b.entry_cash - a.entry_cash)
    leaving = one.side * (b.exit_cash - a.exit_cash)
    late = (entry if one.opened_ns != two.opened_ns else 0, leaving if one.closed_ns != two.closed_ns else 0)
    named = Parts(
        fee=a.fee_cash - b.fee_cash,
        funding=b.funding_cash - a.funding_cash,
        slippage=entry + leaving - sum(late),
        timing=sum(late),
    )
    return named.plus(Parts(missed=two.net_cash - one.net_cash - named.total))


def _share(trip: Trip, lots: int) -> Trip:
    """The part of a trip that so many lots are, cut to 1e-8."""
    if lots == trip.lots:
        return trip
    names = ("entry_cash", "exit_cash", "fee_cash", "funding_cash")
    cut = {name: getattr(trip, name) * lots // trip.lots for name in names}
    return msgspec.structs.replace(trip, lots=Lots(lots), **cut)


def trips_of_fills(
    fills: Sequence[Fill], incomes: Sequence[Income], contracts: Sequence[Contract]
) -> list[Trip]:
    """Closed round trips of an account's executions; one that is still open is left out."""
    from lotwise.journal.trips import round_trips

    known = {contract.symbol: contract for contract in contracts}
    trips, _ = round_trips(fills, incomes)
    return [
        Trip(
            contract=known[trip.contract].id,
            side=trip.side,
            opened_ns=trip.opened_ns,
            closed_ns=trip.closed_ns,
            lots=Lots(trip.entry_quantity8 // known[trip.contract].scales.lot_size8),
            entry_cash=trip.entry_cash,
            exit_cash=trip.exit_cash,
            fee_cash=trip.fee_cash,
            funding_cash=trip.funding_cash,
        )
        for trip in trips
        if trip.closed_ns is not None and trip.contract in known
    ]


def trips_of_run(played: Any) -> list[Trip]:
    """Round trips of a backtest (:class:`lotwise.backtest.run.Played`)."""
    found = []
    for row in played.trips:
        side = 1 if row["lots"] > 0 else -1
        fees, funding, insurance = (
            int(row[name]) for name in ("fees_cash", "funding_cash", "insurance_cash")
        )
        moved = int(row["result_cash"]) + fees + funding + insurance
        found.append(
            Trip(
                contract=played.contracts[int(row["contract"])].id,
                side=side,
                opened_ns=int(row["opened_ns"]),
                closed_ns=int(row["closed_ns"]),
                lots=Lots(abs(int(row["lots"]))),
                entry_cash=int(row["entry_cash"]),
                exit_cash=int(row["entry_cash"]) + side * moved,
                fee_cash=fees,
                funding_cash=-funding - insurance,
            )
        )
    return found
