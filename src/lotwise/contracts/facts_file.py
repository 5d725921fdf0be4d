"""The format of a fact file: a head of notes, a line of columns, dated rows parted by tabs.

One reader and one writer, for the files of the package, for those a user refreshed, and for the
tool that builds both. ``facts/README.md`` says what the columns mean.
"""

from __future__ import annotations

import os
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from lotwise.errors import FactsError

if TYPE_CHECKING:  # the catalogue is on the way of every command, and needs none of these
    from collections.abc import Iterable, Sequence
    from pathlib import Path

FactRow = dict[str, str]
"""Column to text, ``"-"`` where unknown or not applicable."""

UNKNOWN: Final = "-"
NO_TIER: Final = "0"
"""Number of the one row that says: from this day on no tier table is known."""

COLUMNS: Final = (
    *("symbol", "base", "quote", "settle", "kind", "tick_size", "lot_size", "contract_size"),
    *("min_quantity", "max_quantity", "max_market_quantity", "min_notional"),
    *("max_leverage", "leverage_step", "maintenance_rule"),
    *("margin_holds_closing_fee", "liquidation_holds_closing_fee", "clearing"),
    *("maker", "taker", "funding_hours", "funding_cap", "funding_floor", "liquidation_fee"),
    *("listed", "expiry", "sector"),
    *("limits_as_of", "funding_as_of", "sector_as_of", "as_of"),
)
"""Columns of a file of contracts; the day of the row is the last."""

TIER_COLUMNS: Final = (
    *("symbol", "as_of", "tier", "notional_floor", "notional_cap"),
    *("max_leverage", "maintenance_rate", "cumulative"),
)
"""Columns of a file of margin tiers."""

FILES: Final = {
    "binance": "binance-linear",
    "bybit": "bybit-linear",
    "bingx": "bingx",
    "mexc": "mexc",
    "weex": "weex",
    "binance-coinm": "binance-coinm",
    "bybit-inverse": "bybit-inverse",
    "cme": "cme",
    "coinbase": "coinbase",
}
"""Venue id to the name of its files: ``NAME.tsv``, and ``NAME-tiers.tsv`` where tiers are known. The
order is the preference when a symbol is given without a venue."""

PACKAGED: Final = os.path.join(os.path.dirname(__file__), "facts")


def overlay_folder() -> str:
    """Where the facts lie that the user refreshed: ``LOTWISE_FACTS``, or the user's data folder."""
    if chosen := os.environ.get("LOTWISE_FACTS"):
        return chosen
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser(os.path.join("~", ".local", "share"))
    return os.path.join(data, "lotwise", "facts")


def broken(path: str | os.PathLike[str], what: str) -> FactsError:
    """The error for a fact file that cannot be used: CONTRACT-210, with its name and the way out."""
    name = os.path.basename(path)
    return FactsError(
        "CONTRACT-210",
        f"the fact file {name} cannot be used: {what}",
        f"refresh {name} or remove it; it lies in {os.path.dirname(path) or '.'}",
    )


def write_facts(path: Path, head: Sequence[str], columns: Sequence[str], rows: Iterable[FactRow]) -> None:
    """Write one fact file; an earlier one is replaced whole or not at all.

    Rows are sorted by symbol, day and tier; a column that a row lacks is unknown.

    Parameters
    ----------
    head
        Notes without ``#``: a title, ``current: DAY``, ``rows DAY: TEXT``, ``source: TEXT``.
    columns
        :data:`COLUMNS` or :data:`TIER_COLUMNS`.

    Raises
    ------
    FactsError
        CONTRACT-210: a row has a column too many or a text that the format cannot hold.
    """
    lines = [*(f"# {note}" for note in head), "\t".join(columns)]
    if any("\t" in note or "\n" in note for note in head):
        raise broken(path, "a note of its head holds a tab or a line's end")
    for row in sorted(rows, key=_place):
        if not set(row) <= set(columns):
            raise broken(path, f"{row['symbol']} has a column too many: {', '.join(set(row) - set(columns))}")
        fields = [row.get(column, UNKNOWN) for column in columns]
        if not all(fields) or any(mark in field for field in fields for mark in "\t\r\n"):
            raise broken(path, f"{row['symbol']} has an empty field, a tab or a line's end in one")
        lines.append("\t".join(fields))
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.part")
    draft.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    draft.replace(path)


