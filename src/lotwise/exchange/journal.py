"""The venue on disk: every accepted act before it is answered, how far the market was played, snapshots.

Acts are taken in order with :meth:`Journal.put`; one :meth:`Journal.commit` forces all that wait to the disk
in one transaction, so what is answered after it is there after a power cut. The market is not written, only
its position: it is played again from its choice. Snapshots lie in a file of their own, so that a long write
of one keeps no act waiting.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any, Final

import msgspec

from lotwise.errors import InputError

try:
    import fcntl
except ImportError:  # pragma: no cover  # not on Windows: two servers on one folder are not noticed there
    fcntl = None  # type: ignore[assignment]

FILE: Final = "exchange.sqlite"
SNAPSHOT_FILE: Final = "snapshots.sqlite"
FORMAT: Final = 1
LOCKS: Final = fcntl is not None
SNAPSHOTS_KEPT: Final = 2
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS acts (number INTEGER PRIMARY KEY, position INTEGER NOT NULL, act BLOB NOT NULL);
"""
_SNAPSHOTS: Final = """
CREATE TABLE IF NOT EXISTS snapshots
    (number INTEGER PRIMARY KEY, position INTEGER NOT NULL, body BLOB NOT NULL);
"""
_OPENED: Final = b'{"do":"open"'
"""How an act that opens an account begins on the disk."""


class Act(msgspec.Struct, frozen=True, omit_defaults=True):
    """One accepted act: an account was opened, a command was done, a listen key was made."""

    do: str
    """open, step, listen or unlisten."""
    account: int
    event: dict[str, int] = {}
    """Of a step: the fields that are not 0."""
    client: str = ""
    name: str = ""
    key: str = ""
    secret: str = ""


class Journal:
    """Acts, position and snapshots in one SQLite file; without a folder, in memory.

    Raises
    ------
    InputError
        EXCHANGE-110 another server holds the folder; EXCHANGE-111 a file that is none of ours, or broken.
    """

    def __init__(self, folder: Path | None) -> None:
        self._lock: int | None = None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(folder)
        self._base = _base(folder, FILE)
        self._snapshots = _base(folder, SNAPSHOT_FILE)
        self._keeping = Lock()
        self._waiting: list[tuple[int, int, bytes]] = []
        self._played = -1
        """Position that waits for the disk; -1: none."""
        try:
            for base, tables in ((self._base, _TABLES), (self._snapshots, _SNAPSHOTS)):
                base.execute("PRAGMA journal_mode=WAL")
                base.execute("PRAGMA synchronous=FULL")
                base.executescript(tables)
            self._check()
            row = self._base.execute("SELECT max(number) FROM acts").fetchone()
        except sqlite3.DatabaseError as error:
            self.close()
            raise InputError(
                "EXCHANGE-111", f"{folder} cannot be read: {error}", "choose another folder with --state"
            ) from error
        self.last = int(row[0] or 0)
        """Number of the last act, on the disk or waiting; 0: none."""

    def _check(self) -> None:
        kept = self.about("format")
        if kept is None:
            self.tell("format", str(FORMAT))
        elif kept != str(FORMAT):
            raise sqlite3.DatabaseError(f"format {kept}, this is {FORMAT}")

    def about(self, name: str) -> str | None:
        """What is kept under a name."""
        row = self._base.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def tell(self, name: str, value: str) -> None:
        """Keep a value under a name."""
        self._base.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, value))

    @property
    def position(self) -> int:
        """How far the market was played."""
        acts = self._base.execute("SELECT position FROM acts ORDER BY number DESC LIMIT 1").fetchone()
        return max(int(self.about("position") or 0), int(acts[0]) if acts else 0)

    def played(self, position: int) -> None:
        """The market was played so far; on the disk after the next commit."""
        self._played = position

    def put(self, position: int, act: Act) -> int:
        """Take an act in; on the disk after the next commit. Its number."""
        self.last += 1
        self._waiting.append((self.last, position, msgspec.json.encode(act)))
        return self.last

    @property
    def is_waiting(self) -> bool:
        """Whether something was taken in that is not on the disk."""
        return bool(self._waiting) or self._played >= 0

    def commit(self) -> None:
        """Force all that waits to the disk, in one transaction.

        Raises
        ------
        sqlite3.Error
            The disk refused it: nothing of it is there, and what memory did with it must not be seen.
        """
        if not self.is_waiting:
            return
        rows, played = self._waiting, self._played
        self._waiting, self._played = [], -1
        self._base.execute("BEGIN")
        try:
            if rows:
                self._base.executemany("INSERT INTO acts VALUES (?, ?, ?)", rows)
            if played >= 0:
                self.tell("position", str(played))
            self._base.execute("COMMIT")
        except sqlite3.Error:
            with suppress(sqlite3.Error):
                self._base.execute("ROLLBACK")
            raise

    def acts(self, after: int) -> Iterator[tuple[int, int, Act]]:
        """Number, position and act of those after a number, in their order."""
        rows = self._base.execute(
            "SELECT number, position, act FROM acts WHERE number > ? ORDER BY number", (after,)
        )
        for number, position, act in rows.fetchall():
            yield number, position, msgspec.json.decode(act, type=Act)

    def opened(self) -> Iterator[Act]:
        """The acts that opened accounts; the others are not read."""
        rows = self._base.execute(
            "SELECT act FROM acts WHERE substr(act, 1, ?) = ? ORDER BY number", (len(_OPENED), _OPENED)
        )
        for (act,) in rows:
            yield msgspec.json.decode(act, type=Act)

    def keep(self, number: int, position: int, body: bytes) -> None:
        """Keep a snapshot of all that the acts up to a number have made; those must be on the disk.

        May run in another thread than commits: it has a file of its own.
        """
        rows = self._snapshots
        with self._keeping:
            rows.execute("BEGIN")
            try:
                rows.execute("INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?)", (number, position, body))
                rows.execute(
                    "DELETE FROM snapshots WHERE number NOT IN"
                    " (SELECT number FROM snapshots ORDER BY number DESC LIMIT ?)",
                    (SNAPSHOTS_KEPT,),
                )
                rows.execute("COMMIT")
            except sqlite3.Error:
                with suppress(sqlite3.Error):
                    rows.execute("ROLLBACK")
                raise

    def snapshot(self) -> tuple[int, int, Any] | None:
        """Number, position and body of the last snapshot."""
        row = self._snapshots.execute(
            "SELECT number, position, body FROM snapshots WHERE number <= ? ORDER BY number DESC LIMIT 1",
            (self.last,),
        ).fetchone()
        return None if row is None else (int(row[0]), int(row[1]), msgspec.json.decode(row[2]))

    def close(self) -> None:
        """Let go of the files."""
        self._base.close()
        self._snapshots.close()
        if self._lock is not None:
            with suppress(OSError):
                os.close(self._lock)
            self._lock = None


def _base(folder: Path | None, name: str) -> sqlite3.Connection:
    """A file of the folder, which its owner alone may read; without a folder, in memory."""
    place = ":memory:"
    if folder is not None:
        place = str(folder / name)
        if not (folder / name).exists():
            os.close(os.open(place, os.O_CREAT | os.O_WRONLY, 0o600))  # keys are in it
    return sqlite3.connect(place, isolation_level=None, check_same_thread=False)


def _locked(folder: Path) -> int | None:
    if not LOCKS:
        return None
    lock = os.open(folder / "exchange.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise InputError(
            "EXCHANGE-110",
            f"another server holds {folder}",
            "stop it, or ask it: lotwise exchange account add --admin http://127.0.0.1:PORT",
        ) from error
    return lock
