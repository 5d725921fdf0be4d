"""``lotwise scan``."""

from __future__ import annotations

import csv as csv_files
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final, Literal

from cyclopts import Parameter

from lotwise.cli.screen import Output, Screen, signed
from lotwise.cli.size import REFUSED, side_of
from lotwise.clock import Clock, SystemClock, TimeNs, utc_date
from lotwise.contracts import catalogue
from lotwise.errors import InputError
from lotwise.records.scan import Quote, ScanAnswer, ScanRow
from lotwise.sizing.listing import DOLLARS
from lotwise.sizing.quotes import read_quotes
from lotwise.sizing.scan import scan as scan_all
from lotwise.units import grouped, parse_rate, scaled_text, shown, shown_up

if TYPE_CHECKING:  # only --live needs it
    from lotwise.app.refresh import Progress

CLOCK: Clock = SystemClock()
"""What tells this face the day, so that expired contracts stay out; a test stops it."""
UNKNOWN: Final = "–"
MOST_ROWS: Final = 10_000
ROWS: Final = 40
SHOWN_KEYS: Final = 6
Sort = Literal["waste", "costs", "leverage", "liquidation", "notional", "spread", "volume", "name"]
Words = Annotated[list[str], Parameter(negative="")]
Flag = Annotated[bool, Parameter(negative="")]
Line = tuple[str, ScanRow | None]
"""A line of the table: its name, and the row; without one it is a heading."""


def scan(  # the options are the interface: cyclopts reads them from here
    *,
    equity: str,
    risk: str = "1%",
    stop: str = "2%",
    side: Literal["long", "short", "buy", "sell"] | None = None,
    short: Flag = False,
    venue: Words = [],  # noqa: B006
    coin: Words = [],  # noqa: B006
    sector: Words = [],  # noqa: B006
    prices: str | None = None,
    live: Flag = False,
    spread: str = "0%",
    slippage: str = "0%",
    entry_as: Literal["taker", "maker"] = "taker",
    hold_hours: str = "0",
    max_spread: str | None = None,
    min_volume: str | None = None,
    min_open_interest: str | None = None,
    max_funding: str | None = None,
    max_leverage: str | None = None,
    liq_multiple: str = "1.5",
    max_margin: str = "100%",
    fits: Flag = False,
    everything: Annotated[bool, Parameter(name="--all", negative="")] = False,
    sort: Sort = "waste",
    by_coin: Flag = False,
    top: int | None = None,
    as_of: str | None = None,
    csv: Flag = False,
    output: Output = Output(),  # noqa: B008
) -> int:
    """One setup on every contract: what fits, how many lots, and what the lot step wastes.

    Parameters
    ----------
    equity
        Money of the account in dollars: USDT, USDC and USD count alike.
    risk
        Share of the equity (1%) or money (10).
    stop
        2%, 50bp or, where the prices have an ATR, 1.5atr.
    side
        long (the default) or short.
    short
        Same as --side short.
    venue
        Only these: binance,bybit; comma-separated or repeated.
    coin
        Only these: BTC,ETH.
    sector
        Only these, as the venues name them: DeFi.
    prices
        A CSV file with the columns contract and price, and where known at, spread, volume,
        open_interest, funding_rate, atr; a contract is binance:BTCUSDT, or BTC for all of it.
    live
        Ask the venues for prices now; needs the extra lotwise[live].
    spread
        Full spread where the prices have none: 2bp.
    slippage
        Allowance at the stop: 2bp.
    entry_as
        maker where the entry order rests: its fee, and no entry spread.
    hold_hours
        Planned hold, for funding.
    max_spread
        Only up to this spread: 5bp. What a screen asks for and is unknown does not pass.
    min_volume
        Only from this turnover of 24 hours on: 1000000.
    min_open_interest
        Only from this open interest on, in the quote.
    max_funding
        Only up to this rate per interval, paid or received: 0.03%.
    max_leverage
        The most your plan allows.
    liq_multiple
        Liquidation at least this many stop distances away.
    max_margin
        Share of the equity that may be margin.
    fits
        Only what fits.
    everything
        Also the contracts without a price, and every row.
    sort
        What comes first; whatever fits comes before what does not, but by name.
    by_coin
        Venues side by side: the contracts of a coin together.
    top
        How many rows of the table at the most: 40; --json and --csv have all.
    as_of
        The rules of that day, e.g. 2025-09-01.
    csv
        The rows as CSV, with exact numbers.
    output
        How to answer.
    """
    _check(live and prices is not None, "--live and --prices")
    _check(fits and everything, "--fits and --all")
    _check(csv and output.json, "--csv and --json")
    if top is not None and not 1 <= top <= MOST_ROWS:
        raise InputError("USAGE-007", f"--top is {shown(top)}", f"use 1 to {MOST_ROWS}")
    venues = _parts(venue)
    quotes, said = _quotes(prices, live, venues, as_of, not (csv or output.json or output.quiet))
    found = scan_all(
        equity=equity,
        risk=risk,
        stop=stop,
        side=side_of(side, short),
        quotes=quotes,
        venues=venues,
        coins=_parts(coin),
        sectors=_parts(sector),
        entry_as=entry_as,
        spread=spread,
        slippage=slippage,
        hold_hours=hold_hours,
        max_leverage=max_leverage,
        liquidation_multiple=liq_multiple,
        max_margin=max_margin,
        max_spread=max_spread,
        min_volume=min_volume,
        min_open_interest=min_open_interest,
        max_funding=max_funding,
        only_fitting=fits,
        sort=sort,
        as_of=as_of,
        today=None if as_of else utc_date(CLOCK.now_ns()).isoformat(),
        compiled=False,  # one scan as plain Python is over before the compiler is loaded
    )
    found = _with_notes(found, said)
    screened = {"spread": max_spread, "volume": min_volume}
    screened |= {"open_interest": min_open_interest, "funding_rate": max_funding}
    asked = [name for name, limit in screened.items() if limit is not None or name == sort]
    rows = [row for row in found.rows if everything or row.price is not None]
    most = top or (len(rows) if everything else ROWS)
    if output.json:
        print(found.to_json())
    elif csv:
        _print_csv(found)
    elif output.quiet:
        print("\n".join(f"{row.contract} {row.quantity}" for row in rows[:most] if row.fits) or "none")
    else:
        lines = _grouped(rows, most) if by_coin else [(row.contract, row) for row in rows[:most]]
        _print(found, lines, asked, any(screened.values()), Screen(output))
    return 0 if any(row.fits for row in found.rows) else REFUSED


