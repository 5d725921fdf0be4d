"""Round trips taken out: CSV with decimals, Parquet with whole numbers, JSON for programs."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, Final

from lotwise.errors import InputError
from lotwise.journal.measures import entry_price8, exit_price8, in_r
from lotwise.journal.notes import Notes, told
from lotwise.journal.shelf import Journal, Wanted
from lotwise.ledger.export import time_text
from lotwise.records.journal import RoundTrip
from lotwise.store.database import Event
from lotwise.units import scaled_text

FORMS: Final = (".csv", ".parquet", ".json")


def row_of(trip: RoundTrip, events: list[Event]) -> dict[str, Any]:
    """A round trip as one row: text, and whole numbers whose names end in their unit."""
    story = told(events, closed=trip.closed_ns is not None)
    rs = in_r(trip, story.plan)
    return {
        "trip_id": trip.trip_id,
        "venue": trip.venue,
        "account": trip.account,
        "contract": trip.contract,
        "position_side": trip.position_side,
        "side": "long" if trip.side > 0 else "short",
        "opened_ns": trip.opened_ns,
        "closed_ns": trip.closed_ns,
        "entry_quantity8": trip.entry_quantity8,
        "exit_quantity8": trip.exit_quantity8,
        "most_quantity8": trip.most_quantity8,
        "entry_price8": entry_price8(trip),
        "exit_price8": exit_price8(trip) or None,
        "realised_cash": trip.realised_cash,
        "fee_cash": trip.fee_cash,
        "funding_cash": trip.funding_cash,
        "net_cash": trip.net_cash,
        "coin": trip.coin,
        "other_fees": " ".join(f"{scaled_text(cash)} {coin}" for coin, cash in trip.other_fees),
        "venue_realised_cash": trip.venue_realised_cash,
        "stop8": story.plan.stop8 if story.plan and story.plan.stop8 else None,
        "stop_source": story.plan.stop_source if story.plan else "",
        "risk_cash": rs.risk_cash,
        "r8": rs.actual8,
        "planned_r8": rs.planned8,
        "costs_r8": rs.costs8,
        "exit_kind": trip.exit_kind,
        "fills": trip.fills,
        "tags": " ".join(story.tags),
        "notes": "\n\n".join(event.body["text"] for event in events if event.kind in ("note", "answer")),
    }


def shown_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row with decimals and dates: ``opened_ns`` as ``opened_utc``, ``net_cash`` as ``net``."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        shown, text = _shown_as(name)
        found[shown] = value if text is None or value is None else text(value)
    return found


@cache
def _shown_as(name: str) -> tuple[str, Callable[[int], str] | None]:
    """The name for people, and what makes text of a value."""
    for ending, instead, text in (
        ("_ns", "_utc", time_text),
        ("_cash", "", scaled_text),
        ("8", "", scaled_text),
    ):
        if name.endswith(ending):
            return name.removesuffix(ending) + instead, text
    return name, None


def rows(journal: Journal, wanted: Wanted = Wanted()) -> Iterable[dict[str, Any]]:  # noqa: B008
    """Every round trip as a row, the oldest first."""
    said = Notes(journal).stories()
    for trip in journal.all(wanted):
        yield row_of(trip, said.get(trip.trip_id, []))


def export(journal: Journal, out: Path, wanted: Wanted = Wanted()) -> int:  # noqa: B008
    """Write round trips into a file, by its ending; how many. A file that is there is not written over.

    Raises
    ------
    InputError
        JOURNAL-120 another ending, a file that is there, or one that cannot be written.
    """
    if out.suffix not in FORMS:
        raise InputError(
            "JOURNAL-120", f"{out.name}: no form {out.suffix!r}", f"end it in {', '.join(FORMS)}"
        )
    found = list(rows(journal, wanted))
    try:
        with out.open("x", encoding="utf-8", newline="") as file:
            if out.suffix == ".csv":
                names = list(shown_row(found[0])) if found else ["trip_id"]
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(names)
                writer.writerows(shown_row(row).values() for row in found)
            elif out.suffix == ".json":
                json.dump([shown_row(row) for row in found], file, ensure_ascii=False, indent=1)
        if out.suffix == ".parquet":
            _parquet(found, out)
    except OSError as error:
        raise InputError(
            "JOURNAL-120",
            f"{out} cannot be written: {error.strerror}",
            "name a new file in a folder of yours",
        ) from error
    return len(found)


def _parquet(found: list[dict[str, Any]], out: Path) -> None:
    import polars as pl

    whole = ("_ns", "8", "_cash")
    names = list(found[0]) if found else ["trip_id"]
    schema = {name: pl.Int64 if name.endswith(whole) or name == "fills" else pl.String for name in names}
    columns = {name: [row[name] for row in found] for name in names}
    units = {"_ns": "ns since 1970 UTC", "_cash": "1e-8 of the coin", "8": "1e-8"}
    pl.DataFrame(columns, schema=schema).write_parquet(out, metadata=units)
