"""The journal on its shelf: fills put once, round trips worked out anew only where they can have changed.

Fills, income and events only grow; the table of round trips is worked out from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lotwise.errors import InputError
from lotwise.journal.grouping import STREAM, Key, catch_up, put_fills, regroup, unknown
from lotwise.journal.rows import fill_columns, fill_of, trip_columns, trip_of
from lotwise.journal.trips import parts_of, trip_name
from lotwise.ledger.holding import in_order
from lotwise.ledger.keep import keep_incomes
from lotwise.records.journal import Fill, Income, RoundTrip
from lotwise.store.database import needs_packages, one_at_a_time, opened
from lotwise.store.place import url_of

if TYPE_CHECKING:
    from sqlalchemy import Select

    from lotwise.store.database import Database

PAGE: Final = 50
TOGETHER: Final = 2_000
"""Rows that are asked of the driver at once."""
PREFIX: Final = 4
"""A round trip may be named by so many of its digits, if no other begins so."""

POSITION: Final = ("venue", "account", "contract", "position_side")


@dataclass(frozen=True)
class Added:
    """What became of fills or records that were to be kept."""

    new: int
    known: int
    unplaced: int = 0
    """Of the funding that was placed anew: records of a time when nothing was held, as far as fills tell."""
    shared: int = 0
    """Of the same: records that the legs of a hedge shared."""


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
        database = opened(place)
        try:
            catch_up(database)
        except BaseException:  # whatever it was, the database is closed before it goes on
            database.close()
            raise
        return cls(database)

    @classmethod
    def there(cls, place: str | Path | None = None) -> Journal:
        """The same to look things up: a file that was named is not begun, for its name may be misspelt.

        Raises
        ------
        InputError
            JOURNAL-109 no such file; else as :meth:`at`.
        """
        needs_packages()
        path = url_of(place)[1] if place else None
        if path is not None and not path.exists():
            raise InputError(
                "JOURNAL-109",
                f"there is no journal at {path}",
                "check the name; lotwise journal add and import begin a new one",
            )
        return cls.at(place)

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
            new = unknown(connection, given)
            new_records = keep_incomes(connection, records)
            put_fills(connection, new)
            first: dict[Key, int] = {}
            changes: list[tuple[Key, int]] = [
                ((one.venue, one.account, one.contract), one.time_ns) for one in new
            ]
            changes += [((one.venue, one.account, one.contract), one.time_ns) for one in records]
            for key, time_ns in changes:
                first[key] = min(first.get(key, time_ns), time_ns)
            done = [regroup(connection, key, time_ns) for key, time_ns in first.items()]
        return (
            Added(len(new), len(given) - len(new)),
            Added(
                new_records,
                len(records) - new_records,
                sum(len(one.unplaced) for one in done),
                sum(one.shared for one in done),
            ),
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
            select(*trip_columns())
            .where(TRIPS.c.trip_id.in_(names.limit(limit).offset(offset)))
            .order_by(*newest)
        )
        with self.database.read() as connection:
            return [trip_of(row) for row in connection.execute(asked)]

    def all(self, wanted: Wanted = Wanted()) -> Iterator[RoundTrip]:
        """Round trips, the oldest first."""
        from lotwise.store.tables import TRIPS

        asked = self._asked(wanted).order_by(TRIPS.c.opened_ns, TRIPS.c.trip_id)
        with self.database.read() as connection:
            for some in connection.execute(asked).partitions(TOGETHER):
                yield from map(trip_of, some)

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
        asked = select(*trip_columns()).where(TRIPS.c.trip_id.startswith(wanted)).limit(2)
        with self.database.read() as connection:
            rows = connection.execute(asked).all()
        if len(rows) != 1:
            many = "more than one trade begins" if rows else "no trade begins"
            raise InputError("JOURNAL-102", f"{many} with {wanted}", "lotwise journal list shows the names")
        return trip_of(rows[0])

    def trip_at(self, fill: Fill) -> RoundTrip:
        """The round trip that a kept fill belongs to; of one that turned a position, the one it opened."""
        from sqlalchemy import or_, select

        from lotwise.store.tables import TRIPS

        asked = (
            select(*trip_columns())
            .where(*(TRIPS.c[name] == getattr(fill, name) for name in POSITION))
            .where(TRIPS.c.opened_ns <= fill.time_ns)
            .where(or_(TRIPS.c.closed_ns.is_(None), TRIPS.c.closed_ns >= fill.time_ns))
            .order_by(TRIPS.c.opened_ns.desc())
        )
        with self.database.read() as connection:
            rows = connection.execute(asked).all()
        trips = [trip_of(row) for row in rows]
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
            asked = select(*fill_columns()).where(*mine, FILLS.c.time_ns >= start, FILLS.c.time_ns <= until)
            return parts_of([fill_of(row) for row in connection.execute(asked)], trip.trip_id)

    def fills_of_contracts(self, keys: Iterable[Key]) -> list[Fill]:
        """Every fill kept of some contracts, in the order of time."""
        from sqlalchemy import select

        from lotwise.store.tables import FILLS

        found: list[Fill] = []
        with self.database.read() as connection:
            for venue, account, contract in keys:
                asked = select(*fill_columns()).where(
                    FILLS.c.venue == venue, FILLS.c.account == account, FILLS.c.contract == contract
                )
                found += [fill_of(row) for row in connection.execute(asked)]
        return sorted(found, key=in_order)

    def fills(self) -> list[Fill]:
        """Every fill in the order of time."""
        from sqlalchemy import select

        with self.database.read() as connection:
            return sorted((fill_of(row) for row in connection.execute(select(*fill_columns()))), key=in_order)

    def _asked(self, wanted: Wanted) -> Select[Any]:
        from sqlalchemy import select

        from lotwise.store.tables import TRIPS

        asked = select(*trip_columns())
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
            for event in self.database.events(STREAM, kind="tag")
            if event.body["tag"] == tag
        }
        return [subject for subject, is_on in on.items() if is_on]
