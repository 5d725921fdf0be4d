"""A review put together: the journal read, rules taken from a file, the page written."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lotwise.errors import InputError
from lotwise.guard.config import GuardConfig, midnight_ns, read_guard
from lotwise.journal.shelf import Journal, Wanted
from lotwise.units import shown

if TYPE_CHECKING:
    from lotwise.review.report import Review
    from lotwise.review.table import Reviewed

MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@dataclass(frozen=True)
class Asked:
    """Which trades, and by which rules; what is empty asks for nothing."""

    month: str = ""
    """2026-10: trades closed in it."""
    setup: str = ""
    tag: str = ""
    contract: str = ""
    """binance:BTCUSDT, or a venue."""
    account: str = ""
    since_ns: int | None = None
    """Closed at or after."""
    until_ns: int | None = None
    """Closed before."""
    guard: Path | None = None
    equity_cash: int = 0
    zone: tzinfo = UTC


def month_of(text: str) -> date:
    """The first day of a month such as 2026-10.

    Raises
    ------
    InputError
        REVIEW-103.
    """
    try:
        if re.fullmatch(r"\d{4}-\d{1,2}", text, re.ASCII):
            year, month = (int(part) for part in text.split("-"))
            if 1971 <= year <= 2261:
                return date(year, month, 1)
    except ValueError:
        pass
    raise InputError("REVIEW-103", f"--month is {shown(text)}: no month", "write it as 2026-10") from None


def guard_of(path: Path) -> GuardConfig:
    """The ``[guard]`` table of a TOML file.

    Raises
    ------
    InputError
        REVIEW-104 a file that cannot be read or has no such table; GUARD-2xx what is in it.
    """
    try:
        with path.open("rb") as file:
            held = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise InputError(
            "REVIEW-104", f"{path} cannot be read: {why}", "name a TOML file of yours"
        ) from error
    if "guard" not in held:
        raise InputError(
            "REVIEW-104", f"{path} has no [guard] table, of {len(held)} in it", "put your rules under [guard]"
        )
    return read_guard(held["guard"])


def title_of(asked: Asked) -> str:
    """What the review is of, in words."""
    if asked.month:
        first = month_of(asked.month)
        name = f"{MONTHS[first.month - 1]} {first.year}"
    else:
        name = "All trades" if asked.since_ns is None and asked.until_ns is None else "Some trades"
    more = [
        text
        for text, told in (
            (f"setup {asked.setup}", asked.setup),
            (f"tag {asked.tag}", asked.tag),
            (asked.contract, asked.contract),
            (f"account {asked.account}", asked.account),
        )
        if told
    ]
    return ", ".join([name, *more])


def reviewed(journal: Journal, asked: Asked) -> Review:
    """Review the journal.

    All closed trades of the account are read, for a rule may be broken by what came before; the rest of what
    is asked chooses among them.

    Raises
    ------
    InputError
        REVIEW-102 nothing to review; REVIEW-103, REVIEW-104.
    """
    from lotwise.review.from_journal import from_journal
    from lotwise.review.report import review

    guard = guard_of(asked.guard) if asked.guard is not None else None
    if asked.month:
        month_of(asked.month)
    table = from_journal(journal, Wanted(account=asked.account, is_open=False))
    return review(
        table, only=chosen(table, asked), guard=guard, equity_cash=asked.equity_cash, zone=asked.zone
    )


def chosen(table: Reviewed, asked: Asked) -> object:
    """Whether each row is asked about."""
    import numpy as np

    mask = np.ones(len(table), np.bool_)
    since, until = asked.since_ns, asked.until_ns
    if asked.month:
        first = month_of(asked.month)
        after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        begins, ends = midnight_ns(first, asked.zone), midnight_ns(after, asked.zone)
        since = begins if since is None else max(since, begins)
        until = ends if until is None else min(until, ends)
    if since is not None:
        mask &= table.closed_ns >= since
    if until is not None:
        mask &= table.closed_ns < until
    venue, _, symbol = asked.contract.partition(":")
    for wanted, labels in ((venue, table.venue), (symbol, table.contract), (asked.setup, table.setup)):
        if wanted:
            same = [name.casefold() == wanted.strip().casefold() for name in labels.names]
            mask &= np.asarray(same, np.bool_)[labels.codes]
    if asked.tag:
        mask &= table.tags.get(asked.tag.strip().lower(), np.zeros(len(table), np.bool_))
    return mask


def write_page(found: Review, out: Path, asked: Asked) -> None:
    """Write the report with pictures.

    Raises
    ------
    InputError
        REVIEW-105 where it cannot be written.
    """
    from lotwise.review.page import page_of

    first, last = (
        f"{datetime.fromtimestamp(time_ns // 10**9, tz=asked.zone):%Y-%m-%d}"
        for time_ns in (int(found.table.closed_ns.min()), int(found.table.closed_ns.max()))
    )
    zone = "UTC" if asked.zone is UTC else str(asked.zone)
    under = f"{len(found.table):,} trades closed {first} to {last}, days in {zone}"
    text = page_of(found, f"Review: {title_of(asked)}", under)
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            "REVIEW-105",
            f"{out} cannot be written: {error.strerror or error}",
            "name a file in a folder that is there",
        ) from error
