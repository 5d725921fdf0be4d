"""Files of Binance's public archive (data.binance.vision): csv, or a zip with one csv in it.

Source of the columns: github.com/binance/binance-public-data, README. Files of older days have no header;
stamps are in milliseconds, of spot files since 2025 in microseconds: both are told from the file itself.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lotwise.errors import InputError
from lotwise.market import columns
from lotwise.market.columns import Place
from lotwise.market.kinds import BARS, FUNDING, MARKS, TRADES, Kind, Scale, Table, Unit

if TYPE_CHECKING:
    import polars as pl

HOUR_NS: Final = 3_600 * 10**9


@dataclass(frozen=True)
class Form:
    """How a kind of file looks: its columns in their order, and which of ours each becomes."""

    kind: Kind
    header: tuple[str, ...]
    ours: dict[str, str]
    """Our column to the file's."""


_KLINES: Final = (
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "count",
    "taker_buy_volume",
    "taker_buy_quote_volume",
    "ignore",
)
_PRICES: Final = {name: name for name in ("open", "high", "low", "close")}

FORMS: Final = {
    "klines": Form(
        BARS,
        _KLINES,
        {
            "time_ns": "open_time",
            **_PRICES,
            "volume": "volume",
            "turnover": "quote_volume",
            "trades": "count",
            "taker_buy_volume": "taker_buy_volume",
        },
    ),
    "markPriceKlines": Form(MARKS, _KLINES, {"time_ns": "open_time", **_PRICES}),
    "aggTrades": Form(
        TRADES,
        (
            "agg_trade_id",
            "price",
            "quantity",
            "first_trade_id",
            "last_trade_id",
            "transact_time",
            "is_buyer_maker",
        ),
        {
            "time_ns": "transact_time",
            "id": "agg_trade_id",
            "price": "price",
            "quantity": "quantity",
            "buyer_is_maker": "is_buyer_maker",
        },
    ),
    "trades": Form(
        TRADES,
        ("id", "price", "qty", "quote_qty", "time", "is_buyer_maker"),
        {
            "time_ns": "time",
            "id": "id",
            "price": "price",
            "quantity": "qty",
            "buyer_is_maker": "is_buyer_maker",
        },
    ),
    "fundingRate": Form(
        FUNDING,
        ("calc_time", "funding_interval_hours", "last_funding_rate"),
        {"time_ns": "calc_time", "rate": "last_funding_rate", "interval_ns": "funding_interval_hours"},
    ),
}
"""Kinds of files by the archive's own names."""
ALL_FORMS: Final = ", ".join(FORMS)


def read(path: Path, form: str = "") -> Table:
    """Read one file.

    Parameters
    ----------
    form
        The archive's name of what is in it (``klines``, ``aggTrades`` ...); told from the file's header or
        name where it is not given.

    Raises
    ------
    InputError
        DATA-101 not a readable zip, DATA-102 of no known form, DATA-103 a row with more or fewer columns,
        DATA-104 a column that its form has is missing, and what :mod:`lotwise.market.columns` refuses.
    """
    content = unpacked(path)
    if not content.strip():
        raise InputError("DATA-103", f"{path.name} is empty", hint="fetch it again")
    first = content[: content.find(b"\n") if b"\n" in content else None].decode("utf-8", "replace").strip()
    names = [name.strip() for name in first.split(",")]
    has_header = any(name[:1].isalpha() and name.lower() not in {"true", "false"} for name in names)
    if form and form not in FORMS:
        raise InputError("DATA-102", f"{path.name}: {form} is no kind of file", hint=f"known are {ALL_FORMS}")
    chosen = FORMS[form] if form else form_of(path, names if has_header else None)
    if has_header:
        missing = [name for name in chosen.ours.values() if name not in names]
        if missing:
            raise InputError(
                "DATA-104",
                f"{path.name} has no column {', '.join(missing)}; it has {', '.join(names)}",
                hint=f"name what is in it: {ALL_FORMS}",
            )
    elif len(names) != len(chosen.header):
        raise InputError(
            "DATA-103",
            f"{path.name}, row 1: {len(names)} columns where {len(chosen.header)} are expected",
            hint="the file is of another kind, or damaged",
        )
    texts = text_frame(content, names if has_header else list(chosen.header), path.name, has_header)
    return table_of(chosen, texts, Place(path.name, 2 if has_header else 1))


