"""What is odd in market data, told to a person; nothing is repaired here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from lotwise.market.kinds import BARS, DEPTH, FUNDING, MARKS, QUOTES, TRADES, Table, Unit

if TYPE_CHECKING:
    import polars as pl

    from lotwise.clock import Clock

SECOND_NS: Final = 10**9
HOUR_NS: Final = 3_600 * SECOND_NS
JITTER_NS: Final = 60 * SECOND_NS
"""A funding stamp may be so late: venues write the moment of charging, some ms after the hour."""
ON_TICK: Final = 999
"""So many of a thousand prices lie on what is taken for the tick; the rest are odd."""
DOWN_AT_MOST: Final = 10
"""Of so many steps of ids that count one may go down; of random ids every other does."""
INTERVALS_H: Final = (1, 2, 4, 6, 8, 12, 24)


@dataclass(frozen=True)
class Finding:
    """One thing that is odd."""

    code: str
    """Stable: ``gap``, ``duplicate``, ``disorder``, ``off_tick`` ..."""
    count: int
    """How many rows, or places between rows."""
    at: str
    """The time of the first, UTC."""
    words: str


@dataclass(frozen=True)
class Report:
    """What was looked at, and what was found."""

    kind: str
    rows: int
    first: str
    last: str
    findings: tuple[Finding, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain builtins."""
        return asdict(self)

    def text(self) -> str:
        """Lines for a person."""
        head = f"{self.rows:,} {self.kind} from {self.first} to {self.last}"
        if not self.findings:
            return f"{head}\n  nothing odd"
        lines = [f"  {one.code:<16} {one.count:>8,}  first {one.at}  {one.words}" for one in self.findings]
        return "\n".join([head, *lines])


def check(table: Table, tick: int = 0, clock: Clock | None = None) -> Report:
    """Look at a table.

    Parameters
    ----------
    tick
        The tick size in units of the table's prices; 0: what all prices but one in a thousand lie on.
    clock
        What time it is: rows more than an hour later are found.

    Raises
    ------
    InputError
        DATA-302 of depth, where a level cannot be followed.
    """
    frame = table.frame
    if frame.is_empty():
        return Report(table.kind.name, 0, "", "", ())
    found = [*_order(table), *_times(table), *_values(table, tick), *_sides(table)]
    if clock is not None:
        late = frame["time_ns"] > clock.now_ns() + HOUR_NS
        found += _finding("future", late, frame["time_ns"], "rows later than this machine's clock")
    times = frame["time_ns"].sort()
    return Report(table.kind.name, len(frame), at_time(times[0]), at_time(times[-1]), tuple(found))


def at_time(time_ns: int) -> str:
    """A time as text, to the second or as fine as it is."""
    seconds, rest = divmod(int(time_ns), SECOND_NS)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%d %H:%M:%S}" + (f".{rest:09d}".rstrip("0") if rest else "")


def lasting(span_ns: int) -> str:
    """A span of time in its largest whole unit."""
    for unit, size in (("d", 24 * HOUR_NS), ("h", HOUR_NS), ("min", 60 * SECOND_NS), ("s", SECOND_NS)):
        if span_ns % size == 0 and span_ns >= size:
            return f"{span_ns // size} {unit}"
    return f"{span_ns / SECOND_NS:.3f} s"


def _finding(code: str, odd: pl.Series, times: pl.Series, words: str) -> Iterator[Finding]:
    """A finding where any row is odd."""
    count = int(odd.sum() or 0)
    if count:
        yield Finding(code, count, at_time(times[int(odd.arg_max() or 0)]), words)


def _order(table: Table) -> Iterator[Finding]:
    """Duplicates and rows out of order."""
    import polars as pl

    frame, key = table.frame, list(table.kind.key)
    times = frame["time_ns"]
    twice = frame.select(pl.struct(key).is_duplicated() & ~pl.struct(key).is_first_distinct()).to_series()
    yield from _finding("duplicate", twice, times, f"rows with the {' and '.join(key)} of an earlier one")
    back = (times.diff() < 0).fill_null(False)
    yield from _finding("disorder", back, times, "rows earlier than the row before them")


def _times(table: Table) -> Iterator[Finding]:
    """Gaps, by the time between rows, or by id; funding's intervals."""
    if table.kind in (BARS, MARKS):
        yield from _bar_gaps(table)
    elif table.kind == TRADES:
        if not counted(table.frame):
            return
        ids = table.frame["id"].unique().sort()
        steps = ids.diff().fill_null(1)
        missing = int((steps - 1).sum() or 0)
        if missing:
            after = ids[int((steps > 1).arg_max() or 0) - 1]
            yield Finding(
                "gap", int((steps > 1).sum()), "", f"{missing:,} ids missing, the first after {after}"
            )
    elif table.kind == FUNDING:
        yield from _funding_times(table)


def counted(trades: pl.DataFrame) -> bool:
    """Whether the ids of trades count them: those made of UUIDs go up and down with the time."""
    steps = trades.sort("time_ns", maintain_order=True)["id"].diff().drop_nulls()
    return int((steps < 0).sum()) * DOWN_AT_MOST <= len(steps)