def _check(contradiction: bool, options: str) -> None:
    if contradiction:
        raise InputError("USAGE-002", f"{options} contradict each other", "give one of them")


def _parts(words: list[str]) -> list[str]:
    return [part.strip() for text in words for part in text.split(",")]


# -- prices ----------------------------------------------------------------------------------------


def _quotes(
    prices: str | None, live: bool, venues: list[str], as_of: str | None, watched: bool
) -> tuple[dict[str, Quote] | None, list[str]]:
    """The prices asked for, and what is to be said of them."""
    if prices is not None:
        quotes = read_quotes(prices, _day_of(prices))
        listed = list(catalogue.all_contracts(as_of))
        known = {contract.id.upper() for contract in listed} | {contract.base for contract in listed}
        strange = [key for key in quotes if key not in known]
        more = f" and {len(strange) - SHOWN_KEYS} more" if len(strange) > SHOWN_KEYS else ""
        said = f"no contract here: {', '.join(strange[:SHOWN_KEYS])}{more}, of {os.path.basename(prices)}"
        return quotes, [said] if strange else []
    if not live:
        return None, []
    from lotwise.app.tickers import live_quotes

    with _watched(watched) as progress:
        found = live_quotes(venues, clock=CLOCK, progress=progress)
    failed = [f"{error.message}; {venue} has no live prices here" for venue, error in found.failed.items()]
    return found.quotes, failed


def _day_of(path: str) -> str:
    """The day a file was last changed; an unreadable one is refused when it is read."""
    try:
        return utc_date(TimeNs(os.stat(path).st_mtime_ns)).isoformat()
    except OSError:
        return ""


@contextmanager
def _watched(wanted: bool) -> Iterator[Progress]:
    """A line on standard error about what is being asked, where a person looks at it."""
    from lotwise.app.refresh import quiet

    if not wanted or not sys.stderr.isatty():
        yield quiet
        return
    from rich.console import Console

    with Console(stderr=True).status("  asking for prices") as status:
        yield lambda what, done, total: status.update(f"  {what} ({done + 1} of {total})")


def _with_notes(found: ScanAnswer, said: list[str]) -> ScanAnswer:
    import msgspec

    return msgspec.structs.replace(found, notes=[*found.notes, *said]) if said else found


# -- printing --------------------------------------------------------------------------------------


def _print_csv(found: ScanAnswer) -> None:
    writer = csv_files.writer(sys.stdout, lineterminator="\n")
    names = ScanRow.__struct_fields__
    writer.writerow(names)
    for row in found.rows:
        values = (getattr(row, name) for name in names)
        writer.writerow(str(value).lower() if isinstance(value, bool) else value for value in values)


def _grouped(rows: Sequence[ScanRow], most: int) -> list[Line]:
    """The rows coin by coin, the coin of the best row first; a line of its own names the coin."""
    coins: dict[str, list[ScanRow]] = {}
    for row in rows:
        coins.setdefault(row.base, []).append(row)
    listed: list[Line] = []
    for base, group in coins.items():
        kept = group[: most - sum(row is not None for _, row in listed)]
        if kept:
            listed += [(base, None), *((f"  {row.contract}", row) for row in kept)]
    return listed


