"""The ledger against a venue's own records: every difference is named with its entry.

What an entry adds to the wallet splits without a rest into the kinds of a venue's income records, because its
postings sum to zero: COMMISSION is minus ``fees``, REALIZED_PNL minus ``trades`` and ``positions``,
FUNDING_FEE minus ``funding``, INSURANCE_CLEAR minus ``insurance``, TRANSFER minus ``outside``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from lotwise.ledger.entries import wallet_change
from lotwise.records.journal import Entry, Income
from lotwise.units import cash_text

KIND_OF_BOOK: Final = {
    "fees": "COMMISSION",
    "trades": "REALIZED_PNL",
    "positions": "REALIZED_PNL",
    "funding": "FUNDING_FEE",
    "insurance": "INSURANCE_CLEAR",
    "outside": "TRANSFER",
}
NEAR_NS: Final = 5_000_000_000
"""A record and an entry without a common id belong together if they are at most so far apart."""


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """An income record that an entry calls for."""

    reference: str
    kind: str
    contract: str
    coin: str
    cash: int
    time_ns: int
    trade_id: str


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Where the ledger and the venue do not say the same."""

    what: str
    """``amount``, ``coin``, ``contract``, ``kind``, ``time``, ``missing`` (the venue lacks it), ``extra`` (we
    lack it), ``double`` (the venue has it twice)."""
    reference: str
    """The entry; empty where only the venue has something."""
    income_id: str
    kind: str
    ours_cash: int
    venue_cash: int
    words: str


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue says the wallet held after everything up to a time."""

    coin: str
    time_ns: int
    cash: int


def expected(entries: Iterable[Entry]) -> Iterator[Expected]:
    """The income records that entries call for."""
    for entry in entries:
        amounts: dict[str, int] = {}
        for posting in entry.postings:
            kind = KIND_OF_BOOK.get(posting.book)
            if kind is None and posting.book == "other":
                kind = entry.kind.upper()
            if kind is not None:
                amounts[kind] = amounts.get(kind, 0) - posting.cash
        for kind, cash in amounts.items():
            if cash:
                yield Expected(
                    reference=entry.reference,
                    kind=kind,
                    contract=entry.contract,
                    coin=entry.coin,
                    cash=cash,
                    time_ns=entry.time_ns,
                    trade_id=entry.trade_id,
                )


def reconcile(entries: Iterable[Entry], incomes: Sequence[Income]) -> list[Difference]:
    """Differences between the ledger and the income records of the same stretch of time and account.

    Records are first paired by trade id and kind, then by all they say, then by fewer and fewer of its parts,
    so that a record with one wrong field is told from one that is missing.
    """
    ours = list(expected(entries))
    records = sorted(incomes, key=lambda record: (record.time_ns, record.income_id))
    doubles, singles = _doubles(records, ours)
    found = [_double(record, ours) for record in doubles]
    pairs, lonely, strays = _paired(ours, singles)
    for mine, record in pairs:
        found += _told(mine, record)
    found += [_missing(mine) for mine in lonely]
    found += [_extra(record) for record in strays]
    return found


def _doubles(records: Sequence[Income], ours: Sequence[Expected]) -> tuple[list[Income], list[Income]]:
    """Records that say the same as another, beyond what entries call for."""
    called: dict[tuple[object, ...], int] = {}
    for mine in ours:
        key = (mine.kind, mine.coin, mine.contract, mine.cash, mine.time_ns, mine.trade_id)
        called[key] = called.get(key, 0) + 1
    seen: dict[tuple[object, ...], int] = {}
    doubles: list[Income] = []
    singles: list[Income] = []
    for record in records:
        key = (record.kind, record.coin, record.contract, record.cash, record.time_ns, record.trade_id)
        seen[key] = seen.get(key, 0) + 1
        (doubles if seen[key] > max(1, called.get(key, 0)) else singles).append(record)
    return doubles, singles


Pairs = list[tuple[Expected, Income]]
_Field = tuple[str, ...]
_ROUNDS: Final[tuple[_Field, ...]] = (
    ("trade_id", "kind", "coin", "contract", "cash", "time_ns"),
    ("trade_id", "kind", "coin", "contract", "cash"),
    ("trade_id", "kind", "coin", "contract", "time_ns"),
    ("trade_id", "kind", "coin"),
    ("trade_id", "kind"),
    ("trade_id", "coin", "cash"),
    ("kind", "coin", "contract", "cash", "time_ns"),
    ("kind", "coin", "contract", "time_ns"),
    ("kind", "coin", "cash", "time_ns"),
    ("kind", "contract", "cash", "time_ns"),
    ("coin", "contract", "cash", "time_ns"),
)
"""What a record and an entry must share to belong together; the strictest first."""


def _paired(
    ours: Sequence[Expected], records: Sequence[Income]
) -> tuple[Pairs, list[Expected], list[Income]]:
    lonely, strays = list(ours), list(records)
    pairs: Pairs = []
    for fields in _ROUNDS:
        waiting: dict[tuple[object, ...], list[Income]] = {}
        for record in strays:
            if "trade_id" not in fields or record.trade_id:
                waiting.setdefault(tuple(getattr(record, name) for name in fields), []).append(record)
        taken: set[int] = set()
        left = []
        for mine in lonely:
            same = waiting.get(tuple(getattr(mine, name) for name in fields))
            if same:
                record = same.pop(0)
                taken.add(id(record))
                pairs.append((mine, record))
            else:
                left.append(mine)
        lonely, strays = left, [record for record in strays if id(record) not in taken]
    return _near(pairs, lonely, strays)


def _near(
    pairs: Pairs, lonely: list[Expected], strays: list[Income]
) -> tuple[Pairs, list[Expected], list[Income]]:
    """Pairs of one kind, coin, contract and amount a little apart in time."""
    left = []
    for mine in lonely:
        near = [
            record
            for record in strays
            if (record.kind, record.coin, record.contract, record.cash)
            == (mine.kind, mine.coin, mine.contract, mine.cash)
            and abs(record.time_ns - mine.time_ns) <= NEAR_NS
        ]
        if near:
            nearest = min(near, key=lambda record: abs(record.time_ns - mine.time_ns))
            strays.remove(nearest)
            pairs.append((mine, nearest))
        else:
            left.append(mine)
    return pairs, left, strays


def _told(mine: Expected, record: Income) -> Iterator[Difference]:
    """What a pair does not agree in."""
    for what, ours, theirs in (
        ("amount", cash_text(mine.cash), cash_text(record.cash)),
        ("coin", mine.coin, record.coin),
        ("contract", mine.contract, record.contract),
        ("kind", mine.kind, record.kind),
        ("time", str(mine.time_ns), str(record.time_ns)),
    ):
        close = what == "time" and abs(mine.time_ns - record.time_ns) <= NEAR_NS
        if ours != theirs and not close:
            yield Difference(
                what=what,
                reference=mine.reference,
                income_id=record.income_id,
                kind=mine.kind,
                ours_cash=mine.cash,
                venue_cash=record.cash,
                words=f"entry {mine.reference}, {mine.kind}: the {what} is {ours} here and {theirs} at the "
                f"venue (record {record.income_id})",
            )


def _missing(mine: Expected) -> Difference:
    return Difference(
        what="missing",
        reference=mine.reference,
        income_id="",
        kind=mine.kind,
        ours_cash=mine.cash,
        venue_cash=0,
        words=f"entry {mine.reference}, {mine.kind} of {cash_text(mine.cash)} {mine.coin}: the venue has no "
        "record of it",
    )


def _stray(what: str, record: Income, words: str) -> Difference:
    return Difference(
        what=what,
        reference="",
        income_id=record.income_id,
        kind=record.kind,
        ours_cash=0,
        venue_cash=record.cash,
        words=f"record {record.income_id}, {record.kind} of {cash_text(record.cash)} {record.coin}: {words}",
    )


def _extra(record: Income) -> Difference:
    return _stray("extra", record, "no entry calls for it")


def _double(record: Income, ours: Sequence[Expected]) -> Difference:
    """A record that says again what another says; the entry is the one that they are of."""
    said = (record.kind, record.coin, record.contract, record.cash)
    of = [
        mine.reference
        for mine in ours
        if (mine.kind, mine.coin, mine.contract, mine.cash) == said
        and (mine.trade_id == record.trade_id if record.trade_id else mine.time_ns == record.time_ns)
    ]
    words = f"the venue has it twice; entry {of[0]} calls for one" if of else "the venue has it twice"
    return msgspec.structs.replace(_stray("double", record, words), reference=of[0] if of else "")


def check_balances(entries: Sequence[Entry], said: Sequence[Balance], *, first_cash: int = 0) -> list[str]:
    """Where the wallet departs from what a venue said it held: a line for each stretch, with its entries.

    Of several statements of one moment the last given counts. A stretch runs from one statement of a coin to
    the next; only a change of the difference is told, so that
    one error is one line. ``first_cash`` is what the wallet held before the first entry.
    """
    found = []
    for coin in sorted({balance.coin for balance in said}):
        moves = sorted((entry for entry in entries if entry.coin == coin), key=lambda entry: entry.time_ns)
        cash, at, off = first_cash, 0, 0
        last = {one.time_ns: one for one in said if one.coin == coin}
        for balance in sorted(last.values(), key=lambda one: one.time_ns):
            since = at
            while at < len(moves) and moves[at].time_ns <= balance.time_ns:
                cash += wallet_change(moves[at])
                at += 1
            if balance.cash - cash != off:
                off, new = balance.cash - cash, balance.cash - cash - off
                names = ", ".join(entry.reference for entry in moves[since:at]) or "no entry at all"
                found.append(
                    f"{coin} at {balance.time_ns}: the venue holds {cash_text(balance.cash)}, the ledger "
                    f"{cash_text(cash)}; {cash_text(new)} of it came between with {names}"
                )
    return found
