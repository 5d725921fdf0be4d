"""``lotwise review``: what the journal's trades say: what pays, what to stop, which rules were broken."""

from __future__ import annotations

import json
from calendar import monthcalendar
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from lotwise.cli.journal import Place, Zone, shelf, time_of, zone_of
from lotwise.cli.screen import Output, Screen
from lotwise.errors import InputError
from lotwise.units import parse_cash, shown

if TYPE_CHECKING:
    from lotwise.app.review import Asked
    from lotwise.review.report import Review

By = Literal["setup", "contract", "venue", "side", "weekday", "hour", "volatility", "trend", "tag"]
CELL = 8
"""Columns of a day in the calendar."""
MOST_ROWS = 8
"""Groups that the screen shows; all are on the page and in ``--json``."""


def review(  # the options are the interface: cyclopts reads them from here
    *,
    month: str = "",
    setup: str = "",
    tag: str = "",
    contract: str = "",
    account: str = "",
    since: str = "",
    until: str = "",
    by: By | None = None,
    guard: Annotated[Path | None, Parameter(negative="")] = None,
    equity: str = "",
    html: Annotated[Path | None, Parameter(negative="")] = None,
    zone: Zone = "",
    db: Place = "",
    output: Output = Output(),  # noqa: B008
) -> int:
    """What your trades say: what pays, what to stop, which of your rules were broken and what that made.

    A verdict needs 30 trades and an interval that leaves out 0, widened for every group that is looked at.

    Parameters
    ----------
    month
        Trades closed in this month: 2026-10.
    setup
        Only of this setup.
    tag
        Only with this tag.
    contract
        Only of this contract, binance:BTCUSDT, or of a venue, binance.
    account
        Only of this account.
    since
        Closed on or after this day or time.
    until
        Closed before this day or time.
    by
        What the table divides by; left out: setup, or contract where no setup is told.
    guard
        A TOML file with your rules under [guard]; left out: those of a small account.
    equity
        Equity before the first trade of the journal, so that risk as a share of it can be judged.
    html
        Write the report with pictures to this file.
    zone
        Time zone of days and hours: Europe/Berlin; else LOTWISE_ZONE, else UTC.
    db
        The journal: a file, or postgresql://...; else LOTWISE_JOURNAL, else in your data folder.
    output
        How to answer.
    """
    if html is not None and not html.absolute().parent.is_dir():
        raise InputError("REVIEW-105", f"there is no folder {html.absolute().parent}", "make it first")
    from lotwise.app.review import Asked, month_of, reviewed, write_page

    place = zone_of(zone)
    asked = Asked(
        month=month,
        setup=setup,
        tag=tag,
        contract=contract,
        account=account,
        since_ns=time_of(since, place, "--since") if since else None,
        until_ns=time_of(until, place, "--until") if until else None,
        guard=guard,
        equity_cash=_equity(equity),
        zone=place,
    )
    if month:
        month_of(month)
    with shelf(db) as journal:
        try:
            found = reviewed(journal, asked)
        except InputError as error:
            if error.code != "REVIEW-102":
                raise
            return _nothing(error, asked, output)
    if html is not None:
        write_page(found, html, asked)
    if output.json:
        written = {"html": str(html)} if html is not None else {}
        print(json.dumps(found.facts() | {"written": written}, indent=2, ensure_ascii=False))
    elif output.quiet:
        print(f"{found.totals['total']:.4f}")
    else:
        screen = Screen(output)
        _print(found, asked, by, screen=screen)
        if html is not None:
            screen.line(f"  {html}  the report with pictures")
    return 0


def _equity(text: str) -> int:
    if not text:
        return 0
    cash = parse_cash(text, "equity")
    if cash <= 0:
        raise InputError("REVIEW-106", f"the equity is {shown(text)}", "give money above 0: --equity 1000")
    return cash


def _nothing(error: InputError, asked: Asked, output: Output) -> int:
    """No trade is no mistake: say where trades come from."""
    from lotwise.app.review import title_of

    if output.json:
        print(
            json.dumps({"totals": {"count": 0}, "said": [{"kind": "gap", "text": error.message}]}, indent=2)
        )
    elif not output.quiet:
        told = f"{title_of(asked)}: {error.message}."
        Screen(output).paragraph(f"{told} lotwise journal import FILE brings in what a venue exports.")
    return 0