def read_facts(path: Path) -> tuple[list[str], list[FactRow]]:
    """The notes of the head, without ``# ``, and the rows, in the order of the file.

    Raises
    ------
    FactsError
        CONTRACT-210: no file of this format; the message names the file.
    """
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise broken(path, getattr(error, "strerror", None) or "it is not UTF-8 text") from None
    lines = text.splitlines()
    head = [line.removeprefix("#").strip() for line in lines if line.startswith("#")]
    columns, *body = [line.split("\t") for line in lines if line and not line.startswith("#")] or [[""]]
    if columns[0] != "symbol" or "as_of" not in columns:
        raise broken(path, "no line of column names")
    for fields in body:
        if len(fields) != len(columns) or not all(fields):
            raise broken(path, f"the row of {fields[0] or '?'} has not one text for each column")
    return head, [dict(zip(columns, fields, strict=True)) for fields in body]


def note_of(head: Sequence[str], name: str) -> str:
    """The text of the note ``name: ...``, or nothing.

    >>> note_of(["a title", "current: 2026-09-01"], "current")
    '2026-09-01'
    """
    return next((note.partition(": ")[2] for note in head if note.startswith(f"{name}: ")), "")


def _place(row: FactRow) -> tuple[str, str, int]:
    return row["symbol"], row["as_of"], int(row.get("tier", "0"))


# -- looking one symbol up -------------------------------------------------------------------------


class Source(NamedTuple):
    """One fact file as it is; bytes, because a search in them is quick whatever the letters."""

    path: str
    data: bytes
    columns: tuple[str, ...]

    def note(self, name: str) -> str:
        """The comment line ``# name: ...``, or nothing."""
        mark = f"\n# {name}: ".encode()
        start = self.data.find(mark)
        return "" if start < 0 else self.data[start + len(mark) : self.data.index(b"\n", start + 1)].decode()

    def lines(self, symbol: str) -> list[str]:
        """The lines of a symbol; they stand together because the file is sorted."""
        key = f"{symbol}\t".encode()
        start = self.data.find(b"\n" + key) + 1
        if start == 0:
            return []
        end = start
        while self.data.startswith(key, end):
            end = self.data.index(b"\n", end) + 1
        return self.data[start : end - 1].decode().split("\n")

    def body(self) -> list[str]:
        """All rows, as lines."""
        return self.data[self.data.index(b"\nsymbol\t") + 1 :].decode().split("\n")[1:-1]


class Row(NamedTuple):
    """One line of a file: what is known, by column."""

    day: str
    facts: FactRow
    source: Source


@cache
def sources(file: str) -> tuple[Source, ...]:
    """The files of one name: the packaged one, then the user's own, as far as they are there."""
    folders = (PACKAGED, overlay_folder())
    return tuple(filter(None, (_read(os.path.join(folder, f"{file}.tsv")) for folder in folders)))


@lru_cache(maxsize=8192)
def rows(file: str, symbol: str) -> tuple[Row, ...]:
    """The rows of a symbol, oldest first; of one day those of the user's own file.

    Raises
    ------
    FactsError
        CONTRACT-210.
    """
    days: dict[str, list[Row]] = {}
    for source in sources(file):
        own: dict[str, list[Row]] = {}
        for line in source.lines(symbol):
            fields = line.split("\t")
            if len(fields) != len(source.columns):
                raise broken(source.path, f"the row of {symbol} has not one text for each column")
            known = {name: text for name, text in zip(source.columns, fields, strict=True) if text != UNKNOWN}
            day = known.get("as_of", "")
            own.setdefault(day, []).append(Row(day, known, source))
        days.update(own)
    return tuple(row for day in sorted(days) for row in days[day])


def forget() -> None:
    """Read the files anew at the next lookup."""
    sources.cache_clear()
    rows.cache_clear()


def _read(path: str) -> Source | None:
    try:
        with open(path, "rb") as stream:
            data = stream.read()
        if not path.startswith(PACKAGED):  # whose bytes are tested
            data.decode()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise broken(path, getattr(error, "strerror", None) or "it is not UTF-8 text") from None
    start = data.find(b"\nsymbol\t") + 1
    columns = tuple(data[start : data.find(b"\n", start)].decode().split("\t"))
    if not start or "as_of" not in columns or not data.endswith(b"\n"):
        raise broken(path, "it has no line of column names, or ends within a line")
    return Source(path, data, columns)
