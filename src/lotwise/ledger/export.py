"""The ledger taken out: CSV with decimals, Parquet with whole numbers, beancount's plain text."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Final

from lotwise.errors import InputError
from lotwise.records.journal import Entry
from lotwise.units import scaled_text

HEADER: Final = ("time_utc", "account", "kind", "contract", "book", "amount", "coin", "reference")
ROOTS: Final = {
    "wallet": "Assets",
    "isolated": "Assets",
    "fees": "Expenses",
    "funding": "Expenses",
    "insurance": "Income",
    "outside": "Equity",
    "trades": "Income",
    "positions": "Assets",
    "other": "Income",
}
"""Under which of beancount's five roots a book stands."""
FORMS: Final = (".csv", ".parquet", ".beancount")


def export(entries: Sequence[Entry], out: Path) -> int:
    """Write all postings into a file, by its ending; how many. A file that is there is not written over.

    Raises
    ------
    InputError
        LEDGER-106 another ending, or a file that is there, or cannot be written.
    """
    if out.suffix not in FORMS:
        raise InputError("LEDGER-106", f"{out.name}: no form {out.suffix!r}", f"end it in {', '.join(FORMS)}")
    try:
        if out.suffix == ".parquet":
            with out.open("xb"):
                pass
            _parquet(entries, out)
        else:
            with out.open("x", encoding="utf-8", newline="") as file:
                if out.suffix == ".csv":
                    csv.writer(file, lineterminator="\n").writerows([HEADER, *_rows(entries)])
                else:
                    file.writelines(beancount(entries))
    except OSError as error:
        raise InputError(
            "LEDGER-106", f"{out} cannot be written: {error.strerror}", "name a new file in a folder of yours"
        ) from error
    return sum(len(entry.postings) for entry in entries)


def _rows(entries: Iterable[Entry]) -> Iterable[tuple[str, ...]]:
    for entry in entries:
        for posting in entry.postings:
            yield (
                time_text(entry.time_ns),
                entry.account,
                entry.kind,
                entry.contract,
                posting.book,
                scaled_text(posting.cash),
                entry.coin,
                entry.reference,
            )


def _parquet(entries: Sequence[Entry], out: Path) -> None:
    import polars as pl

    names = ("account", "kind", "contract", "coin", "reference")
    flat = [(entry, posting) for entry in entries for posting in entry.postings]
    columns: dict[str, list[str] | list[int]] = {
        "time_ns": [entry.time_ns for entry, _ in flat],
        "cash": [posting.cash for _, posting in flat],
        "book": [posting.book for _, posting in flat],
    }
    for name in names:
        columns[name] = [getattr(entry, name) for entry, _ in flat]
    whole = {"time_ns": pl.Int64, "cash": pl.Int64}
    schema = {name: whole.get(name, pl.String) for name in columns}
    pl.DataFrame(columns, schema=schema).write_parquet(out, metadata={"cash": "1e-8 of the coin"})


def time_text(time_ns: int) -> str:
    """A time in UTC to the nanosecond, as ISO text.

    >>> time_text(1_746_316_800_000_000_001)
    '2025-05-04T00:00:00.000000001Z'
    """
    whole = datetime.fromtimestamp(time_ns // 10**9, tz=UTC).replace(tzinfo=None)
    return f"{whole.isoformat()}.{time_ns % 10**9:09d}Z"


def beancount(entries: Sequence[Entry]) -> Iterable[str]:
    """Lines of a beancount file: every account opened, every entry a transaction that sums to zero."""
    opened: dict[tuple[str, str], int] = {}
    for entry in entries:
        for posting in entry.postings:
            key = (_account(entry, posting.book), _commodity(entry.coin))
            opened[key] = min(opened.get(key, entry.time_ns), entry.time_ns)
    first: dict[str, int] = {}
    for (name, _), time_ns in opened.items():
        first[name] = min(first.get(name, time_ns), time_ns)
    for name, time_ns in sorted(first.items()):
        yield f"{time_text(time_ns)[:10]} open {name}\n"
    for entry in entries:
        yield f'\n{time_text(entry.time_ns)[:10]} * "{_quoted(entry.kind)}" "{_quoted(entry.contract)}"\n'
        yield f'  reference: "{_quoted(entry.reference)}"\n  time: "{time_text(entry.time_ns)}"\n'
        for posting in entry.postings:
            amount = scaled_text(posting.cash, 8, 2)
            yield f"  {_account(entry, posting.book)}  {amount} {_commodity(entry.coin)}\n"


def _account(entry: Entry, book: str) -> str:
    head, _, rest = book.partition(":")
    parts = [ROOTS.get(head, "Income"), *entry.account.split(":"), head, *([rest] if rest else [])]
    return ":".join([parts[0], *(_component(part) for part in parts[1:])])


def _component(text: str) -> str:
    """A part of an account's name: letters, digits and dashes, beginning with a capital or a digit."""
    kept = re.sub(r"[^A-Za-z0-9-]", "-", text) or "X"
    if not text.isascii():
        kept += f"-{_mark(text)}"
    return kept[0].upper() + kept[1:] if kept[0].isalnum() else "X" + kept


def _commodity(coin: str) -> str:
    """Beancount's commodities: capitals, digits and ``'._-``, beginning with a capital, at most 24.

    A coin that is named otherwise gets ``X-`` before its name, and a mark of its own where signs are lost.
    """
    if re.fullmatch(r"[A-Z]|[A-Z][A-Z0-9'._-]{0,22}[A-Z0-9]", coin):
        return coin
    if re.fullmatch(r"[A-Z0-9]{1,20}", coin):
        return f"X-{coin}"
    return f"X-{re.sub('[^A-Z0-9]', '', coin.upper())[:12]}{_mark(coin)}"


def _mark(text: str) -> str:
    """Eight hexadecimal digits that tell names apart whose signs cannot be written."""
    return blake2b(text.encode(), digest_size=4).hexdigest().upper()


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
