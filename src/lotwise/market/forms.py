"""How a file of rows looks, and its columns as whole numbers: csv by blocks, or a frame of any types.

A column that a source does not have is 0 in ours where its kind can do without; see :data:`UNTOLD`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lotwise.errors import InputError
from lotwise.market import columns
from lotwise.market.cells import flags, ids, moments_ns, not_later, numbers
from lotwise.market.columns import LATEST_NS, Place
from lotwise.market.kinds import BANDS, BARS, FUNDING, INTEREST, Kind, Scale, Table, Unit
from lotwise.market.packed import blocks

if TYPE_CHECKING:
    import polars as pl

HOUR_NS: Final = 3_600 * 10**9
UNTOLD: Final = {
    BARS.name: ("volume", "turnover", "trades", "taker_buy_volume"),
    FUNDING.name: ("interval_ns",),
    BANDS.name: ("turnover",),
    INTEREST.name: ("worth", "long_short", "top_long_short", "taker_long_short"),
}
"""Columns that are 0 where a source does not say."""
_SCALED: Final = (Unit.PRICE, Unit.QUANTITY, Unit.MONEY, Unit.RATE)


@dataclass(frozen=True)
class Form:
    """How a kind of file looks: its columns in their order, and which of ours each becomes."""

    kind: Kind
    header: tuple[str, ...]
    ours: dict[str, str]
    """Our column to the file's."""
    contract: str = ""
    """The file's column with the contract's name, where it has one."""
    percent: frozenset[str] = frozenset()
    """Columns of ours that the file has in per cent."""
    rounded: dict[Unit, int] = field(default_factory=dict)
    """So many decimals at the most, the rest rounded: of figures that the venue only estimates."""
    empty: frozenset[str] = frozenset()
    """Columns of ours that may be empty in the file, which is 0."""


@dataclass(frozen=True)
class Numbered(Place):
    """Rows that have a number each: lines of which only some were taken."""

    numbers: Sequence[int] = ()
    word: str = "row"

    def row(self, at: int) -> str:
        """Words for row ``at`` of the column."""
        return f"{self.file}, {self.word} {int(self.numbers[at])}"


Choose = Callable[[list[str] | None], Form]
"""Finds the form of a csv, given its header, or nothing where it has none."""
Part = tuple[str, Table]
"""Rows of one contract, its name as the file has it ("" where the file does not say)."""


def csv_parts(path: Path, choose: Choose, latest_ns: int = LATEST_NS) -> Iterator[Part]:
    """The rows of a csv, some at a time, in the file's order.

    Raises
    ------
    InputError
        DATA-103 a row with more or fewer columns, DATA-104 a column that its form has is missing, DATA-136 a
        stamp later than ``latest_ns``, what unpacking and :mod:`lotwise.market.columns` refuse.
    """
    form, names, row = None, [""], 1
    for block in blocks(path):
        content = block
        if form is None:
            form, names, has_header = _form_of(path, block, choose)
            if has_header:
                content, row = block.partition(b"\n")[2], 2
        if not content:
            continue
        place = Place(path.name, row)
        frame = text_frame(content, names, form, place)
        row += len(frame)
        yield from parts_of(form, frame, place, latest_ns)
    if form is None:
        raise InputError("DATA-103", f"{path.name} is empty", hint="fetch it again")


def _form_of(path: Path, content: bytes, choose: Choose) -> tuple[Form, list[str], bool]:
    """The form, the file's columns, and whether its first line names them."""
    if not content.strip():
        raise InputError("DATA-103", f"{path.name} is empty", hint="fetch it again")
    first = content.split(b"\n", 1)[0].decode("utf-8", "replace").strip()
    names = [name.strip().strip('"') for name in first.split(",")]
    has_header = any(name[:1].isalpha() and name.lower() not in {"true", "false"} for name in names)
    form = choose(names if has_header else None)
    if has_header:
        wanted = [*form.ours.values(), *filter(None, [form.contract])]
        missing = [name for name in wanted if name not in names]
        if missing:
            raise InputError(
                "DATA-104",
                f"{path.name}, row 1: has no column {', '.join(missing)}; its columns are {', '.join(names)}",
                hint="name what is in it (--form), or which column is which (--map)",
            )
    elif len(names) != len(form.header):
        raise InputError(
            "DATA-103",
            f"{path.name}, row 1: {len(names)} columns where {len(form.header)} are expected",
            hint="the file is of another kind, or damaged",
        )
    return form, names if has_header else list(form.header), has_header


def text_frame(content: bytes, names: list[str], form: Form, place: Place) -> pl.DataFrame:
    """The columns of a form as text, every row with as many columns as the header.

    Only those columns are cut out; that no row is longer or shorter is seen by counting the commas.
    """
    import polars as pl

    wanted = {*form.ours.values(), form.contract}
    taken = [i for i, name in enumerate(names) if name in wanted]
    quoted = b'"' in content
    try:
        frame = pl.read_csv(
            content,
            has_header=False,
            columns=None if quoted else taken,
            infer_schema=False,
            truncate_ragged_lines=False,
        )
    except pl.exceptions.PolarsError as error:
        told = str(error).splitlines()[0]
        raise _ragged(content, len(names), place, otherwise=told) from None
    if not quoted and content.count(b",") != len(frame) * (len(names) - 1):
        raise _ragged(content, len(names), place, otherwise="rows of several lengths")
    if quoted and frame.width != len(names):
        raise _ragged(content, len(names), place, otherwise=f"{frame.width} columns")
    frame.columns = names if quoted else [names[i] for i in taken]
    return frame


