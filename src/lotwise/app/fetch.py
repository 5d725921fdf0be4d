"""Download of market data through ccxt: only what the store lacks, each page stored before the next is asked.

So it can be killed at any moment and started again: the rows in the store say where it goes on. Nothing else
is remembered, and a day's file that a person removes is asked for anew.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from os import environ
from typing import Any, Final

from lotwise.app import pages
from lotwise.app.pages import INTERVALS, MS, Question, Source
from lotwise.app.refresh import Progress, asked, connect, exact_json, quiet
from lotwise.errors import InputError, VenueError
from lotwise.market import repair
from lotwise.market.check import at_time, lasting
from lotwise.market.kinds import BARS, FUNDING, KINDS, MARKS, TRADES, Table
from lotwise.market.repair import END, Span
from lotwise.market.store import DAY_NS, Series, Store, nanoseconds
from lotwise.units import shown

PAUSES_S: Final = (1, 2, 4, 8, 16, 32)
"""Seconds between one try and the next, where the network fails."""
LATE_NS: Final = 60 * 10**9
"""A funding stamp may be so late."""
LONGEST_FUNDING_NS: Final = 8 * pages.HOUR
"""No contract here pays less often."""

Pause = Callable[[float], object]


def wait(seconds: float) -> None:
    """Do nothing for so long; Ctrl-C ends it."""
    threading.Event().wait(seconds)


@dataclass(frozen=True)
class Wanted:
    """What is to be in the store.

    Parameters
    ----------
    interval
        Of bars and marks; the other kinds have none.
    since, until
        From the one on and before the other. Without ``since`` from the first row held on; without ``until``
        up to the venue's present.
    repair
        Only the gaps inside of what is held.
    """

    venue: str
    contract: str
    kind: str
    interval: str = "1m"
    since: datetime | None = None
    until: datetime | None = None
    repair: bool = False


@dataclass
class Fetched:
    """What a download did."""

    venue: str
    contract: str
    kind: str
    interval: str
    since: str = ""
    until: str = ""
    pages: int = 0
    """Questions to the venue about rows."""
    rows: int = 0
    """Rows that came and were put in the store."""
    first: str = ""
    last: str = ""
    lacking: int = 0
    """Stretches that were asked for and that the venue has not, wholly or partly: there is still a gap."""
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Plain builtins."""
        return asdict(self)


