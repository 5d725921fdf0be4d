"""Any csv, Parquet or feather file, told which of its columns is which of ours.

A mapping is ``{"time_ns": "Date", "rate": "Funding Rate", "contract": "Symbol"}``: our column to the file's,
and ``contract`` where the file holds several. Columns that a kind can do without may be left out and are 0.
Numbers may be text, whole numbers, decimals or floats; times may be stamps or dates in UTC.

Some files need no mapping: what ``lotwise data export`` wrote, funding csv files with ``Symbol, Date,
Funding Rate``, and Parquet of whole numbers with a ``scale.json`` beside it: ``{"scale": {"BTCUSDT":
{"price_decimals": 1, "qty_decimals": 3}}}``, columns ``symbol, t_min, open, high, low, close, volume``
(minutes since 1970).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lotwise.errors import InputError
from lotwise.market.cells import not_later
from lotwise.market.columns import LATEST_NS, Place
from lotwise.market.forms import UNTOLD, Form, Part, csv_parts, parts_of
from lotwise.market.freqtrade import feather
from lotwise.market.kinds import BARS, FUNDING, KINDS, Kind, Scale, Table

if TYPE_CHECKING:
    import polars as pl

MINUTE_NS: Final = 60 * 10**9
CONTRACT: Final = "contract"
KNOWN: Final = {
    frozenset({"Symbol", "Date", "Funding Rate"}): (
        FUNDING,
        {"time_ns": "Date", "rate": "Funding Rate", CONTRACT: "Symbol"},
    )
}
"""Headers that need no mapping."""
INTS: Final = ("symbol", "t_min", "open", "high", "low", "close", "volume")


def form_of(mapping: Mapping[str, str], file_columns: list[str], kind: str, file: str) -> Form:
    """The form that a mapping makes.

    Raises
    ------
    InputError
        DATA-123 where the mapping does not fit the kind or the file, or no kind is named and several fit.
    """
    chosen = _kind(mapping, kind, file)
    ours = {name: theirs for name, theirs in mapping.items() if name != CONTRACT}
    unknown = [name for name in ours if name not in chosen.columns]
    missing = [name for name in needed(chosen) if name not in ours]
    absent = [theirs for theirs in mapping.values() if theirs not in file_columns]
    told = ""
    if unknown:
        told = f"{chosen.name} have no column {', '.join(unknown)}; they have {', '.join(chosen.columns)}"
    elif missing:
        told = f"no column is named for {', '.join(missing)} of {chosen.name}"
    elif absent:
        told = f"has no column {', '.join(absent)}; its columns are {', '.join(file_columns)}"
    if told:
        raise InputError(
            "DATA-123", f"{file}, row 1: {told}", hint="map our column to the file's: --map time_ns=Date"
        )
    return Form(chosen, tuple(file_columns), ours, contract=mapping.get(CONTRACT, ""))


def needed(kind: Kind) -> list[str]:
    """The columns that a kind cannot do without."""
    return [name for name in kind.columns if name not in UNTOLD.get(kind.name, ())]


def _kind(mapping: Mapping[str, str], kind: str, file: str) -> Kind:
    if kind:
        if kind not in KINDS:
            raise InputError("DATA-123", f"{kind} is no kind of data", hint=f"one of {', '.join(KINDS)}")
        return KINDS[kind]
    given = set(mapping) - {CONTRACT}
    fitting = [one for one in KINDS.values() if set(needed(one)) <= given <= set(one.columns)]
    if len(fitting) == 1:
        return fitting[0]
    told = " or ".join(one.name for one in fitting) or "no kind of data"
    raise InputError(
        "DATA-123",
        f"{file}, row 1: columns {', '.join(sorted(given)) or 'of no name'} make {told}",
        hint=f"name the kind (--kind), one of {', '.join(KINDS)}, and map all its columns",
    )


def known(header: list[str]) -> tuple[str, dict[str, str]] | None:
    """Kind and mapping of a header that needs none."""
    for names, (kind, mapping) in KNOWN.items():
        if names == set(header):
            return kind.name, mapping
    for one in KINDS.values():
        if header == list(one.columns):
            return one.name, {name: name for name in header}
    return None


def csv(path: Path, mapping: Mapping[str, str], kind: str = "", latest_ns: int = LATEST_NS) -> Iterator[Part]:
    """The rows of a csv, plain or packed, some at a time.

    Raises
    ------
    InputError
        DATA-123 the mapping does not fit, and what :func:`lotwise.market.forms.csv_parts` refuses.
    """

    def choose(header: list[str] | None) -> Form:
        if header is None:
            raise InputError(
                "DATA-123", f"{path.name}, row 1: names no columns", hint="write their names above them"
            )
        return form_of(mapping, header, kind, path.name)

    none = True
    for part in csv_parts(path, choose, latest_ns):
        none = False
        yield part
    if none:
        raise InputError("DATA-103", f"{path.name} has a header and no row", hint="fetch it again")


def frame(
    path: Path, mapping: Mapping[str, str] | None = None, kind: str = "", latest_ns: int = LATEST_NS
) -> Iterator[Part]:
    """The rows of a Parquet or feather file, a table of each contract.

    Raises
    ------
    InputError
        DATA-120 cut off, DATA-122 no mapping where the file needs one, DATA-123 one that does not fit,
        DATA-139 a scale.json that is none, and what :func:`lotwise.market.forms.table_of` refuses.
    """
    rows, scale = parquet(path) if path.suffix == ".parquet" else (feather(path), None)
    if mapping:
        yield from _counted(
            parts_of(form_of(mapping, rows.columns, kind, path.name), rows, Place(path.name), latest_ns), path
        )
        return
    own = known(rows.columns)
    if scale is not None and own:
        table = Table(KINDS[own[0]], scale, rows)
        not_later(rows["time_ns"], latest_ns, Place(path.name))
        yield from _counted(iter([("", table)] if len(rows) else []), path)
    elif set(INTS) <= set(rows.columns):
        yield from _counted(_ints(path, rows, latest_ns), path)
    elif own:
        form = form_of(own[1], rows.columns, own[0], path.name)
        yield from _counted(parts_of(form, rows, Place(path.name), latest_ns), path)
    else:
        raise InputError(
            "DATA-122",
            f"{path.name}: its columns are {', '.join(rows.columns)}, of which none is known",
            hint="say which is which: --kind bars --map time_ns=Date --map open=Open ...",
        )


def _counted(found: Iterator[Part], path: Path) -> Iterator[Part]:
    """The same parts, at least one."""
    none = True
    for part in found:
        none = False
        yield part
    if none:
        raise InputError("DATA-103", f"{path.name} has no row", hint="fetch it again")


def parquet(path: Path) -> tuple[pl.DataFrame, Scale | None]:
    """A Parquet file as it is, and the scale that ``lotwise data export`` put in it.

    Raises
    ------
    InputError
        DATA-120 where it is not whole.
    """
    import polars as pl

    try:
        told = pl.read_parquet_metadata(path).get("lotwise")
        return pl.read_parquet(path), Scale(**json.loads(told)["scale"]) if told else None
    except (pl.exceptions.PolarsError, OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            "DATA-120",
            f"{path.name}, row 1: not a whole Parquet file: {str(error).splitlines()[0]}",
            hint="fetch it again: it was cut off or is damaged",
        ) from error


def _ints(path: Path, rows: pl.DataFrame, latest_ns: int) -> Iterator[Part]:
    """Bars of whole numbers, several contracts in a file, with the decimals of each beside it."""
    import polars as pl

    scales = _scales(path)
    for (symbol,), mine in sorted(rows.partition_by("symbol", as_dict=True, include_key=False).items()):
        if symbol not in scales:
            raise InputError(
                "DATA-139",
                f"{path.name}: scale.json beside it says nothing of {symbol}, only of"
                f" {', '.join(sorted(scales))}",
                hint="add its price_decimals and qty_decimals",
            )
        made = [pl.col("t_min").cast(pl.Int64).alias("time_ns") * MINUTE_NS]
        made += [
            pl.col(name).cast(pl.Int64) if name in INTS else pl.lit(0, pl.Int64).alias(name)
            for name in list(BARS.columns)[1:]
        ]
        bars = mine.select(made)
        not_later(bars["time_ns"], latest_ns, Place(path.name))
        yield str(symbol), Table(BARS, scales[str(symbol)], bars)


def _scales(path: Path) -> dict[str, Scale]:
    beside = path.with_name("scale.json")
    try:
        said: dict[str, Any] = json.loads(beside.read_text(encoding="utf-8"))["scale"]
        return {
            symbol: Scale(price=int(one["price_decimals"]), quantity=int(one["qty_decimals"]))
            for symbol, one in said.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            "DATA-139",
            f"{path.name}: its whole numbers need a scale.json beside it, and {beside.name} cannot be"
            f" used: {error}",
            hint='write {"scale": {"BTCUSDT": {"price_decimals": 1, "qty_decimals": 3}}}',
        ) from error
