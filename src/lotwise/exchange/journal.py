"""The venue on disk: every accepted act before it is answered, how far the market was played, snapshots.

An act is written and forced to the disk in one transaction, so what was answered is there after a power cut.
The market is not written, only its position: it is played again from its choice.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from lotwise.errors import InputError

try:
    import fcntl
except ImportError:  # pragma: no cover  # not on Windows: two servers on one folder are not noticed there
    fcntl = None  # type: ignore[assignment]

FILE: Final = "exchange.sqlite"
FORMAT: Final = 1
LOCKS: Final = fcntl is not None
SNAPSHOTS_KEPT: Final = 2
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS acts (number INTEGER PRIMARY KEY, position INTEGER NOT NULL, act BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS snapshots
    (number INTEGER PRIMARY KEY, position INTEGER NOT NULL, body BLOB NOT NULL);
"""


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
        place = ":memory:"
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(folder)
            place = str(folder / FILE)
            if not (folder / FILE).exists():
                os.close(os.open(place, os.O_CREAT | os.O_WRONLY, 0o600))  # keys are in it
        self._base = sqlite3.connect(place, isolation_level=None, check_same_thread=False)
        try:
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=FULL")
            self._base.executescript(_TABLES)
            self._check()
        except sqlite3.DatabaseError as error:
            self.close()
            raise InputError(
                "EXCHANGE-111", f"{place} cannot be read: {error}", "choose another folder with --state"
            ) from error

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
        """The market was played so far; before anyone is told."""
        self.tell("position", str(position))

    def write(self, position: int, act: Act) -> int:
        """Write an act; it is on the disk when this returns. Its number."""
        done = self._base.execute(
            "INSERT INTO acts (position, act) VALUES (?, ?)", (position, msgspec.json.encode(act))
        )
        assert done.lastrowid is not None
        return done.lastrowid

    def acts(self, after: int) -> Iterator[tuple[int, int, Act]]:
        """Number, position and act of those after a number, in their order."""
        rows = self._base.execute(
            "SELECT number, position, act FROM acts WHERE number > ? ORDER BY number", (after,)
        )
        for number, position, act in rows.fetchall():
            yield number, position, msgspec.json.decode(act, type=Act)

    @property
    def last(self) -> int:
        """Number of the last act; 0: none."""
        row = self._base.execute("SELECT max(number) FROM acts").fetchone()
        return int(row[0] or 0)

    def keep(self, position: int, body: Any) -> None:
        """Keep a snapshot of all that the acts so far have made."""
        number = self.last
        self._base.execute("BEGIN")
        self._base.execute(
            "INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?)", (number, position, msgspec.json.encode(body))
        )
        self._base.execute(
            "DELETE FROM snapshots WHERE number NOT IN"
            " (SELECT number FROM snapshots ORDER BY number DESC LIMIT ?)",
            (SNAPSHOTS_KEPT,),
        )
        self._base.execute("COMMIT")

    def snapshot(self) -> tuple[int, int, Any] | None:
        """Number, position and body of the last snapshot."""
        row = self._base.execute(
            "SELECT number, position, body FROM snapshots ORDER BY number DESC LIMIT 1"
        ).fetchone()
        return None if row is None else (int(row[0]), int(row[1]), msgspec.json.decode(row[2]))

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()
        if self._lock is not None:
            with suppress(OSError):
                os.close(self._lock)
            self._lock = None


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
