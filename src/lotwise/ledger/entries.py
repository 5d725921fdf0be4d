"""Entries made from what the kernel logged, from a venue's fills and from its other income.

Books: ``wallet`` (the cross wallet), ``isolated:CONTRACT``, ``fees``, ``funding``, ``insurance``, ``outside``
(transfers), ``trades`` (what the other side of our fills received), ``positions`` (minus the signed worth
held), and ``other`` for what a venue records and we have no book for. All books of a coin sum to zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from lotwise.errors import LotwiseError
from lotwise.kernel import state as s
from lotwise.kernel.state import AccountRow, LogRow, MarketRow
from lotwise.ledger.holding import Holding, apply, in_order, position_of
from lotwise.records.journal import Entry, Fill, Income, Posting

WALLET: Final = "wallet"
ISOLATED: Final = "isolated:"
KINDS: Final = {
    s.LOG_FILL: "fill",
    s.LOG_FUNDING: "funding",
    s.LOG_TRANSFER: "transfer",
    s.LOG_MARGIN: "margin",
    s.LOG_REDUCTION: "liquidation",
    s.LOG_TAKEOVER: "takeover",
    s.LOG_DEFICIT: "deficit",
}
COLUMNS: Final = (
    ("cross_cash", WALLET),
    ("fees_cash", "fees"),
    ("funding_cash", "funding"),
    ("insurance_cash", "insurance"),
    ("outside_cash", "outside"),
    ("trades_cash", "trades"),
    ("positions_cash", "positions"),
)
INCOME_BOOKS: Final = {
    "FUNDING_FEE": "funding",
    "TRANSFER": "outside",
    "INSURANCE_CLEAR": "insurance",
    "COMMISSION": "fees",
    "REALIZED_PNL": "trades",
}
"""The other side of a venue's income record. Source: Binance USD-M, "Get Income History"."""


class LedgerError(LotwiseError):
    """Books that do not agree with themselves: an error of lotwise, never of its user."""


def checked(entry: Entry) -> Entry:
    """The entry, if its postings sum to zero.

    Raises
    ------
    LedgerError
        LEDGER-101 where they do not.
    """
    total = sum(posting.cash for posting in entry.postings)
    if total:
        parts = ", ".join(f"{posting.book} {posting.cash}" for posting in entry.postings)
        raise LedgerError(
            "LEDGER-101",
            f"entry {entry.reference} of {entry.account} is off by {total}e-8 {entry.coin}: {parts}",
            "report it with the entry; nothing was kept",
        )
    return entry


def from_log(
    rows: Iterable[LogRow],
    contracts: Sequence[str],
    *,
    account: str,
    coin: str,
    run: str,
    first: int = 0,
) -> Iterator[Entry]:
    """Entries of the log rows that moved money.

    Parameters
    ----------
    rows
        Rows of ``state.log`` that were written.
    contracts
        Names by the kernel's index.
    coin
        What all of them settle in.
    run
        Names the run of the account; with the number of the row it is the reference.
    first
        Number of the first row.

    Raises
    ------
    LedgerError
        LEDGER-101 a row whose columns do not sum to zero.
    """
    for number, row in enumerate(rows, first):
        name = contracts[row.contract] if row.contract >= 0 else ""
        amounts = [(book, int(getattr(row, column))) for column, book in COLUMNS]
        amounts.append((ISOLATED + name, int(row.isolated_cash)))
        postings = tuple(Posting(book, cash) for book, cash in amounts if cash)
        if postings:
            yield checked(
                Entry(
                    account=account,
                    reference=f"{run}:{number}",
                    kind=KINDS.get(row.kind, f"log {row.kind}"),
                    contract=name,
                    coin=coin,
                    time_ns=int(row.time_ns),
                    trade_id=f"{run}:{number}" if row.lots and row.price_ticks else "",
                    postings=postings,
                )
            )


def from_fills(fills: Iterable[Fill]) -> Iterator[Entry]:
    """Entries of a venue's fills, in the order of time; a fee in another coin is an entry of its own.

    Raises
    ------
    InputError
        LEDGER-104, LEDGER-105 as :func:`lotwise.ledger.holding.apply`.
    """
    held: dict[tuple[str, str, str, str], Holding] = {}
    for fill in sorted(fills, key=in_order):
        holding = held.setdefault(position_of(fill), Holding())
        step = apply(holding, fill)
        sign = -1 if fill.is_inverse else 1
        traded = sign * fill.side * (step.closing_cash + step.opening_cash)
        position = sign * fill.side * (-step.released_cash - step.opening_cash)
        own = fill.fee_cash if fill.paid_in == fill.coin else 0
        amounts = [
            (WALLET, step.realised_cash - own),
            ("fees", own),
            ("trades", traded),
            ("positions", position),
        ]
        yield _of_fill(fill, fill.coin, amounts)
        if fill.paid_in != fill.coin and fill.fee_cash:
            yield _of_fill(fill, fill.paid_in, [(WALLET, -fill.fee_cash), ("fees", fill.fee_cash)])


def _of_fill(fill: Fill, coin: str, amounts: list[tuple[str, int]]) -> Entry:
    return checked(
        Entry(
            account=f"{fill.venue}:{fill.account}",
            reference=f"fill:{fill.contract}:{fill.trade_id}",
            kind="fill",
            contract=fill.contract,
            coin=coin,
            time_ns=fill.time_ns,
            trade_id=fill.trade_id,
            postings=tuple(Posting(book, cash) for book, cash in amounts if cash),
        )
    )


def from_incomes(
    incomes: Iterable[Income], *, skip: Sequence[str] = ("COMMISSION", "REALIZED_PNL")
) -> Iterator[Entry]:
    """Entries of a venue's income that no fill books: funding, transfers, insurance, the rest."""
    for income in incomes:
        if income.kind in skip or not income.cash:
            continue
        book = INCOME_BOOKS.get(income.kind, "other")
        yield checked(
            Entry(
                account=f"{income.venue}:{income.account}",
                reference=f"income:{income.kind}:{income.income_id}",
                kind=income.kind.lower(),
                contract=income.contract,
                coin=income.coin,
                time_ns=income.time_ns,
                trade_id=income.trade_id,
                postings=(Posting(WALLET, income.cash), Posting(book, -income.cash)),
            )
        )


def balances(entries: Iterable[Entry]) -> dict[str, dict[str, int]]:
    """What each book holds, by coin."""
    found: dict[str, dict[str, int]] = {}
    for entry in entries:
        books = found.setdefault(entry.coin, {})
        for posting in entry.postings:
            books[posting.book] = books.get(posting.book, 0) + posting.cash
    return found


def kernel_balances(
    account: AccountRow, markets: Sequence[MarketRow], contracts: Sequence[str]
) -> dict[str, int]:
    """The same books as the kernel holds them; those that are zero are left out."""
    books = {book: int(getattr(account, column)) for column, book in COLUMNS}
    for name, market in zip(contracts, markets, strict=True):
        books[ISOLATED + name] = int(market.isolated_cash)
    return {book: cash for book, cash in books.items() if cash}


def wallet_change(entry: Entry) -> int:
    """What an entry adds to the money of the account: the wallet and what is isolated."""
    return sum(
        posting.cash
        for posting in entry.postings
        if posting.book == WALLET or posting.book.startswith(ISOLATED)
    )
