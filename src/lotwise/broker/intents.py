"""The log of intents: what is about to be sent is on the disk before it leaves, and what came of it after.

An append-only stream of the database (:mod:`lotwise.store.database`: SQLite with ``synchronous=FULL``).
Client ids follow from the trade, the role and the attempt alone, so a session that died finds its orders
again.

=========  ====================================================================================
kind       body
=========  ====================================================================================
plan       a :class:`TradePlan`; its entries count as sent
send       an order that is about to leave
cancel     an order that is about to be cancelled, so its end is known to be ours
answer     what the venue said of an order
fill       an execution, once for ever by its key
moved      someone moved the stop on the venue; closer, it stays there
closing    the trade is being closed, and why
took       the trade counts from here on; the usage of the limits after it
end        the trade is over: its result; the usage after it
foreign    a position that is not ours began or ended; the usage after it
usage      the usage of the limits changed: a new day, a loss lock
lock       locked by hand or by the kill switch; ``unlock`` ends it
income     how far the changes of the wallet were read
=========  ====================================================================================
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import msgspec

from lotwise.records.signal import Signal
from lotwise.units import Cash, Lots, Ticks

if TYPE_CHECKING:
    from lotwise.store.database import Database, Event

Role = Literal["entry", "stop", "target", "close"]
LETTERS: Final[dict[str, Role]] = {"e": "entry", "s": "stop", "t": "target", "x": "close"}
_LETTER: Final = {role: letter for letter, role in LETTERS.items()}
OWN: Final = re.compile(r"lw-([a-z2-7]{16})-([estx])(\d)-(\d{1,5})")
"""A client id of ours: trade, role, number of the leg or target, attempt. At most 29 characters of those that
every venue takes (MEXC the fewest: 32). Source: spec of each venue, "client order id"."""
ID_BYTES: Final = 10


class Leg(msgspec.Struct, frozen=True):
    """An entry order of a plan; at tick 0 it goes at the market."""

    lots: Lots
    price_ticks: Ticks


class TradePlan(msgspec.Struct, frozen=True, kw_only=True):
    """A trade that was approved, as it is kept before its first order leaves."""

    trade_id: str
    contract_id: str
    signal: Signal
    lots: Lots
    legs: tuple[Leg, ...]
    risk_cash: Cash
    notional_cash: Cash
    budget_cash: Cash
    time_ns: int
    """By the session's clock."""
    venue_ns: int
    """By the venue's."""
    last_ticks: Ticks


class Note(NamedTuple):
    """An entry of the log that is to be written."""

    kind: str
    subject: str
    body: dict[str, Any]
    key: str | None = None


def trade_id_of(account: str, contract_id: str, time_ns: int, number: int) -> str:
    """Name of a trade, of sixteen letters; the same for the same parts.

    >>> trade_id_of("main", "binance:BTCUSDT", 1_700_000_000_000_000_000, 1)
    '646qnywdyxguc7ro'
    """
    text = f"{account}|{contract_id}|{time_ns}|{number}"
    return base64.b32encode(blake2b(text.encode(), digest_size=ID_BYTES).digest()).decode().lower()


def client_id_of(trade_id: str, role: Role, number: int, attempt: int) -> str:
    """Client id of an order.

    >>> client_id_of("a" * 16, "stop", 0, 3)
    'lw-aaaaaaaaaaaaaaaa-s0-3'
    """
    return f"lw-{trade_id}-{_LETTER[role]}{number}-{attempt}"


def owner_of(client_id: str) -> tuple[str, Role] | None:
    """The trade and role of a client id of ours; ``None``: it is someone else's."""
    found = OWN.fullmatch(client_id)
    return (found[1], LETTERS[found[2]]) if found else None


def quick(database: Database, wait_ms: int = 1_000) -> None:
    """Let a write wait no longer for another program that holds the file: a stop may stand behind it."""
    if database.path is None:
        return
    from sqlalchemy import event

    database.engine.dispose()
    event.listen(
        database.engine, "connect", lambda raw, record: raw.execute(f"PRAGMA busy_timeout={wait_ms:d}")
    )


class IntentLog:
    """The log of one session: of one account on one venue.

    Every commit waits for the disk. What need not be there before the next request leaves (answers,
    executions: the venue tells them again) waits in ``pending`` for the next note that must.
    """

    def __init__(self, database: Database, name: str) -> None:
        self.database, self.stream = database, f"session:{name}"
        self.pending: list[tuple[int, Note]] = []
        """Notes that the next :meth:`write` keeps before its own, in their order."""

    def later(self, time_ns: int, *notes: Note) -> None:
        """Keep notes with the next write."""
        self.pending += [(time_ns, note) for note in notes]

    def write(self, time_ns: int, *notes: Note) -> None:
        """Keep what is pending and these notes, all or none, in one commit; on the disk when it returns.

        Raises
        ------
        StoreError
            STORE-103 to 110: nothing was kept, and nothing may be sent.
        """
        from lotwise.store.database import append

        with self.database.write() as connection:
            for at_ns, note in (*self.pending, *((time_ns, note) for note in notes)):
                append(
                    connection,
                    self.stream,
                    note.kind,
                    note.body,
                    time_ns=at_ns,
                    subject=note.subject,
                    key=note.key,
                )
        self.pending.clear()

    def read(self) -> Sequence[Event]:
        """All of the log from the last moment on at which no trade was open."""
        rests = self.database.events(self.stream, kind="rest")
        after = rests[-1].id - 1 if rests else 0
        return self.database.events(self.stream, after=after)

    def rest(self, time_ns: int, body: dict[str, Any]) -> None:
        """No trade is open: what is true now, so that a later start need not read what was before."""
        self.write(time_ns, Note("rest", "", body))
