"""The journal on its shelf: fills put once, round trips worked out anew only where they can have changed.

Fills, income and events only grow; the table of round trips is worked out from them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lotwise.errors import InputError
from lotwise.journal.trips import parts_of, round_trips, trip_name
from lotwise.ledger.holding import in_order, place_of
from lotwise.ledger.keep import keep_incomes
from lotwise.records.journal import Fill, Income, RoundTrip
from lotwise.store.database import chunks, one_at_a_time, opened, put

if TYPE_CHECKING:
    from sqlalchemy import Column, Connection, Select

    from lotwise.store.database import Database

FACTS: Final = (
    "time_ns",
    "side",
    "position_side",
    "price8",
    "quantity8",
    "multiplier8",
    "is_inverse",
    "coin",
    "fee_cash",
    "fee_coin",
)
"""What two fills of one id must agree in."""
PAGE: Final = 50
PREFIX: Final = 4
"""A round trip may be named by so many of its digits, if no other begins so."""

Key = tuple[str, str, str]
POSITION: Final = ("venue", "account", "contract", "position_side")
FILL_NAMES: Final = Fill.__struct_fields__
TRIP_NAMES: Final = RoundTrip.__struct_fields__


@dataclass(frozen=True)
class Added:
    """What became of fills or records that were to be kept."""

    new: int
    known: int


@dataclass(frozen=True)
class Wanted:
    """Which round trips; times are ns UTC, an empty field asks for nothing."""

    venue: str = ""
    account: str = ""
    contract: str = ""
    since_ns: int | None = None
    until_ns: int | None = None
    is_open: bool | None = None
    tag: str = ""


class Journal:
    """The journal in a database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @classmethod
    def at(cls, place: str | Path | None = None) -> Journal:
        """The journal at a place, or the user's own; errors as :func:`lotwise.store.database.opened`."""
        return cls(opened(place))

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()

    # -- putting

    def add(self, fills: Iterable[Fill], incomes: Iterable[Income] = ()) -> tuple[Added, Added]:
        """Keep fills and income records, each once, all of them or none.

        Raises
        ------
        InputError
            JOURNAL-101 an id that is kept and says something else; LEDGER-103 the same of a record;
            LEDGER-104, LEDGER-105 fills that cannot be.
        """
        given, records = list(fills), list(incomes)
        with self.database.write() as connection:
            one_at_a_time(connection)
            new = _unknown(connection, given)
            new_records = keep_incomes(connection, records)
            _put_fills(connection, new)
            first: dict[Key, int] = {}
            changes: list[tuple[Key, int]] = [
                ((one.venue, one.account, one.contract), one.time_ns) for one in new
            ]
            changes += [((one.venue, one.account, one.contract), one.time_ns) for one in records]
            for key, time_ns in changes:
                first[key] = min(first.get(key, time_ns), time_ns)
            for key, time_ns in first.items():
                _regroup(connection, key, time_ns)
        return (
            Added(len(new), len(given) - len(new)),
            Added(new_records, len(records) - new_records),
        )

    # -- looking

    def page(self, wanted: Wanted = Wanted(), *, limit: int = PAGE, offset: int = 0) -> list[RoundTrip]:
        """Round trips, the newest first."""
        from sqlalchemy import select

        from lotwise.store.tables import TRIPS

        newest = (TRIPS.c.opened_ns.desc(), TRIPS.c.trip_id.desc())
        # the names are found in the index alone, so that a page far back is as quick
        names = self._asked(wanted).with_only_columns(TRIPS.c.trip_id).order_by(*newest)
        asked = (
            select(*_trip_columns())
            .where(TRIPS.c.trip_id.in_(names.limit(limit).offset(offset)))
            .order_by(*newest)
        )
        with self.database.read() as connection:
            return [_trip(row) for row in connection.execute(asked)]

    def all(self, wanted: Wanted = Wanted()) -> Iterator[RoundTrip]:
        """Round trips, the oldest first."""
        from lotwise.store.tables import TRIPS

        asked = self._asked(wanted).order_by(TRIPS.c.opened_ns, TRIPS.c.trip_id)
        with self.database.read() as connection:
            for row in connection.execute(asked):
                yield _trip(row)

    def count(self, wanted: Wanted = Wanted()) -> int:
        """How many round trips."""
        from sqlalchemy import func, select

        with self.database.read() as connection:
            found = connection.execute(select(func.count()).select_from(self._asked(wanted).subquery()))
            return int(found.scalar_one())

    def trip(self, name: str) -> RoundTrip:
        """The round trip of that name, or of the one name that begins so.

        Raises
        ------
        InputError
            JOURNAL-102 none, or more than one.
        """
        from sqlalchemy import select

        from lotwise.store.tables import TRIPS

        wanted = name.strip().lower()
        if len(wanted) < PREFIX or not all(digit in "0123456789abcdef" for digit in wanted):
            raise InputError(
                "JOURNAL-102",
                f"{name!r} names no trade: {PREFIX} to 10 of the digits 0-9 a-f do",
                "lotwise journal list shows the names",
            )
        asked = select(*_trip_columns()).where(TRIPS.c.trip_id.startswith(wanted)).limit(2)
        with self.database.read() as connection:
            rows = connection.execute(asked).all()
        if len(rows) != 1:
            many = "more than one trade begins" if rows else "no trade begins"
            raise InputError("JOURNAL-102", f"{many} with {wanted}", "lotwise journal list shows the names")
        return _trip(rows[0])

    def trip_at(self, fill: Fill) -> RoundTrip:
        """The round trip that a kept fill belongs to; of one that turned a position, the one it opened."""
        from sqlalchemy import or_, select

        from lotwise.store.tables import TRIPS

        asked = (
            select(*_trip_columns())
            .where(*(TRIPS.c[name] == getattr(fill, name) for name in POSITION))
            .where(TRIPS.c.opened_ns <= fill.time_ns)
            .where(or_(TRIPS.c.closed_ns.is_(None), TRIPS.c.closed_ns >= fill.time_ns))
            .order_by(TRIPS.c.opened_ns.desc())
        )
        with self.database.read() as connection:
            rows = connection.execute(asked).all()
        trips = [_trip(row) for row in rows]
        opened_by = {trip_name(fill, turned) for turned in (False, True)}
        return next((trip for trip in trips if trip.trip_id in opened_by), trips[0])

    def fills_of(self, trip: RoundTrip) -> list[Fill]:
        """The fills of a round trip in their order; of one that turned a position, its own part."""
        from sqlalchemy import select

        from lotwise.store.tables import FILLS, TRIPS

        names = POSITION
        until = trip.closed_ns if trip.closed_ns is not None else 2**63 - 1
        earlier = (
            select(TRIPS.c.opened_ns, TRIPS.c.closed_ns)
            .where(*(TRIPS.c[name] == getattr(trip, name) for name in names))
            .where(TRIPS.c.opened_ns <= trip.opened_ns, TRIPS.c.trip_id != trip.trip_id)
            .order_by(TRIPS.c.opened_ns.desc())
        )
        mine = [FILLS.c[name] == getattr(trip, name) for name in names]
        with self.database.read() as connection:
            start = trip.opened_ns  # when the position was flat: before a chain of turns
            for row in connection.execute(earlier):
                if row.closed_ns is not None and row.closed_ns < start:
                    break
                start = min(start, row.opened_ns)
            asked = select(*_fill_columns()).where(*mine, FILLS.c.time_ns >= start, FILLS.c.time_ns <= until)
            return parts_of([_fill(row) for row in connection.execute(asked)], trip.trip_id)

    def fills_of_contracts(self, keys: Iterable[Key]) -> list[Fill]:
        """Every fill kept of some contracts, in the order of time."""
        from sqlalchemy import select

        from lotwise.store.tables import FILLS

        found: list[Fill] = []
        with self.database.read() as connection:
            for venue, account, contract in keys:
                asked = select(*_fill_columns()).where(
                    FILLS.c.venue == venue, FILLS.c.account == account, FILLS.c.contract == contract
                )
                found += [_fill(row) for row in connection.execute(asked)]
        return sorted(found, key=in_order)

    def fills(self) -> list[Fill]:
        """Every fill in the order of time."""
        from sqlalchemy import select

        with self.database.read() as connection:
            return sorted((_fill(row) for row in connection.execute(select(*_fill_columns()))), key=in_order)

    def _asked(self, wanted: Wanted) -> Select[Any]:
        from sqlalchemy import select

        from lotwise.store.tables import TRIPS

        asked = select(*_trip_columns())
        for name in ("venue", "account", "contract"):
            if value := getattr(wanted, name):
                asked = asked.where(TRIPS.c[name] == value)
        if wanted.since_ns is not None:
            asked = asked.where(TRIPS.c.opened_ns >= wanted.since_ns)
        if wanted.until_ns is not None:
            asked = asked.where(TRIPS.c.opened_ns < wanted.until_ns)
        if wanted.is_open is not None:
            closed = TRIPS.c.closed_ns
            asked = asked.where(closed.is_(None) if wanted.is_open else closed.is_not(None))
        if wanted.tag:
            asked = asked.where(TRIPS.c.trip_id.in_(self._tagged(wanted.tag)))
        return asked

    def _tagged(self, tag: str) -> list[str]:
        on = {
            event.subject: event.body["on"]
            for event in self.database.events("journal", kind="tag")
            if event.body["tag"] == tag
        }
        return [subject for subject, is_on in on.items() if is_on]


