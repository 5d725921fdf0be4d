"""The order book as pictures: depth as steps, and what a market order costs over its size."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from lotwise.charts.axes import (
    AXIS_ROOM,
    BELOW,
    EDGE,
    LINE,
    Key,
    across_axis,
    gutter_of,
    head,
    mark_count,
    nothing,
    value_axis,
)
from lotwise.charts.lettering import Box, text_width
from lotwise.charts.lines import Series, curve
from lotwise.charts.reading import TickSize, same_length, size_of, tick_size_of, whole_numbers, words_of
from lotwise.charts.scale import Scale, price_marks, round_marks
from lotwise.charts.svg import Canvas
from lotwise.charts.thin import area_path, line_path, step_points, thin_line
from lotwise.errors import InputError


def _side(prices: Any, lots: Any, name: str, rising: bool) -> tuple[list[int], list[int]]:
    """One side of a book, best price first, its lots summed from there."""
    ticks, sizes = whole_numbers(prices, f"{name} prices"), whole_numbers(lots, f"{name} lots")
    same_length(prices=ticks, lots=sizes)
    for i, (before, after) in enumerate(pairwise(ticks), 1):
        if (after <= before) if rising else (after >= before):
            raise InputError(
                "CHART-112",
                f"{name} prices[{i}] is {after}, after {before}",
                "give the best price first, each price once",
            )
    for i, size in enumerate(sizes):
        if size < 0:
            raise InputError("CHART-112", f"{name} lots[{i}] is {size}", "lots are not negative")
    total, summed = 0, []
    for size in sizes:
        total += size
        summed.append(total)
    return ticks, summed


def depth(
    bid_ticks: Any,
    bid_lots: Any,
    ask_ticks: Any,
    ask_lots: Any,
    *,
    tick_size: object,
    title: str,
    lot_size: object = "1",
    unit: str = "lots",
    width: int = 720,
    height: int = 240,
) -> str:
    """What could be sold and bought down to and up to each price, as steps away from the middle.

    Parameters
    ----------
    bid_ticks, ask_ticks
        Whole ticks, the best price first.

    Raises
    ------
    InputError
        CHART-101 to 104, 113; CHART-112 prices out of order, a negative size, a bid at or above an ask.
    """
    size_of(width, height)
    name, tick, lot = words_of(title, "title"), tick_size_of(tick_size), tick_size_of(lot_size)
    bids, bid_sums = _side(bid_ticks, bid_lots, "bid", rising=False)
    asks, ask_sums = _side(ask_ticks, ask_lots, "ask", rising=True)
    if bids and asks and bids[0] >= asks[0]:
        raise InputError(
            "CHART-112", f"the bid {bids[0]} is not below the ask {asks[0]}", "give one moment's book"
        )
    if not bids and not asks:
        return nothing(name, "an empty book", width, height)
    about = _about(bids, asks, tick)
    keys = [Key("bids", "s0"), Key("asks", "s1")]
    worth = lot.units / 10**lot.decimals
    most = max([*bid_sums, *ask_sums]) * worth or 1.0
    marks = round_marks(0, most * 1.05, mark_count(height))
    top = head(Canvas(width, 1), name, about, keys) + 4
    canvas = Canvas(width, int(top + height + AXIS_ROOM + LINE + 2))
    head(canvas, name, about, keys)
    plot = Box(EDGE, top, width - gutter_of([mark.label for mark in marks], width), top + height)
    first, last = min([*bids, *asks]), max([*bids, *asks])
    across = Scale(first - 1, last + 1, plot.left, plot.right)
    wide = text_width(tick.text(last), 11) + 20
    shown = price_marks(across.low, across.high, tick, max(2, int((plot.right - plot.left) / wide)))
    across_axis(canvas, [plot], across, marks=shown)
    canvas.text(
        plot.right,
        plot.bottom + BELOW + LINE,
        f"price; upwards: {words_of(unit, 'unit')}",
        "dim",
        anchor="end",
    )
    up = Scale(0, most * 1.05, plot.bottom, plot.top)
    value_axis(canvas, plot, up, marks)
    for i, (ticks, sums, end) in enumerate(((bids, bid_sums, first - 1), (asks, ask_sums, last + 1))):
        if not ticks:
            continue
        points = [(across.at(ticks[0]), up.at(0))]
        points += [(across.at(price), up.at(total * worth)) for price, total in zip(ticks, sums, strict=True)]
        points.append((across.at(end), up.at(sums[-1] * worth)))
        found = step_points(points)
        found = thin_line(found[::-1])[::-1] if i == 0 else thin_line(found)
        canvas.path(area_path([found], plot.bottom), f"a{i}")
        canvas.path(line_path([found]), f"s{i}")
    told = [f"Order book. {about}."]
    for side, ticks, sums in (("Bids", bids, bid_sums), ("Asks", asks, ask_sums)):
        if ticks:
            told.append(
                f"{side}: {lot.text(sums[-1])} {unit} to {tick.text(ticks[-1])}, {len(ticks):,} prices."
            )
    return canvas.finish(name, " ".join(told))


def _about(bids: Sequence[int], asks: Sequence[int], tick: TickSize) -> str:
    words = []
    if bids:
        words.append(f"best bid {tick.text(bids[0])}")
    if asks:
        words.append(f"best ask {tick.text(asks[0])}")
    if bids and asks:
        words.append(f"spread {tick.text(asks[0] - bids[0])}")
    return " · ".join(words)


def slippage(
    sizes: Any,
    buy_costs: Any,
    sell_costs: Any,
    *,
    title: str,
    size_unit: str,
    cost_unit: str = "bp",
    width: int = 720,
    height: int = 220,
) -> str:
    """What a market order pays beyond the middle, over its size; a gap where the book does not hold it.

    Raises
    ------
    InputError
        CHART-101, 102, 103, 113; CHART-106 sizes that fall.
    """
    return curve(
        [Series("buy", sizes, buy_costs), Series("sell", sizes, sell_costs)],
        title=title,
        where_unit=size_unit,
        unit=cost_unit,
        width=width,
        height=height,
    )
