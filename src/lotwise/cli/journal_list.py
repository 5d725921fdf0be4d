"""``lotwise journal list`` and ``measure``: trades in a table, and what the market did around them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from lotwise.cli.journal import Place, Zone, family, money, shelf, short_r, shown_time, time_of, zone_of
from lotwise.cli.screen import Output, Screen, signed
from lotwise.errors import InputError

if TYPE_CHECKING:
    from lotwise.journal.shelf import Journal, Wanted

SHOWN = 50


@family.command(name="list")
def listed(
    *,
    contract: str = "",
    account: str = "",
    tag: str = "",
    since: str = "",
    until: str = "",
    open: bool | None = None,
    refusals: Annotated[bool, Parameter(negative="")] = False,
    page: int = 1,
    limit: int = SHOWN,
    zone: Zone = "",
    db: Place = "",
    output: Output = Output(),  # noqa: B008
) -> int:
    """Trades, the newest first, with how far each went against you and for you, and the market at its entry.

    A column that no trade of the page has anything in is left out; --json and export have all of them.

    Parameters
    ----------
    contract
        Only of this contract, binance:BTCUSDT, or of a venue, binance.
    account
        Only of this account.
    tag
        Only with this tag.
    since
        Opened on or after this day or time.
    until
        Opened before this day or time.
    open
        Only those that are open (--no-open: closed).
    refusals
        Instead of trades what a session refused, and which rules were set aside.
    page
        Which page.
    limit
        Trades on a page.
    zone
        Time zone of the journal.
    db
        The journal.
    output
        How to answer.
    """
    from lotwise.journal.shelf import Wanted

    place = zone_of(zone)
    if page < 1 or not 1 <= limit <= 10_000:
        raise InputError(
            "JOURNAL-132", f"page {page} of {limit} trades", "pages count from 1, with 1 to 10,000"
        )
    venue, _, symbol = contract.partition(":")
    wanted = Wanted(
        venue=venue,
        contract=symbol,
        account=account,
        tag=tag.lower(),
        is_open=open,
        since_ns=time_of(since, place, "--since") if since else None,
        until_ns=time_of(until, place, "--until") if until else None,
    )
    with shelf(db) as journal:
        if refusals:
            return _refusals(journal, wanted, place, output)
        return _trades(journal, wanted, place, page=page, limit=limit, output=output)


def _trades(journal: Journal, wanted: Wanted, zone: tzinfo, *, page: int, limit: int, output: Output) -> int:
    from lotwise.journal.export import rows_of, shown_row

    count = journal.count(wanted)
    rows = rows_of(journal, journal.page(wanted, limit=limit, offset=(page - 1) * limit))
    if output.json:
        told = {"trades": [shown_row(row) for row in rows], "count": count, "page": page}
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return 0
    screen = Screen(output)
    if not rows:
        screen.paragraph("No trades. lotwise journal import FILE brings in what a venue exports.")
        return 0
    _table(screen, rows, zone)
    if count > page * limit and not output.quiet:
        screen.paragraph(f"{len(rows)} of {count:,} trades; --page {page + 1} shows the next.", style="dim")
    return 0


Cell = Callable[[dict[str, Any]], str]


def _table(screen: Screen, rows: Sequence[dict[str, Any]], zone: tzinfo) -> None:
    """The rows, without the columns in which nothing stands."""
    columns: tuple[tuple[str, Cell], ...] = (
        ("trade", lambda row: str(row["trip_id"])),
        ("opened", lambda row: shown_time(row["opened_ns"], zone)),
        ("closed", lambda row: shown_time(row["closed_ns"], zone)),
        ("contract", lambda row: f"{row['venue']}:{row['contract']}"),
        ("side", lambda row: str(row["side"])),
        ("net", lambda row: money(row["net_cash"])),
        ("coin", lambda row: str(row["coin"])),
        ("R", lambda row: short_r(row["r8"])),
        ("plan", lambda row: short_r(row["planned_r8"])),
        ("MAE R", lambda row: short_r(row["mae_r8"])),
        ("MFE R", lambda row: short_r(row["mfe_r8"])),
        ("BTC 24h", lambda row: percent(row["entry_btc_change8"])),
        ("BTC vol", lambda row: percent(row["entry_btc_volatility8"], plain=True)),
        ("funding", lambda row: percent(row["entry_funding8"], 4)),
        ("spread", lambda row: percent(row["entry_spread8"], 4, plain=True)),
        ("corr", lambda row: two(row["entry_btc_correlation8"])),
        ("setup", lambda row: str(row["setup"])),
        ("tags", lambda row: str(row["tags"])),
    )
    always = ("trade", "opened", "contract", "side", "net", "coin")
    filled = [
        (name, [cell(row) for row in rows])
        for name, cell in columns
        if name in always or any(cell(row) for row in rows)
    ]
    names = tuple(name for name, _ in filled)
    cells = list(zip(*(values for _, values in filled), strict=True))
    least = ("spread", "corr", "funding", "BTC vol", "BTC 24h", "setup", "tags", "closed", "plan")
    screen.table(names, cells, drop=tuple(name for name in least if name in names))


def percent(value8: int | None, places: int = 2, *, plain: bool = False) -> str:
    """A share in percent, cut; ``plain``: one that has no direction."""
    from lotwise.units import scaled_text

    if value8 is None:
        return ""
    cut = abs(value8) // 10 ** (6 - places) * (1 if value8 > 0 else -1)
    text = scaled_text(cut, places, places)
    return f"{text if plain else signed(text)} %"


def two(value8: int | None) -> str:
    """A number of two decimals, rounded down."""
    from lotwise.units import scaled_text

    return "" if value8 is None else signed(scaled_text(value8 // 10**6, 2, 2))


def _refusals(journal: Journal, wanted: Wanted, zone: tzinfo, output: Output) -> int:
    """What was refused and set aside, the newest last; only its time and contract narrow it down."""
    from lotwise.journal.notes import Notes

    found = [
        event
        for event in Notes(journal).refusals(since_ns=wanted.since_ns, until_ns=wanted.until_ns)
        if _is_of(event.subject, wanted)
    ]
    if output.json:
        rows = [
            {"time_ns": one.time_ns, "kind": one.kind, "subject": one.subject} | one.body for one in found
        ]
        print(json.dumps({"refusals": rows}, indent=2, ensure_ascii=False))
        return 0
    screen = Screen(output)
    if not found:
        screen.paragraph("Nothing was refused, and no rule was set aside.")
    for one in found:
        words = one.body.get("message") or one.body.get("reason") or ""
        of = one.subject.rpartition("#")[0] or one.subject
        word = "refused" if one.kind == "refusal" else "set aside"
        line = f"{shown_time(one.time_ns, zone)}  {of}  {word} {one.body.get('rule', '')}: {words}"
        screen.paragraph(line, hanging="    ")
    return 0


def _is_of(subject: str, wanted: Wanted) -> bool:
    """Of its venue, account and contract where they are asked for; what is said of a trade names none."""
    names = subject.rpartition("#")[0].split(":", 2)
    asked = (wanted.venue, wanted.account, wanted.contract)
    whole = names if len(names) == len(asked) else [""] * len(asked)
    return all(want in ("", name) for want, name in zip(asked, whole, strict=True))


@family.command(name="measure")
def measured(
    *,
    contract: str = "",
    since: str = "",
    market: Annotated[Path | None, Parameter(name=["--market"])] = None,
    zone: Zone = "",
    db: Place = "",
    output: Output = Output(),  # noqa: B008
) -> int:
    """Measure trades with the bars of your market store: MAE, MFE, the market at their entry.

    list, show and export have it then. An import does it by itself for what it brings; this is for bars that
    came later.

    Parameters
    ----------
    contract
        Only of this contract, binance:BTCUSDT, or of a venue, binance.
    since
        Only what was opened on or after this day or time.
    market
        The folder of the market store; else LOTWISE_STORE.
    zone
        Time zone of the journal.
    db
        The journal.
    output
        How to answer.
    """
    from lotwise.journal.measuring import measure
    from lotwise.journal.shelf import Wanted

    try:
        import polars  # noqa: F401
    except ImportError:
        raise InputError(
            "JOURNAL-142",
            "measuring trades reads the market store, whose packages are not installed",
            "pip install 'lotwise[data]'",
        ) from None
    venue, _, symbol = contract.partition(":")
    since_ns = time_of(since, zone_of(zone), "--since") if since else None
    with shelf(db) as journal:
        trips = list(journal.all(Wanted(venue=venue, contract=symbol, since_ns=since_ns)))
        count = measure(journal, trips, market)
    if output.json:
        print(json.dumps({"measured": count}, indent=2))
    elif not output.quiet:
        Screen(output).line(f"  {count:,} trades measured")
    return 0
