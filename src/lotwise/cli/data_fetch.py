"""``lotwise data fetch`` and ``lotwise data capture``: market data from a venue, past and live."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from lotwise.cli.data import Folder, family, opened
from lotwise.cli.screen import Output, Screen
from lotwise.errors import InputError

if TYPE_CHECKING:
    from lotwise.app.recorder import Standing
    from lotwise.app.refresh import Progress


def split(contract: str) -> tuple[str, str]:
    """``binance:BTCUSDT`` as venue and contract."""
    venue, colon, symbol = contract.partition(":")
    if not (colon and symbol):
        raise InputError(
            "DATA-002", f"{contract} names no venue", f"write venue:contract, as in binance:{contract}"
        )
    return venue, symbol


@family.command(name="fetch")
def fetched(
    contract: str,
    /,
    kind: str,
    *,
    since: str = "",
    until: str = "",
    interval: str = "1m",
    repair: Annotated[bool, Parameter(negative="")] = False,
    store: Folder = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Download from a venue what the store lacks. Stop it at any time: run again, it goes on there.

    Needs the extra lotwise[live]. Numbers are taken as the venue writes them, digit by digit. A bar that is
    not finished is never stored.

    Parameters
    ----------
    contract
        binance:BTCUSDT.
    kind
        bars, trades, funding, marks or interest; of bybit all but trades.
    since
        The first day or time, UTC where it names no zone: 2025-05-04, 2025-05-04T06:30. Without it the
        download goes on from the first row that the store holds.
    until
        Where it ends; the time itself is no part of it. Else the present.
    interval
        Of bars and marks: 1m, 3m, 5m, 15m, 30m, 1h, 2h, 4h, 6h, 12h, 1d. A store holds one.
    repair
        Ask only for the gaps inside of what the store holds.
    store
        The folder of the store; else LOTWISE_STORE, else lotwise/market in your data folder.
    output
        How to answer.
    """
    place = opened(store)
    from lotwise.app.fetch import Wanted, fetch, moment

    venue, symbol = split(contract)
    wanted = Wanted(
        venue,
        symbol,
        kind,
        interval,
        moment(since, "--since") if since else None,
        moment(until, "--until") if until else None,
        repair,
    )
    with watched(output) as progress:
        told = fetch(place, wanted, progress=progress)
    if output.json:
        print(json.dumps({"store": str(place.root), **told.as_dict()}, indent=2, ensure_ascii=False))
    elif not output.quiet:
        screen = Screen(output)
        what = f"{kind} of {told.interval}" if told.interval else kind
        if told.rows:
            screen.line(f"  {told.rows:,} new {what} from {told.first} to {told.last}, {told.pages} pages")
        else:
            screen.line(f"  no new {what}, {told.pages} page{'s' * (told.pages != 1)}: nothing was lacking")
        if told.lacking:
            screen.line(f"  {told.lacking:,} gaps stay: the venue has nothing there", "yellow")
        for note in told.notes:
            screen.paragraph(note)
    return 0


@family.command(name="capture")
def captured(
    contract: str,
    /,
    *,
    kinds: str = "trades,quotes,depth",
    minutes: int | None = None,
    recover: Annotated[bool, Parameter(negative="")] = False,
    store: Folder = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Record a venue's live market: every message is on the disk within a second. Ctrl-C ends it.

    Rows go into a log that is forced to the disk every second, and from there into the store when the log is
    large, and at the end. After a crash the next capture of the contract, or --recover, brings in what the
    log holds. Needs the extra lotwise[live].

    Parameters
    ----------
    contract
        binance:BTCUSDT.
    kinds
        trades, quotes and depth, with commas.
    minutes
        End after so many; else at Ctrl-C.
    recover
        Bring in what a crash left, and end.
    store
        The folder of the store; else LOTWISE_STORE, else lotwise/market in your data folder.
    output
        How to answer.
    """
    place = opened(store)
    from lotwise.app.capture import Listening, capture, recovered

    venue, symbol = split(contract)
    wanted = Listening(venue, symbol, tuple(filter(None, kinds.split(","))), minutes)
    if recover:
        rows = recovered(place, wanted)
        if output.json:
            print(json.dumps({"store": str(place.root), "recovered": rows}, indent=2))
        elif not output.quiet:
            said = ", ".join(f"{count:,} {kind}" for kind, count in rows.items() if count)
            Screen(output).line(f"  brought in: {said}" if said else "  nothing was left by a crash")
        return 0
    with _listening(output) as told:
        ended = capture(place, wanted, told=told)
    if output.json:
        print(json.dumps({"store": str(place.root), **ended.as_dict()}, indent=2, ensure_ascii=False))
    elif not output.quiet:
        screen = Screen(output)
        for line in ended.lines():
            screen.line(f"  {line}")
    return 0


@contextmanager
def watched(output: Output) -> Iterator[Progress]:
    """A progress bar on standard error where a person looks at it."""
    from lotwise.app.refresh import quiet

    if not _person(output):
        yield quiet
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("asking", total=None)

        def show(what: str, done: int, total: int | None) -> None:
            bars.update(task, description=what, completed=done, total=total)

        yield show


@contextmanager
def _listening(output: Output) -> Iterator[Callable[[Standing], None]]:
    """One line on standard error that follows the capture, where a person looks at it."""
    if not _person(output):
        yield lambda standing: None
        return
    from rich.console import Console

    with Console(stderr=True).status("  connecting") as status:
        yield lambda standing: status.update(f"  {standing.line()}   Ctrl-C ends it")


def _person(output: Output) -> bool:
    return not (output.json or output.quiet) and sys.stderr.isatty()
