"""Footprint: what traded at each price of each bar, sold into the bid against bought from the ask.

A side that outweighs its diagonal neighbour (the bid one row up, the ask one row down) by a ratio is set in
bold with a triangle beside it, and the fullest row of a bar is framed: neither rests on colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from lotwise.charts.axes import EDGE, LINE, TICK_GAP, gutter_of, head, nothing
from lotwise.charts.lettering import BOLD, text_width
from lotwise.charts.reading import (
    TickSize,
    at_most,
    each_of,
    same_length,
    size_of,
    tick_size_of,
    whole_numbers,
    words_of,
)
from lotwise.charts.svg import Canvas
from lotwise.charts.times import span_text, time_text
from lotwise.errors import InputError

ROW: Final = 16
MOST_ROWS: Final = 200
MOST_BARS: Final = 500


@dataclass(frozen=True)
class Footprint:
    """One bar: whole ticks of each row's lowest price, rising, and the lots of both sides."""

    time_ns: int
    price_ticks: Any
    bid_lots: Any
    ask_lots: Any


_Bar = tuple[int, dict[int, tuple[int, int]]]


def _read(bars: Sequence[Footprint], row_ticks: int) -> list[_Bar]:
    found: list[_Bar] = []
    for i, bar in enumerate(bars):
        prices = whole_numbers(bar.price_ticks, f"bar {i} price_ticks")
        bids, asks = (
            whole_numbers(bar.bid_lots, f"bar {i} bid_lots"),
            whole_numbers(bar.ask_lots, f"bar {i} ask_lots"),
        )
        same_length(price_ticks=prices, bid_lots=bids, ask_lots=asks)
        for price, bid, ask in zip(prices, bids, asks, strict=True):
            if bid < 0 or ask < 0 or (price - prices[0]) % row_ticks:
                raise InputError(
                    "CHART-105",
                    f"bar {i}: {bid} x {ask} at {price}, rows of {row_ticks} from {prices[0]}",
                    "volumes are not negative and prices stand on rows",
                )
        rows = {price: pair for price, *pair in zip(prices, bids, asks, strict=True)}
        if len(rows) != len(prices):
            raise InputError("CHART-105", f"bar {i}: a price comes twice", "sum the volumes of a price first")
        found.append((int(bar.time_ns), {price: (bid, ask) for price, (bid, ask) in rows.items()}))
    return found


def imbalances(rows: dict[int, tuple[int, int]], row_ticks: int, ratio: int) -> dict[int, tuple[bool, bool]]:
    """For each price whether its bid and whether its ask outweighs its diagonal neighbour so many times.

    A missing neighbour counts as 0, and a volume of 0 never outweighs.
    """
    none = (0, 0)
    return {
        price: (
            bid > 0 and bid >= ratio * rows.get(price + row_ticks, none)[1],
            ask > 0 and ask >= ratio * rows.get(price - row_ticks, none)[0],
        )
        for price, (bid, ask) in rows.items()
    }


