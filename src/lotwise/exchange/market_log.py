"""What a market cannot be made of again: changes on demand, and of a live one every event and every gap.

One SQLite file in the state's folder. What was put is on the disk when the call returns, so the venue plays
nothing that a restart would not find.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from lotwise.errors import InputError
from lotwise.exchange.changes import Change
from lotwise.kernel.state import EventRow

FILE: Final = "market.sqlite"
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS changes (number INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS events
    (position INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS event_times ON events (time_ns);
CREATE TABLE IF NOT EXISTS gaps (number INTEGER PRIMARY KEY, body BLOB NOT NULL);
"""


class FeedGap(msgspec.Struct, frozen=True):
    """What a live feed missed."""

    contract: int
    kind: str
    reason: str
    """``connection``: the line was cut; ``sequence``: the ids say so."""
    from_ns: int
    """The last event before it."""
    until_ns: int
    """The first event after it."""
    missing: int = 0
    """Messages, where the ids tell; 0: not known."""


class MarketLog:
    """The file; without a folder, in memory.

    Parameters
    ----------
    make
        Make the file now; else with the first change, for most states need none.

    Raises
    ------
    InputError
        EXCHANGE-152 a file that is none of ours, or broken.
    """

    def __init__(self, folder: Path | None, *, make: bool = True) -> None:
        self._folder = folder
        self._is_file = folder is not None and (make or (folder / FILE).exists())
        self._base = self._opened()
        self.count = int(self._base.execute("SELECT count(*) FROM events").fetchone()[0])

    def _opened(self) -> sqlite3.Connection:
        place = ":memory:"
        if self._is_file and self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            place = str(self._folder / FILE)
            os.close(os.open(place, os.O_CREAT | os.O_WRONLY, 0o600))
        base = sqlite3.connect(place, isolation_level=None, check_same_thread=False)
        try:
            base.execute("PRAGMA journal_mode=WAL")
            base.execute("PRAGMA synchronous=FULL")
            base.executescript(_TABLES)
            base.execute("SELECT time_ns FROM events LIMIT 1").fetchall()
        except sqlite3.DatabaseError as error:
            base.close()
            raise InputError(
                "EXCHANGE-152", f"{place} cannot be read: {error}", "choose another folder with --state"
            ) from error
        return base

    def about(self, name: str) -> str | None:
        """What is kept under a name."""
        row = self._base.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def tell(self, name: str, value: str) -> None:
        """Keep a value under a name."""
        self._base.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, value))

    def changes(self) -> list[Change]:
        """All changes, oldest first."""
        rows = self._base.execute("SELECT body FROM changes ORDER BY number").fetchall()
        return [msgspec.json.decode(body, type=Change) for (body,) in rows]

    def change(self, change: Change) -> None:
        """Keep a change."""
        if not self._is_file and self._folder is not None:
            self._is_file = True
            self._base.close()
            self._base = self._opened()
        self._base.execute("INSERT INTO changes (body) VALUES (?)", (msgspec.json.encode(change),))

    def append(
        self,
        events: Sequence[EventRow],
        gaps: Sequence[FeedGap] = (),
        about: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Keep events and gaps that came, and how far the feed is: all at once or not at all."""
        rows = [
            (
                self.count + number,
                event.time_ns,
                msgspec.json.encode({n: v for n in event.__slots__ if (v := getattr(event, n))}),
            )
            for number, event in enumerate(events)
        ]
        self._base.execute("BEGIN")
        self._base.executemany("INSERT INTO events VALUES (?, ?, ?)", rows)
        told = [(msgspec.json.encode(gap),) for gap in gaps]
        self._base.executemany("INSERT INTO gaps (body) VALUES (?)", told)
        self._base.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", list(about.items()))
        self._base.execute("COMMIT")
        self.count += len(rows)

    def gaps(self) -> list[FeedGap]:
        """All gaps, oldest first."""
        rows = self._base.execute("SELECT body FROM gaps ORDER BY number").fetchall()
        return [msgspec.json.decode(body, type=FeedGap) for (body,) in rows]

    # -- a live market's events, as a market plays them ------------------------------------------

    def __len__(self) -> int:
        return self.count

    @property
    def first_ns(self) -> int:
        """Time of the first event; 0: none yet."""
        row = self._base.execute("SELECT min(time_ns) FROM events").fetchone()
        return int(row[0] or 0)

    @property
    def last_ns(self) -> int:
        """Time of the last event; 0: none yet."""
        row = self._base.execute("SELECT max(time_ns) FROM events").fetchone()
        return int(row[0] or 0)

    def position_at(self, time_ns: int) -> int:
        """How many events are at or before a time."""
        row = self._base.execute("SELECT count(*) FROM events WHERE time_ns <= ?", (time_ns,)).fetchone()
        return int(row[0])

    def events(self, first: int, end: int) -> Iterator[EventRow]:
        """Events in their order."""
        rows = self._base.execute(
            "SELECT body FROM events WHERE position >= ? AND position < ? ORDER BY position", (first, end)
        )
        for (body,) in rows.fetchall():
            yield EventRow(**msgspec.json.decode(body, type=dict[str, int]))

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()
