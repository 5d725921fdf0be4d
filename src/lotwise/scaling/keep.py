"""A plan on disk: every event is written before it counts, and the plan is what they add up to.

One SQLite file beside the plan's TOML. It keeps the plan's own text: whoever edits the TOML has not changed
what is allowed. A new text begins a new plan at its first phase, and the old one stays readable.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from lotwise.errors import InputError
from lotwise.kernel.layout import RATE
from lotwise.records.plan import AnyPlanEvent, PlanLimits, Transferred, Transition, Where
from lotwise.scaling.config import load_plan, read_plan
from lotwise.scaling.machine import Plan
from lotwise.store.place import make_private
from lotwise.units import Cash

FORMAT: Final = 1
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS plans (number INTEGER PRIMARY KEY, config TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS events
    (plan INTEGER NOT NULL REFERENCES plans, sequence INTEGER NOT NULL, time_ns INTEGER NOT NULL,
     body TEXT NOT NULL, PRIMARY KEY (plan, sequence));
CREATE TABLE IF NOT EXISTS transitions
    (plan INTEGER NOT NULL, sequence INTEGER NOT NULL, place INTEGER NOT NULL, time_ns INTEGER NOT NULL,
     kind TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (plan, sequence, place));
CREATE TABLE IF NOT EXISTS transfers
    (plan INTEGER NOT NULL, name TEXT NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (plan, name));
"""
_EVENTS: Final = msgspec.json.Decoder(AnyPlanEvent)
_TRANSITIONS: Final = msgspec.json.Decoder(Transition)


@dataclass(frozen=True)
class KnownTransfer:
    """A transfer as the journal names it; a plan is told each name once.

    Money that came or went is of the plan's capital where the phase counts on all of the account, and of the
    reserve where it counts on a part: a deposit makes nothing larger by itself.
    """

    name: str
    time_ns: int
    where: Where
    amount_cash: Cash
    by_hand: int = 0
    """Sequence of the event that told it already, by hand; 0: none did."""


def log_of(path: Path) -> Path:
    """The file that keeps a plan: ``plan.toml`` -> ``plan.log.db``."""
    return path.with_suffix(".log.db")


