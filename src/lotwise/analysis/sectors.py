"""Which sector a coin belongs to: a dated file of the package, and a file of one's own over it.

This is the one measure that reads a file: the table in the package, and the one that ``LOTWISE_SECTORS``
names. A row of one's own wins over the package's row of the same coin. A coin in neither is of sector
``unknown``: none is guessed.

The format is that of ``contracts/facts``: a head of ``#`` lines, the line of columns, rows parted by tabs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Final

from lotwise.errors import InputError
from lotwise.units import shown

UNKNOWN: Final = "unknown"
COLUMNS: Final = ("symbol", "sector", "as_of")
VARIABLE: Final = "LOTWISE_SECTORS"
QUOTES: Final = ("USDT", "USDC", "BUSD", "FDUSD", "USD")
"""Ends of a contract's name that are no part of the coin."""
_MULTIPLE: Final = re.compile(r"1(?:000)+(?=[A-Z])")
_SUFFIX: Final = re.compile(r"(?:[-_]PERP|[-_](?:SWAP|\d{6}))$")


@dataclass(frozen=True)
class Sectors:
    """Sectors by coin."""

    by_coin: Mapping[str, tuple[str, str]]
    """Coin to its sector and the day of that row."""
    current: str
    """Day of the package's table."""

    def of(self, symbol: str) -> str:
        """The sector of ``BTC``, ``BTCUSDT``, ``binance:BTCUSDT`` or ``1000PEPEUSDT``; ``unknown`` else."""
        return next((self.by_coin[coin][0] for coin in coins_of(symbol) if coin in self.by_coin), UNKNOWN)

    def as_of(self, symbol: str) -> str | None:
        """The day of the row that :meth:`of` reads; ``None`` where there is none."""
        return next((self.by_coin[coin][1] for coin in coins_of(symbol) if coin in self.by_coin), None)


def coins_of(symbol: str) -> Iterator[str]:
    """What the coin of a contract's name may be, the most literal first.

    >>> list(coins_of("binance:1000PEPEUSDT"))
    ['1000PEPEUSDT', '1000PEPE', 'PEPE']
    """
    name = _SUFFIX.sub("", symbol.rpartition(":")[2].strip().upper())
    base = re.split(r"[/_-]", name)[0]
    yield base
    quote = next((quote for quote in QUOTES if base.endswith(quote) and base != quote), "")
    coin = base.removesuffix(quote)
    if quote:
        yield coin
    if _MULTIPLE.match(coin):
        yield _MULTIPLE.sub("", coin, count=1)


def sectors(own: Path | None = None) -> Sectors:
    """The package's table, with a file of one's own over it.

    Parameters
    ----------
    own
        A file of one's own; ``None``: the one that ``LOTWISE_SECTORS`` names, if it names one.

    Raises
    ------
    InputError
        ANALYSIS-531 the file cannot be read, ANALYSIS-532 a row of it is none.
    """
    packaged = resources.files(__package__ or "lotwise.analysis").joinpath("sectors.tsv").read_text("utf-8")
    found = dict(read(packaged, "sectors.tsv"))
    current = next(line for line in packaged.splitlines() if line.startswith("# current: "))[11:]
    named = os.environ.get(VARIABLE)
    path = own or (Path(named) if named else None)
    if path is not None:
        try:
            text = path.read_bytes().decode()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                "ANALYSIS-531",
                f"{path}: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}",
                f"name a file of sectors, or unset {VARIABLE}",
            ) from error
        found |= dict(read(text, str(path)))
    return Sectors(found, current)


def read(text: str, name: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """The rows of a file of sectors: coin, and its sector with the day.

    Raises
    ------
    InputError
        ANALYSIS-532, with the file and the row.
    """
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    body = [(number, line.split("\t")) for number, line in lines if not line.startswith("#")]
    if not body or tuple(body[0][1]) != COLUMNS:
        raise _odd(name, body[0][0] if body else 1, f"the columns are not {' '.join(COLUMNS)}")
    seen: set[str] = set()
    for number, fields in body[1:]:
        if len(fields) != len(COLUMNS) or not all(field.strip() for field in fields):
            raise _odd(name, number, f"{len(fields)} fields, or an empty one, where {len(COLUMNS)} belong")
        coin, sector, day = (field.strip() for field in fields)
        if coin.upper() in seen:
            raise _odd(name, number, f"{coin} a second time")
        try:
            date.fromisoformat(day)
        except ValueError:
            raise _odd(name, number, f"{shown(day)} is no day") from None
        seen.add(coin.upper())
        yield coin.upper(), (sector, day)


def _odd(name: str, row: int, what: str) -> InputError:
    return InputError(
        "ANALYSIS-532",
        f"{name}, row {row}: {what}",
        "one line a coin: symbol, sector and day (2026-11-22), parted by tabs, each coin once",
    )
