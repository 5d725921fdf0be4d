"""``lotwise backtest``: what a strategy would have made of the past, with its costs, bounds and doubts."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from lotwise.cli.analyze import moment
from lotwise.cli.data import Folder, opened
from lotwise.cli.screen import Output, Screen
from lotwise.errors import InputError
from lotwise.units import parse_cash, parse_rate, parse_scaled, shown

if TYPE_CHECKING:
    from lotwise.app.backtest import Backtest
    from lotwise.backtest.run import Plan
    from lotwise.contracts.contract import FeeSchedule

Flag = Annotated[bool, Parameter(negative="")]
Words = Annotated[tuple[str, ...], Parameter(negative="")]
File = Annotated[Path | None, Parameter(negative="")]


def backtest(  # the options are the interface: cyclopts reads them from here
    strategy: str,
    /,
    *,
    data: Words,
    equity: str,
    risk: str = "1%",
    since: str = "",
    until: str = "",
    bar: str = "",
    settings: Annotated[tuple[str, ...], Parameter(name=["--set"], negative="")] = (),
    leverage: str = "10",
    cross: Flag = False,
    limits: str = "",
    path: Literal["adverse", "favourable", "ohlc", "olhc"] = "adverse",
    limit_fill: Literal["touch", "through", "queue"] = "through",
    spread: str = "1t",
    slippage: str = "0t",
    slippage_range: str = "0%",
    volume_share: str = "0%",
    maker: str = "",
    taker: str = "",
    as_of: str = "",
    form: Literal["auto", "class"] = "auto",
    check: bool = True,
    store: Folder = None,
    html: File = None,
    trades: File = None,
    returns: File = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Play a strategy over the past: trades, costs, falls, refusals, and how far the figures can be trusted.

    Every trade is sized as lotwise size does; both orders of a bar's extremes are played; the data is cut off
    to see whether the strategy knows the future.

    Parameters
    ----------
    strategy
        breakout, burst, reversion, value-area, sector-rotation, null; or file.py:Class.
    data
        binance:BTCUSDT,binance:ETHUSDT from the store; binance:BTCUSDT=FILE from a file or a folder.
    equity
        Money of the account in the settle coin.
    risk
        Share of the equity at risk in one trade.
    since, until
        A day or a time, UTC: 2025-05-04, 2025-05-04T12:30.
    bar
        Longer bars than the data's: 15m, 4h. The data's own then settle what came first within them.
    settings
        Of the strategy: --set bars=60,ranges=3.
    leverage
        Setting at the venue.
    cross
        Cross margin; without it every position is isolated.
    limits
        Your own: day_loss=3%,week_loss=6%,trades=5,positions=3,open_risk=3%,cool_down=15min,streak=3:2h.
    path
        What comes first within a bar; adverse: what is bad for the position.
    limit_fill
        When a resting limit fills.
    spread, slippage
        Full spread, and what a market fill loses beside half of it, in ticks: 2t.
    slippage_range
        And this share of the last bar's range.
    volume_share
        Most of a bar's volume that is taken; 0%: no bound.
    maker, taker
        Your fees, where they are not the usual ones: 0.02%.
    as_of
        The rules of that day; else those nearest to the data.
    form
        class: ask at every bar although the strategy has columns.
    check
        Look for look-ahead.
    store
        The folder of the store; else LOTWISE_STORE, else lotwise/market in your data folder.
    html
        Write the report with pictures to this file.
    trades
        Write all trades to this CSV file: lotwise ruin --trades reads it.
    returns
        Write daily returns to this CSV file: quantstats and others read it.
    output
        How to answer.
    """
    for file in (html, trades, returns):
        if file is not None and not file.absolute().parent.is_dir():
            raise InputError("BACKTEST-212", f"there is no folder {file.absolute().parent}", "make it first")
    place = opened(store)
    from lotwise.app.backtest import Asked, run
    from lotwise.app.backtest_data import Span, wanted_of
    from lotwise.app.backtest_words import allowed_of, settings_of, span_of, strategy_of, ticks_of
    from lotwise.broker.kernel_account import Assumptions

    allowed, told = allowed_of(limits)
    assumed = Assumptions(
        path=path,
        limit_fill=limit_fill,
        spread_ticks=ticks_of(spread, "spread"),
        slippage_ticks=ticks_of(slippage, "slippage"),
        slippage_range8=_share(slippage_range, "slippage-range", least=0),
        volume_share8=_share(volume_share, "volume-share", least=0),
    )
    made = strategy_of(strategy, settings_of(settings))
    name = getattr(made, "name", None)
    asked = Asked(
        strategy=made,
        name=name if isinstance(name, str) else type(made).__name__,
        data=wanted_of(data),
        plan=_plan(equity, risk, leverage, cross=cross, allowed=allowed, assumed=assumed),
        span=Span(moment(since, "since"), moment(until, "until"), span_of(bar, "bar") if bar else 0),
        fees=_fees(maker, taker),
        as_of=as_of or None,
        form=form,
        check=check,
        limits=told,
    )
    with _telling(output) as tell:
        found = run(asked, place, tell)
        written = _written(found, html, trades, returns=returns, tell=tell)
    _answer(found, written, output)
    return 0


