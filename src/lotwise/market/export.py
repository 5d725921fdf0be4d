"""A series as one file for other programs."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from lotwise.errors import InputError
from lotwise.market.kinds import Kind, Scale, Unit
from lotwise.market.store import UNFINISHED, cannot_write

if TYPE_CHECKING:
    import polars as pl


def export(rows: pl.LazyFrame, kind: Kind, scale: Scale, out: Path) -> int:
    """Write rows to ``.csv`` (exact decimals, times in nanoseconds) or ``.parquet`` (whole numbers).

    Returns
    -------
    How many rows.

    Raises
    ------
    InputError
        DATA-207 another ending, DATA-208 the file is there already, DATA-204 its folder is not, or it
        cannot be written.
    """
    if out.suffix not in (".csv", ".parquet"):
        raise InputError("DATA-207", f"{out.name} is neither .csv nor .parquet", "name one of them")
    if not out.parent.is_dir():
        raise InputError(
            "DATA-204",
            f"{out.name} cannot be written: the folder {out.parent} is not there",
            hint="make it first, or see how it is spelled",
        )
    if out.exists():
        raise InputError("DATA-208", f"{out} is there already", "name another file, or remove it")
    frame = rows.collect()
    beside = out.with_name(f".{out.name}{UNFINISHED}")
    try:
        if out.suffix == ".csv":
            frame.select(decimals(kind, scale)).write_csv(beside)
        else:
            frame.write_parquet(beside, metadata={"lotwise": json.dumps({"scale": asdict(scale)})})
        beside.replace(out)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise cannot_write(out, error) from error
    return len(frame)


def decimals(kind: Kind, scale: Scale) -> list[pl.Expr]:
    """Each column as what a person reads: exact decimals of prices, quantities, money and rates."""
    import polars as pl

    found = []
    for name, unit in kind.columns.items():
        places = scale.decimals(unit)
        if unit in (Unit.PRICE, Unit.QUANTITY, Unit.MONEY, Unit.RATE) and places:
            whole = pl.col(name).cast(pl.Decimal(38, 0)).cast(pl.Decimal(38, places))
            found.append((whole / pl.lit(10**places)).cast(pl.Decimal(38, places)).alias(name))
        else:
            found.append(pl.col(name))
    return found