def _unknown(connection: Connection, fills: Sequence[Fill]) -> list[Fill]:
    """The fills that are not kept yet, each once."""
    from sqlalchemy import select

    from lotwise.store.tables import FILLS

    known: dict[tuple[str, ...], Fill] = {}
    asked: dict[Key, list[str]] = {}
    for one in fills:
        asked.setdefault((one.venue, one.account, one.contract), []).append(one.trade_id)
    for key, ids in asked.items():
        mine = [FILLS.c[name] == value for name, value in zip(POSITION, key, strict=False)]
        for some in chunks(ids):
            query = select(*_fill_columns()).where(*mine)
            if some is not None:
                query = query.where(FILLS.c.trade_id.in_(some))
            for row in connection.execute(query):
                kept = _fill(row)
                known[(*key, kept.trade_id)] = kept
    new = []
    for fill in fills:
        named = (fill.venue, fill.account, fill.contract, fill.trade_id)
        old = known.get(named)
        if old is None:
            known[named] = fill
            new.append(fill)
            continue
        other = [name for name in FACTS if getattr(old, name) != getattr(fill, name)]
        if other:
            name = other[0]
            raise InputError(
                "JOURNAL-101",
                f"{place_of(fill)}: {name} is {getattr(fill, name)}, and {getattr(old, name)} where it is "
                f"kept already ({old.source or 'no file'})",
                "see which of the two is right; nothing was changed",
            )
    return new


