"""The one entrance for files of market data: what a file is, is told from its content, then from its name.

====================  =====================================================================================
begins with           read by
====================  =====================================================================================
``ARROW1``            :mod:`lotwise.market.freqtrade`; with a mapping :mod:`lotwise.market.mapped`
``PAR1``              :mod:`lotwise.market.mapped`
a zip of arrays       :mod:`lotwise.market.hft_npz`
a stamp and a brace   :mod:`lotwise.market.captures`; so does an object with ``"t"``
Bybit's header        :mod:`lotwise.market.bybit_archive`
a mapping, or a       :mod:`lotwise.market.mapped`
header it knows
any other text        :mod:`lotwise.market.binance_archive`
====================  =====================================================================================

Text may be packed as zip, gz or zst.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lotwise.errors import InputError
from lotwise.market import (
    binance_archive,
    bybit_archive,
    captures,
    days,
    freqtrade,
    hft_npz,
    mapped,
    packed,
)
from lotwise.market.columns import LATEST_NS
from lotwise.market.forms import Part
from lotwise.market.kinds import Table

SUFFIXES: Final = (".csv", ".zip", ".gz", ".zst", ".feather", ".parquet", ".npz", ".jsonl", ".txt")
"""What is looked at in a folder; other files there are passed by."""
FEATHER: Final = b"ARROW1"
PARQUET: Final = b"PAR1"
_CAPTURE: Final = re.compile(r'\d{16,20} \{|\{"t":')


@dataclass(frozen=True)
class Wanted:
    """What is said of a file besides its path; nothing needs to be, where the file says it."""

    form: str = ""
    """What is in it, by its source's name: ``klines``, ``aggTrades``, ``funding_rate``, ``depth@100ms``."""
    mapping: Mapping[str, str] | None = None
    """Our column to the file's; see :mod:`lotwise.market.mapped`."""
    kind: str = ""
    """The kind of a mapped file."""
    tick: str = ""
    """Step of the price, for files of floats that need it."""
    lot: str = ""
    latest_ns: int = LATEST_NS
    """No row may be later."""


def read(path: Path, form: str = "", mapping: Mapping[str, str] | None = None) -> Table:
    """The one table of a file.

    Parameters
    ----------
    form, mapping
        As in :class:`Wanted`.

    Raises
    ------
    InputError
        DATA-121 where the file holds several tables, and as :func:`parts`.
    """
    found: dict[tuple[str, str], list[Table]] = {}
    for contract, table in parts(path, Wanted(form, mapping)):
        found.setdefault((contract, table.kind.name), []).append(table)
    if len(found) > 1:
        names = ", ".join(" ".join(filter(None, reversed(key))) for key in sorted(found))
        raise InputError(
            "DATA-121",
            f"{path.name} holds {len(found)} tables, not one: {names}",
            hint="take its parts, or import it: lotwise data import takes them all",
        )
    return days.together(next(iter(found.values())))


def parts(path: Path, wanted: Wanted | None = None) -> Iterator[Part]:
    """The rows of a file, some at a time, in its order, with the contract where the file says whose they are.

    Raises
    ------
    InputError
        What the reader of the source refuses; DATA-137 the file cannot be read.
    """
    asked = wanted or Wanted()
    head = packed.beginning(path)
    if head.startswith(FEATHER):
        if asked.mapping:
            yield from mapped.frame(path, asked.mapping, asked.kind, asked.latest_ns)
        else:
            yield from freqtrade.parts(path, asked.form, asked.latest_ns)
    elif head.startswith(PARQUET) or path.suffix == ".parquet":
        yield from mapped.frame(path, asked.mapping, asked.kind, asked.latest_ns)
    elif path.suffix == ".feather":
        freqtrade.feather(path)  # which says what is wrong with it
    elif path.suffix == ".npz" or (head.startswith(packed.ZIP) and _holds_arrays(path)):
        yield from hft_npz.parts(path, asked.tick, asked.lot, asked.latest_ns)
    else:
        yield from _text(path, asked)


def _text(path: Path, asked: Wanted) -> Iterator[Part]:
    """The rows of a file of text, packed or not."""
    first = packed.first_line(path)
    header = [name.strip().strip('"') for name in first.split(",")]
    if _CAPTURE.match(first):
        yield from captures.parts(path, asked.form, asked.latest_ns)
    elif asked.mapping:
        yield from mapped.csv(path, asked.mapping, asked.kind, asked.latest_ns)
    elif set(bybit_archive.FORM.ours.values()) <= set(header):
        yield from bybit_archive.parts(path, asked.latest_ns)
    elif not asked.form and (known := mapped.known(header)):
        kind, mapping = known
        yield from mapped.csv(path, mapping, kind, asked.latest_ns)
    else:
        yield from binance_archive.parts(path, asked.form, asked.latest_ns)


def _holds_arrays(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(".npy") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return False


def whole_days(path: Path, wanted: Wanted | None = None) -> Iterator[Part]:
    """The rows of a file as tables of whole days, each day once: what a store is to be given.

    Raises
    ------
    InputError
        DATA-131 where the file is not in the order of time, and as :func:`parts`.
    """
    yield from days.whole_days(parts(path, wanted), path.name)


def same_contract(told: str, asked: str) -> bool:
    """Whether a file's name of a contract and a person's are one: ``BTC-USDT`` is ``BTCUSDT``."""
    plain = [re.sub(r"[^A-Z0-9]", "", name.upper()) for name in (told, asked)]
    return plain[0] == plain[1]


def in_folder(folder: Path) -> tuple[list[Path], list[Path]]:
    """The files of a folder that may be market data, and those that are passed by; by name."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    taken = [path for path in files if path.suffix.lower() in SUFFIXES]
    return taken, [path for path in files if path not in taken]