def _print(
    found: ScanAnswer,
    rows: Sequence[Line],
    asked: list[str],
    screened: bool,
    screen: Screen,
) -> None:
    fitting = sum(row.fits for row in found.rows)
    verdict = f"{grouped(str(fitting))} of {grouped(str(found.priced))} priced contracts fit"
    screen.line()
    screen.headline(
        "▲" if fitting else "■",
        verdict + (" and pass the screens" if screened else ""),
        f"({grouped(str(found.contracts))} in the catalogue)",
        good=bool(fitting),
    )
    whole = grouped(found.equity)
    screen.paragraph(f"{found.side}, stop {found.stop}, risk {found.risk} of {whole}", indent="    ")
    screen.line()
    if rows:
        _print_table(rows, asked, screen)
        screen.line()
    for line in _counts(found, sum(row is not None for _, row in rows)):
        screen.paragraph(line, hanging="    ")
    for note in found.notes:
        screen.paragraph(f"! {note}", hanging="    ", style="yellow")
    screen.line()


def _counts(found: ScanAnswer, shown_rows: int) -> Iterator[str]:
    """What the table leaves out, and where to go on."""
    priced = sum(row.price is not None for row in found.rows)
    if shown_rows < priced:
        yield f"{grouped(str(priced))} rows, the first {shown_rows} shown (--top)."
    missing = found.contracts - found.priced
    if missing:
        rest = "--prices FILE.csv or --live prices them, --all lists them"
        has = "contract has" if missing == 1 else "contracts have"
        yield f"{grouped(str(missing))} {has} no price: {rest}."
    if shown_rows:
        yield f"{UNKNOWN} is unknown; waste is what the lot step leaves of the budget."
    first = next((row for row in found.rows if row.fits), None)
    if first and not found.stop.endswith("atr"):
        side = "--short " if found.side == "short" else ""
        given = f"--stop {found.stop} --risk {found.risk} --equity {found.equity}"
        if first.settle in DOLLARS:
            yield f"All of one: lotwise size {first.contract} {side}--entry {first.price} {given}"


def _print_table(rows: Sequence[Line], asked: list[str], screen: Screen) -> None:
    kept = [row for _, row in rows if row is not None]
    columns = ["price", "price of", "quantity", "loss", "waste %", "costs %", "leverage", "liq. away %"]
    columns += [_SCREENED[name] for name in asked] + ["why not"]
    if len({row.price_at for row in kept}) < 2:
        columns.remove("price of")
    if all(row.fits for row in kept):
        columns.remove("why not")
    screen.table(
        ("contract", *columns),
        [
            (name, *(_cell(row, column) if row is not None else "" for column in columns))
            for name, row in rows
        ],
        drop=tuple(column for column in _DROPPED if column in columns),
    )


_SCREENED: Final = {
    "spread": "spread",
    "volume": "volume 24 h",
    "open_interest": "open interest",
    "funding_rate": "funding %",
}
_DROPPED: Final = ("leverage", "liq. away %", "price", "price of", "costs %", "loss")
"""Columns that go where the terminal is narrow, the first named first."""


def _cell(row: ScanRow, column: str) -> str:
    """A figure as a person reads it; empty where nothing was sized."""
    if column == "why not":
        return (row.reason or "").replace("_", " ")
    if column == "price":
        return grouped(row.price) if row.price else UNKNOWN
    if column == "price of":
        return (row.price_at or UNKNOWN)[:10]
    if column == "quantity":
        return f"{grouped(row.quantity)} {row.quantity_unit}" if row.quantity and row.fits else ""
    if column == "loss":
        return "" if row.loss_at_stop is None else _money(row.loss_at_stop, row.settle)
    if column in _SCREENED.values():
        return _market_cell(row, column)
    sized = row.loss_at_stop is not None
    if column == "leverage":
        return f"{row.leverage}×" if row.leverage else (UNKNOWN if sized else "")
    if column == "liq. away %" and row.liquidation == "none":
        return "none"
    share = {"waste %": row.waste, "costs %": row.costs_of_budget}.get(column, row.liquidation_distance)
    return (UNKNOWN if sized else "") if share is None else _percent(share)


def _market_cell(row: ScanRow, column: str) -> str:
    if column == "funding %":
        return UNKNOWN if row.funding_rate is None else _percent(row.funding_rate)
    if column == "spread":
        return UNKNOWN if row.spread is None else grouped(row.spread)
    amount = row.volume if column == "volume 24 h" else row.open_interest
    return UNKNOWN if amount is None else grouped(amount.partition(".")[0])


def _money(text: str, settle: str) -> str:
    """Money lost: cents rounded up, of an inverse contract every digit of the coin."""
    return grouped(shown_up(text, 2)) if settle in DOLLARS else f"{text} {settle}"


def _percent(rate: str) -> str:
    return signed(scaled_text(parse_rate(rate, "share"), 6, 2))