def footprint(
    bars: Sequence[Footprint],
    tick_size: object,
    *,
    title: str,
    row_ticks: int = 1,
    ratio: int = 3,
    width: int = 900,
) -> str:
    """Bid x ask of each row of the latest bars that the width holds.

    Raises
    ------
    InputError
        CHART-101 to 104, 106, 113; CHART-105 a negative volume, a price off its rows or twice; CHART-107
        over 200 rows or 500 bars.
    """
    size_of(width, 100)
    name, tick = words_of(title, "title"), tick_size_of(tick_size)
    if min(whole_numbers([row_ticks, ratio], "row_ticks, ratio")) < 1:
        raise InputError("CHART-105", f"rows of {row_ticks} ticks, a ratio of {ratio}", "both are at least 1")
    bars = each_of(bars, Footprint, "bars")
    at_most(len(bars), MOST_BARS, "bars")
    read = _read(bars, row_ticks)
    times = whole_numbers([bar.time_ns for bar in bars], "time_ns")
    for before, after in pairwise(times):
        if after <= before:
            raise InputError("CHART-106", f"a bar at {after} after one at {before}", "sort by time")
    read = [bar for bar in read if bar[1]]
    if not read:
        return nothing(name, "no bars", width, 100)
    prices = [price for _, rows in read for price in rows]
    low, high = min(prices), max(prices)
    count = (high - low) // row_ticks + 1
    at_most(count, MOST_ROWS, "rows")
    most = max(max(pair) for _, rows in read for pair in rows.values())
    half = text_width(f"{most:,}", 10) * BOLD + 21
    gutter = gutter_of([tick.text(high), tick.text(low)], width)
    fits = max(1, int((width - EDGE - gutter) // (2 * half + 8)))
    shown = read[-fits:]
    about = f"{span_text(shown[0][0], shown[-1][0])} · bid × ask · bold ◄ ►: at least {ratio} to 1 across"
    if len(shown) < len(read):
        about += f" · last {len(shown)} of {len(read)} bars"
    top = head(Canvas(width, 1), name, about)
    canvas = Canvas(width, int(top + count * ROW + 2 * LINE + 8))
    head(canvas, name, about)
    bottom = top + count * ROW
    step = min((width - EDGE - gutter) / len(shown), 2 * half + 40)
    every = max(1, -(-24 // ROW)) if count > 1 else 1
    for row in range(0, count, every):
        price = low + row * row_ticks
        y = bottom - row * ROW
        canvas.text(width - gutter + TICK_GAP, y - 4, tick.text(price), "dim")
    for i, (time, rows) in enumerate(shown):
        middle = EDGE + (i + 0.5) * step
        _column(canvas, rows, middle, half, bottom=bottom, low=low, row_ticks=row_ticks, ratio=ratio)
        _foot(canvas, time, rows, middle, bottom=bottom, half=half)
    return canvas.finish(name, _said(shown, tick, about))


def _column(
    canvas: Canvas,
    rows: dict[int, tuple[int, int]],
    middle: float,
    half: float,
    *,
    bottom: float,
    low: int,
    row_ticks: int,
    ratio: int,
) -> None:
    heavy = imbalances(rows, row_ticks, ratio)
    fullest = max(rows, key=lambda price: sum(rows[price]))
    most = max(max(pair) for pair in rows.values()) or 1
    for price, (bid, ask) in rows.items():
        y = bottom - ((price - low) // row_ticks + 1) * ROW
        canvas.rect(middle - half * bid / most, y + 1, half * bid / most, ROW - 2, "downa")
        canvas.rect(middle, y + 1, half * ask / most, ROW - 2, "upa")
        left, right = heavy[price]
        canvas.text(
            middle - 4, y + 12, f"{'◄ ' if left else ''}{bid:,}", "bold" if left else "ink", 10, "end"
        )
        canvas.text(middle + 4, y + 12, f"{ask:,}{' ►' if right else ''}", "bold" if right else "ink", 10)
        if price == fullest:
            canvas.rect(middle - half, y + 0.5, 2 * half, ROW - 1, "cell")
    canvas.line(
        middle,
        bottom - ((max(rows) - low) // row_ticks + 1) * ROW,
        middle,
        bottom - (min(rows) - low) // row_ticks * ROW,
        "axis",
    )


def _foot(
    canvas: Canvas, time: int, rows: dict[int, tuple[int, int]], middle: float, *, bottom: float, half: float
) -> None:
    delta = sum(ask - bid for bid, ask in rows.values())
    sign = "−" if delta < 0 else "+" if delta > 0 else ""
    words = f"Δ {sign}{abs(delta):,}"
    when = time_text(time)[11:]
    if text_width(when, 10) <= 2 * half:
        canvas.text(middle, bottom + 14, when, "dim", 10, "middle")
    if text_width(words, 10) <= 2 * half + 6:
        canvas.text(
            middle,
            bottom + 14 + LINE,
            words,
            "upx" if delta > 0 else "downx" if delta else "dim",
            10,
            "middle",
        )


def _said(shown: Sequence[_Bar], tick: TickSize, about: str) -> str:
    words = [f"Footprint, {about}."]
    for time, rows in shown[-12:]:
        bid, ask = (sum(pair[side] for pair in rows.values()) for side in (0, 1))
        fullest = max(rows, key=lambda price: sum(rows[price]))
        words.append(f"{time_text(time)}: bid {bid:,}, ask {ask:,}, most at {tick.text(fullest)}.")
    return " ".join(words)
