"""``lotwise data``: market data of your own: bring it in, see what is there, look for faults, take it out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from lotwise.cli.screen import Output, Screen
from lotwise.errors import InputError

if TYPE_CHECKING:
    from lotwise.market.store import Series, Store

family = App(name="data", help="Market data of your own: import, list, check, export.")

Folder = Annotated[Path | None, Parameter(name=["--store"])]


def opened(folder: Path | None) -> Store:
    """The store in a folder, or in the user's data folder."""
    needs_polars()
    from lotwise.market.store import Store, own_folder

    return Store(folder or own_folder())


def needs_polars() -> None:
    """Say how to get what reads and writes the files, where it is missing."""
    try:
        import polars  # noqa: F401
    except ImportError:
        raise InputError(
            "DATA-001", "market data needs polars, which is not installed", "pip install lotwise[data]"
        ) from None


def series_of(contract: str, kind: str) -> Series:
    """``binance:BTCUSDT`` and ``bars`` as a series."""
    from lotwise.market.kinds import KINDS
    from lotwise.market.store import Series

    venue, colon, symbol = contract.partition(":")
    if not colon:
        raise InputError(
            "DATA-002", f"{contract} names no venue", f"write venue:contract, as in binance:{contract}"
        )
    if kind not in KINDS:
        raise InputError("DATA-003", f"{kind} is no kind of data", f"one of {', '.join(KINDS)}")
    return Series(venue, symbol, KINDS[kind])


@family.command(name="import")
def bring(
    *files: Path,
    contract: str,
    form: Annotated[str, Parameter(name=["--form"])] = "",
    store: Folder = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Bring files of Binance's public archive into the store, csv or zip.

    A day is there wholly or not at all; rows that are there already are not doubled, and a row that says
    something else than the store is refused.

    Parameters
    ----------
    files
        As downloaded: BTCUSDT-1m-2025-05-04.zip, BTCUSDT-aggTrades-2025-05-04.csv ...
    contract
        Whose data it is: binance:BTCUSDT.
    form
        What is in the files, where neither header nor name says it: klines, markPriceKlines, aggTrades,
        trades, fundingRate.
    store
        The folder of the store; else LOTWISE_STORE, else lotwise/market in your data folder.
    output
        How to answer.
    """
    place = opened(store)
    from lotwise.market import binance_archive

    if not files:
        raise InputError("USAGE-001", "no file is named", "name one or more: lotwise data import FILE ...")
    told, screen = [], Screen(output)
    for path in files:
        if not path.is_file():
            raise InputError("DATA-004", f"there is no file {path}", "see how it is spelled")
        table = binance_archive.read(path, form)
        series = series_of(contract, table.kind.name)
        written = place.put(series, table)
        told.append(
            {
                "file": path.name,
                "kind": table.kind.name,
                "rows": len(table.frame),
                "days_written": len(written),
            }
        )
        if not (output.json or output.quiet):
            days = (
                f"{len(written)} day{'s' * (len(written) != 1)} written" if written else "all there already"
            )
            screen.line(f"  {path.name}  {len(table.frame):,} {table.kind.name}, {days}")
    if output.json:
        print(json.dumps({"store": str(place.root), "files": told}, indent=2, ensure_ascii=False))
    return 0


@family.command(name="list")
def listed(*, store: Folder = None, output: Output = Output()) -> int:  # noqa: B008
    """What the store holds.

    Parameters
    ----------
    store
        The folder of the store.
    output
        How to answer.
    """
    place = opened(store)
    found: dict[Series, list[Any]] = {}
    for day in place.days():
        found.setdefault(day.series, []).append(day)
    rows = [
        {
            "contract": f"{series.venue}:{series.contract}",
            "kind": series.kind.name,
            "first": days[0].day.isoformat(),
            "last": days[-1].day.isoformat(),
            "days": len(days),
            "rows": sum(day.rows for day in days),
        }
        for series, days in found.items()
    ]
    if output.json:
        print(json.dumps({"store": str(place.root), "series": rows}, indent=2, ensure_ascii=False))
        return 0
    if not rows:
        Screen(output).paragraph(f"The store {place.root} is empty: lotwise data import FILE ... fills it.")
        return 0
    header = ("contract", "kind", "first", "last", "days", "rows")
    counts = ("days", "rows")
    cells = [tuple(f"{row[name]:,}" if name in counts else str(row[name]) for name in header) for row in rows]
    Screen(output).table(header, cells)
    return 0


@family.command(name="check")
def checked(
    contract: str,
    /,
    kind: str,
    *,
    store: Folder = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Look for gaps, doubles, disorder, prices off the tick, funding's hours. It repairs nothing.

    Parameters
    ----------
    contract
        binance:BTCUSDT.
    kind
        bars, marks, trades or funding.
    store
        The folder of the store.
    output
        How to answer; exit code 0 whatever is found.
    """
    place, series = opened(store), series_of(contract, kind)
    from lotwise.market.check import check
    from lotwise.market.kinds import Table

    rows, scale = place.scan(series)
    report = check(Table(series.kind, scale, rows.collect()))
    if output.json:
        print(json.dumps(report.as_dict(), indent=2, ensure_ascii=False))
    else:
        print(report.text())
    return 0


@family.command(name="export")
def taken_out(
    contract: str,
    /,
    kind: str,
    out: Path,
    *,
    store: Folder = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Write a series into one file: .csv with decimals, or .parquet with whole numbers and their scale.

    Parameters
    ----------
    contract
        binance:BTCUSDT.
    kind
        bars, marks, trades or funding.
    out
        The file; one that is there is not written over.
    store
        The folder of the store.
    output
        How to answer.
    """
    place, series = opened(store), series_of(contract, kind)
    from lotwise.market.export import export

    rows, scale = place.scan(series)
    count = export(rows, series.kind, scale, out=out)
    if output.json:
        print(json.dumps({"file": str(out), "rows": count}, indent=2, ensure_ascii=False))
    elif not output.quiet:
        Screen(output).line(f"  {out}  {count:,} {kind}")
    return 0
