"""Prices for a scan: from a CSV file or from records, each with its day and source."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from lotwise.errors import InputError
from lotwise.records.scan import Quote
from lotwise.units import SCALE, parse_rate, parse_scaled, shown

COLUMNS: Final = ("contract", "price", "at", "spread", "volume", "open_interest", "funding_rate", "atr")
"""Columns of a price file; the first two must be there, the others may be left out or empty."""
_AMOUNTS: Final = ("price", "spread", "volume", "open_interest", "atr")
_PRICES: Final = ("price", "spread", "atr")
MOST_PRICE8: Final = 10**9 * SCALE
"""Highest price; the kernel's sums of prices count on it."""
MOST_LETTERS: Final = 40
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def read_quotes(path: str | Path, at: str) -> dict[str, Quote]:
    """Quotes by contract id (or by coin, for every contract on it) from a CSV file.

    Parameters
    ----------
    path
        A file with the columns :data:`COLUMNS`; ``contract`` is ``binance:BTCUSDT`` or ``BTC``.
    at
        The moment of lines without one of their own, for example the file's.

    Raises
    ------
    InputError
        SCAN-001 unreadable; SCAN-002 columns; SCAN-003 a line that is no quote: nothing is kept.
    """
    name = Path(path).name
    quotes: dict[str, Quote] = {}
    for number, line in _lines(path, name):
        key = (line["contract"] or "").strip().upper()
        if not key or not key.isprintable() or key in quotes:
            why = "given before" if key in quotes else "no name"
            raise InputError(
                "SCAN-003", f"{name} line {number}: contract {shown(key)} is {why}", "name each contract once"
            )
        try:
            quotes[key] = checked_quote(_quote(line, at, name))
        except InputError as error:
            raise InputError("SCAN-003", f"{name} line {number}: {error.message}", error.hint) from error
    return quotes


def _lines(path: str | Path, name: str) -> list[tuple[int, dict[str, str | None]]]:
    """The lines of the file by number, as its columns name them."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            columns = list(reader.fieldnames or ())
            lines = [(reader.line_num, line) for line in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError("SCAN-001", f"{name} cannot be read: {error}", "give a CSV file in UTF-8") from error
    unknown = sorted(set(columns) - set(COLUMNS))
    if not {"contract", "price"} <= set(columns) or unknown or len(set(columns)) < len(columns):
        said = f"unknown: {shown(', '.join(unknown))}" if unknown else "contract and price, each once"
        raise InputError("SCAN-002", f"columns of {name}: {said}", f"use {', '.join(COLUMNS)}")
    if not lines:
        raise InputError("SCAN-002", f"{name} holds no prices", "add a line, e.g. binance:BTCUSDT,60000")
    for number, line in lines:
        if None in line:
            raise InputError(
                "SCAN-003", f"{name} line {number}: more values than columns", "take the extra comma out"
            )
    return lines


def _quote(line: Mapping[str, str | None], at: str, name: str) -> Quote:
    given = {column: (line.get(column) or "").strip() or None for column in COLUMNS}
    price, when = given["price"], given["at"] or at
    if price is None:
        raise InputError("SCAN-003", "no price", "give one or leave the line out")
    if not _DAY.match(when) or not when.isprintable() or len(when) > MOST_LETTERS:
        raise InputError("SCAN-003", f"at is {shown(when)}", "write it as 2026-11-22")
    return Quote(
        price=price,
        at=when,
        source=name if given["at"] else f"{name}, by the file's own day",
        spread=given["spread"],
        volume=given["volume"],
        open_interest=given["open_interest"],
        funding_rate=given["funding_rate"],
        atr=given["atr"],
    )


def checked_quote(quote: Quote) -> Quote:
    """The quote where every number in it can be read.

    Raises
    ------
    InputError
        SCAN-004 a number that is negative, or a price of zero or beyond a billion; UNIT-1xx one
        that is none.
    """
    for name in _AMOUNTS:
        text = getattr(quote, name)
        if text is None:
            continue
        amount = parse_scaled(text, name)
        if amount < 0 or (name == "price" and amount == 0):
            raise InputError("SCAN-004", f"{name} is {text}", f"give {name} above 0, or nothing")
        if name in _PRICES and amount > MOST_PRICE8:
            raise InputError("SCAN-004", f"{name} is {text}: no market's", f"give {name} below 1,000,000,000")
    if quote.funding_rate is not None:
        parse_rate(quote.funding_rate, "funding_rate")
    return quote
