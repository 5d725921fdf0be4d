"""What is kept once, and what is worked out from it: the round trips and their orders.

Round trips are worked out anew from the last moment before a change at which their contract was flat.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from lotwise.errors import InputError
from lotwise.journal.rows import FILL_NAMES, TRIP_NAMES, fill_columns, fill_of, trip_row
from lotwise.journal.trips import Grouped, grouped
from lotwise.ledger.holding import place_of
from lotwise.records.journal import Fill, Income
from lotwise.store.database import chunks, one_at_a_time, put

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lotwise.store.database import Database

STREAM: Final = "journal"
"""Of events that are said of round trips and orders."""
VERSION: Final = 3
"""Of the rules by which round trips are worked out: where a journal has another, all of it is done anew."""
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

POSITION: Final = ("venue", "account", "contract")
Key = tuple[str, str, str]
"""Venue, account, contract."""


def order_subject(venue: str, account: str, contract: str, order_id: str) -> str:
    """What an event is of that concerns an order whose trip is not known yet."""
    return f"{venue}:{account}:{contract}#{order_id}"


def catch_up(database: Database) -> None:
    """Work all round trips out where that was last done by other rules, or by none."""
    from sqlalchemy import delete, select, union

    from lotwise.store.tables import FILLS, TRIPS, WORKED_OUT

    asked = select(WORKED_OUT.c.version).where(WORKED_OUT.c.name == "trips")
    with database.read() as connection:
        if connection.execute(asked).scalar() == VERSION:
            return
    with database.write() as connection:
        one_at_a_time(connection)
        if connection.execute(asked).scalar() == VERSION:  # another did it while this one waited
            return
        keys = union(*(select(*(table.c[name] for name in POSITION)) for table in (FILLS, TRIPS)))
        for venue, account, contract in connection.execute(keys).all():
            regroup(connection, (venue, account, contract), -(2**63))
        connection.execute(delete(WORKED_OUT).where(WORKED_OUT.c.name == "trips"))
        put(connection, WORKED_OUT, ("name", "version"), [("trips", VERSION)])


def unknown(connection: Connection, fills: Sequence[Fill]) -> list[Fill]:
    """The fills that are not kept yet, each once."""
    from sqlalchemy import select

    from lotwise.store.tables import FILLS

    known: dict[tuple[str, ...], Fill] = {}
    asked: dict[Key, list[str]] = {}
    for one in fills:
        asked.setdefault((one.venue, one.account, one.contract), []).append(one.trade_id)
    for key, ids in asked.items():
        mine = [FILLS.c[name] == value for name, value in zip(POSITION, key, strict=True)]
        for some in chunks(ids):
            query = select(*fill_columns()).where(*mine)
            if some is not None:
                query = query.where(FILLS.c.trade_id.in_(some))
            for row in connection.execute(query):
                kept = fill_of(row)
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


def put_fills(connection: Connection, fills: Sequence[Fill]) -> None:
    """Put fills that are not kept yet."""
    from lotwise.store.tables import FILLS

    rows = [msgspec.structs.astuple(fill) for fill in fills]
    at = FILL_NAMES.index("is_inverse")
    put(connection, FILLS, FILL_NAMES, [(*row[:at], int(row[at]), *row[at + 1 :]) for row in rows])


def regroup(connection: Connection, key: Key, changed_ns: int) -> Grouped:
    """Work the round trips of a contract out again, from the last moment before a change when it was flat."""
    from sqlalchemy import delete, func, or_, select

    from lotwise.store.tables import FILLS, INCOMES, TRIP_ORDERS, TRIPS

    mine = [TRIPS.c[name] == value for name, value in zip(POSITION, key, strict=True)]
    other = TRIPS.alias()
    covering = (
        select(other.c.trip_id)
        .where(
            *(other.c[name] == value for name, value in zip(POSITION, key, strict=True)),
            other.c.opened_ns <= TRIPS.c.closed_ns,
            or_(other.c.closed_ns.is_(None), other.c.closed_ns > TRIPS.c.closed_ns),
        )
        .exists()
    )
    flat = select(func.max(TRIPS.c.closed_ns)).where(*mine, TRIPS.c.closed_ns < changed_ns, ~covering)
    since = connection.execute(flat).scalar()
    since = -(2**63) if since is None else since
    ours = [
        [table.c[name] == value for name, value in zip(POSITION, key, strict=True)]
        for table in (FILLS, INCOMES)
    ]
    later = select(*fill_columns()).where(*ours[0], FILLS.c.time_ns > since)
    fills = [fill_of(row) for row in connection.execute(later)]
    names = Income.__struct_fields__
    asked = select(*(INCOMES.c[name] for name in names)).where(
        *ours[1], INCOMES.c.time_ns > since, INCOMES.c.kind == "FUNDING_FEE"
    )
    incomes = [Income(**dict(zip(names, row, strict=True))) for row in connection.execute(asked)]
    found = grouped(fills, incomes)
    gone = select(TRIPS.c.trip_id).where(*mine, TRIPS.c.opened_ns > since)
    connection.execute(delete(TRIP_ORDERS).where(TRIP_ORDERS.c.trip_id.in_(gone)))
    connection.execute(delete(TRIPS).where(*mine, TRIPS.c.opened_ns > since))
    put(connection, TRIPS, TRIP_NAMES, [trip_row(trip) for trip in found.trips])
    orders = [
        (order_subject(*key, order_id), trip_id, int(enters)) for trip_id, order_id, enters in found.orders
    ]
    put(connection, TRIP_ORDERS, ("subject", "trip_id", "enters"), with_own_ids(connection, orders))
    return found


def with_own_ids(
    connection: Connection, orders: Iterable[tuple[str, str, int]]
) -> list[tuple[str, str, int]]:
    """Orders by the venue's ids, and the same by the ids that we gave them, where that was said."""
    from sqlalchemy import select

    from lotwise.store.tables import EVENTS

    found = list(orders)
    own: dict[str, str] = {}
    asked = select(EVENTS.c.subject, EVENTS.c.body).where(
        EVENTS.c.stream == STREAM, EVENTS.c.kind == "accepted"
    )
    for some in chunks(list(dict.fromkeys(subject for subject, _, _ in found))):
        query = asked if some is None else asked.where(EVENTS.c.subject.in_(some))
        own |= {row.subject: json.loads(row.body)["of"] for row in connection.execute(query)}
    more = {(own[subject], trip_id): enters for subject, trip_id, enters in found if subject in own}
    have = {(subject, trip_id) for subject, trip_id, _ in found}
    return found + [(*names, enters) for names, enters in more.items() if names not in have]
