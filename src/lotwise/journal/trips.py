"""Fills grouped into round trips: from flat to flat, of each venue, account, contract and hedge leg.

A fill that turns a position closes one trip and opens the next: its fee is shared by quantity, the closing
part by floor. Funding goes to the trip that was open when it was paid.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import msgspec

from lotwise.ledger.holding import Holding, Step, apply, in_order, position_of
from lotwise.records.journal import Fill, Income, RoundTrip

Position = tuple[str, str, str, str]


@dataclass
class _Open:
    """A round trip while it is walked."""

    first: Fill
    side: int
    trip_id: str
    entry8: int = 0
    exit8: int = 0
    most8: int = 0
    entry_cash: int = 0
    exit_cash: int = 0
    realised_cash: int = 0
    fees: dict[str, int] = field(default_factory=dict)
    venue_cash: int | None = 0
    exit_kind: str = ""
    closed_ns: int | None = None
    parts: list[Fill] = field(default_factory=list)


def round_trips(
    fills: Iterable[Fill], incomes: Iterable[Income] = ()
) -> tuple[list[RoundTrip], list[Income]]:
    """Round trips in the order of their opening, and the funding that belongs to none or to more than one.

    Fills may come in any order; those of one moment go by their sequence, then by their id.

    Raises
    ------
    InputError
        LEDGER-104 a fill that cannot be, LEDGER-105 a hedge leg closed further than it is held.
    """
    positions: dict[Position, list[Fill]] = {}
    for fill in fills:
        positions.setdefault(position_of(fill), []).append(fill)
    found = [trip for own in positions.values() for trip in _walk(sorted(own, key=in_order))]
    paid, left = _funding(found, incomes)
    trips = [_closed(trip, paid.get(trip.trip_id, 0)) for trip in found]
    return sorted(trips, key=lambda trip: (trip.opened_ns, trip.trip_id)), left


def trip_name(fill: Fill, turned: bool) -> str:
    """The name of the trip that a fill opens: ten hexadecimal digits, the same wherever it is imported."""
    text = "\0".join((*position_of(fill), fill.trade_id, "turned" if turned else ""))
    return blake2b(text.encode(), digest_size=5).hexdigest()


def parts_of(fills: Iterable[Fill], trip_id: str) -> list[Fill]:
    """The fills of one round trip; of one that turned a position, the part that is its own.

    ``fills`` are of one position and begin where it was flat.
    """
    for trip in _walk(sorted(fills, key=in_order)):
        if trip.trip_id == trip_id:
            return trip.parts
    return []


def _walk(fills: Sequence[Fill]) -> Iterator[_Open]:
    holding, trip = Holding(), None
    for fill in fills:
        before = holding.quantity8
        step = apply(holding, fill)
        closing_fee = fill.fee_cash * step.closing8 // fill.quantity8
        if step.closing8 and trip is not None:
            _close(trip, fill, step, closing_fee)
            if holding.quantity8 == 0 or step.opening8:
                trip.closed_ns = fill.time_ns
                yield trip
                trip = None
        if step.opening8:
            if trip is None:
                trip = _Open(fill, fill.side, trip_name(fill, turned=before != 0))
            _enter(trip, fill, step, fill.fee_cash - closing_fee)
    if trip is not None:
        yield trip


def _close(trip: _Open, fill: Fill, step: Step, fee: int) -> None:
    trip.exit8 += step.closing8
    trip.exit_cash += step.closing_cash
    trip.realised_cash += step.realised_cash
    trip.exit_kind = fill.exit_kind
    _count(trip, _part(fill, step.closing8, fee), fill.realised_cash)


def _enter(trip: _Open, fill: Fill, step: Step, fee: int) -> None:
    trip.entry8 += step.opening8
    trip.entry_cash += step.opening_cash
    trip.most8 = max(trip.most8, trip.entry8 - trip.exit8)
    turning = step.closing8 > 0  # its result was counted where it closed
    _count(trip, _part(fill, step.opening8, fee), 0 if turning else fill.realised_cash)


def _part(fill: Fill, quantity8: int, fee: int) -> Fill:
    if quantity8 == fill.quantity8:
        return fill
    return msgspec.structs.replace(fill, quantity8=quantity8, fee_cash=fee)


def _count(trip: _Open, part: Fill, venue_cash: int | None) -> None:
    trip.parts.append(part)
    if part.fee_cash:
        trip.fees[part.paid_in] = trip.fees.get(part.paid_in, 0) + part.fee_cash
    known = trip.venue_cash is not None and venue_cash is not None
    trip.venue_cash = trip.venue_cash + venue_cash if known else None  # type: ignore[operator]


def _funding(trips: Sequence[_Open], incomes: Iterable[Income]) -> tuple[dict[str, int], list[Income]]:
    """What each trip was paid, and what cannot be given to one."""
    where: dict[tuple[str, str, str], list[_Open]] = {}
    for trip in trips:
        where.setdefault(position_of(trip.first)[:3], []).append(trip)
    starts, legs = {}, {}
    for key, own in where.items():
        own.sort(key=lambda trip: trip.first.time_ns)
        legs[key] = {trip.first.position_side for trip in own}
        starts[key] = [trip.first.time_ns for trip in own]
    paid: dict[str, int] = {}
    left = []
    for income in incomes:
        if income.kind != "FUNDING_FEE":
            continue
        key = (income.venue, income.account, income.contract)
        own = where.get(key, [])[: bisect_left(starts.get(key, []), income.time_ns)]
        held = [
            trip
            for trip in _latest(own, legs.get(key, set()))
            if (trip.closed_ns is None or trip.closed_ns >= income.time_ns) and trip.first.coin == income.coin
        ]
        if len(held) == 1:
            paid[held[0].trip_id] = paid.get(held[0].trip_id, 0) + income.cash
        else:
            left.append(income)
    return paid, left


def _latest(trips: Sequence[_Open], legs: set[str]) -> Iterator[_Open]:
    """The last trip of each leg: no earlier one of it can still be open."""
    missing = set(legs)
    for trip in reversed(trips):
        if trip.first.position_side in missing:
            missing.remove(trip.first.position_side)
            yield trip
        if not missing:
            return


def _closed(trip: _Open, funding_cash: int) -> RoundTrip:
    first = trip.first
    others = sorted((coin, cash) for coin, cash in trip.fees.items() if coin != first.coin)
    return RoundTrip(
        trip_id=trip.trip_id,
        venue=first.venue,
        account=first.account,
        contract=first.contract,
        position_side=first.position_side,
        side=trip.side,
        coin=first.coin,
        opened_ns=first.time_ns,
        closed_ns=trip.closed_ns,
        entry_quantity8=trip.entry8,
        exit_quantity8=trip.exit8,
        most_quantity8=trip.most8,
        multiplier8=first.multiplier8,
        is_inverse=first.is_inverse,
        entry_cash=trip.entry_cash,
        exit_cash=trip.exit_cash,
        realised_cash=trip.realised_cash,
        fee_cash=trip.fees.get(first.coin, 0),
        other_fees=tuple(others),
        funding_cash=funding_cash,
        venue_realised_cash=trip.venue_cash,
        exit_kind=trip.exit_kind if trip.closed_ns is not None else "",
        fills=len(trip.parts),
    )
