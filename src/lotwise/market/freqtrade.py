"""Files of freqtrade: feather with ``date, open, high, low, close, volume``; bars, marks, funding.

All three have the same columns. What is in one is told by its name
(``BTC_USDT_USDT-8h-funding_rate.feather``) or its folder (``funding/BTCUSDT.feather``), or said. Of funding
the rate stands in ``open`` and the rest is 0; its interval is not in the file. Numbers are floats there; each
is taken as the shortest decimal number that gives it.

Source: freqtrade's manual, "Data downloading", and the files themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lotwise.errors import InputError
from lotwise.market.columns import LATEST_NS, Place
from lotwise.market.forms import Form, Part, table_of
from lotwise.market.kinds import BARS, FUNDING, MARKS, Table

if TYPE_CHECKING:
    import polars as pl

HEADER: Final = ("date", "open", "high", "low", "close", "volume")
_PRICES: Final = {"time_ns": "date", **{name: name for name in HEADER[1:5]}}
FORMS: Final = {
    "ohlcv": Form(BARS, HEADER, {**_PRICES, "volume": "volume"}),
    "mark": Form(MARKS, HEADER, _PRICES),
    "funding_rate": Form(FUNDING, HEADER, {"time_ns": "date", "rate": "open"}),
}
"""What may be in a file, by freqtrade's names."""


def read(path: Path, form: str = "", latest_ns: int = LATEST_NS) -> Table:
    """Read one file.

    Parameters
    ----------
    form
        ``ohlcv``, ``mark`` or ``funding_rate``; told from the file's name and folder where it is not given.

    Raises
    ------
    InputError
        DATA-102 another form, DATA-120 cut off, DATA-132 other columns, DATA-138 no bars where bars are said
        to be, and what :func:`lotwise.market.forms.table_of` refuses.
    """
    if form and form not in FORMS:
        raise InputError(
            "DATA-102", f"{path.name}: {form} is no kind of file", hint=f"known are {', '.join(FORMS)}"
        )
    frame = feather(path)
    if missing := [name for name in HEADER if name not in frame.columns]:
        raise InputError(
            "DATA-132",
            f"{path.name}, row 1: has no column {', '.join(missing)}; its columns are"
            f" {', '.join(frame.columns)}",
            hint="name which column is which (--map), and its kind",
        )
    chosen = FORMS[form or form_of(path)]
    rates = frame.select(alone=(frame["high"] == 0) & (frame["low"] == 0) & (frame["close"] == 0))["alone"]
    if bool(rates.any()) != (chosen.kind is FUNDING) and len(frame):
        at = int(rates.arg_max() or 0)
        told = "alone, as a funding rate does" if bool(rates.any()) else "beside a high, a low and a close"
        raise InputError(
            "DATA-138",
            f"{path.name}, row {at + 1}: open stands {told}, and the file is taken for {chosen.kind.name}",
            hint=f"name what is in it: {', '.join(FORMS)}",
        )
    return table_of(chosen, frame, Place(path.name), latest_ns=latest_ns)


def form_of(path: Path) -> str:
    """The form of a file, by its name, else its folder, else bars."""
    for name in (path.stem, path.parent.name):
        if "funding" in name:
            return "funding_rate"
        if re.search(r"(^|[-_])mark([-_]|$)", name):
            return "mark"
    return "ohlcv"


def contract_of(path: Path) -> str:
    """``BTCUSDT`` of ``BTC_USDT_USDT-1h-futures.feather`` or ``BTCUSDT.feather``."""
    pair = path.stem.split("-", 1)[0].split("_")
    return "".join(pair[:2])


def feather(path: Path) -> pl.DataFrame:
    """A feather file as it is.

    Raises
    ------
    InputError
        DATA-120 where it is not whole.
    """
    import polars as pl

    try:
        return pl.read_ipc(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(
            "DATA-120",
            f"{path.name}, row 1: not a whole feather file: {str(error).splitlines()[0]}",
            hint="fetch it again: it was cut off or is damaged",
        ) from error


def parts(path: Path, form: str = "", latest_ns: int = LATEST_NS) -> Iterator[Part]:
    """The one table of a file, with the contract of its name."""
    yield contract_of(path), read(path, form, latest_ns)