def _ragged(content: bytes, wanted: int, place: Place, *, otherwise: str) -> InputError:
    """The error of the first row with another number of columns."""
    told = f"{place.row(0)} and on: {otherwise}"
    for at, line in enumerate(content.splitlines()):
        found = line.count(b",") + 1
        if found != wanted:
            told = f"{place.row(at)} has {found} columns, the first has {wanted}"
            break
    return InputError("DATA-103", told, hint="the file is damaged or was cut off: fetch it again")


def parts_of(form: Form, frame: pl.DataFrame, place: Place, latest_ns: int = LATEST_NS) -> Iterator[Part]:
    """A table of each contract in a frame, in the order of their names."""
    import polars as pl

    if frame.is_empty():
        return
    table = table_of(form, frame, place, latest_ns=latest_ns)
    if not form.contract:
        yield "", table
        return
    names = frame[form.contract].cast(pl.String)
    for name in sorted(names.unique()):
        mine = names == name
        yield name, table if bool(mine.all()) else Table(table.kind, table.scale, table.frame.filter(mine))


def table_of(form: Form, frame: pl.DataFrame, place: Place, latest_ns: int = LATEST_NS) -> Table:
    """Whole numbers of a frame, at the fewest decimals that hold them.

    Parameters
    ----------
    frame
        The file's columns: text, whole numbers, decimals, floats, times; a float is the shortest decimal
        number that gives it.

    Raises
    ------
    InputError
        DATA-103 an empty cell, DATA-124 a float of more than 18 decimals, DATA-136 a stamp in the future,
        and what :mod:`lotwise.market.columns` refuses.
    """
    import polars as pl

    frame = _filled(form, frame, place)
    units = form.kind.columns
    exact = {
        name: _rounded(form, name, numbers(frame[theirs].rename(name), place))
        for name, theirs in form.ours.items()
        if units[name] in _SCALED
    }
    needed = {
        unit: max((columns.decimals_of(exact[name]) for name in exact if units[name] is unit), default=0)
        for unit in _SCALED
    }
    scale = Scale(**{unit.value: places for unit, places in needed.items()})
    made = []
    for name, unit in units.items():
        if name not in form.ours:
            made.append(pl.zeros(len(frame), pl.Int64, eager=True).rename(name))
        elif name in exact:
            made.append(_whole(exact[name], scale.decimals(unit), place))
        else:
            made.append(_other(frame[form.ours[name]].rename(name), unit, place))
    not_later(made[0], latest_ns, place)
    return Table(form.kind, scale, pl.DataFrame(made))


def _other(column: pl.Series, unit: Unit, place: Place) -> pl.Series:
    """Times, counts, ids and flags."""
    if unit is Unit.TIME:
        return moments_ns(column, place)
    if unit is Unit.FLAG:
        return flags(column, place)
    found = ids(column, place)
    return found * HOUR_NS if column.name == "interval_ns" else found


def _filled(form: Form, frame: pl.DataFrame, place: Place) -> pl.DataFrame:
    """The frame without empty cells: 0 where one may be empty."""
    import polars as pl

    may = [form.ours[name] for name in form.empty if name in form.ours]
    if may:
        frame = frame.with_columns(
            pl.when(pl.col(name).is_null() | (pl.col(name).cast(pl.String) == ""))
            .then(pl.lit("0"))
            .otherwise(pl.col(name).cast(pl.String))
            .alias(name)
            for name in may
        )
    wanted = [*dict.fromkeys([*form.ours.values(), *filter(None, [form.contract])])]
    short = frame.select(pl.any_horizontal(pl.col(wanted).is_null())).to_series()
    if bool(short.any()):
        at = int(short.arg_max() or 0)
        name = next(name for name in wanted if frame[name][at] is None)
        raise InputError(
            "DATA-103",
            f"{place.row(at)}: {name} is empty, or the row has fewer columns than the first",
            hint="the file is damaged or was cut off: fetch it again",
        )
    return frame


def _rounded(form: Form, name: str, exact: pl.Series) -> pl.Series:
    """Per cent as shares, and no more decimals than the form wants."""
    import polars as pl

    if name in form.percent:
        exact = exact.to_frame("at").select((pl.col("at") / 100).cast(pl.Decimal(38, 18)))["at"].rename(name)
    most = form.rounded.get(form.kind.columns[name])
    return exact if most is None else exact.round(most)


def _whole(exact: pl.Series, decimals: int, place: Place) -> pl.Series:
    """:func:`lotwise.market.columns.whole` of numbers that are known to have no more decimals."""
    import polars as pl

    most: Any = exact.abs().max()
    if most is None or most > columns.INT64_MAX // 10**decimals:
        return columns.whole(exact, decimals, place)
    return exact.to_frame("at").select((pl.col("at") * 10**decimals).cast(pl.Int64))["at"].rename(exact.name)