def _share(text: str, name: str, least: int = 1) -> int:
    share = parse_rate(text, name)
    if not least <= share <= 10**8:
        raise InputError("BACKTEST-210", f"{name} is {shown(text)}", f"a share up to 100 %: --{name} 1%")
    return share


def _plan(equity: str, risk: str, leverage: str, *, cross: bool, allowed: object, assumed: object) -> Plan:
    from lotwise.backtest.run import Plan
    from lotwise.units import Rate8

    money = parse_cash(equity, "equity")
    if money <= 0:
        raise InputError(
            "BACKTEST-210", f"the equity is {shown(equity)}", "give money above 0: --equity 1000"
        )
    leverage100 = parse_scaled(leverage.strip().lower().removesuffix("x"), "leverage", 2)
    if not 100 <= leverage100 <= 100_000 or leverage100 % 100:
        raise InputError(
            "BACKTEST-210", f"the leverage is {shown(leverage)}", "whole, 1 or more: --leverage 10"
        )
    return Plan(
        money,
        Rate8(_share(risk, "risk")),
        leverage100=leverage100,
        isolated=not cross,
        allowed=allowed,  # type: ignore[arg-type]  # made by allowed_of: named so that nothing heavy loads here
        assumed=assumed,  # type: ignore[arg-type]
    )


def _fees(maker: str, taker: str) -> FeeSchedule | None:
    from lotwise.contracts.contract import FeeSchedule

    if bool(maker) != bool(taker):
        raise InputError("BACKTEST-210", "one fee of two", "give both: --maker 0.02% --taker 0.05%")
    return FeeSchedule(maker, taker) if maker else None


@contextmanager
def _telling(output: Output) -> Iterator[Callable[[str], None]]:
    """Say on standard error what is being done, where a person looks at it."""
    if output.json or output.quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status("  starting") as status:
        yield lambda words: status.update(f"  {words}")


def _written(
    found: Backtest,
    html: Path | None,
    trades: Path | None,
    *,
    returns: Path | None,
    tell: Callable[[str], None],
) -> dict[str, str]:
    """Write the files that were asked for; what was written where."""
    written = {}
    if trades is not None:
        found.write_trades(trades)
        written["trades"] = str(trades)
    if returns is not None:
        found.write_returns(returns)
        written["returns"] = str(returns)
    if html is not None:
        tell("drawing")
        try:
            html.write_text(found.html(), encoding="utf-8")
        except OSError as error:
            raise InputError(
                "BACKTEST-212",
                f"{html} cannot be written: {error.strerror or error}",
                "name a file in a folder that is there",
            ) from error
        written["html"] = str(html)
    return written


def _answer(found: Backtest, written: dict[str, str], output: Output) -> None:
    facts = found.report.facts
    if output.json:
        print(json.dumps(facts | {"written": written}, indent=2, ensure_ascii=False))
        return
    result = facts["result"]
    if output.quiet:
        print(result["equity_end"])
        return
    screen = Screen(output)
    _print(found, screen)
    about = {"trades": "all trades", "returns": "daily returns", "html": "the report with pictures"}
    for name, place in written.items():
        screen.line(f"  {place}  {about[name]}")


def _print(found: Backtest, screen: Screen) -> None:
    from lotwise.backtest.chapters import money, number

    facts = found.report.facts
    result, look = facts["result"], facts["look_ahead"]
    names = ", ".join(one["id"] for one in facts["contracts"])
    screen.line()
    known = look is not None and not look["clean"]
    told = f"{money(result['change'], signed=True)} {facts['settle']}"
    told += f" ({number(result['change_percent'], signed=True)} %)"
    screen.headline(
        "■" if known else "●",
        "LOOK-AHEAD" if known else told,
        f"{facts['trades']['count']:,} trades of {facts['strategy']}",
        good=not known,
    )
    screen.paragraph(
        f"{names}, {facts['first']} to {facts['last']} UTC", style="dim", indent="    ", hanging="    "
    )
    for chapter in found.report.chapters:
        if not chapter.tables and not chapter.notes:
            continue
        screen.line()
        screen.line(f"  {chapter.title}", "bold")
        for table in chapter.tables:
            screen.line()
            screen.line(f"  {table.caption}", "dim")
            if tuple(table.columns[1:]) == ("value", "about"):
                screen.rows([(row[0], row[1], row[2]) for row in table.rows])
            elif not table.folded:
                screen.table(tuple(table.columns), [tuple(row) for row in table.rows])
            else:
                screen.line("  in the report and in --json", "dim")
        for note in chapter.notes:
            screen.line()
            screen.paragraph(("! " if note.kind == "warning" else "") + note.text, hanging="    ")
    screen.line()
