"""Round trips taken out: CSV with decimals, Parquet with whole numbers, JSON for programs."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Any, Final, TextIO

from lotwise.errors import InputError
from lotwise.journal.export_text import Column, Text, csv_lines, json_objects, time_text_by_day
from lotwise.journal.measures import Plan, entry_price8, exit_price8, in_r
from lotwise.journal.measuring import AT_ENTRY, Measured, kept
from lotwise.journal.notes import Notes, Story, told
from lotwise.journal.shelf import Journal, Wanted
from lotwise.records.journal import RoundTrip
from lotwise.store.database import INT64, Event
from lotwise.units import SCALE, scaled_text

FORMS: Final = (".csv", ".parquet", ".json")
COUNTS: Final = ("fills", "refusals", "overrides", "bars_seen", "leverage100")
NO_PLAN: Final = Plan()
NAMES: Final = (
    *("trip_id", "venue", "account", "contract", "position_side", "side", "opened_ns", "closed_ns"),
    *("entry_quantity8", "exit_quantity8", "most_quantity8", "leverage100", "entry_price8", "exit_price8"),
    *("realised_cash", "fee_cash", "funding_cash", "net_cash", "coin", "other_fees", "venue_realised_cash"),
    *("setup", "reason", "planned_entry8", "stop8", "stop_source", "targets"),
    *("risk_cash", "r8", "planned_r8", "costs_r8"),
    *("mae_cash", "mfe_cash", "mae_price8", "mfe_price8", "mae_r8", "mfe_r8", "bars_seen"),
    *(f"entry_{name}" for name in AT_ENTRY),
    *("exit_kind", "fills", "refusals", "overrides", "tags", "notes"),
)
"""What a row tells, in its order: whole numbers end in their unit."""
SEEN: Final = ("worst_cash", "best_cash", "worst_price8", "best_price8")
"""How far a trade went, as a session says it."""
MEASURED: Final = ("mae_cash", "mfe_cash", "mae_price8", "mfe_price8", "bars")
"""The same as it was measured."""
TOGETHER: Final = 2_000
"""Rows that are made text of together."""
_measured: Final = attrgetter(*MEASURED)
_at_entry: Final = attrgetter(*AT_ENTRY)

Row = tuple[Any, ...]
"""A round trip as ``NAMES`` say."""


def row_of(trip: RoundTrip, events: list[Event], found: Measured | None = None) -> dict[str, Any]:
    """A round trip as one row: text, and whole numbers whose names end in their unit.

    Parameters
    ----------
    events
        What was said of it and of its orders.
    found
        What was measured of it; counts only while it has the same fills.
    """
    return dict(zip(NAMES, _values(trip, events, found), strict=True))


def _values(trip: RoundTrip, events: list[Event], found: Measured | None) -> Row:
    story = told(events, closed=trip.closed_ns is not None)
    rs = in_r(trip, story.plan)
    plan = story.plan or NO_PLAN
    kinds = [event.kind for event in events]
    return (
        trip.trip_id,
        trip.venue,
        trip.account,
        trip.contract,
        trip.position_side,
        "long" if trip.side > 0 else "short",
        trip.opened_ns,
        trip.closed_ns,
        trip.entry_quantity8,
        trip.exit_quantity8,
        trip.most_quantity8,
        plan.leverage100 or None,
        entry_price8(trip),
        exit_price8(trip) or None,
        trip.realised_cash,
        trip.fee_cash,
        trip.funding_cash,
        trip.net_cash,
        trip.coin,
        " ".join(f"{scaled_text(cash)} {coin}" for coin, cash in trip.other_fees),
        trip.venue_realised_cash,
        story.setup,
        story.reason,
        plan.entry8 or None,
        plan.stop8 or None,
        plan.stop_source,
        " ".join([scaled_text(price8) for price8 in plan.target8s]),
        rs.risk_cash,
        rs.actual8,
        rs.planned8,
        rs.costs8,
        *_measures(trip, story, found, rs.risk_cash),
        trip.exit_kind,
        trip.fills,
        kinds.count("refusal"),
        kinds.count("override"),
        " ".join(story.tags),
        "\n\n".join([event.body["text"] for event in events if event.kind in ("note", "answer")]),
    )


def _measures(trip: RoundTrip, story: Story, found: Measured | None, risk_cash: int | None) -> Row:
    """How far it went, and the market at its entry: as a session saw it, else as it was measured."""
    fresh = found is not None and found.fills == trip.fills
    *far, bars = _measured(found) if fresh else (None,) * len(MEASURED)
    entry: Row = _at_entry(found) if found else (None,) * len(AT_ENTRY)
    if story.seen:
        far = [story.seen.get(name, value) for name, value in zip(SEEN, far, strict=True)]
        bars = None
    if story.then:
        entry = tuple([story.then.get(name, value) for name, value in zip(AT_ENTRY, entry, strict=True)])
    mae, mfe = far[0], far[1]
    mae_r8 = mae * SCALE // risk_cash if risk_cash and mae is not None else None
    mfe_r8 = mfe * SCALE // risk_cash if risk_cash and mfe is not None else None
    return (*far, mae_r8, mfe_r8, bars, *entry)


def shown_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row with decimals and dates: ``opened_ns`` as ``opened_utc``, ``net_cash`` as ``net``."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        shown, text = _shown_as(name)
        found[shown] = value if text is None or value is None else text(value)
    return found


@cache
def _shown_as(name: str) -> tuple[str, Text | None]:
    """The name for people, and what makes text of a value."""
    for ending, instead, text in (
        ("_ns", "_utc", time_text_by_day),
        ("_cash", "", scaled_text),
        ("leverage100", "leverage", lambda value: scaled_text(value, 2)),
        ("8", "", scaled_text),
    ):
        if name.endswith(ending):
            return name.removesuffix(ending) + instead, text
    return name, None


def rows(journal: Journal, wanted: Wanted = Wanted()) -> Iterable[dict[str, Any]]:  # noqa: B008
    """Every round trip as a row, the oldest first."""
    for values in _read(journal, wanted):
        yield dict(zip(NAMES, values, strict=True))


def _read(journal: Journal, wanted: Wanted) -> Iterator[Row]:
    said, found = Notes(journal).stories(), kept(journal)
    for trip in journal.all(wanted):
        yield _values(trip, said.get(trip.trip_id, []), found.get(trip.trip_id))


def rows_of(journal: Journal, trips: Sequence[RoundTrip]) -> list[dict[str, Any]]:
    """Some round trips as rows."""
    names = [trip.trip_id for trip in trips]
    said, found = Notes(journal).stories(names), kept(journal, names)
    return [row_of(trip, said.get(trip.trip_id, []), found.get(trip.trip_id)) for trip in trips]


def export(journal: Journal, out: Path, wanted: Wanted = Wanted()) -> int:  # noqa: B008
    """Write round trips into a file, by its ending; how many. A file that is there is not written over.

    Raises
    ------
    InputError
        JOURNAL-120 another ending, a file that is there, one that cannot be written, or for Parquet a number
        beyond 64 bits; JOURNAL-121 Parquet without polars.
    """
    if out.suffix not in FORMS:
        raise InputError(
            "JOURNAL-120", f"{out.name}: no form {out.suffix!r}", f"end it in {', '.join(FORMS)}"
        )
    if out.suffix == ".parquet":
        _needs_polars()
    mine = False
    try:
        with _uncollected():
            with out.open("x", encoding="utf-8", newline="") as file:
                mine = True
                if out.suffix == ".csv":
                    return _csv(_pieces(journal, wanted), file)
                if out.suffix == ".json":
                    return _json(_pieces(journal, wanted), file)
            return _parquet(_pieces(journal, wanted), out)
    except BaseException as error:  # whatever it was, half of a file is worse than none
        if mine:
            out.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        raise InputError(
            "JOURNAL-120",
            f"{out} cannot be written: {error.strerror}",
            "name a new file in a folder of yours, where there is room",
        ) from error


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without looking for garbage in circles: rows make none, and the looking is a quarter of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _pieces(journal: Journal, wanted: Wanted) -> Iterator[list[Row]]:
    """Rows in pieces: text is made of a piece at once, and no more of it is in memory."""
    left = _read(journal, wanted)
    while piece := list(islice(left, TOGETHER)):
        yield piece


def _columns(piece: Sequence[Row]) -> list[Column]:
    """Rows as columns with the names for people."""
    return [
        Column(*_shown_as(name), values) for name, values in zip(NAMES, zip(*piece, strict=True), strict=True)
    ]


def _csv(found: Iterable[list[Row]], file: TextIO) -> int:
    count = 0
    for piece in found:
        columns = _columns(piece)
        if not count:
            file.write(",".join(column.name for column in columns) + "\n")
        file.write(csv_lines(columns))
        count += len(piece)
    if not count:
        file.write("trip_id\n")
    return count


def _json(found: Iterable[list[Row]], file: TextIO) -> int:
    count = 0
    for piece in found:
        file.write(",\n" if count else "[\n")
        file.write(json_objects(_columns(piece)))
        count += len(piece)
    file.write("\n]" if count else "[]")
    return count


def _needs_polars() -> None:
    try:
        import polars  # noqa: F401
    except ImportError:
        raise InputError(
            "JOURNAL-121",
            "Parquet needs polars, which is not installed",
            "pip install 'lotwise[data]', or name a .csv",
        ) from None


def _parquet(found: Iterable[list[Row]], out: Path) -> int:
    import polars as pl

    whole = ("_ns", "8", "_cash")
    columns: dict[str, list[Any]] = {}
    for piece in found:
        for name, values in zip(NAMES, zip(*piece, strict=True), strict=True):
            columns.setdefault(name, []).extend(values)
    columns = columns or {"trip_id": []}
    schema = {name: pl.Int64 if name.endswith(whole) or name in COUNTS else pl.String for name in columns}
    units = {"leverage100": "1e-2", "_ns": "ns since 1970 UTC", "_cash": "1e-8 of the coin", "8": "1e-8"}
    try:
        table = pl.DataFrame(columns, schema=schema)
    except (TypeError, OverflowError):  # as polars says that a number does not fit
        _check_fits(columns, [name for name in columns if schema[name] == pl.Int64], out)
        raise
    table.write_parquet(out, metadata=units)
    return len(columns["trip_id"])


def _check_fits(columns: dict[str, list[Any]], names: Sequence[str], out: Path) -> None:
    """Refuse numbers beyond 64 bits: a result in R of a risk of next to nothing is one."""
    for name in names:
        for trip_id, value in zip(columns["trip_id"], columns[name], strict=True):
            if value is not None and not -INT64 <= value < INT64:
                raise InputError(
                    "JOURNAL-120",
                    f"{out.name}: {name} of trade {trip_id} is {value}, and Parquet holds up to {INT64 - 1}",
                    "end it in .csv or .json, which hold any number",
                )
