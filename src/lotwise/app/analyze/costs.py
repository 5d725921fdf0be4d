"""What holding and leaving cost: funding, fills beyond the stop, the book."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lotwise.analysis import depth as measure
from lotwise.analysis.carry import carry_table, funding_of
from lotwise.analysis.gaps import Gaps, of_bars, of_trades
from lotwise.app.analyze.part import Part
from lotwise.charts.book import depth, slippage
from lotwise.charts.lines import Series, lines
from lotwise.charts.page import Picture
from lotwise.errors import InputError
from lotwise.market.book import walk
from lotwise.market.check import at_time
from lotwise.units import grouped, percent_text

if TYPE_CHECKING:
    from lotwise.app.analyze.source import Grid, Source

STOPS8: Final = (250_000, 500_000, 1_000_000, 2_000_000, 5_000_000)
"""Distances of stops, shares of the last price in 1e-8."""
HALF8: Final = 50_000_000
MOST8: Final = 95_000_000
SIZES: Final = (100, 250, 500, 1_000, 2_500, 5_000, 10_000)
"""What a small account asks a book for, in the quote."""


def funding(source: Source) -> Part:
    """What funding took and gave, by span and side."""
    part = Part("funding", "Funding")
    if source.funding is None:
        part.note(f"The store holds no funding of {source.name}.")
        return part
    frame, places = source.funding.frame, source.funding.scale.rate
    rates8 = frame["rate"].to_numpy() * 10 ** max(0, 8 - places) // 10 ** max(0, places - 8)
    found = funding_of(frame["time_ns"].to_numpy(), rates8, frame["interval_ns"].to_numpy())
    table = carry_table(found)
    part.facts = {"payments": len(frame), "spans": table}
    rows = []
    for span, row in table.items():
        year = row["long_year8"]
        rows.append(
            [
                span,
                f"{row['payments']:,}",
                _percent(row["long8"]),
                _percent(row["short8"]),
                "–" if year is None else _percent(year),
            ]
        )
    part.table("What a position gets (−: pays)", ("span", "payments", "long", "short", "long, a year"), rows)
    changes = [(run.interval_h, at_time(run.carry.first_ns)) for run in found.runs() if run.interval_h]
    if len({hours for hours, _ in changes}) > 1:
        told = ", ".join(f"{hours} h from {when[:16]}" for hours, when in changes[:6])
        part.facts["intervals"] = [{"hours": hours, "from": when} for hours, when in changes]
        part.note(f"The interval changed: {told}. A shorter one charges more often.", "warning")
    times = frame["time_ns"].to_numpy()
    series = [Series("rate, %", times, (rates8 / 1e6).tolist())]
    title = f"{source.name} · funding rate"
    svg = lines(series, title=title, unit="%", zero=True)
    part.pictures.append(Picture(svg, "Above 0 longs pay shorts."))
    return part


def _percent(rate8: int | None) -> str:
    return "–" if rate8 is None else f"{rate8 / 1e6:+.4f} %".replace("-", "−")


def stops(source: Source) -> Part:
    """How far beyond the stop fills were, by distance."""
    part = Part("stops", "Stops that were met")
    last, grid = int(source.bars.close_ticks[-1]), source.grid
    rows, facts = [], []
    for share8 in STOPS8:
        distance = max(1, last * share8 // 10**8)
        for side, name in ((1, "long"), (-1, "short")):
            found = _met(source, distance, side)
            if found is None:
                continue
            usual, most = found.quantile(HALF8), found.quantile(MOST8)
            worst = found.quantile(MOST8, most=True)
            facts.append(
                {
                    "distance": percent_text(share8),
                    "side": name,
                    "stops": len(found),
                    "moments": found.moments,
                    "median_ticks": usual,
                    "q95_ticks": most,
                    "q95_at_most_ticks": worst,
                }
            )
            rows.append(
                [
                    f"{percent_text(share8)} {name}",
                    f"{len(found):,}",
                    f"{found.moments:,}",
                    f"{usual:,}",
                    f"{most:,}",
                    f"{100 * most / last:.3f} %",
                ]
            )
    part.facts = {"from": "trades" if source.trades is not None else "bars", "rows": facts}
    if not rows:
        part.note("No stop of these distances was met in this span.")
        return part
    columns = ("stop", "stops", "at times", "half within", "95 % within", "of the price")
    part.table(f"Ticks of {grid.tick_size} beyond the stop", columns, rows)
    if source.trades is None:
        part.note(
            "Bars bound a fill from below: only a bar that opens beyond the stop shows a gap. Within a bar a"
            " fill may be worse. Trades measure it.",
            "warning",
        )
    part.note("`lotwise size --slippage auto` takes the 95 % figure of the stop you ask for.")
    return part


def _met(source: Source, distance: int, side: int) -> Gaps | None:
    bars = source.bars
    try:
        if source.trades is not None:
            grid, frame = source.grid_of(source.trades), source.trades.frame
            ticks = grid.ticks(frame["price"].to_numpy())
            found = of_trades(frame["time_ns"].to_numpy(), ticks, distance_ticks=distance, side=side)
        else:
            found = of_bars(
                bars.time_ns,
                bars.open_ticks,
                bars.high_ticks,
                bars.low_ticks,
                bars.close_ticks,
                distance_ticks=distance,
                side=side,
            )
    except InputError as error:
        if error.code.startswith("ANALYSIS-54"):  # a stop that would lie below zero, too few rows
            return None
        raise
    return found if len(found) else None


def book(source: Source) -> Part:
    """The last book: its depth, and what taking from it costs."""
    part = Part("book", "The book at the end")
    if source.depth is None:
        part.note(f"The store holds no book of {source.name}: capture one to see what a fill costs here.")
        return part
    grid = source.grid_of(source.depth)
    end = walk(source.depth)
    counts = end.counts
    part.facts = {"messages": counts.messages, "gaps": counts.gaps, "crossed": counts.crossed}
    if not end.sound or not end.bids or not end.asks:
        part.note(
            "The book of this span has no snapshot, a gap since its last one, or an empty side.", "warning"
        )
        return part
    found = measure.book(*(_in_ticks(side, grid) for side in (end.bids, end.asks)))
    mid2 = found.mid2_ticks
    spread_bp = 10_000 * found.spread_ticks / (mid2 / 2)
    part.facts |= {"spread": grid.price(found.spread_ticks), "spread_bp": round(spread_bp, 3), "costs": []}
    places = 10 ** (grid.price_decimals + grid.quantity_decimals)
    rows, buys, sells = [], [], []
    for size in SIZES:
        wanted = size * places // grid.tick
        costs = [measure.cost(found, is_buy=is_buy, notional_tick_lots=wanted) for is_buy in (True, False)]
        cells = [None if one.beyond or one.lots == 0 else one.slippage8 / 1e4 for one in costs]
        buys.append(cells[0])
        sells.append(cells[1])
        part.facts["costs"].append({"size": size, "buy_bp": cells[0], "sell_bp": cells[1]})
        why = "less than a lot" if costs[0].lots == 0 else "beyond the book"
        told = [why if cell is None else f"{cell:.2f} bp" for cell in cells]
        money = "" if cells[0] is None else f"{size * cells[0] / 1e4:.4f}"
        rows.append([f"{size:,}", *told, money])
    rows.insert(0, ["spread", f"{grouped(grid.price(found.spread_ticks))}", f"{spread_bp:.2f} bp", ""])
    part.table("What taking costs beyond the middle", ("size", "buying", "selling", "buying, money"), rows)
    levels = [_within(found, mid2, side) for side in (True, False)]
    title = f"{source.name} · depth"
    svg = depth(
        *levels[0], *levels[1], tick_size=grid.tick_size, title=title, lot_size=grid.lot_size, unit="coins"
    )
    part.pictures.append(Picture(svg, "What could be sold and bought, away from the middle."))
    title = f"{source.name} · cost of a market order"
    svg = slippage(list(SIZES), buys, sells, title=title, size_unit="size")
    part.pictures.append(Picture(svg, "A gap: the book does not hold so much."))
    return part


def _within(found: measure.Book, mid2: int, bids: bool) -> tuple[Any, Any]:
    """Levels within 0.5 % of the middle: farther ones flatten the picture."""
    ticks, lots = (found.bids_ticks, found.bid_lots) if bids else (found.asks_ticks, found.ask_lots)
    near = abs(2 * ticks - mid2) * 200 <= mid2
    return (ticks[near], lots[near]) if bool(near.any()) else (ticks[:50], lots[:50])


def _in_ticks(side: list[tuple[int, int]], grid: Grid) -> list[tuple[int, int]]:
    """Levels in ticks."""
    return [
        (int(ticks), lots) for ticks, (_, lots) in zip(grid.ticks([p for p, _ in side]), side, strict=True)
    ]
