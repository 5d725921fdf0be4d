"""What is measured of round trips with the bars of the market store, kept so that lists and exports have it.

The worst and the best of a trade (MAE, MFE) and the market at its entry. A trade that has got another fill
since is told as not measured until it is measured again. What a session saw itself stands before this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final

import msgspec

from lotwise.journal.conditions import Conditions, Past, conditions
from lotwise.journal.picture import excursion_of, market_bars
from lotwise.journal.shelf import Journal
from lotwise.records.journal import RoundTrip
from lotwise.store.database import one_at_a_time, put

TOGETHER: Final = 200
"""Trades whose measures are kept in one transaction."""

Progress = Callable[[int], object]
"""Told how many trades are measured."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a round trip beyond its fills; None where nothing tells."""

    trip_id: str
    fills: int
    """How many fills it had then."""
    bars: int
    """Bars that were seen; with 0 the worst and the best are those of its own fills."""
    mae_cash: int | None
    mfe_cash: int | None
    mae_price8: int | None
    mfe_price8: int | None
    change8: int | None = None
    btc_change8: int | None = None
    btc_volatility8: int | None = None
    btc_correlation8: int | None = None
    funding8: int | None = None
    spread8: int | None = None


NAMES: Final = Measured.__struct_fields__
AT_ENTRY: Final = tuple(one.name for one in fields(Conditions))
"""What is told of the market at an entry."""


def measured(journal: Journal, trip: RoundTrip, past: Past | None) -> Measured:
    """Measure one round trip; by its fills alone where there is no market store to read."""
    fills = journal.fills_of(trip)
    seen = excursion_of(fills, market_bars(trip, fills, past.root) if past else None)
    return Measured(
        trip_id=trip.trip_id,
        fills=trip.fills,
        bars=seen.bars,
        mae_cash=seen.worst_cash,
        mfe_cash=seen.best_cash,
        mae_price8=seen.worst8,
        mfe_price8=seen.best8,
        **(asdict(conditions(trip, past)) if past else {}),
    )


def measure(
    journal: Journal, trips: Iterable[RoundTrip], root: Path | None = None, progress: Progress | None = None
) -> int:
    """Measure round trips and keep what was found; how many. Broken off, what was measured is kept.

    Parameters
    ----------
    root
        The folder of the market store; the user's own where it is not given.
    """
    past, waiting, count = Past(root), [], 0
    for trip in trips:
        waiting.append(measured(journal, trip, past))
        count += 1
        if len(waiting) == TOGETHER:
            keep(journal, waiting)
            waiting = []
            if progress is not None:
                progress(count)
    keep(journal, waiting)
    return count


def keep(journal: Journal, found: Sequence[Measured]) -> None:
    """Put measures in the place of those that were there."""
    from sqlalchemy import delete

    from lotwise.store.tables import MEASURES

    if not found:
        return
    found = list({one.trip_id: one for one in found}.values())  # of one named twice the last counts
    with journal.database.write() as connection:
        one_at_a_time(connection)
        for start in range(0, len(found), TOGETHER):
            names = [one.trip_id for one in found[start : start + TOGETHER]]
            connection.execute(delete(MEASURES).where(MEASURES.c.trip_id.in_(names)))
        put(connection, MEASURES, NAMES, [msgspec.structs.astuple(one) for one in found])


def kept(journal: Journal, trip_ids: Sequence[str] | None = None) -> dict[str, Measured]:
    """Measures by the trip's name, of some trips where they are named."""
    from sqlalchemy import select

    from lotwise.store.tables import MEASURES

    asked = select(*(MEASURES.c[name] for name in NAMES))
    if trip_ids is not None:
        asked = asked.where(MEASURES.c.trip_id.in_(trip_ids))
    with journal.database.read() as connection:
        return {row[0]: _measured(row) for row in connection.execute(asked).all()}


def _measured(row: Any) -> Measured:
    return Measured(**dict(zip(NAMES, row, strict=True)))


def unmeasured(journal: Journal, root: Path | None = None) -> list[RoundTrip]:
    """Round trips of contracts that the market store has bars of, and that are not measured as they are."""
    from lotwise.errors import InputError
    from lotwise.market.kinds import BARS
    from lotwise.market.store import Series, Store, own_folder

    found, there = kept(journal), {}
    wanted = []
    for trip in journal.all():
        key = (trip.venue, trip.contract)
        if key not in there:
            try:
                there[key] = any(True for _ in Store(root or own_folder()).days(Series(*key, BARS)))
            except InputError:  # a contract or folder of which there can be no bars
                there[key] = False
        known = found.get(trip.trip_id)
        if there[key] and (known is None or known.fills != trip.fills):
            wanted.append(trip)
    return wanted