def _bar_gaps(table: Table) -> Iterator[Finding]:
    times = table.frame["time_ns"].unique().sort()
    steps = times.diff().drop_nulls()
    if steps.is_empty():
        return
    step = int(steps.mode().min())  # type: ignore[arg-type]
    wide = steps > step
    if bool(wide.any()):
        missing = int((steps.filter(wide) // step - 1).sum())
        longest = int(steps.max())  # type: ignore[arg-type]
        first = at_time(times[int(wide.arg_max() or 0)] + step)
        words = f"{missing:,} bars of {lasting(step)} missing, at most {lasting(longest - step)} at once"
        yield Finding("gap", int(wide.sum()), first, words)
    odd = (times - times[0]) % step != 0
    yield from _finding("jitter", odd, times, f"bars that do not begin on a whole {lasting(step)}")


def _funding_times(table: Table) -> Iterator[Finding]:
    """Stamps that are late by whole hours, changes of the interval, payments that are missing."""
    import polars as pl

    times = table.frame["time_ns"].unique().sort()
    hours = (times + JITTER_NS) // HOUR_NS
    late = times - hours * HOUR_NS
    yield from _finding("jitter", late.abs() > JITTER_NS, times, "stamps more than a minute from a full hour")
    steps = hours.diff().drop_nulls()
    if steps.is_empty():
        return
    usual = int(steps.mode().min())  # type: ignore[arg-type]
    phase = hours % usual
    common = int(phase.mode().min())  # type: ignore[arg-type]
    if common and usual in INTERVALS_H and usual > 1:
        yield Finding(
            "shifted",
            int((phase == common).sum()),
            at_time(times[0]),
            f"stamps {common} h after the hours that {usual} h divide: the source's clock or zone is another",
        )
    runs = pl.DataFrame({"step": steps, "at": times[1:]}).with_columns(run=pl.col("step").rle_id())
    spans = runs.group_by("run", maintain_order=True).agg(pl.col("step", "at").first(), pl.len())
    lasting_runs = spans.filter((pl.col("len") > 1) & pl.col("step").is_in(INTERVALS_H))
    before = lasting_runs["step"].shift(1)
    for row, was in zip(lasting_runs.iter_rows(named=True), before, strict=True):
        if was is not None and was != row["step"]:
            words = f"the interval goes from {was} h to {row['step']} h"
            yield Finding("interval", 1, at_time(row["at"]), words)
    missing = ~steps.is_in(INTERVALS_H)
    yield from _finding(
        "gap", missing, times[1:], "payments after a time that is no interval: some are missing"
    )


def _values(table: Table, tick: int) -> Iterator[Finding]:
    """Prices and volumes that cannot be, or hardly."""
    import polars as pl

    frame, times = table.frame, table.frame["time_ns"]
    prices = [name for name, unit in table.kind.columns.items() if unit is Unit.PRICE]
    if prices:
        below = frame.select(pl.any_horizontal(pl.col(prices) <= 0)).to_series()
        yield from _finding("no_price", below, times, "prices of zero or less")
        yield from _off_tick(table, prices, tick)
    if table.kind in (BARS, MARKS):
        crossed = frame.select(
            (pl.col("high") < pl.max_horizontal("open", "close", "low"))
            | (pl.col("low") > pl.min_horizontal("open", "close", "high"))
        ).to_series()
        yield from _finding("crossed_bar", crossed, times, "bars whose high or low is not outermost")
    amount = {BARS.name: "volume", TRADES.name: "quantity"}.get(table.kind.name)
    if amount:
        yield from _finding("negative", frame[amount] < 0, times, f"rows with a negative {amount}")
        yield from _finding("zero_volume", frame[amount] == 0, times, f"rows with a {amount} of zero")


def _sides(table: Table) -> Iterator[Finding]:
    """Quotes whose bid is not below the ask; a book's sequence, and when it is crossed."""
    frame = table.frame
    if table.kind == QUOTES:
        crossed = frame["bid"] >= frame["ask"]
        yield from _finding("crossed", crossed, frame["time_ns"], "quotes whose bid is not below the ask")
    elif table.kind == DEPTH:
        yield from _followed(table)


def _followed(table: Table) -> Iterator[Finding]:
    """What is found by following a book."""
    from lotwise.market.book import walk

    whole = walk(table)
    counts = whole.counts
    if not counts.snapshots:
        first = at_time(table.frame["time_ns"].sort()[0])
        yield Finding("no_snapshot", 1, first, "no snapshot to begin with: the book cannot be followed")
    if counts.gaps:
        words = "changes that do not join the change before them: some are missing"
        yield Finding("sequence_gap", counts.gaps, at_time(whole.gap_times_ns[0]), words)
    if counts.crossed:
        words = "changes after which the best bid is not below the best ask"
        yield Finding("crossed", counts.crossed, at_time(whole.crossed_times_ns[0]), words)


def _off_tick(table: Table, prices: list[str], tick: int) -> Iterator[Finding]:
    import polars as pl

    frame = table.frame
    size = tick or tick_of(table, prices)
    if size <= 1:
        return
    odd = frame.select(pl.any_horizontal(pl.col(prices) % size != 0)).to_series()
    if bool(odd.any()):
        at = int(odd.arg_max() or 0)
        name = next(name for name in prices if frame[name][at] % size)
        places = table.scale.price
        shown = (
            f"{name} {frame[name][at] / 10**places:.{places}f} with a tick of {size / 10**places:.{places}f}"
        )
        yield from _finding("off_tick", odd, frame["time_ns"], shown)


def tick_of(table: Table, prices: list[str]) -> int:
    """The largest of 1, 2, 5, 10, 20 ... that all prices but one in a thousand lie on."""
    import polars as pl

    values = pl.concat([table.frame[name].rename("price") for name in prices])
    best, power = 1, 1
    while power <= 10**12:
        for step in (power, 2 * power, 5 * power):
            if int((values % step == 0).sum()) * 1000 >= ON_TICK * len(values):
                best = max(best, step)
        if best < power:
            break
        power *= 10
    return best
