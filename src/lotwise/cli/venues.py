"""``lotwise venues``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Annotated, Final, Literal

from cyclopts import Parameter

from lotwise.cli.screen import Output, Screen, cost
from lotwise.cli.size import REFUSED, side_of
from lotwise.clock import Clock, SystemClock, utc_date
from lotwise.contracts.venues import FACTS
from lotwise.records.venues import SourcedFact, VenueAnswer, VenueComparison
from lotwise.sizing.compare import venues as compare
from lotwise.units import grouped, parse_rate, percent_text, shown_down

CLOCK: Clock = SystemClock()
"""What tells this face the day, so that expired contracts stay out; a test stops it."""
UNKNOWN: Final = "–"
LABELS: Final = 20
"""Width of the labels beside the columns."""
COLUMN: Final = 24
"""A column of sentences is at least this wide, else the venues stand below each other."""
RATES: Final = ("maker_fee", "taker_fee")
"""Facts that stand in the tables, as numbers."""


def venues(  # the options are the interface: cyclopts reads them from here
    *,
    equity: str,
    risk: str = "1%",
    coin: str = "BTC",
    stop: str = "2%",
    price: str | None = None,
    side: Literal["long", "short", "buy", "sell"] | None = None,
    short: Annotated[bool, Parameter(negative="")] = False,
    spread: str = "0",
    slippage: str = "0",
    venue: Annotated[list[str], Parameter(negative="")] = [],  # noqa: B006
    sources: Annotated[bool, Parameter(negative="")] = False,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Which venue suits this account: what it may trade there, what that wastes, and the rules.

    Parameters
    ----------
    equity
        Money of the account, in USDT.
    risk
        Share of the equity (1%) or money (10).
    coin
        BTC, ETH, ...
    stop
        2%, 50bp or a price.
    price
        Where the trade would start; left out: the dated price of the catalogue.
    side
        long (the default) or short.
    short
        Same as --side short.
    spread
        Full spread: 0.5, 5t (ticks) or 2bp.
    slippage
        Allowance at the stop: 0.5, 5t or 2bp.
    venue
        Only these: binance,bybit; comma-separated or repeated.
    sources
        Show of which day each fact is, and where it is from.
    output
        How to answer.
    """
    found = compare(
        equity=equity,
        coin=coin,
        risk=risk,
        stop=stop,
        price=price,
        venues=[part for text in venue for part in text.split(",")] or None,
        side=side_of(side, short),
        spread=spread,
        slippage=slippage,
        today=utc_date(CLOCK.now_ns()).isoformat(),
    )
    if output.json:
        print(found.to_json())
    elif output.quiet:
        print("\n".join(f"{one.contract} {one.quantity}" for one in found.venues if one.quantity) or "none")
    else:
        _print(found, sources, _Wall(output))
    return 0 if found.least_waste else REFUSED


class _Wall(Screen):
    """A screen that can also set sentences in columns."""

    def fits(self, columns: int) -> bool:
        """Whether so many columns of sentences stand side by side."""
        return self._each(columns) >= COLUMN

    def _each(self, columns: int) -> int:
        return (self._width - 2 - LABELS) // max(1, columns) - 2

    def beside(self, label: str, cells: list[str], style: str = "") -> None:
        """One row: the label, then each cell wrapped in its column."""
        each = self._each(len(cells))
        wrapped = [textwrap.wrap(cell, each) or [""] for cell in cells]
        names = textwrap.wrap(label, LABELS - 1)
        for number in range(max(len(names), *map(len, wrapped))):
            name = names[number] if number < len(names) else ""
            parts = [lines[number] if number < len(lines) else "" for lines in wrapped]
            line = f"  {name:<{LABELS}}" + "".join(f"{part:<{each + 2}}" for part in parts)
            self.line(line.rstrip(), style)

    def below(self, label: str, cells: Iterable[tuple[str, str]]) -> None:
        """A block: the label, then a line for each venue, wrapped behind its name."""
        self.line(f"\n  {label}", "bold")
        for name, text in cells:
            self.paragraph(f"{name:<{LABELS - 3}}{text}", indent="    ", hanging=" " * (LABELS + 1))

    def source(self, day: str, text: str) -> None:
        """A line of sources: its day, then the text, addresses kept whole where they fit."""
        rows = textwrap.wrap(text, self._width - 16, break_on_hyphens=False)
        for number, row in enumerate(rows):
            self.line(f"    {'' if number else day:<10}  {row}")


