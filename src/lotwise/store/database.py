"""The database opened: transactions that are whole or not there, and events that only grow.

SQLite writes ahead (WAL) with ``synchronous=FULL``: a commit is on the disk when it returns. One that writes
waits for another, up to :data:`WAIT_S`. Nothing here reads a clock: times are handed in.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lotwise.errors import InputError
from lotwise.store.failures import StoreError, failure
from lotwise.store.place import make_private, own_place, url_of

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Table

WAIT_S: Final = 30
"""So long one program waits for another that writes."""
INT64: Final = 2**63
WORKED_OUT: Final = 0x6C6F75
"""Number of the lock of PostgreSQL under which what is worked out from facts is written."""
MANY: Final = 2_000
"""From so many keys on it is quicker to ask for everything once."""
ASKED: Final = 500
"""Keys in one question: SQLite's older builds take 999 values."""
AT_ONCE: Final = 5_000
"""Rows sent to the database together."""
_ONE_MIGRATION: Final = threading.Lock()
"""Alembic keeps what it works on for the whole process: two databases are not made at once."""


class Event(msgspec.Struct, frozen=True):
    """Something that happened, as it was kept."""

    id: int
    stream: str
    kind: str
    subject: str
    time_ns: int
    body: dict[str, Any]


class Database:
    """A database that is open; made by :func:`opened`."""

    def __init__(self, engine: Engine, name: str, path: Path | None) -> None:
        self.engine = engine
        self.name = name
        self.path = path
        self._inode = path.stat().st_ino if path else 0

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: all of it is kept when the block ends, none of it where the block raises.

        Raises
        ------
        StoreError
            STORE-103 to STORE-110; nothing of the block is kept then.
        """
        from sqlalchemy.exc import SQLAlchemyError

        try:
            with self.engine.connect() as connection:
                writing = connection.execution_options(begin="BEGIN IMMEDIATE")
                with writing.begin():
                    self._still_there()
                    yield writing
                    self._still_there()
        except SQLAlchemyError as error:
            raise failure(error, self.name) from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Look at one moment of the database.

        Raises
        ------
        StoreError
            STORE-104, 105, 108, 110.
        """
        from sqlalchemy.exc import SQLAlchemyError

        try:
            with self.engine.connect() as connection:
                self._still_there()
                yield connection
        except SQLAlchemyError as error:
            raise failure(error, self.name) from error

    def close(self) -> None:
        """Let go of it."""
        self.engine.dispose()

    def append(
        self,
        stream: str,
        kind: str,
        body: dict[str, Any],
        *,
        time_ns: int,
        subject: str = "",
        key: str | None = None,
    ) -> int:
        """Keep an event; its number. The same ``key`` a second time keeps nothing and gives the number again.

        Raises
        ------
        StoreError
            STORE-109 where the key is kept with another body.
        InputError
            STORE-111 where the body is not plain JSON.
        """
        with self.write() as connection:
            return append(connection, stream, kind, body, time_ns=time_ns, subject=subject, key=key)

    def events(
        self, stream: str, *, subjects: Sequence[str] | None = None, kind: str = "", after: int = 0
    ) -> list[Event]:
        """Events of a stream in their order, of some subjects or of one kind where they are named."""
        from sqlalchemy import select

        from lotwise.store.tables import EVENTS

        asked = select(*(EVENTS.c[name] for name in EVENT_NAMES)).order_by(EVENTS.c.id)
        asked = asked.where(EVENTS.c.stream == stream, EVENTS.c.id > after)
        if subjects is not None:
            asked = asked.where(EVENTS.c.subject.in_(list(subjects)))
        if kind:
            asked = asked.where(EVENTS.c.kind == kind)
        with self.read() as connection:
            return [event_of(row) for row in connection.execute(asked)]

    def _still_there(self) -> None:
        """SQLite would go on writing into a file that was removed, and all of it would be lost."""
        if self.path is None:
            return
        try:
            same = self.path.stat().st_ino == self._inode
        except OSError:
            same = False
        if not same:
            raise StoreError(
                "STORE-105",
                f"the database {self.name} is gone: the file was removed or another stands in its place",
                "put it back, or open the new one; nothing was written",
            )


EVENT_NAMES: Final = ("id", "stream", "kind", "subject", "time_ns", "body")


def event_of(row: Sequence[Any]) -> Event:
    """The event of a row of its table, whose columns are ``EVENT_NAMES``."""
    number, stream, kind, subject, time_ns, body = row
    return Event(number, stream, kind, subject, time_ns, msgspec.json.decode(body))