class KeptPlan:
    """A plan and its log.

    Parameters
    ----------
    path
        The plan's TOML file; its log lies beside it.

    Raises
    ------
    InputError
        PLAN-121 the TOML is another than the one that is at work; PLAN-122 a log that cannot be read, or is
        written by another process just now; else as :func:`lotwise.scaling.config.load_plan`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        config = load_plan(path)
        self.text = path.read_text(encoding="utf-8")
        self._base = self._opened(log_of(path))
        row = self._base.execute("SELECT number, config FROM plans ORDER BY number DESC LIMIT 1").fetchone()
        self.number = int(row[0]) if row else 0
        if row and read_text(str(row[1])) != config:
            self._base.close()
            raise InputError(
                "PLAN-121",
                f"{path} is another plan than the one at work",
                "put the old text back, or begin anew at the first phase: lotwise plan restart",
            )
        self.plan = self._replayed()

    def _opened(self, place: Path) -> sqlite3.Connection:
        if not place.exists():
            place.touch(mode=0o600)
        make_private(place)
        base = sqlite3.connect(place, isolation_level=None)
        try:
            base.execute("PRAGMA journal_mode=WAL")
            base.execute("PRAGMA synchronous=FULL")
            base.executescript(_TABLES)
            base.execute("INSERT OR IGNORE INTO about VALUES ('format', ?)", (str(FORMAT),))
            kept = base.execute("SELECT value FROM about WHERE name = 'format'").fetchone()[0]
            if kept != str(FORMAT):
                raise sqlite3.DatabaseError(f"format {kept}, this is {FORMAT}")
        except sqlite3.DatabaseError as error:
            base.close()
            raise _unreadable(place, error) from error
        return base

    def _replayed(self) -> Plan:
        plan = Plan(load_plan(self.path))
        for event in self.events():
            plan.tell(event)
        return plan

    def events(self, after: int = 0) -> Iterator[AnyPlanEvent]:
        """What the plan at work was told, in order; ``after`` leaves out the first so many."""
        rows = self._base.execute(
            "SELECT body FROM events WHERE plan = ? AND sequence > ? ORDER BY sequence", (self.number, after)
        ).fetchall()
        try:
            for (body,) in rows:
                yield _EVENTS.decode(body)
        except msgspec.DecodeError as error:
            raise _unreadable(log_of(self.path), error) from error

    def transitions(self) -> list[Transition]:
        """What moved, and what showed it, in order."""
        rows = self._base.execute(
            "SELECT body FROM transitions WHERE plan = ? ORDER BY sequence, place", (self.number,)
        )
        return [_TRANSITIONS.decode(body) for (body,) in rows]

    def transfers(self) -> dict[str, int]:
        """Names of the journal's transfers that the plan was told, with the event that told each."""
        asked = "SELECT name, sequence FROM transfers WHERE plan = ?"
        return {str(name): int(sequence) for name, sequence in self._base.execute(asked, (self.number,))}

    def tell(self, events: Iterable[AnyPlanEvent | KnownTransfer]) -> list[Transition]:
        """Write events and obey them: all, or none. What moved.

        Raises
        ------
        InputError
            As :meth:`lotwise.scaling.machine.Plan.tell`; PLAN-122; PLAN-161 a transfer that was told
            already. Nothing is written or changed.
        """
        found: list[Transition] = []
        try:
            self._base.execute("BEGIN IMMEDIATE")
        except sqlite3.DatabaseError as error:
            raise _unreadable(log_of(self.path), error) from error
        try:
            if not self.number:
                self._base.execute("INSERT INTO plans (config) VALUES (?)", (self.text,))
                self.number = int(self._base.execute("SELECT max(number) FROM plans").fetchone()[0])
            self._check_alone()
            for event in events:
                if isinstance(event, KnownTransfer):
                    self._name(event)
                    if event.by_hand:
                        continue
                told = self._transferred(event) if isinstance(event, KnownTransfer) else event
                moved = self.plan.tell(told)
                self._write(told, moved)
                found.extend(moved)
            self._base.execute("COMMIT")
        except BaseException as error:  # told half is worse than not told, whatever it was
            self._base.execute("ROLLBACK")
            row = self._base.execute("SELECT max(number) FROM plans").fetchone()
            self.number = int(row[0] or 0)
            self.plan = self._replayed()
            if isinstance(error, sqlite3.DatabaseError):
                raise _unreadable(log_of(self.path), error) from error
            raise
        return found

    def _name(self, transfer: KnownTransfer) -> None:
        """Write down a name; each is taken once."""
        known = self.transfers().get(transfer.name)
        if known is not None:
            raise InputError(
                "PLAN-161",
                f"transfer {transfer.name} was told already, as event {known}",
                "lotwise plan check tells each once; try it again",
            )
        self._base.execute(
            "INSERT INTO transfers VALUES (?, ?, ?)",
            (self.number, transfer.name, transfer.by_hand or self.plan.sequence + 1),
        )

    def _transferred(self, transfer: KnownTransfer) -> Transferred:
        """The event of a named transfer, at the equity that the plan knows then."""
        plan = self.plan
        counts_all = plan.phase.capital_share8 == RATE and not plan.phase.capital_cash
        return Transferred(
            time_ns=max(transfer.time_ns, plan.last_ns),
            where=transfer.where,
            equity_before_cash=Cash(plan.equity[transfer.where]),
            amount_cash=transfer.amount_cash,
            of_reserve=transfer.where == plan.phase.where and not counts_all,
        )

    def _check_alone(self) -> None:
        """What another process told the plan since it was read is told here too."""
        asked = "SELECT max(sequence) FROM events WHERE plan = ?"
        kept = int(self._base.execute(asked, (self.number,)).fetchone()[0] or 0)
        if kept < self.plan.sequence:
            self.plan = self._replayed()
        elif kept > self.plan.sequence:
            for event in self.events(after=self.plan.sequence):
                self.plan.tell(event)

    def is_replaced(self) -> bool:
        """Whether another process has begun the plan anew.

        Raises
        ------
        InputError
            PLAN-122.
        """
        try:
            row = self._base.execute("SELECT max(number) FROM plans").fetchone()
        except sqlite3.DatabaseError as error:
            raise _unreadable(log_of(self.path), error) from error
        return int(row[0] or 0) != self.number

    def _write(self, event: AnyPlanEvent, moved: Iterable[Transition]) -> None:
        sequence = self.plan.sequence
        body = msgspec.json.encode(event).decode()
        self._base.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?)", (self.number, sequence, event.time_ns, body)
        )
        for place, transition in enumerate(moved):
            told = msgspec.json.encode(transition).decode()
            self._base.execute(
                "INSERT INTO transitions VALUES (?, ?, ?, ?, ?, ?)",
                (self.number, sequence, place, event.time_ns, transition.kind, told),
            )

    def limits(self, now_ns: int) -> PlanLimits:
        """What is allowed now, other processes' events included.

        Raises
        ------
        InputError
            PLAN-113 the plan has not begun; PLAN-122.
        """
        try:
            self._check_alone()
        except sqlite3.DatabaseError as error:
            raise _unreadable(log_of(self.path), error) from error
        return self.plan.limits(now_ns)

    def close(self) -> None:
        """Let the file go."""
        self._base.close()


def restart(path: Path) -> None:
    """Begin a plan anew with its present text, at its first phase; what was is kept in the log.

    Raises
    ------
    InputError
        As :func:`lotwise.scaling.config.load_plan`; PLAN-122.
    """
    load_plan(path)
    place = log_of(path)
    if not place.exists():
        return
    try:
        base = sqlite3.connect(place, isolation_level=None)
        with base:
            base.execute("INSERT INTO plans (config) VALUES (?)", (path.read_text(encoding="utf-8"),))
        base.close()
    except sqlite3.DatabaseError as error:
        raise _unreadable(place, error) from error


def read_text(text: str) -> object:
    """The plan of a kept text."""
    import tomllib

    return read_plan(tomllib.loads(text))


def _unreadable(place: Path, error: Exception) -> InputError:
    return InputError(
        "PLAN-122", f"{place} cannot be used: {error}", "try again; if it stays, restore it from a copy"
    )
