"""``lotwise sweep``: many settings of a strategy at once, what came of them, and how much of it is luck."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, Literal

from cyclopts import Parameter

from lotwise.app.sweep import Chosen, fees_of, grid_of, loaded, plan_of, spans_of, swept
from lotwise.cli.analyze import moment
from lotwise.cli.data import Folder, opened
from lotwise.cli.screen import Output, Screen
from lotwise.cli.sweep_told import page_of, told_all
from lotwise.errors import InputError

Flag = Annotated[bool, Parameter(negative="")]
Words = Annotated[tuple[str, ...], Parameter(negative="")]
File = Annotated[Path | None, Parameter(negative="")]

FIRST_OF: Final = "r_t"


def sweep(  # the options are the interface: cyclopts reads them from here
    strategy: str,
    /,
    *,
    data: Words,
    grid: Words,
    equity: str,
    risk: str = "1%",
    walk_forward: str = "",
    anchored: Flag = False,
    purge: str = "",
    search: int = 0,
    seed: int = 7,
    score: str = FIRST_OF,
    least_trades: int = 10,
    accounts: Literal["per_contract", "together"] = "per_contract",
    workers: str = "threads",
    since: str = "",
    until: str = "",
    bar: str = "",
    leverage: str = "10",
    cross: Flag = False,
    limits: str = "",
    maker: str = "",
    taker: str = "",
    as_of: str = "",
    store: Folder = None,
    out: File = None,
    html: File = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Play every combination of the values on every contract, and say which is best and whether it is luck.

    With --out what is finished is kept: the same command started again plays only what is missing.

    Parameters
    ----------
    strategy
        A name of the library, as breakout; or file.py:Class. It must have the array form.
    data
        binance:BTCUSDT,binance:ETHUSDT from the store; binance:BTCUSDT=FILE from a file or a folder.
    grid
        Values of a parameter: --grid bars=20,40,60 --grid ranges=2..6; 20..100..20 goes in steps.
    equity
        Money of each account in the settle coin.
    risk
        Share of the equity at risk in one trade.
    walk_forward
        Choose on the past, trade what follows: 10d/5d learns ten days and trades five, and so on.
    anchored
        Learning begins at the first bar every time.
    purge
        Gap between both: 4h. Left out: the longest that a trade was held.
    search
        Try so many settings, chosen by Optuna, instead of all.
    seed
        Of the search.
    score
        What best is: r_t (mean R over its error), r_mean, r_sum, result_cash, sharpe.
    least_trades
        A setting with fewer is not chosen.
    accounts
        per_contract: each contract its own account; together: one account for all.
    workers
        2 threads, threads (one a core), processes:2, ray or ray:8.
    since, until
        A day or a time, UTC.
    bar
        Longer bars than the data's: 15m, 4h.
    leverage
        Setting at the venue.
    cross
        Cross margin; without it every position is isolated.
    limits
        Your own: day_loss=3%,week_loss=6%,trades=5,positions=3,cool_down=15min,streak=3:2h.
    maker, taker
        Your fees, where they are not the usual ones: 0.02%.
    as_of
        The rules of that day; else those nearest to the data.
    store
        The folder of the store; else LOTWISE_STORE, else lotwise/market in your data folder.
    out
        Keep results in this folder.
    html
        Write a page with pictures to this file.
    output
        How to answer.
    """
    if html is not None and not html.absolute().parent.is_dir():
        raise InputError("BACKTEST-335", f"there is no folder {html.absolute().parent}", "make it first")
    from lotwise.app.backtest_words import class_of, span_of
    from lotwise.backtest.workers import read_workers

    place, where = opened(store), read_workers(workers)
    spans = spans_of(walk_forward)
    gap = span_of(purge, "purge") if purge else None
    if not spans and (anchored or purge):
        raise InputError("BACKTEST-336", "--anchored and --purge belong to --walk-forward", "leave them out")
    values = grid_of(grid)
    maker_of = class_of(strategy)
    plan = plan_of(equity, risk, leverage, limits, cross=cross)
    span = (moment(since, "since"), moment(until, "until"), span_of(bar, "bar") if bar else 0)
    feeds, warnings = loaded(place, data, span, fees_of(maker, taker), as_of=as_of, accounts=accounts)
    with progress(output) as told:
        found = swept(
            maker_of,
            values,
            feeds,
            plan,
            chosen=Chosen(score, least_trades, search, seed, spans, anchored, gap),
            where=where,
            out=out,
            told=told,
            warnings=warnings,
        )
    if html is not None:
        html.write_text(page_of(found), encoding="utf-8")
    if output.json:
        print(json.dumps(found.as_dict(), indent=2, ensure_ascii=False))
    elif output.quiet:
        best = found.verdict.best.parameters if found.verdict else {}
        print(",".join(f"{name}={value}" for name, value in best.items()) or "-")
    else:
        told_all(found, Screen(output))
        if html is not None:
            Screen(output).line(f"\n  {html}  the same with pictures")
    return 0


@contextmanager
def progress(output: Output) -> Iterator[Callable[[str, int, int], None]]:
    """How far it is, on standard error, where a person looks."""
    looked_at = sys.stderr.isatty() and not (output.json or output.quiet or output.plain)

    def told(word: str, there: int, of: int) -> None:
        if looked_at:
            sys.stderr.write(f"\r  {there:,} of {of:,} {word}\x1b[K")
            sys.stderr.flush()

    try:
        yield told
    finally:
        if looked_at:
            sys.stderr.write("\r\x1b[K")
