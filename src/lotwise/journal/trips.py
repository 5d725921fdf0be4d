"""Fills grouped into round trips: from flat to flat, of each venue, account, contract and hedge leg.

A fill that turns a position closes one trip and opens the next: its fee is shared by quantity, the closing
part by floor. Funding goes to the trip that was open when it was paid. Where both legs of a hedge were, and
the venue has a record for each (two of one moment, one paid and one received), the larger goes to the larger
leg; any other sum is shared by the quantity held, cut to 1e-8, and the rest is the larger leg's.
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


@dataclass(frozen=True)
class Grouped:
    """Fills as round trips, and what goes with them."""

    trips: list[RoundTrip]
    """In the order of their opening."""
    orders: list[tuple[str, str, bool]]
    """(name of the trip, id of an order that it has fills of, whether the order entered it)."""
    unplaced: list[Income]
    """Funding at a moment when nothing was held, as far as the fills tell."""
    shared: int
    """Records of funding that the legs of a hedge shared."""


def round_trips(
    fills: Iterable[Fill], incomes: Iterable[Income] = ()
) -> tuple[list[RoundTrip], list[Income]]:
    """Round trips in the order of their opening, and the funding that belongs to none; as :func:`grouped`."""
    found = grouped(fills, incomes)
    return found.trips, found.unplaced


def grouped(fills: Iterable[Fill], incomes: Iterable[Income] = ()) -> Grouped:
    """Fills grouped into round trips.

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
    paid, left, shared = _funding(found, incomes)
    trips = [_closed(trip, paid.get(trip.trip_id, 0)) for trip in found]
    return Grouped(
        trips=sorted(trips, key=lambda trip: (trip.opened_ns, trip.trip_id)),
        orders=[(trip.trip_id, order_id, enters) for trip in found for order_id, enters in _orders(trip)],
        unplaced=left,
        shared=shared,
    )


def _orders(trip: _Open) -> Iterable[tuple[str, bool]]:
    found: dict[str, bool] = {}
    for part in trip.parts:
        if part.order_id:
            found[part.order_id] = found.get(part.order_id, False) or part.side == trip.side
    return found.items()


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


def _funding(trips: Sequence[_Open], incomes: Iterable[Income]) -> tuple[dict[str, int], list[Income], int]:
    """What each trip was paid, what none held, and how many records were shared."""
    where: dict[tuple[str, str, str], list[_Open]] = {}
    for trip in trips:
        where.setdefault(position_of(trip.first)[:3], []).append(trip)
    starts, legs = {}, {}
    for key, own in where.items():
        own.sort(key=lambda trip: trip.first.time_ns)
        legs[key] = {trip.first.position_side for trip in own}
        starts[key] = [trip.first.time_ns for trip in own]
    moments: dict[tuple[str, str, str, str, int], list[Income]] = {}
    for one in incomes:
        if one.kind == "FUNDING_FEE":
            at = (one.venue, one.account, one.contract, one.coin, one.time_ns)
            moments.setdefault(at, []).append(one)
    paid: dict[str, int] = {}
    left: list[Income] = []
    shared = 0
    for (*names, coin, time_ns), records in moments.items():
        key = (names[0], names[1], names[2])
        own = where.get(key, [])[: bisect_left(starts.get(key, []), time_ns)]
        held = [
            trip
            for trip in _latest(own, legs.get(key, set()))
            if (trip.closed_ns is None or trip.closed_ns >= time_ns) and trip.first.coin == coin
        ]
        if not held:
            left += records
        for trip, cash in _shares(held, records, time_ns):
            paid[trip.trip_id] = paid.get(trip.trip_id, 0) + cash
        shared += len(records) if len(held) > 1 else 0
    return paid, left, shared


def _shares(held: Sequence[_Open], records: Sequence[Income], time_ns: int) -> Iterator[tuple[_Open, int]]:
    """What each of the trips that were open gets of the funding of one moment; in sum what was paid."""
    amounts = sorted((record.cash for record in records), key=abs)
    if len(held) < 2:
        yield from ((trip, sum(amounts)) for trip in held)
        return
    sizes = sorted(
        ((_held8(trip, time_ns), trip.side, trip) for trip in held), key=lambda one: (one[0], one[1])
    )
    is_one_each = (
        len(held) == len(amounts) == 2
        and amounts[0] * amounts[1] < 0
        and abs(amounts[0]) < abs(amounts[1])
        and sizes[0][0] < sizes[1][0]
    )
    if is_one_each:
        yield from ((size[2], cash) for size, cash in zip(sizes, amounts, strict=True))
        return
    total, whole = sum(amounts), sum(size for size, _, _ in sizes)
    left = total
    for size, _, trip in sizes[:-1]:
        part = abs(total) * size // whole * (1 if total > 0 else -1)
        left -= part
        yield trip, part
    yield sizes[-1][2], left


def _held8(trip: _Open, time_ns: int) -> int:
    """What a trip held just before a moment."""
    return sum(
        part.quantity8 if part.side == trip.side else -part.quantity8
        for part in trip.parts
        if part.time_ns < time_ns
    )


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
