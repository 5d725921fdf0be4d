"""Entries and income records in the database: put once, read back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from lotwise.errors import InputError
from lotwise.ledger.entries import checked
from lotwise.records.journal import Entry, Income, Posting
from lotwise.store.database import chunks, one_at_a_time, put

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lotwise.store.database import Database

FIELDS = ("account", "reference", "kind", "contract", "coin", "time_ns", "trade_id")


def keep_entries(connection: Connection, entries: Iterable[Entry]) -> int:
    """Put entries that are not kept yet; how many were new.

    Raises
    ------
    LedgerError
        LEDGER-101 one that does not sum to zero.
    InputError
        LEDGER-102 a reference that is kept and says something else.
    """
    from sqlalchemy import func, select

    from lotwise.store.tables import ENTRIES, POSTINGS

    one_at_a_time(connection)
    given = list(entries)
    known: dict[tuple[str, str, str], Entry] = {}
    for some in chunks([entry.reference for entry in given]):
        for one in read_entries(connection, references=some):
            known[(one.account, one.reference, one.coin)] = one
    new: list[Entry] = []
    for entry in given:
        key = (entry.account, entry.reference, entry.coin)
        old = known.get(key)
        if old is None:
            known[key] = checked(entry)
            new.append(entry)
        elif not _same(old, entry):
            raise InputError(
                "LEDGER-102",
                f"entry {entry.reference} of {entry.account} is kept with {_words(old)}, and now has "
                f"{_words(entry)}",
                "an entry is never changed: book the difference under another reference",
            )
    first = connection.execute(select(func.coalesce(func.max(ENTRIES.c.id), 0))).scalar_one() + 1
    numbered = list(enumerate(new, first))
    rows = [(number, *(getattr(entry, name) for name in FIELDS)) for number, entry in numbered]
    put(connection, ENTRIES, ("id", *FIELDS), rows)
    parts = [(number, posting.book, posting.cash) for number, entry in numbered for posting in entry.postings]
    put(connection, POSTINGS, ("entry_id", "book", "cash"), parts)
    return len(new)


def _same(one: Entry, other: Entry) -> bool:
    parts = [(sorted((p.book, p.cash) for p in entry.postings), entry.time_ns) for entry in (one, other)]
    return parts[0] == parts[1]


def _words(entry: Entry) -> str:
    return ", ".join(f"{posting.book} {posting.cash}" for posting in entry.postings)


def read_entries(
    connection: Connection, account: str | None = None, references: Sequence[str] | None = None
) -> Iterator[Entry]:
    """Entries in the order in which they were kept, of one account or of some references where named."""
    from sqlalchemy import select

    from lotwise.store.tables import ENTRIES, POSTINGS

    asked = (
        select(ENTRIES, POSTINGS.c.book, POSTINGS.c.cash)
        .join(POSTINGS, POSTINGS.c.entry_id == ENTRIES.c.id)
        .order_by(ENTRIES.c.id, POSTINGS.c.id)
    )
    if account is not None:
        asked = asked.where(ENTRIES.c.account == account)
    if references is not None:
        asked = asked.where(ENTRIES.c.reference.in_(references))
    at, head = None, None
    parts: list[Posting] = []
    for row in connection.execute(asked):
        if row.id != at:
            if head is not None:
                yield _entry(head, parts)
            at, head, parts = row.id, row, []
        parts.append(Posting(row.book, row.cash))
    if head is not None:
        yield _entry(head, parts)


def _entry(row: Any, parts: list[Posting]) -> Entry:
    return Entry(**{name: getattr(row, name) for name in FIELDS}, postings=tuple(parts))


def keep_incomes(connection: Connection, incomes: Iterable[Income]) -> int:
    """Put income records that are not kept yet; how many were new.

    Raises
    ------
    InputError
        LEDGER-103 an id that is kept and says something else.
    """
    from lotwise.store.tables import INCOMES

    one_at_a_time(connection)
    given = list(incomes)
    known: dict[tuple[str, str, str, str], Income] = {}
    for some in chunks([one.income_id for one in given]):
        known |= {_income_key(one): one for one in read_incomes(connection, some)}
    new = []
    for income in given:
        old = known.get(_income_key(income))
        if old is None:
            known[_income_key(income)] = income
            new.append(income)
        elif (old.cash, old.coin, old.time_ns) != (income.cash, income.coin, income.time_ns):
            raise InputError(
                "LEDGER-103",
                f"{income.source or 'a record'}: {income.kind} {income.income_id} is kept with {old.cash}e-8 "
                f"{old.coin} ({old.source}), and now has {income.cash}e-8 {income.coin}",
                "see which of the two files is right",
            )
    put(connection, INCOMES, Income.__struct_fields__, [msgspec.structs.astuple(one) for one in new])
    return len(new)


def _income_key(income: Income) -> tuple[str, str, str, str]:
    return income.venue, income.account, income.kind, income.income_id


def read_incomes(connection: Connection, ids: Sequence[str] | None = None) -> list[Income]:
    """Income records in the order of time, those of some ids where they are named."""
    from sqlalchemy import select

    from lotwise.store.tables import INCOMES

    names = Income.__struct_fields__
    asked = select(*(INCOMES.c[name] for name in names)).order_by(INCOMES.c.time_ns, INCOMES.c.id)
    if ids is not None:
        asked = asked.where(INCOMES.c.income_id.in_(ids))
    return [Income(**dict(zip(names, row, strict=True))) for row in connection.execute(asked)]


def ledger_of(database: Database, account: str | None = None) -> list[Entry]:
    """The entries of a database, of one account where it is named."""
    with database.read() as connection:
        return list(read_entries(connection, account))