def opened(place: str | Path | None = None, *, upgrade: str = "head") -> Database:
    """Open the database, making it and bringing it to the newest schema where needed.

    Parameters
    ----------
    place
        A file, or ``postgresql://...``; else what :func:`lotwise.store.place.own_place` says.

    Raises
    ------
    InputError
        STORE-101 no place for a database, STORE-102 the packages are not installed.
    StoreError
        STORE-103 to STORE-110.
    """
    needs_packages()
    from sqlalchemy import create_engine, event

    url, path = url_of(place if place is not None else own_place())
    if path is None:
        needs_driver()
    name = str(path) if path else url.render_as_string(hide_password=True)
    if path is not None:
        make_private(path)
        engine = create_engine(url, connect_args={"timeout": WAIT_S})
        event.listen(engine, "connect", _sqlite_connected)
        event.listen(engine, "begin", _sqlite_begun)
    else:
        wait = f"-c lock_timeout={WAIT_S * 1000} -c synchronous_commit=on -c timezone=UTC"
        engine = create_engine(url, connect_args={"connect_timeout": 10, "options": wait})
    database = Database(engine, name, path)
    try:
        with _ONE_MIGRATION:
            _bring_up(database, upgrade)
    except BaseException:  # whatever it was, the engine is closed before it goes on
        engine.dispose()
        raise
    return database


def needs_packages() -> None:
    """Say how to get what the database needs.

    Raises
    ------
    InputError
        STORE-102 where it is missing.
    """
    try:
        import alembic  # noqa: F401
        import sqlalchemy  # noqa: F401
    except ImportError:
        raise InputError(
            "STORE-102",
            "the journal needs SQLAlchemy and Alembic, which are not installed",
            "pip install 'lotwise[journal]'",
        ) from None


def needs_driver() -> None:
    """Say how to get what a journal in PostgreSQL needs.

    Raises
    ------
    InputError
        STORE-102 where it is missing.
    """
    try:
        import psycopg  # noqa: F401
    except ImportError:  # without the package, or without the library of PostgreSQL that it needs
        raise InputError(
            "STORE-102",
            "a journal in PostgreSQL needs psycopg, which is not installed",
            "pip install 'lotwise[journal,postgres]', or keep the journal in a file",
        ) from None


def append(
    connection: Connection,
    stream: str,
    kind: str,
    body: dict[str, Any],
    *,
    time_ns: int,
    subject: str = "",
    key: str | None = None,
) -> int:
    """As :meth:`Database.append`, within a transaction that is open."""
    from sqlalchemy import select

    from lotwise.store.tables import EVENTS

    try:
        text = json.dumps(body, ensure_ascii=False, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(
            "STORE-111",
            f"the body of a {kind} event is not plain JSON: {error}",
            "give text and whole numbers",
        ) from None
    _whole("time_ns", time_ns)
    row = {"stream": stream, "kind": kind, "subject": subject, "time_ns": time_ns, "key": key, "body": text}
    if key is not None:
        asked = select(EVENTS.c.id, EVENTS.c.body).where(EVENTS.c.stream == stream, EVENTS.c.key == key)
        known = connection.execute(asked).first()
        if known is not None:
            if known.body != text:
                raise StoreError(
                    "STORE-109",
                    f"the event {key} of {stream} is kept as {known.body[:80]}, and now says {text[:80]}",
                    "events are never changed: use another key",
                )
            return int(known.id)
    found = connection.execute(EVENTS.insert().values(**row).returning(EVENTS.c.id)).scalar_one()
    return int(found)


def put(connection: Connection, table: Table, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Add rows of the named columns, many at once.

    Raises
    ------
    InputError
        STORE-111 where a whole number does not fit 64 bits.
    """
    if not rows:
        return
    for name, column in zip(names, zip(*rows, strict=True), strict=True):
        numbers = [value for value in column if type(value) is int]
        if numbers:
            _whole(name, min(numbers))
            _whole(name, max(numbers))
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    places = ", ".join([mark] * len(names))
    statement = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({places})"
    for start in range(0, len(rows), AT_ONCE):
        connection.exec_driver_sql(statement, list(rows[start : start + AT_ONCE]))


def one_at_a_time(connection: Connection) -> None:
    """Within a transaction: wait until no other of this kind is open. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WORKED_OUT})")


def chunks(keys: Sequence[str]) -> Iterator[Sequence[str] | None]:
    """Keys in pieces that one question can hold; ``None``, ask for all, where they are many."""
    if len(keys) > MANY:
        yield None
        return
    for start in range(0, len(keys), ASKED):
        yield keys[start : start + ASKED]


def _whole(name: str, value: object) -> None:
    if type(value) is not int or not -INT64 <= value < INT64:
        raise InputError(
            "STORE-111", f"{name} is {value!r:.40}: not a whole number of 64 bits", "see where it comes from"
        )


def _bring_up(database: Database, to: str) -> None:
    from alembic.migration import MigrationContext
    from sqlalchemy import inspect

    from lotwise.store.schema import newest, upgrade

    with database.read() as connection:
        if MigrationContext.configure(connection).get_current_revision() == newest():
            return
    with database.write() as connection:
        strangers = set(inspect(connection).get_table_names()) - {"alembic_version"}
        versioned = inspect(connection).has_table("alembic_version")
        if strangers and not versioned:
            raise StoreError(
                "STORE-108",
                f"the database {database.name} holds other tables: {', '.join(sorted(strangers)[:3])}",
                "name a database of its own",
            )
        upgrade(connection, to, database.name)


def _sqlite_connected(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where we say so, not where the driver guesses
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begun(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))