def _print(found: Review, asked: Asked, by: By | None, *, screen: Screen) -> None:
    from lotwise.app.review import month_of, title_of
    from lotwise.backtest.chapters import money, number
    from lotwise.review.tables import summary

    whole = found.totals
    made = f"{number(whole['total'], signed=True)} {found.unit}"
    if found.unit == "R":
        one = whole["money"][0]
        made += f", {money(one['net'], signed=True)} {one['coin']}"
    count, broken = whole["count"], found.breaches.trades
    rest = f"{title_of(asked)} · {count:,} trade{'s' * (count != 1)} · {broken:,} broke a rule"
    screen.line()
    screen.headline("▲" if whole["total"] >= 0 else "▼", made, rest, good=whole["total"] >= 0)
    screen.line()
    for said in found.said:
        style = "dim" if said.kind == "gap" else "bold" if said.kind == "verdict" else ""
        glyph = {"pays": "▲ ", "stop": "■ ", "gap": "· "}.get(said.kind, "")
        screen.paragraph(glyph + said.text, hanging="    " if glyph else "  ", style=style)
    screen.line()
    screen.rows(summary(found))
    if asked.month:
        screen.line()
        _calendar(found, month_of(asked.month), screen)
    _groups(found, by, screen)
    _breaches(found, screen)
    _missing(found, screen)
    screen.line()


def _calendar(found: Review, first: date, screen: Screen) -> None:
    """The days of a month: sign by form, results in the unit, sums of the weeks."""
    from lotwise.backtest.chapters import number

    names = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
    screen.line("  " + "".join(f"{name:>{CELL}}" for name in names) + f"{'week':>12}", "dim")
    for week in monthcalendar(first.year, first.month):
        cells, total = "", 0.0
        for day in week:
            made = found.days.get(date(first.year, first.month, day)) if day else None
            total += made or 0.0
            sign = "·" if made is None else "▲" if made > 0 else "▼" if made < 0 else "■"
            cell = "" if not day else f"{day} {sign}" if made is None else f"{day} {sign}{_short(abs(made))}"
            cells += f"{cell:>{CELL}}"
        screen.line(f"  {cells}{number(total, signed=True):>10} {found.unit}")


def _short(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _groups(found: Review, by: By | None, screen: Screen) -> None:
    from lotwise.review.groups import TITLES
    from lotwise.review.tables import group_table

    for name in [by] if by is not None else ["setup", "contract"]:
        table = group_table(found, name, TITLES[name])
        if table is None:
            continue
        screen.line()
        rows = table.rows[:MOST_ROWS] if by is None else table.rows
        screen.table(tuple(table.columns), [tuple(row) for row in rows], drop=_DROPPED)
        if len(rows) < len(table.rows):
            more = len(table.rows) - len(rows)
            screen.paragraph(f"and {more:,} more: lotwise review --by {name} shows all", style="dim")
        return
    if by is not None:
        screen.line()
        screen.paragraph(f"By {TITLES[by]}: nothing to compare; it is the same, or not known, of all trades.")


_DROPPED = ("MFE of losses", "MAE of wins", "total", "won", "between")


def _breaches(found: Review, screen: Screen) -> None:
    from lotwise.backtest.chapters import number

    listed = found.breaches.findings
    if not listed:
        return
    screen.line()
    screen.line("  Rules broken", "bold")
    rows = []
    for one in listed[:MOST_ROWS]:
        names = found.names_of(one.rows, 3)
        more = f" and {len(one.rows) - len(names):,} before" if len(one.rows) > len(names) else ""
        made = f"{number(one.made_r, signed=True)} R" if one.counted_r else "–"
        rows.append(
            (one.rule, f"{len(one.rows):,}", f"made {made}; bound: {one.bound}; {' '.join(names)}{more}")
        )
    screen.rows(rows)


def _missing(found: Review, screen: Screen) -> None:
    notes = found.totals["notes"]
    if not notes["missing"]:
        return
    screen.line()
    count, last = notes["missing"], notes["last"]
    words = "trade has" if count == 1 else "trades have"
    screen.paragraph(
        f'{count:,} {words} no note; the last: lotwise journal note {last[0]} "..."', style="dim"
    )
