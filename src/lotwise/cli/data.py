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

family = App(name="data", help="Market data: import, fetch, capture, make up, list, check, export.")

Folder = Annotated[Path | None, Parameter(name=["--store"])]


def opened(folder: Path | None) -> Store:
    """The store in a folder, or in the user's data folder.

    Raises
    ------
    InputError
        DATA-140 where a file stands there.
    """
    needs_polars()
    from lotwise.market.store import Store, own_folder

    place = folder or own_folder()
    for above in (place, *place.parents):
        if above.is_file():
            raise InputError(
                "DATA-140",
                f"the store {place} cannot be: {above} is a file, not a folder",
                hint="name a folder; it is made when something is put there",
            )
    return Store(place)


def needs_polars() -> None:
    """Say how to get what reads and writes the files, where it is missing."""
    try:
        import polars  # noqa: F401
    except ImportError:
        raise InputError(
            "DATA-001", "market data needs polars, which is not installed", "pip install 'lotwise[data]'"
        ) from None


def series_of(contract: str, kind: str) -> Series:
    """``binance:BTCUSDT`` and ``bars`` as a series."""
    from lotwise.market.kinds import KINDS
    from lotwise.market.store import Series

    venue, symbol = venue_and_symbol(contract)
    if kind not in KINDS:
        raise InputError("DATA-003", f"{kind} is no kind of data", f"one of {', '.join(KINDS)}")
    return Series(venue, symbol, KINDS[kind])


def venue_and_symbol(contract: str) -> tuple[str, str]:
    """Both halves of ``binance:BTCUSDT``.

    Raises
    ------
    InputError
        DATA-002 where one is missing.
    """
    venue, colon, symbol = contract.partition(":")
    if not contract.strip():
        raise InputError("DATA-002", "the contract is empty", "write venue:contract, as in binance:BTCUSDT")
    if not colon:
        raise InputError(
            "DATA-002", f"{contract} names no venue", f"write venue:contract, as in binance:{contract}"
        )
    if not venue or not symbol:
        missing = "contract" if venue else "venue"
        raise InputError(
            "DATA-002", f"{contract} names no {missing}", "write venue:contract, as in binance:BTCUSDT"
        )
    return venue, symbol


@family.command(name="import")
def bring(
    *files: Path,
    contract: str,
    form: Annotated[str, Parameter(name=["--form"])] = "",
    maps: Annotated[tuple[str, ...], Parameter(name=["--map"], negative="")] = (),
    kind: str = "",
    tick: str = "",
    lot: str = "",
    store: Folder = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Bring files into the store: Binance's and Bybit's archives, freqtrade, captures, any csv or Parquet.

    What a file is, is told from the file. A day is there wholly or not at all; rows that are there already
    are not doubled, and a row that says something else than the store is refused. A file that is bad in its
    middle leaves the days before that; import it again when it is mended.

    Parameters
    ----------
    files
        As downloaded: BTCUSDT-1m-2025-05-04.zip, BTCUSDT2025-05-04.csv.gz, BTC_USDT_USDT-1h-futures.feather
        ..., or a folder: then all files in it, in the order of their names.
    contract
        Whose data it is: binance:BTCUSDT. Of a file that holds several, that one; 'binance:*' takes all,
        each under the name that the file gives it.
    form
        What is in the files, where they do not say: klines, markPriceKlines, aggTrades, trades, fundingRate,
        bookTicker, bookDepth, metrics; of freqtrade ohlcv, mark, funding_rate; of a capture the one stream to
        take.
    maps
        Of a file that is not known, which column is which: --map time_ns=Date --map open=Open ...;
        contract=Symbol where it holds several.
    kind
        Of such a file what it holds: bars, marks, trades, funding, quotes, depth, bands, interest.
    tick
        Step of the price, of files of floats that do not say it (hftbacktest's npz): 0.1.
    lot
        Step of the quantity, of such files: 0.001.
    store
        The folder of the store; else LOTWISE_STORE, else lotwise/market in your data folder.
    output
        How to answer.
    """
    place = opened(store)
    from lotwise.cli import data_import
    from lotwise.market.sources import Wanted

    asked = Wanted(form, data_import.mapping_of(maps) or None, kind, tick, lot, data_import.latest_ns())
    venue, symbol = venue_and_symbol(contract)
    if not files:
        raise InputError("USAGE-001", "no file is named", "name one or more: lotwise data import FILE ...")
    told, screen = [], Screen(output)
    for path in data_import.files_of(files, screen if not (output.json or output.quiet) else None):
        for one in data_import.brought(path, asked, (venue, symbol), place):
            told.append(one)
            if not (output.json or output.quiet):
                screen.line(data_import.words(one, named=symbol == data_import.ALL))
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
    """Look for gaps, doubles, disorder, prices off the tick, a crossed book. It repairs nothing.

    Parameters
    ----------
    contract
        binance:BTCUSDT.
    kind
        bars, marks, trades, funding, quotes, depth, bands or interest.
    store
        The folder of the store.
    output
        How to answer; exit code 0 whatever is found.
    """
    place, series = opened(store), series_of(contract, kind)
    from lotwise.clock import SystemClock
    from lotwise.market.check import check
    from lotwise.market.kinds import Table

    rows, scale = place.scan(series)
    report = check(Table(series.kind, scale, rows.collect()), clock=SystemClock())
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
        bars, marks, trades, funding, quotes, depth, bands or interest.
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


from lotwise.cli import data_fetch, data_synthetic  # noqa: E402, F401  # their commands join the family