def _print(found: VenueComparison, sources: bool, screen: _Wall) -> None:
    fitting = sum(one.status == "fits" for one in found.venues)
    count = f"{fitting} of {len(found.venues)} venues can trade {found.coin}"
    screen.line()
    screen.headline(
        "▲" if fitting else "■",
        count if fitting else f"NO TRADE in {found.coin}",
        f"{found.side} at {grouped(found.price)}, stop {found.stop},"
        f" budget {grouped(found.budget)} of {grouped(found.equity)} {found.currency}",
        good=bool(fitting),
    )
    best = next((one for one in found.venues if one.venue == found.least_waste), None)
    if best and fitting > 1:
        screen.paragraph(f"least lot waste: {best.name} uses {_share(best)} of the budget", indent="    ")
    if found.price_from != "given":
        screen.paragraph(f"price of {found.price_day}, {found.price_from}", indent="    ")
    screen.line()
    if screen.fits(len(found.venues)):
        _print_beside(found, screen)
    else:
        _print_below(found, screen)
    _print_sources(found, sources, screen)


# -- few venues: columns ---------------------------------------------------------------------------


def _print_beside(found: VenueComparison, screen: _Wall) -> None:
    screen.beside("", [one.name for one in found.venues], "bold")
    rows = [dict(_cells(found, one)) for one in found.venues]
    for label in rows[0]:
        if any(row[label] for row in rows):
            screen.beside(label, [row[label] for row in rows])
    for name in FACTS:
        if name not in RATES:
            known = [one.facts.get(name) for one in found.venues]
            screen.beside(_label(name), [fact.value if fact else UNKNOWN for fact in known])
    if any(one.notes for one in found.venues):
        screen.beside("notes", ["; ".join(one.notes) for one in found.venues])
    _print_assumptions(found, screen)
    screen.paragraph(f"{UNKNOWN} is unknown.")
    screen.line()


def _cells(found: VenueComparison, one: VenueAnswer) -> Iterator[tuple[str, str]]:
    """What is known by number of one venue, row by row."""
    coin, money = found.coin, found.currency
    yield "contract", one.contract or "no contract facts"
    yield "smallest order", _with(one.smallest_quantity, coin)
    yield "worth", _with(one.smallest_money, money)
    yield "may trade", _trade(one, coin)
    yield "loses at the stop", _loss(one)
    yield "of the budget", _share(one)
    yield "why not", one.blocked_by.text if one.blocked_by else ""
    yield "way out", one.way_out.text if one.way_out else ""
    yield "maker/taker %", _fees(one)
    yield "max leverage", f"{one.max_leverage}×" if one.max_leverage else UNKNOWN
    yield "margin tiers", str(one.margin_tiers or UNKNOWN)
    yield "tick", one.tick_size or UNKNOWN
    yield "lot", one.lot_quantity or UNKNOWN
    yield "facts of", one.contract_as_of or UNKNOWN


# -- many venues: tables and blocks ----------------------------------------------------------------


def _print_below(found: VenueComparison, screen: _Wall) -> None:
    screen.table(
        ("venue", f"smallest {found.coin}", "worth", "may trade", "loses", "of budget"),
        [
            (
                one.name,
                grouped(one.smallest_quantity) if one.smallest_quantity else UNKNOWN,
                grouped(one.smallest_money) if one.smallest_money else UNKNOWN,
                _trade(one, ""),
                _loss(one),
                _share(one),
            )
            for one in found.venues
        ],
        drop=("worth", f"smallest {found.coin}"),
    )
    _print_reasons(found, screen)
    _print_assumptions(found, screen)
    screen.table(
        ("venue", "contract", "maker/taker %", "lev.", "tiers", "tick", "lot"),
        [
            (
                one.name,
                (one.contract or UNKNOWN).partition(":")[2] or UNKNOWN,
                _fees(one),
                f"{one.max_leverage}×" if one.max_leverage else UNKNOWN,
                str(one.margin_tiers or UNKNOWN),
                one.tick_size or UNKNOWN,
                one.lot_quantity or UNKNOWN,
            )
            for one in found.venues
        ],
        drop=("tiers", "contract"),
    )
    for name in FACTS:
        if name not in RATES:
            screen.below(_label(name), _told([(one.name, one.facts.get(name)) for one in found.venues]))
    screen.line()
    screen.paragraph(
        f"{UNKNOWN} is unknown. Two or three venues stand beside each other: --venue binance,bybit"
    )
    screen.line()


