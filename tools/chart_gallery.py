"""Write one HTML page with every chart on seeded data, for looking at.

    python tools/chart_gallery.py OUT.html [--seed N]

The data is made up and the same for the same seed, so the page is the same to the byte.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from lotwise.charts.bars import bar_table, histogram
from lotwise.charts.book import depth, slippage
from lotwise.charts.calendar import calendar_days, calendar_months
from lotwise.charts.candles import Overlay, candles
from lotwise.charts.footprint import Footprint, footprint
from lotwise.charts.heat import correlation, heat
from lotwise.charts.lines import Series, equity, lines, small_multiples, sparkline
from lotwise.charts.marks import Level, Session, Trade
from lotwise.charts.page import Note, Picture, Section, Table, page
from lotwise.charts.panels import Lower, ribbon
from lotwise.charts.rotation import rotation
from lotwise.charts.thin import Bars

HOUR = 3_600_000_000_000
MINUTE = HOUR // 60
START = 1_746_316_800_000_000_000  # 2025-05-04 00:00 UTC
MARKETS = ["BTC", "ETH", "SOL", "ADA", "AVAX", "BCH", "BNB", "LINK", "LTC", "XRP"]


class RowsOfVolume:
    """A volume profile of its own making: the gallery reads no analysis."""

    def __init__(self, bars: Bars, row_ticks: int) -> None:
        middle = (np.asarray(bars.high_ticks) + np.asarray(bars.low_ticks)) // 2 // row_ticks
        self.base_ticks, self.row_ticks = int(middle.min()) * row_ticks, row_ticks
        self.lots = np.bincount(middle - middle.min(), weights=np.asarray(bars.lots)).astype(np.int64)
        self.control = int(self.lots.argmax())
        low = high = self.control
        while self.lots[low : high + 1].sum() < 0.7 * self.lots.sum():
            low, high = max(low - 1, 0), min(high + 1, len(self.lots) - 1)
        self.value_low, self.value_high = low, high


def walk(rng: np.random.Generator, count: int, bar_ns: int, first: int = 650_000) -> Bars:
    """Bars of a random walk in ticks of 0.1."""
    close = first + np.cumsum(rng.normal(0, 220, count)).astype(np.int64)
    opened = np.concatenate([[first], close[:-1]])
    high = np.maximum(opened, close) + np.abs(rng.normal(0, 120, count)).astype(np.int64)
    low = np.minimum(opened, close) - np.abs(rng.normal(0, 120, count)).astype(np.int64)
    lots = (rng.gamma(2, 300, count)).astype(np.int64)
    return Bars(START + np.arange(count) * bar_ns, opened, high, low, close, lots, bar_ns)


def a_trade(rng: np.random.Generator, width: int) -> str:
    """One trade with everything round it."""
    bars = walk(rng, 96, HOUR // 4)
    entry = int(bars.close_ticks[30])
    times = bars.time_ns
    delta = rng.normal(0, 400, 96)
    stops = [
        (int(times[30]), entry - 1_300),
        (int(times[50]), entry - 600),
        (int(times[66]), entry + 65),
        (int(times[80]), None),
    ]
    return candles(
        bars,
        "0.1",
        title="BTCUSDT perp · 15 min · one long",
        levels=[
            Level(entry, "entry", "entry"),
            Level(entry - 1_300, "stop", "stop"),
            Level(entry + 65, "b/e", "break-even"),
            Level(entry + 1_300, "TP1", "target"),
            Level(entry + 2_600, "TP2", "target"),
            Level(435_933, "liq", "liquidation"),
        ],
        trades=[
            Trade(int(times[30]), entry, "long"),
            Trade(int(times[60]), int(bars.close_ticks[60]), "exit"),
            Trade(int(times[80]), int(bars.close_ticks[80]), "exit"),
            Trade(int(times[86]), int(bars.close_ticks[86]), "short"),
        ],
        stop_path=stops,
        sessions=[
            Session(START + day * 24 * HOUR + at * HOUR, START + day * 24 * HOUR + to * HOUR, name)
            for day in (0,)
            for at, to, name in ((0, 7, "Asia"), (7, 13, "London"), (13, 21, "New York"))
        ],
        overlays=[
            Overlay("mean of 20", times[19:], np.convolve(bars.close_ticks, np.ones(20) / 20, "valid"))
        ],
        lower=[
            Lower("CVD", times, np.cumsum(delta)),
            Lower("delta", times, delta, "bars"),
        ],
        regimes=[
            Session(START, START + 8 * HOUR, "range"),
            Session(START + 8 * HOUR, START + 15 * HOUR, "trend up"),
            Session(START + 15 * HOUR, START + 24 * HOUR, "volatile"),
        ],
        profile=RowsOfVolume(bars, 100),
        lot_size="0.001",
        unit="BTC",
        width=width,
    )


def prices(rng: np.random.Generator) -> Section:
    """Candles of all kinds."""
    state = rng.bit_generator.state
    wide = a_trade(rng, 940)
    rng.bit_generator.state = state
    month = walk(rng, 43_200, MINUTE)
    return Section(
        "Prices",
        [
            Picture(wide, "A trade as planned and as it went.", a_trade(rng, 360)),
            Picture(
                candles(
                    month,
                    "0.1",
                    title="A month of minutes, thinned exactly",
                    lot_size="0.001",
                    unit="BTC",
                    width=940,
                ),
                "43,200 bars in one small picture.",
            ),
            Picture(cells(rng), "Bold with a triangle: a side that outweighs its diagonal neighbour."),
            Picture(
                ribbon(
                    [
                        Session(
                            START + i * 9 * HOUR,
                            START + (i + 1) * 9 * HOUR,
                            ("calm", "trend", "storm")[i * 7 % 3],
                        )
                        for i in range(40)
                    ],
                    title="Regimes",
                    width=940,
                )
            ),
        ],
    )


def cells(rng: np.random.Generator) -> str:
    """Twelve footprint bars."""
    found = []
    low = 650_000
    for i in range(12):
        low += int(rng.integers(-3, 4)) * 10
        rows = int(rng.integers(5, 9))
        prices = low + 10 * np.arange(rows)
        bids, asks = rng.gamma(1.2, 60, rows).astype(int), rng.gamma(1.2, 60, rows).astype(int)
        found.append(Footprint(START + i * 5 * MINUTE, prices, bids, asks))
    return footprint(found, "0.1", title="Footprint, 5 min", row_ticks=10, width=940)


def results(rng: np.random.Generator) -> Section:
    """Equity, results, calendar."""
    days = 500
    steps = rng.normal(0.0012, 0.012, days)
    money = 1000 * np.cumprod(1 + steps)
    times = START + np.arange(days) * 24 * HOUR
    r = np.where(rng.random(184) < 0.5, -1 + rng.normal(0, 0.05, 184), rng.gamma(2, 0.8, 184))
    first = date(2025, 1, 6)
    by_day = {
        first + timedelta(int(i)): float(round(v, 2))
        for i, v in enumerate(rng.normal(0.1, 1.3, 420))
        if i % 7 < 5 and i % 3
    }
    return Section(
        "Results",
        [
            Picture(
                equity(times, money, title="Equity of demo-1000", unit="USDT", width=940),
                "",
                equity(times, money, title="Equity of demo-1000", unit="USDT", width=360),
            ),
            Picture(
                histogram(r, title="R of 184 trades", width=940),
                "Bins of half an R hold what their left edge says.",
            ),
            Picture(
                calendar_days(by_day, title="By day", width=940),
                "",
                calendar_days(by_day, title="By day", width=360),
            ),
            Picture(calendar_months(by_day, title="By month", width=940)),
            Picture(
                bar_table(
                    ["VAL bounce", "EMA pullback", "breakout", "news fade"],
                    [3.69, 0.24, -1.62, 0.0],
                    notes=["n 9", "n 8", "n 4", "n 0"],
                    title="R by setup",
                    unit="R; n below 30 is no verdict",
                )
            ),
        ],
    )


def markets(rng: np.random.Generator) -> Section:
    """Correlations, rotation, many small lines."""
    common = rng.normal(0, 1, 400)
    moves = np.array([common * rng.uniform(-0.3, 1.2) + rng.normal(0, 1, 400) for _ in MARKETS])
    matrix = np.corrcoef(moves)
    times = START + np.arange(400) * 4 * HOUR
    tails: dict[str, tuple[Any, Any]] = {}
    for name in MARKETS:
        turn = rng.uniform(0, 6.28) + np.arange(8) * rng.uniform(0.08, 0.2)
        far = rng.uniform(0.6, 2.6)
        tails[name] = (100 + far * np.cos(-turn), 100 + far * np.sin(-turn))
    many = [Series(name, times, 100 + np.cumsum(row)) for name, row in zip(MARKETS, moves, strict=True)]
    sweep = rng.normal(0.05, 0.15, (5, 8)).round(3)
    return Section(
        "Markets",
        [
            Picture(correlation(MARKETS, matrix, title="Correlation of 4 h returns", width=720)),
            Picture(
                rotation(tails, title="Rotation against BTC", width=720),
                "",
                rotation(tails, title="Rotation against BTC", width=360),
            ),
            Picture(small_multiples(many, title="Ten markets", unit="begin at 100", width=940)),
            Picture(lines(many[:6], title="Six of them", unit="begin at 100", width=940)),
            Picture(
                heat(
                    [f"stop {i / 2} ATR" for i in range(2, 7)],
                    [f"{n} bars" for n in range(10, 90, 10)],
                    sweep,
                    title="Sweep: expectancy in R",
                    unit="R",
                    width=720,
                )
            ),
            Picture(
                heat(
                    ["bids", "asks"],
                    [str(n) for n in range(1, 25)],
                    rng.gamma(2, 20, (2, 24)).round(),
                    title="Liquidity by minute",
                    around_zero=False,
                    width=940,
                )
            ),
            Picture(sparkline(moves[0].cumsum(), title="BTC, a spark line")),
        ],
    )


def book(rng: np.random.Generator) -> Section:
    """Depth, slippage, a table behind a picture."""
    bids, asks = 650_000 - np.cumsum(rng.integers(1, 4, 80)), 650_002 + np.cumsum(rng.integers(1, 4, 80))
    bid_lots, ask_lots = rng.gamma(1, 400, 80).astype(int), rng.gamma(1, 500, 80).astype(int)
    sizes = np.linspace(0.1, 30, 60)
    costs = 0.3 + 0.04 * sizes**1.2
    picture = depth(
        bids,
        bid_lots,
        asks,
        ask_lots,
        tick_size="0.1",
        title="Depth",
        lot_size="0.001",
        unit="BTC",
        width=940,
    )
    rows = [(f"{p / 10:,.1f}", f"{n / 1000:.3f}") for p, n in zip(bids[:5], bid_lots[:5], strict=True)]
    return Section(
        "Book",
        [
            Picture(picture),
            Table("The five best bids", ["price", "BTC"], rows, numbers=(0, 1), folded=True),
            Picture(
                slippage(
                    sizes,
                    costs,
                    np.where(sizes > 24, np.nan, costs * 1.3),
                    title="Slippage",
                    size_unit="BTC",
                    width=940,
                ),
                "The book does not hold a sale above 24 BTC.",
            ),
            Note("A gap is drawn where there is no answer.", "warning"),
            Note("Nothing on this page is loaded from anywhere.", "good"),
        ],
    )


def strange() -> Section:
    """What happens with little, nothing, too much."""
    one = Bars([START], [5], [5], [5], [5], [0])
    return Section(
        "Strange inputs",
        [
            Picture(candles(Bars([], [], [], [], []), "0.1", title="No bars", width=460, height=90)),
            Picture(candles(one, "0.1", title="One bar of one price", width=460, height=120)),
            Picture(
                lines(
                    [Series("constant", [START, START + HOUR], [7, 7])],
                    title="Constant",
                    width=460,
                    height=100,
                )
            ),
            Picture(
                lines(
                    [Series("huge", [START, START + HOUR], [-1e17, 1e18])],
                    title='<b>"Huge" & escaped</b>',
                    width=460,
                    height=100,
                )
            ),
            Table(
                "Cells hold text",
                ["name", "value"],
                [("<script>", "−1.00 & more"), ("日本", "+2.00")],
                numbers=(1,),
            ),
        ],
    )


def gallery(seed: int) -> str:
    """The whole page."""
    rng = np.random.Generator(np.random.PCG64(seed))
    sections = [prices(rng), results(rng), markets(rng), book(rng), strange()]
    return page(
        "Chart gallery", sections, subtitle=f"Made-up data of seed {seed}", footer="Nothing here is advice."
    )


def main(arguments: list[str] | None = None) -> int:
    """Write the page; 1 where it cannot be written."""
    parser = argparse.ArgumentParser(description="Write one HTML page with every chart on seeded data.")
    parser.add_argument("out", type=Path, metavar="OUT.html", help="where the page goes")
    parser.add_argument("--seed", type=int, default=7, help="seed of the made-up data")
    options = parser.parse_args(arguments)
    text = gallery(options.seed)
    try:
        options.out.write_text(text, encoding="utf-8")
    except OSError as error:
        print(f"chart_gallery: {error}", file=sys.stderr)
        return 1
    print(f"{options.out}: {len(text.encode()):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
