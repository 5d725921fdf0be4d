"""``lotwise analyze``: what a market of the store is like, in the terminal, as JSON, or as a page."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from lotwise.cli.data import Folder, opened
from lotwise.cli.screen import Output, Screen
from lotwise.errors import InputError

if TYPE_CHECKING:
    from lotwise.app.analyze.report import Analysis

Flag = Annotated[bool, Parameter(negative="")]
USUAL_VENUE = "binance"


def analyze(
    contract: str,
    /,
    *,
    profile: Flag = False,
    flow: Flag = False,
    corr: Flag = False,
    funding: Flag = False,
    stops: Flag = False,
    book: Flag = False,
    since: str = "",
    until: str = "",
    html: Annotated[Path | None, Parameter(name=["--html"])] = None,
    store: Folder = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Price, volume by price, order flow, the market around it, funding, stops and the book.

    Without a choice of parts, all that the store's data allow.

    Parameters
    ----------
    contract
        binance:BTCUSDT; the venue may be left out where it is binance.
    profile
        Volume by price, day by day: POC and value area.
    flow
        Delta, CVD, footprint, stacked imbalances.
    corr
        Correlation, beta, market health, sector rotation: the venue's other contracts in the store.
    funding
        What funding took and gave.
    stops
        How far beyond stops fills were.
    book
        Depth, and what taking costs.
    since, until
        A day or a time, UTC: 2025-05-04, 2025-05-04T12:30.
    html
        Write a page with pictures to this file.
    store
        The folder of the store; else LOTWISE_STORE, else lotwise/market in your data folder.
    output
        How to answer.
    """
    place = opened(store)
    from lotwise.app.analyze.report import analyze as measured
    from lotwise.app.analyze.source import Source

    venue, _, symbol = contract.rpartition(":")
    if html is not None and not html.absolute().parent.is_dir():
        raise InputError("ANALYZE-103", f"there is no folder {html.absolute().parent}", "make it first")
    chosen = {
        "profile": profile,
        "flow": flow,
        "others": corr,
        "funding": funding,
        "stops": stops,
        "book": book,
    }
    names = [name for name, wanted in chosen.items() if wanted]
    source = Source(place, venue or USUAL_VENUE, symbol, moment(since, "since"), moment(until, "until"))
    found = measured(source, ["price", *names] if names else [])
    if html is not None:
        html.write_text(found.html(), encoding="utf-8")
    if output.json:
        answer = found.as_dict() | ({"html": str(html)} if html is not None else {})
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    elif output.quiet:
        print(html if html is not None else found.parts[0].facts["close"])
    else:
        shown(found, Screen(output))
        if html is not None:
            Screen(output).line(f"\n  {html}  the same with pictures")
    return 0


def moment(text: str, name: str) -> datetime | None:
    """A day or a time in UTC.

    Raises
    ------
    InputError
        ANALYZE-102.
    """
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            "ANALYZE-102", f"{name} is {text!r}, which is no time", "write 2025-05-04 or 2025-05-04T12:30"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def shown(found: Analysis, screen: Screen) -> None:
    """Tables and notes of every part."""
    screen.headline("◆", found.contract, f"{found.first} to {found.last} UTC", good=True)
    for part in found.parts:
        screen.line()
        screen.line(f"  {part.title}", "bold")
        for table in part.tables:
            screen.line()
            screen.line(f"  {table.caption}", "dim")
            screen.table(tuple(table.columns), [tuple(row) for row in table.rows])
        for note in part.notes:
            screen.line()
            screen.paragraph(("! " if note.kind == "warning" else "") + note.text, hanging="    ")