def _print_assumptions(found: VenueComparison, screen: _Wall) -> None:
    screen.line()
    for text in found.assumptions:
        screen.paragraph(f"! {text}", hanging="    ", style="yellow")
    screen.line()


def _print_reasons(found: VenueComparison, screen: _Wall) -> None:
    """Why not, the way out and the notes; a note that several venues share once, after the others."""
    shared: dict[str, list[str]] = {}
    for one in found.venues:
        for note in one.notes:
            shared.setdefault(note, []).append(one.name)
    for one in found.venues:
        lines = [
            *([one.blocked_by.text] if one.blocked_by else []),
            *([f"way out: {one.way_out.text}"] if one.way_out else []),
            *(note for note in one.notes if len(shared[note]) == 1),
        ]
        if lines:
            screen.below(one.name, ())
        for text in lines:
            screen.paragraph(text, indent="    ", hanging="      ")
    several = {note: names for note, names in shared.items() if len(names) > 1}
    for note, names in several.items():
        screen.below(", ".join(names), ())
        screen.paragraph(note, indent="    ", hanging="      ")


def _told(known: list[tuple[str, SourcedFact | None]]) -> Iterator[tuple[str, str]]:
    """Each venue's sentence, once where two say the same, and the unknown ones in one line."""
    first: dict[str, str] = {}
    for name, fact in known:
        if fact is not None:
            before = first.setdefault(fact.value, name)
            yield name, fact.value if before == name else f"as {before}"
    silent = [name for name, fact in known if fact is None]
    if silent:
        yield "unknown", ", ".join(silent)


# -- words -----------------------------------------------------------------------------------------


def _label(name: str) -> str:
    return name.replace("_", " ")


def _with(text: str | None, unit: str) -> str:
    return f"{grouped(text)} {unit}" if text else UNKNOWN


def _trade(one: VenueAnswer, unit: str) -> str:
    if one.quantity:
        return f"{grouped(one.quantity)} {unit}".rstrip()
    return {"refused": "■ no", "not sized": "not sized"}.get(one.status, "no facts")


def _loss(one: VenueAnswer) -> str:
    return cost(one.loss or one.smallest_loss) or UNKNOWN


def _share(one: VenueAnswer) -> str:
    if one.budget_used is None:
        return "over" if one.status == "refused" else UNKNOWN
    return percent_text(parse_rate(shown_down(one.budget_used, 4), "share"))


def _fees(one: VenueAnswer) -> str:
    """Maker and taker in percent, ``0.02/0.05``."""
    rates = [UNKNOWN if rate is None else _percent(rate) for rate in (one.maker_fee, one.taker_fee)]
    return UNKNOWN if rates == [UNKNOWN, UNKNOWN] else "/".join(rates)


def _percent(rate: str) -> str:
    return percent_text(parse_rate(rate, "fee")).removesuffix(" %")


# -- sources ---------------------------------------------------------------------------------------


def _print_sources(found: VenueComparison, sources: bool, screen: _Wall) -> None:
    days = sorted(fact.as_of for one in found.venues for fact in one.facts.values() if fact and fact.as_of)
    if not sources:
        dated = f"{len(days)} of the facts are dated, {days[0]} to {days[-1]}; " if days else ""
        screen.paragraph(f"{dated}--sources shows the day and the source of each.")
        screen.line()
        return
    for one in found.venues:
        groups: dict[tuple[str, str], list[str]] = {}
        if one.contract_source:
            groups[one.contract_as_of or "undated", one.contract_source] = ["contract"]
        for name, fact in one.facts.items():
            if fact:
                groups.setdefault((fact.as_of or "undated", fact.source), []).append(_label(name))
        screen.line(f"\n  sources of {one.name}", "bold")
        for (day, source), names in groups.items():
            screen.source(day, f"{', '.join(names)}: {source}")
    screen.line()
