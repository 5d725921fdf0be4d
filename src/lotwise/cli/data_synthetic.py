"""``lotwise data synthetic``: a market that never was, for first steps and for tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from lotwise.cli.data import Folder, family, opened, series_of
from lotwise.cli.screen import Output, Screen
from lotwise.errors import InputError

if TYPE_CHECKING:
    from lotwise.market.kinds import Table
    from lotwise.market.store import Series, Store

VENUE = "synthetic"


def names(text: str) -> list[str]:
    """``BTCUSDT,ETHUSDT`` as a list; blanks about a name do not count."""
    return [name.strip() for name in text.split(",") if name.strip()]


@family.command(name="synthetic")
def synthetic(
    *,
    scenario: Annotated[str, Parameter(name=["--scenario"])] = "demo",
    days: Annotated[int, Parameter(name=["--days"])] = 30,
    seed: Annotated[int, Parameter(name=["--seed"])] = 7,
    contracts: Annotated[str, Parameter(name=["--contracts"])] = "BTCUSDT,ETHUSDT,LAYERUSDT",
    kinds: Annotated[str, Parameter(name=["--kinds"])] = "bars,marks,funding",
    detail: Annotated[int, Parameter(name=["--detail"])] = 10,
    store: Folder = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Put a synthetic market into the store, under the venue synthetic. The same seed makes the same rows.

    Parameters
    ----------
    scenario
        calm, trend, range, storm, crash or demo (a bit of all).
    days
        How many, from 2025-01-06 on.
    seed
        A whole number; another one makes another market.
    contracts
        Names with commas. BTCUSDT leads, the others follow; in crash and demo the last one falls.
    kinds
        Of bars, marks, funding, trades, quotes, depth, with commas; the last three are large.
    detail
        Trades of a quiet minute, 1 to 200.
    store
        The folder of the store; else LOTWISE_STORE, else lotwise/market in your data folder.
    output
        How to answer.
    """
    place = opened(store)
    from lotwise.market.kinds import KINDS
    from lotwise.market.store import Series
    from lotwise.market.synthetic import each, looked_at

    asked, wanted = names(contracts), names(kinds)
    looked_at(scenario, days, seed, asked, kinds=wanted, detail=detail)
    held = [(name, kind) for name in asked for kind in wanted if _has(place, name, kind)]
    for symbol, made in each(scenario, days, seed, asked, kinds=wanted, detail=detail) if held else ():
        for kind, table in made.tables.items():
            if (symbol, kind) in held:
                _refuse_another(place, Series(VENUE, symbol, KINDS[kind]), table)
    told: list[dict[str, Any]] = []
    screen = Screen(output)
    for symbol, made in each(scenario, days, seed, asked, kinds=wanted, detail=detail):
        for kind, table in made.tables.items():
            written = place.put(Series(VENUE, symbol, KINDS[kind]), table)
            told.append(
                {
                    "contract": f"{VENUE}:{symbol}",
                    "kind": kind,
                    "rows": len(table.frame),
                    "days_written": len(written),
                }
            )
            if not (output.json or output.quiet):
                done = (
                    f"{len(written)} day{'s' * (len(written) != 1)} written"
                    if written
                    else "all there already"
                )
                screen.line(f"  {VENUE}:{symbol}  {len(table.frame):,} {kind}, {done}")
    if output.json:
        answer = {"store": str(place.root), "scenario": scenario, "seed": seed, "made": told}
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    return 0


def _has(place: Store, symbol: str, kind: str) -> bool:
    return any(place.days(series_of(f"{VENUE}:{symbol}", kind)))


def _refuse_another(place: Store, series: Series, table: Table) -> None:
    """Two synthetic markets in one series would be neither; the same one again, or more of it, is welcome."""
    rows, scale = place.scan(series)
    held = rows.collect()
    made = table.frame.sort(*dict.fromkeys(("time_ns", *table.kind.key)))
    if scale != table.scale or not made.head(len(held)).equals(held):
        raise InputError(
            "DATA-647",
            f"the store {place.root} has other {series.kind.name} of {VENUE}:{series.contract}, {len(held):,}"
            f" rows where {len(made):,} were made; nothing was changed",
            hint="choose another folder with --store, or remove these first",
        )
