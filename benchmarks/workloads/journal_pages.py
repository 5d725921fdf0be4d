"""The journal with 100,000 trades: pages, and everything taken out, in a file and on a server.

``LOTWISE_BENCH_POSTGRES=postgresql://...`` names the server, whose database must be empty; without it a file
alone is measured. Trades are seeded, with a plan, tags and measures each.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.draws import Draws
from benchmarks.timing import least_seconds, seconds
from benchmarks.workload import Figure, Outcome, Workload

SEED = 20_261_123
PAGE = 50
E8 = 10**8
MINUTE = 60 * 10**9
SMALL = 200
FORMS = ("csv", "parquet", "json")


@cache
def told(count: int) -> tuple[list[Any], list[tuple[str, int]]]:
    """Fills of so many round trips on 20 contracts, and the stop of each."""
    from lotwise.journal.trips import trip_name
    from lotwise.records.journal import Fill

    draws = Draws(SEED, count)
    sides = [1 if one else -1 for one in draws.whole(0, 1).tolist()]
    prices, moves = draws.whole(1_000, 100_000).tolist(), draws.whole(-99, 99).tolist()
    fills, stops = [], []
    for number, (side, price, move) in enumerate(zip(sides, prices, moves, strict=True)):
        facts = {"venue": "binance", "contract": f"C{number % 20}USDT", "coin": "USDT", "quantity8": E8}
        for leg, (when, at) in enumerate(((0, price), (3, price + move))):
            fills.append(
                Fill(
                    **facts,
                    trade_id=str(2 * number + leg),
                    order_id=str(2 * number + leg),
                    sequence=2 * number + leg,
                    time_ns=(10 * number + when) * MINUTE,
                    side=side if leg == 0 else -side,
                    price8=at * E8,
                    fee_cash=price * 50_000,
                )
            )
        stops.append((trip_name(fills[-2], False), (price - side * 100) * E8))
    return fills, stops


def filled(place: str, count: int) -> Any:
    """A journal with all of it."""
    import json

    from lotwise.journal.measuring import Measured, keep
    from lotwise.journal.shelf import Journal
    from lotwise.store.database import put
    from lotwise.store.tables import EVENTS

    journal = Journal.at(place)
    fills, stops = told(count)
    journal.add(fills)
    names = ("stream", "kind", "subject", "time_ns", "key", "body")
    events = []
    for number, (name, stop8) in enumerate(stops):
        plan = json.dumps({"stop8": stop8, "setup": f"setup {number % 7}"})
        events.append(("journal", "plan", name, number, None, plan))
        tag = json.dumps({"on": True, "tag": f"tag{number % 11}"})
        events.append(("journal", "tag", name, number, None, tag))
    with journal.database.write() as connection:
        put(connection, EVENTS, names, events)
    some = {"mae_price8": 1, "mfe_price8": 2, "btc_change8": 3}
    keep(
        journal,
        [
            Measured(trip_id=name, fills=2, bars=3, mae_cash=-number, mfe_cash=number, **some)
            for number, (name, _) in enumerate(stops)
        ],
    )
    if journal.database.path is None:
        from sqlalchemy import text

        with journal.database.write() as connection:
            connection.execute(text("ANALYZE"))
    return journal


def page(journal: Any, offset: int) -> list[dict[str, Any]]:
    """A page as the list shows it."""
    from lotwise.journal.export import rows_of

    return rows_of(journal, journal.page(limit=PAGE, offset=offset))


def integers(journal: Any, count: int) -> Iterator[int]:
    """Whole numbers of pages and of what is taken out."""
    from lotwise.journal.export import rows

    for offset in (0, count // 2, max(0, count - PAGE)):
        for row in page(journal, offset):
            yield from (int(row["trip_id"], 16), row["net_cash"], row["r8"], row["mae_cash"])
    whole = list(rows(journal))
    yield len(whole)
    for name in ("net_cash", "r8", "mae_r8", "opened_ns"):
        yield sum(number % 997 * (row[name] or 0) for number, row in enumerate(whole))


def computed(count: int) -> list[int]:
    """The integers, from a file."""
    with TemporaryDirectory() as folder:
        journal = filled(str(Path(folder) / "journal.sqlite"), count)
        found = list(integers(journal, count))
        journal.close()
    return found


def timed(place: str, count: int, folder: Path, name: str) -> tuple[dict[str, float], list[int]]:
    """Figures of one database, and its integers."""
    from lotwise.journal.export import export
    from lotwise.journal.shelf import Journal

    filled(place, count).close()
    told.cache_clear()
    journal = Journal.at(place)  # as a command finds it: written before, by another process
    pages = [
        least_seconds(lambda offset=offset: page(journal, offset), 5)
        for offset in (0, count // 2, max(0, count - PAGE))
    ]
    figures = {f"slowest page, {name}": max(pages) * 1_000}
    for ending in FORMS:
        out = folder / f"{name}.{ending}"
        figures[f"all as {ending}, {name}"] = seconds(lambda out=out: export(journal, out))
    found = list(integers(journal, count))
    journal.close()
    return figures, found


def measure(count: int) -> Outcome:
    """Pages and exports, on a file and, where one is named, on a server."""
    server = os.environ.get("LOTWISE_BENCH_POSTGRES", "")
    with TemporaryDirectory() as folder:
        figures, found = timed(str(Path(folder) / "journal.sqlite"), count, Path(folder), "SQLite")
        if server:
            more, same = timed(server, count, Path(folder), "PostgreSQL")
            figures |= more
            assert same == found, "both databases hold the same"
    return Outcome(figures=figures, results=found)


def _figures() -> tuple[Figure, ...]:
    names = ["SQLite"] + (["PostgreSQL"] if os.environ.get("LOTWISE_BENCH_POSTGRES") else [])
    return tuple(
        figure
        for name in names
        for figure in (
            Figure(f"slowest page, {name}", "ms", 100),
            *(Figure(f"all as {ending}, {name}", "s", 5) for ending in FORMS),
        )
    )


WORKLOAD = Workload(
    name="journal_pages",
    about="100,000 trades with plans, tags and measures: pages of 50, and all of it as CSV, Parquet and JSON",
    figures=_figures(),
    measure=measure,
    bodies={"sqlite": computed},
    small=SMALL,
    full=100_000,
    processes=1,
    begins_alike=False,
)