def moment(text: str, what: str) -> datetime:
    """A day or time as a person writes it; without a zone it is UTC.

    Raises
    ------
    InputError
        DATA-403 where it is none.

    >>> moment("2025-05-04", "--since").isoformat()
    '2025-05-04T00:00:00+00:00'
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            "DATA-403", f"{what} is {shown(text)}, which is no time", "write 2025-05-04 or 2025-05-04T06:30"
        ) from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def fetch(
    store: Store,
    wanted: Wanted,
    *,
    exchange: Any = None,
    environment: Mapping[str, str] = environ,
    pause: Pause = wait,
    progress: Progress = quiet,
) -> Fetched:
    """Ask a venue for what the store lacks, and put it there page by page.

    Parameters
    ----------
    exchange
        A ccxt exchange to ask; None makes the venue's own.
    pause
        Waits so many seconds before the network is tried again.

    Raises
    ------
    InputError
        DATA-401 to DATA-407, and what the store refuses (DATA-203, DATA-204).
    VenueError
        VENUE-401 the network fails for good, VENUE-402 an answer without sense, VENUE-403 the venue's error:
        what came before stays, and the same command goes on there. VENUE-501, VENUE-506 of the connection.
    """
    source = pages.source_of(wanted.venue, wanted.kind, wanted.interval)
    series = Series(wanted.venue, wanted.contract, KINDS[wanted.kind])
    if wanted.since and wanted.until and wanted.since >= wanted.until:
        raise _backwards(wanted.since.isoformat(), wanted.until.isoformat())
    if exchange is None:
        exchange = connect(wanted.venue, "", "", environment)
    exchange.on_json_response = exact_json
    run = _Run(store, series, source, wanted, exchange, pause, progress)
    if series.kind == TRADES:
        run.trades()
    elif series.kind == FUNDING:
        run.funding()
    else:
        run.grid()
    if source.note and run.told.rows:
        run.told.notes.append(source.note)
    return run.told


def _backwards(since: str, until: str) -> InputError:
    return InputError(
        "DATA-404", f"it is to begin at {since} and to end at {until}", "let it begin before it ends"
    )


class _Run:
    """One download."""

    def __init__(
        self,
        store: Store,
        series: Series,
        source: Source,
        wanted: Wanted,
        exchange: Any,
        pause: Pause,
        progress: Progress,
    ) -> None:
        self.store, self.series, self.source, self.wanted = store, series, source, wanted
        self.exchange, self.pause, self.progress = exchange, pause, progress
        self.step_ns = source.step_ns or INTERVALS[wanted.interval]
        grid = series.kind in (BARS, MARKS)
        self.told = Fetched(
            wanted.venue, wanted.contract, wanted.kind, wanted.interval if grid else "", pages=0
        )
        self.reached_ns = 0
        self.now_ns: int = self.answered(lambda: pages.now_ns(wanted.venue, exchange))

    # -- spans -------------------------------------------------------------------------------------

    def within(self) -> Span:
        """The time that is asked for, in ns.

        Raises
        ------
        InputError
            DATA-403 no beginning, DATA-404 it ends before it begins, DATA-407 the venue forgot it.
        """
        until = min(nanoseconds(self.wanted.until) if self.wanted.until else self.now_ns, self.now_ns)
        back_ns = self.source.days_back * DAY_NS
        oldest = self.now_ns - back_ns if back_ns else 0
        if self.wanted.since is not None:
            since = nanoseconds(self.wanted.since)
            if since < oldest:
                raise InputError(
                    "DATA-407",
                    f"{self.series.venue} tells {self.series.kind.name} of the last {self.source.days_back}"
                    f" days, from {at_time(oldest)}; asked for from {at_time(since)}",
                    "begin later, or import the venue's archive: lotwise data import",
                )
        else:
            since = max(self._first_held(), oldest)
        if since >= until:
            raise _backwards(at_time(since), at_time(until))
        self.told.since, self.told.until = at_time(since), at_time(until)
        return Span(since, until)

    def _first_held(self) -> int:
        import polars as pl

        first = next(iter(self.store.days(self.series)), None)
        if first is None:
            raise InputError(
                "DATA-403",
                f"the store holds no {self.series.kind.name} of {self.series.contract} to go on from",
                "say where to begin: --since 2025-05-04",
            )
        return int(pl.scan_parquet(first.path).select(pl.col("time_ns").min()).collect().item())

    def _lacking(self, within: Span, held: list[Span]) -> list[Span]:
        return repair.between(held) if self.wanted.repair else repair.lacking(within, held)

    # -- kinds -------------------------------------------------------------------------------------

    def grid(self) -> None:
        """Bars, marks and open interest: a row every step, none that is not finished."""
        step = self.step_ns
        span = self.within()
        self._one_interval()
        whole = Span(-(-span.start // step) * step, span.end // step * step)
        held = repair.held(self.store, self.series, "time_ns", step, whole)
        wanted = self._lacking(whole, held) if whole.start < whole.end else []
        self._all(wanted, sum(one.end - one.start for one in wanted) // step)
        now = repair.held(self.store, self.series, "time_ns", step, whole) if wanted else held
        self.told.lacking = sum(len(repair.lacking(one, now)) for one in wanted)

    def funding(self) -> None:
        """Funding: rows at hours that the venue may change."""
        span = self.within()
        times = [
            one.start for one in repair.held(self.store, self.series, "time_ns", 1, span)
        ]  # one step of 1 ns each: no two stamps touch
        wanted = repair.uneven(times, LATE_NS)
        if not self.wanted.repair:
            if not times:
                wanted = [span]
            else:
                usual = min(
                    [right - left for left, right in itertools.pairwise(times)],
                    default=LONGEST_FUNDING_NS,
                )
                edges = [Span(span.start, times[0])] if times[0] - span.start >= usual - LATE_NS else []
                if span.end - times[-1] > usual - LATE_NS:
                    wanted = [*wanted, Span(times[-1] + 1, span.end)]
                wanted = edges + wanted
        self._all(wanted, 0)

    def trades(self) -> None:
        """Trades: by their ids, which have no holes."""
        span = self.within()
        held = repair.held(self.store, self.series, "id", 1, span)
        if self.wanted.repair:
            wanted = repair.between(held)
        else:
            first = self.page(self._question(span.start, span.end, 1))
            if first.frame.is_empty() or first.frame["time_ns"][0] >= span.end:
                return
            wanted = repair.lacking(Span(int(first.frame["id"][0]), END), held)
        for ids in wanted:
            self._trades_of(ids, span)

    def _trades_of(self, ids: Span, span: Span) -> None:
        import polars as pl

        at = ids.start
        while at < ids.end:
            limit = min(self.source.limit, ids.end - at)
            got = self.page(self._question(span.start, span.end, limit)._replace(from_id=at))
            found = got.frame.sort("id")
            if len(found) and not at <= found["id"][0]:
                raise pages.senseless("trades", f"asked from id {at} on, found {found['id'][0]}")
            fitting = pl.col("time_ns").is_between(span.start, span.end, closed="left")
            self.keep(got, found.filter(fitting))
            if len(found) < limit or bool((found["time_ns"] >= span.end).any()):
                return
            at = int(found["id"][-1]) + 1

    def _one_interval(self) -> None:
        """Bars of two intervals in one series would be neither.

        Raises
        ------
        InputError
            DATA-406 the store holds bars of another interval.
        """
        import polars as pl

        days = list(self.store.days(self.series))
        if not days:
            return
        times = pl.concat([pl.read_parquet(day.path, columns=["time_ns"]) for day in days[:2]])["time_ns"]
        held = times.sort().diff().min()
        if held is not None and held != self.step_ns and self.series.kind in (BARS, MARKS):
            raise InputError(
                "DATA-406",
                f"the store holds {self.series.kind.name} of {lasting(int(held))} for"  # type: ignore[arg-type]
                f" {self.series.contract}; those asked for are of {lasting(self.step_ns)}",
                "ask for that interval, or use another store: --store FOLDER",
            )

    def _all(self, wanted: list[Span], total: int) -> None:
        """Ask for all of the spans, page by page."""
        import polars as pl

        for span in wanted:
            at = span.start
            while at < span.end:
                window = self.source.limit * self.step_ns
                end = min(span.end, at + window) if self.source.windowed else span.end
                got = self.page(self._question(at, end, self.source.limit))
                rows = got.frame.filter(pl.col("time_ns").is_between(at, end, closed="left"))
                self.keep(got, rows, total)
                if self.source.windowed:
                    at = end
                elif len(got.frame) < self.source.limit:
                    break
                elif rows.is_empty():
                    latest = at_time(got.frame["time_ns"][-1])
                    what = f"asked from {at_time(at)} on, found up to {latest}"
                    raise pages.senseless(self.series.kind.name, what)
                else:
                    at = int(rows["time_ns"][-1]) + (1 if self.series.kind == FUNDING else self.step_ns)

    # -- asking and keeping ------------------------------------------------------------------------

    def _question(self, start_ns: int, end_ns: int, limit: int) -> Question:
        wanted = self.wanted
        return Question(wanted.contract, wanted.interval, -(-start_ns // MS), (end_ns - 1) // MS, limit)

    def page(self, question: Question) -> Table:
        """One page as whole numbers."""
        self.told.pages += 1
        rows = self.answered(lambda: self.source.ask(self.exchange, question))
        return pages.table(self.series.kind.name, rows, self.source.form)

    def keep(self, got: Table, rows: Any, total: int = 0) -> None:
        """Put the rows of a page in the store, and say so."""
        if not rows.is_empty():
            self.store.put(self.series, Table(got.kind, got.scale, rows))
            self.told.rows += len(rows)
            first, last = int(rows["time_ns"].min()), int(rows["time_ns"].max())
            self.reached_ns = last
            self.told.first = min(self.told.first or at_time(first), at_time(first))
            self.told.last = max(self.told.last, at_time(last))
        what = f"{self.series.kind.name} up to {at_time(self.reached_ns)}" if self.reached_ns else "asking"
        self.progress(what, self.told.rows, total or None)

    def answered(self, call: Callable[[], Any]) -> Any:
        """What the venue answers; where it or the network fails for now, it is asked again after a pause."""
        import ccxt

        for seconds in (*PAUSES_S, 0):
            try:
                return asked(self.series.venue, call)
            except VenueError as error:
                if isinstance(error.__cause__, VenueError):  # ours: the answer makes no sense
                    raise error.__cause__ from None
                if not isinstance(error.__cause__, ccxt.OperationFailed):
                    raise VenueError(
                        "VENUE-403", f"{error.message}; {self._far()}", "see how the contract is spelled"
                    ) from error
                if not seconds:
                    raise VenueError(
                        "VENUE-401",
                        f"{error.message}, tried {len(PAUSES_S) + 1} times; {self._far()}",
                        "run the same command again: it goes on there",
                    ) from error
                self.pause(seconds)
        raise AssertionError("the last try returns or raises")

    def _far(self) -> str:
        name = self.series.kind.name
        if not self.reached_ns:
            return f"no new {name} were stored"
        return f"{self.told.rows:,} new {name} up to {at_time(self.reached_ns)} are in the store"