def unpacked(path: Path) -> bytes:
    """The csv of a file, taken out of its zip where it is one; its checksum is looked at."""
    raw = path.read_bytes()
    if not raw.startswith(b"PK"):
        return raw
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            names = [name for name in archive.namelist() if name.lower().endswith(".csv")]
            if len(names) == 1:
                return archive.read(names[0])
            told = f"{len(names)} csv files in it, expected one"
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, OSError) as error:
        told = f"not a whole zip file: {error}"
    raise InputError("DATA-101", f"{path.name}: {told}", hint="fetch it again: it was cut off or is another")


def form_of(path: Path, header: list[str] | None) -> Form:
    """The form of a file, by its header, else by its name."""
    if header is not None:
        fitting = [form for form in FORMS.values() if set(form.ours.values()) <= set(header)]
        of_marks = "markPrice" in path.name or "markPrice" in str(path.parent)
        if fitting:
            return FORMS["markPriceKlines"] if of_marks and FORMS["klines"] in fitting else fitting[0]
    for name, form in FORMS.items():
        if f"-{name}-" in path.name:
            return form
    raise InputError(
        "DATA-102",
        f"{path.name}: neither its header nor its name says what is in it",
        hint=f"name what is in it: {ALL_FORMS}",
    )


def text_frame(content: bytes, names: list[str], file: str, has_header: bool) -> pl.DataFrame:
    """The csv as text, every row with as many columns as the first."""
    import polars as pl

    try:
        return pl.read_csv(
            content,
            has_header=False,
            skip_rows=int(has_header),
            new_columns=names,
            infer_schema=False,
            truncate_ragged_lines=False,
        )
    except pl.exceptions.PolarsError as error:
        raise InputError(
            "DATA-103",
            f"{file}: {ragged_row(content, len(names)) or str(error).splitlines()[0]}",
            hint="the file is damaged: fetch it again",
        ) from None


def ragged_row(content: bytes, columns_wanted: int) -> str:
    """Words for the first row with another number of columns; nothing where there is none."""
    for number, line in enumerate(content.splitlines(), 1):
        found = line.count(b",") + 1
        if found != columns_wanted:
            return f"row {number} has {found} columns, the first has {columns_wanted}"
    return ""


def table_of(form: Form, texts: pl.DataFrame, place: Place) -> Table:
    """Whole numbers of a frame of text, at the fewest decimals that hold them."""
    import polars as pl

    short = texts.select(pl.any_horizontal(pl.all().is_null())).to_series()
    if bool(short.any()):
        at = int(short.arg_max() or 0)
        raise InputError(
            "DATA-103",
            f"{place.row(at)} has fewer columns than the first, or an empty one",
            hint="the file is damaged or was cut off: fetch it again",
        )
    exact = {
        name: columns.exact(texts[form.ours[name]].rename(name), place)
        for name, unit in form.kind.columns.items()
        if unit in (Unit.PRICE, Unit.QUANTITY, Unit.MONEY, Unit.RATE)
    }
    needed = {
        unit: max(
            (columns.decimals_of(exact[name]) for name in exact if form.kind.columns[name] is unit), default=0
        )
        for unit in (Unit.PRICE, Unit.QUANTITY, Unit.MONEY, Unit.RATE)
    }
    scale = Scale(**{unit.value: places for unit, places in needed.items()})
    made = []
    for name, unit in form.kind.columns.items():
        column = texts[form.ours[name]].rename(name)
        if unit is Unit.TIME:
            made.append(columns.stamps_ns(column, place))
        elif unit is Unit.FLAG:
            made.append(columns.flags(column, place))
        elif name == "interval_ns":
            made.append(columns.counts(column, place) * HOUR_NS)
        elif unit is Unit.COUNT:
            made.append(columns.counts(column, place))
        else:
            made.append(columns.whole(exact[name], scale.decimals(unit), place))
    return Table(form.kind, scale, pl.DataFrame(made))
