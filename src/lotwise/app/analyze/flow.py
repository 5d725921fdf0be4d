"""Who took: delta, CVD, footprint, imbalances and their stacks, divergences."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from lotwise.analysis import flow as measure
from lotwise.app.analyze.part import Part
from lotwise.charts.candles import candles
from lotwise.charts.footprint import Footprint, footprint
from lotwise.charts.page import Picture
from lotwise.charts.panels import Lower
from lotwise.market.check import at_time, lasting
from lotwise.units import grouped

if TYPE_CHECKING:
    from lotwise.app.analyze.source import Source

CELL_ROWS: Final = 20
"""Rows of a footprint's bar, about."""
FOOTPRINT_BARS: Final = 6
MOST_STACKS: Final = 8


def flow(source: Source) -> Part:
    """Order flow from trades; from bars only what takers bought and sold, where they say it."""
    return _of_trades(source) if source.trades is not None else _of_bars(source)


def _of_bars(source: Source) -> Part:
    part = Part("flow", "Order flow")
    assert source.bars_table is not None
    frame, bars, grid = source.bars_table.frame, source.bars, source.grid
    bought = frame["taker_buy_volume"].to_numpy()
    if not int(bought.sum()):
        part.note("These bars do not say what takers bought: import trades to see order flow.", "warning")
        return part
    delta = 2 * bought - bars.lots
    _figures(part, source, delta, int(bought.sum()), int(bars.lots.sum() - bought.sum()))
    part.facts["from"] = "bars"
    part.pictures.append(_picture(source, bars, bars.time_ns, delta))
    part.note(
        f"From {source.span}: what takers bought less what they sold, {grid.lot_size} the smallest step."
        " A footprint, imbalances and absorption need trades."
    )
    return part


def _of_trades(source: Source) -> Part:
    import numpy as np

    part = Part("flow", "Order flow")
    assert source.trades is not None
    frame, grid = source.trades.frame, source.grid_of(source.trades)
    times, lots = frame["time_ns"].to_numpy(), frame["quantity"].to_numpy()
    ticks, makers = grid.ticks(frame["price"].to_numpy()), frame["buyer_is_maker"].to_numpy()
    length = source.trades_bar_ns
    open_ns, starts = measure.bars_of_time(times, length)
    reach = np.array([_reach(ticks[a:b]) for a, b in pairwise(starts)])
    row = max(1, int(reach[-FOOTPRINT_BARS:].max()) // CELL_ROWS)
    cells = measure.footprint(ticks, lots, makers, starts, row)
    delta = cells.bought_lots - cells.sold_lots
    _figures(part, source, delta, int(cells.bought_lots.sum()), int(cells.sold_lots.sum()))
    part.facts |= {"from": "trades", "trades": len(times), "bar": lasting(length)}
    part.pictures.append(_picture(source, source.bars, open_ns, delta))
    first = max(0, len(open_ns) - FOOTPRINT_BARS)
    shown = [_cells_of(cells, int(open_ns[i]), i) for i in range(first, len(open_ns))]
    held = [one for one in shown if len(one.price_ticks)]
    if held:
        title = f"{source.name} · footprint, {lasting(length)}"
        svg = footprint(held, grid.tick_size, title=title, row_ticks=row)
        part.pictures.append(Picture(svg, "Sold into the bid × bought from the ask, by price."))
    _stacks(part, source, measure.imbalances(cells), open_ns, row)
    return part


def _reach(ticks: Any) -> int:
    return int(ticks.max() - ticks.min()) if len(ticks) else 0


def _cells_of(cells: measure.Footprint, time_ns: int, i: int) -> Footprint:
    import numpy as np

    first, end = int(cells.offsets[i]), int(cells.offsets[i + 1])
    rows = (int(cells.low_rows[i]) + np.arange(end - first)) * cells.row_ticks
    return Footprint(time_ns, rows, cells.bid_lots[first:end], cells.ask_lots[first:end])


def _figures(part: Part, source: Source, delta: Any, bought: int, sold: int) -> None:
    grid, total = source.grid, bought + sold
    most = int(abs(delta).argmax())
    part.facts = {
        "bought": grid.quantity(bought),
        "sold": grid.quantity(sold),
        "delta": grid.quantity(bought - sold),
        "bought_percent": round(100 * bought / total, 2) if total else None,
    }
    rows = [
        ["takers bought", grouped(grid.quantity(bought)), f"{100 * bought / total:.1f} %" if total else ""],
        ["takers sold", grouped(grid.quantity(sold)), f"{100 * sold / total:.1f} %" if total else ""],
        ["delta", grouped(grid.quantity(bought - sold)), "bought less sold"],
        ["largest, of one bar", grouped(grid.quantity(int(delta[most]))), "delta"],
    ]
    part.table("Who took", ("", "coins", "about"), rows)


def _picture(source: Source, bars: Any, times: Any, delta: Any) -> Picture:
    import numpy as np

    coins = delta / 10**source.grid.quantity_decimals
    lower = [Lower("CVD", times, np.cumsum(coins).tolist()), Lower("delta", times, coins.tolist(), "bars")]
    units: dict[str, Any] = {"lot_size": source.grid.lot_size, "unit": "coins"}
    title = f"{source.name} · price, cumulative volume delta, delta"
    caption = "Where the price makes a new high and the CVD does not, buyers tire; the mirror image for lows."
    return Picture(
        candles(bars, source.grid.tick_size, title=title, lower=lower, **units),
        caption,
        candles(bars, source.grid.tick_size, title=title, lower=lower, **units, width=460, height=220),
    )


def _stacks(part: Part, source: Source, found: measure.Imbalances, open_ns: Any, row: int) -> None:
    part.facts["imbalances"] = {
        "buys": int(found.buys.sum()),
        "sells": int(found.sells.sum()),
        "stacks": len(found.stacks),
    }
    rows = []
    for stack in sorted(found.stacks, key=lambda one: one.low_row - one.high_row)[:MOST_STACKS]:
        low, high = source.grid.price(stack.low_row * row), source.grid.price((stack.high_row + 1) * row - 1)
        rows.append(
            [
                "▲ buyers" if stack.is_buy else "▼ sellers",
                at_time(int(open_ns[stack.bar])),
                f"{grouped(low)} – {grouped(high)}",
                str(stack.high_row - stack.low_row + 1),
            ]
        )
    part.table("Stacked imbalances, the highest first", ("side", "bar", "prices", "rows"), rows, folded=True)
