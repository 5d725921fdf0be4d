"""The fact files after a refresh: the new snapshot, the older ones before it, and a head that says both."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

from lotwise.contracts.facts_file import COLUMNS, TIER_COLUMNS, UNKNOWN, FactRow
from lotwise.contracts.refresh.reader import VenueReader
from lotwise.contracts.refresh.rebuild import InForce, Rebuilt

_DATED_NOTE: Final = re.compile(r"(?:rows|source:|kept|tiers:) (\d{4}-\d\d-\d\d)")
_DAYS: Final = {"as_of", "limits_as_of", "funding_as_of", "sector_as_of"}


class FactFile(NamedTuple):
    """One file, ready to be written."""

    head: list[str]
    columns: tuple[str, ...]
    rows: list[FactRow]


def market_file(reader: VenueReader, before: InForce, made: Rebuilt, day: str, through: str) -> FactFile:
    """The file of contracts.

    Parameters
    ----------
    through
        What read the answer: ``ccxt 4.5.90``.
    """
    older = [row for row in before.rows if row["as_of"] < day]
    rows = _without_repeats([*older, *made.rows.values()], day)
    head = [
        before.head[0] if before.head else reader.title,
        f"current: {day}",
        f"rows {day}: {reader.title.split(':')[0]}, {reader.markets_from} of {day}",
        *_older_notes(before.head, "rows ", rows, day),
        f"source: {day} all but what is kept: {reader.markets_from}, read through {through}",
        f"source: {day} maintenance_rule and what a margin holds: the venue's documents",
        *(f"kept {day} {column}: {note}" for column, note in kept_notes(made).items()),
        *_older_notes(before.head, "source: ", rows, day),
        *_older_notes(before.head, "kept ", rows, day),
    ]
    told = {column for row in made.rows.values() for column, value in row.items() if value != UNKNOWN}
    silent = [column for column in COLUMNS if column not in told and not column.endswith("as_of")]
    if silent:
        head.append(f"unknown: {day} {' '.join(silent)}")
    return FactFile(head, COLUMNS, rows)


def tier_file(reader: VenueReader, before: InForce, made: Rebuilt, day: str, through: str) -> FactFile | None:
    """The file of tiers; None where none were read, and the one in force stays."""
    if not made.tiers:
        return None
    new = [row for table in made.tiers.values() for row in table]
    older = [row for row in before.tier_rows if row["as_of"] < day]
    rows = _without_repeats([*older, *new], day)
    head = [
        before.tier_head[0] if before.tier_head else f"{reader.title}: leverage and maintenance margin tiers",
        f"current: {day}",
        f"source: {day} {reader.tiers_from}, read through {through}",
        *_older_notes(before.tier_head, "source: ", rows, day),
        "tier k covers floor < notional <= cap; on every row "
        "cumulative_k = cumulative_(k-1) + floor_k (rate_k - rate_(k-1))",
    ]
    return FactFile(head, TIER_COLUMNS, rows)


def kept_notes(made: Rebuilt) -> dict[str, str]:
    """Column to ``from DATE``, with the number of contracts where not all of them keep it."""
    notes = {}
    for column, days in sorted(made.kept.items()):
        first, last = min(days), max(days)
        since = first if first == last else f"{first} to {last}"
        many = "1 contract" if len(days) == 1 else f"{len(days)} contracts"
        notes[column] = f"from {since}" + ("" if len(days) == len(made.rows) else f" ({many})")
    return notes


def _older_notes(head: Sequence[str], begin: str, rows: Iterable[FactRow], today: str) -> list[str]:
    """Notes of an earlier head that begin so, without those of today and of days with no rows left."""
    days = {row["as_of"] for row in rows} - {today}
    dated = [(note, _DATED_NOTE.match(note)) for note in head if note.startswith(begin)]
    return [note for note, found in dated if found is None or found.group(1) in days]


def _without_repeats(rows: list[FactRow], day: str) -> list[FactRow]:
    """The rows, without older days of a symbol that say the same as the day before them.

    A lookup takes the newest day on or before the one asked for, so nothing is lost, and a file
    that is refreshed every day grows only by what changes. The newest day always stays.
    """
    kept: list[FactRow] = []
    by_place = itemgetter("symbol", "as_of")
    said: tuple[str, list[FactRow]] = ("", [])
    for (symbol, as_of), group in groupby(sorted(rows, key=by_place), key=by_place):
        table = list(group)
        facts = [{name: text for name, text in row.items() if name not in _DAYS} for row in table]
        if as_of == day or said != (symbol, facts):
            kept += table
        said = (symbol, facts)
    return kept
