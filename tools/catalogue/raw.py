"""What reading raw files has in common: exact text, days, and stopping at a contradiction."""

from __future__ import annotations

import csv
import datetime
import importlib
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from lotwise.contracts.facts_file import FactRow

LEAN = Path("meta", "lean_apache2", "symbol-properties", "symbol-properties-database.csv")


class FactsBroken(Exception):
    """The raw files contradict what the catalogue can say."""


class FactFile(NamedTuple):
    """One file of the catalogue: its name without ending, its head and its rows."""

    name: str
    head: tuple[str, ...]
    columns: tuple[str, ...]
    rows: list[FactRow]


class LeanRow(NamedTuple):
    """One future of the symbol properties of QuantConnect LEAN; a row that is kept of old is marked."""

    symbol: str
    quote: str
    contract_size: str
    tick_size: str
    lot_size: str
    is_old: bool


def text(value: object) -> str:
    """Plain decimal text: no trailing zeros, no exponent."""
    number = Decimal(str(value))
    return "0" if number == 0 else format(number.normalize(), "f")


def instant(milliseconds: int | str) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(int(milliseconds) // 1000, datetime.UTC)


def instant_text(milliseconds: int | str) -> str:
    return instant(milliseconds).strftime("%Y-%m-%dT%H:%M:%SZ")


def day_of(milliseconds: int | str) -> str:
    return instant(milliseconds).date().isoformat()


def require(condition: bool, message: str) -> None:
    if not condition:
        raise FactsBroken(message)


def answer(data: Path, name: str) -> Any:
    """A raw answer of a venue."""
    return json.loads((data / "meta" / name).read_text(encoding="utf-8"))


def polars_for(path: Path) -> Any:
    try:
        return importlib.import_module("polars")
    except ModuleNotFoundError as error:
        raise FactsBroken(
            f"{path.name} is an Arrow or Parquet file; to read it: pip install polars"
        ) from error


def lean(data: Path, market: str, kind: str) -> list[LeanRow]:
    """The rows of one market in the list of LEAN."""
    found = []
    with (data / LEAN).open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file):
            if row[:1] == [market] and row[2] == kind:
                # The list ends a row that it keeps of old with an empty strike multiplier.
                old = len(row) == 11 and row[10] == ""
                name = row[8] if len(row) > 8 and row[8] else row[1]
                found.append(LeanRow(name, row[4], text(row[5]), text(row[6]), text(row[7]), old))
    return found


def linear(symbol: str, base: str, quote: str, day: str) -> FactRow:
    """The columns that every linear perpetual counted in coins has."""
    row = {"symbol": symbol, "base": base, "quote": quote, "settle": quote, "as_of": day}
    return row | {"kind": "linear_perpetual", "contract_size": "1"} | MARK


MARK: Mapping[str, str] = {
    "maintenance_rule": "mark",
    "margin_holds_closing_fee": "no",
    "liquidation_holds_closing_fee": "no",
    "clearing": "no",
}
"""Maintenance margin by mark price, no fee set aside, no clearing house."""
