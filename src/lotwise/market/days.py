"""Rows that come some at a time, put together to whole days: a day is put into a store once, and wholly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lotwise.errors import InputError
from lotwise.market.forms import Part
from lotwise.market.kinds import Scale, Table
from lotwise.market.store import DAY_NS


@dataclass
class _Pending:
    """What is held back of one contract."""

    tables: list[Table] = field(default_factory=list)
    given_day: int = -1
    """The last day that was given out."""
    rows: int = 0


def whole_days(parts: Iterable[Part], file: str) -> Iterator[Part]:
    """Tables of whole days out of rows in the order of time, or nearly.

    A day is given when a part begins on a later one, so a row late by less than a part is still in its day.

    Raises
    ------
    InputError
        DATA-131 where rows go back to a day that was given already.
    """
    held: dict[tuple[str, str], _Pending] = {}
    for contract, table in parts:
        if table.frame.is_empty():
            continue
        mine = held.setdefault((contract, table.kind.name), _Pending())
        days = table.frame["time_ns"] // DAY_NS
        first: int = days.min()  # type: ignore[assignment]
        if first <= mine.given_day:
            raise InputError(
                "DATA-131",
                f"{file}: after row {mine.rows} of {table.kind.name}{' of ' * bool(contract)}{contract}"
                f" the rows go back by a day or more",
                hint="sort the file by time, or cut it into days",
            )
        mine.rows += len(table.frame)
        whole = [*mine.tables, table]
        if any(bool((one.frame["time_ns"] < first * DAY_NS).any()) for one in mine.tables):
            joined = together(whole)
            done = joined.frame["time_ns"] // DAY_NS < first
            yield contract, Table(joined.kind, joined.scale, joined.frame.filter(done))
            whole = [Table(joined.kind, joined.scale, joined.frame.filter(~done))]
            mine.given_day = first - 1
        mine.tables = whole
    for (contract, _), mine in held.items():
        yield contract, together(mine.tables)


def together(tables: list[Table]) -> Table:
    """Tables of one kind as one, in their order, at the smallest scale that holds all."""
    import polars as pl

    scale = Scale()
    for table in tables:
        scale = scale.holding(table.scale)
    if len(tables) == 1:
        return tables[0]
    return Table(tables[0].kind, scale, pl.concat([table.scaled(scale).frame for table in tables]))