def _put_fills(connection: Connection, fills: Sequence[Fill]) -> None:
    from lotwise.store.tables import FILLS

    rows = [msgspec.structs.astuple(fill) for fill in fills]
    at = FILL_NAMES.index("is_inverse")
    put(connection, FILLS, FILL_NAMES, [(*row[:at], int(row[at]), *row[at + 1 :]) for row in rows])


def _regroup(connection: Connection, key: Key, changed_ns: int) -> None:
    """Work the round trips of a contract out again, from the last moment before a change when it was flat."""
    from sqlalchemy import delete, func, or_, select

    from lotwise.store.tables import FILLS, INCOMES, TRIPS

    mine = [TRIPS.c[name] == value for name, value in zip(("venue", "account", "contract"), key, strict=True)]
    other = TRIPS.alias()
    covering = (
        select(other.c.trip_id)
        .where(
            *(
                other.c[name] == value
                for name, value in zip(("venue", "account", "contract"), key, strict=True)
            ),
            other.c.opened_ns <= TRIPS.c.closed_ns,
            or_(other.c.closed_ns.is_(None), other.c.closed_ns > TRIPS.c.closed_ns),
        )
        .exists()
    )
    flat = select(func.max(TRIPS.c.closed_ns)).where(*mine, TRIPS.c.closed_ns < changed_ns, ~covering)
    since = connection.execute(flat).scalar()
    since = -(2**63) if since is None else since
    ours = [
        [table.c[name] == value for name, value in zip(("venue", "account", "contract"), key, strict=True)]
        for table in (FILLS, INCOMES)
    ]
    later = select(*_fill_columns()).where(*ours[0], FILLS.c.time_ns > since)
    fills = [_fill(row) for row in connection.execute(later)]
    names = Income.__struct_fields__
    asked = select(*(INCOMES.c[name] for name in names)).where(
        *ours[1], INCOMES.c.time_ns > since, INCOMES.c.kind == "FUNDING_FEE"
    )
    incomes = [Income(**dict(zip(names, row, strict=True))) for row in connection.execute(asked)]
    trips, _ = round_trips(fills, incomes)
    connection.execute(delete(TRIPS).where(*mine, TRIPS.c.opened_ns > since))
    put(connection, TRIPS, TRIP_NAMES, [_trip_row(trip) for trip in trips])


def _fill_columns() -> list[Column[Any]]:
    from lotwise.store.tables import FILLS

    return [FILLS.c[name] for name in FILL_NAMES]


def _trip_row(trip: RoundTrip) -> tuple[Any, ...]:
    row = {name: getattr(trip, name) for name in TRIP_NAMES}
    return tuple(
        (row | {"is_inverse": int(trip.is_inverse), "other_fees": json.dumps(trip.other_fees)}).values()
    )


def _trip_columns() -> list[Column[Any]]:
    from lotwise.store.tables import TRIPS

    return [TRIPS.c[name] for name in TRIP_NAMES]


def _trip(row: Sequence[Any]) -> RoundTrip:
    values = dict(zip(TRIP_NAMES, row, strict=True))
    values["is_inverse"] = bool(values["is_inverse"])
    others = values["other_fees"]
    values["other_fees"] = tuple((coin, cash) for coin, cash in json.loads(others)) if others != "[]" else ()
    return RoundTrip(**values)


def _fill(row: Sequence[Any]) -> Fill:
    values = dict(zip(FILL_NAMES, row, strict=True))
    values["is_inverse"] = bool(values["is_inverse"])
    return Fill(**values)
