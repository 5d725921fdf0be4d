"""Several series on one clock: at each time the last value that was known by then, never a later one.

A bar is known when it ends, not when it begins: its stamp is that of its opening, so its values count from
one bar later on. Trades, quotes and funding are known at their stamps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from lotwise.errors import InputError
from lotwise.market.check import at_time, lasting
from lotwise.market.columns import LATEST_NS
from lotwise.market.kinds import BARS, DEPTH, MARKS, Scale, Table, Unit

if TYPE_CHECKING:
    import numpy as np

Clock = Literal["inner", "outer"]
"""``inner``: times at which every series has a new row; ``outer``: times at which any has."""


@dataclass(frozen=True)
class Aligned:
    """Series on one clock: rows are times, columns are series."""

    names: tuple[str, ...]
    """The series, in the order of the columns."""
    scales: tuple[Scale, ...]
    """Of each series; its values are whole numbers of it."""
    times_ns: np.ndarray[Any, Any]
    """int64, rising: the clock."""
    values: dict[str, np.ndarray[Any, Any]]
    """By column of the tables: int64, times by series; 0 where nothing is known."""
    rows: np.ndarray[Any, Any]
    """int64, times by series: which row of its table, -1 where nothing is known."""
    age_ns: np.ndarray[Any, Any]
    """int64, times by series: how long it had been known, -1 where nothing is known."""

    @property
    def known(self) -> np.ndarray[Any, Any]:
        """bool, times by series: whether a value is known."""
        known: np.ndarray[Any, Any] = self.rows >= 0
        return known

    def whole(self) -> Aligned:
        """The times alone at which every series is known."""
        keep = self.known.all(axis=1)
        return Aligned(
            self.names,
            self.scales,
            self.times_ns[keep],
            {name: column[keep] for name, column in self.values.items()},
            self.rows[keep],
            self.age_ns[keep],
        )


def align(
    tables: Mapping[str, Table],
    columns: Sequence[str] = ("close",),
    clock: Clock | Any = "outer",
    *,
    bar_ns: int = 0,
    most_age_ns: int = 0,
) -> Aligned:
    """Put series on one clock.

    Parameters
    ----------
    tables
        Series by name, each sorted by time; of several rows known at one time the last counts.
    columns
        Columns that all of them have.
    clock
        ``"inner"``, ``"outer"``, or rising times in ns.
    bar_ns
        How long a bar of the tables lasts; needed where there are bars or marks. It is not guessed from the
        rows: a guess would know rows that are yet to come.
    most_age_ns
        A value known for longer counts as not known; 0: no bound.

    Raises
    ------
    InputError
        DATA-611 no series, a column missing or not of whole numbers; DATA-612 times that go back; DATA-613
        the length of bars is missing or too long; DATA-614 a clock that is none.
    """
    import numpy as np

    if not tables or not columns:
        raise InputError("DATA-611", f"{len(tables)} series and {len(columns)} columns", "give at least one")
    since = {name: _known_from(name, table, columns, bar_ns) for name, table in tables.items()}
    times = _clock(clock, list(since.values()))
    shape = (len(times), len(tables))
    rows, age = np.full(shape, -1, np.int64), np.full(shape, -1, np.int64)
    values = {column: np.zeros(shape, np.int64) for column in columns}
    for place, (name, table) in enumerate(tables.items()):
        found = np.searchsorted(since[name], times, side="right") - 1
        seen = found >= 0
        waited = np.where(seen, times - since[name][found], -1) if len(since[name]) else age[:, place]
        if most_age_ns > 0:
            seen &= waited <= most_age_ns
        rows[seen, place], age[seen, place] = found[seen], waited[seen]
        for column in columns:
            numbers = table.frame[column].to_numpy()
            values[column][seen, place] = numbers[found[seen]]
    scales = tuple(table.scale for table in tables.values())
    return Aligned(tuple(tables), scales, times, values, rows, age)


def _known_from(name: str, table: Table, columns: Sequence[str], bar_ns: int) -> Any:
    """When each row of a table is known."""
    import numpy as np

    for column in ("time_ns", *columns):
        unit = table.kind.columns.get(column, Unit.FLAG)
        if unit is Unit.FLAG or column not in table.frame.columns or table.kind == DEPTH:
            raise InputError(
                "DATA-611",
                f"{name}: {table.kind.name} have no column {column} to be put on a clock",
                hint=f"one of {', '.join(column for column in table.kind.columns if column != 'time_ns')}",
            )
    times = np.ascontiguousarray(table.frame["time_ns"].to_numpy(), np.int64)
    steps = np.diff(times)
    if bool((steps < 0).any()):
        at = int(np.argmax(steps < 0)) + 1
        raise InputError(
            "DATA-612",
            f"{name}, row {at} is of {at_time(times[at])}, the row before it of {at_time(times[at - 1])}",
            hint="sort the rows by time first",
        )
    if table.kind not in (BARS, MARKS):
        return times
    if bar_ns < 1:
        raise InputError(
            "DATA-613", f"{name}: {table.kind.name}, and bar_ns is {bar_ns}", hint="say how long a bar lasts"
        )
    if len(steps) and int(steps.min()) < bar_ns:
        raise InputError(
            "DATA-613",
            f"{name}: bars of {lasting(bar_ns)}, and two of them {lasting(int(steps.min()))} apart",
            hint="say how long a bar lasts",
        )
    return times + bar_ns


def _clock(clock: Clock | Any, since: list[Any]) -> Any:
    import numpy as np

    if isinstance(clock, str):
        if clock not in ("inner", "outer"):
            raise InputError(
                "DATA-614", f"the clock is {clock!r}", hint="inner, outer, or rising times in ns"
            )
        times = _rising(np.concatenate(since)) if clock == "outer" else _rising(since[0])
        for others in since[1:] if clock == "inner" else []:
            times = np.intersect1d(times, _rising(others), assume_unique=True)
        return times
    times = np.asarray(clock)
    whole = times.ndim == 1 and (times.dtype.kind == "i" or len(times) == 0)
    if (
        not whole
        or bool((np.diff(times) <= 0).any())
        or (len(times) and not 0 <= times[0] <= times[-1] <= LATEST_NS)
    ):
        raise InputError(
            "DATA-614",
            "the times of the clock are not whole, rising ns since 1970",
            hint="sort them, each once",
        )
    return np.ascontiguousarray(times, np.int64)


def _rising(times: Any) -> Any:
    """Each time once, sorted; numpy's ``unique`` goes by hashes and takes 100 times as long for these."""
    import numpy as np

    times = np.sort(times, kind="stable")
    return times[np.diff(times, prepend=times[:1] - 1) > 0]
