"""RSI, EMA and ATR over a column of bars, beside TA-Lib's own calls; and fed bar by bar."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.draws import Draws
from benchmarks.timing import least_seconds
from benchmarks.workload import Figure, Outcome, Workload
from lotwise.analysis import indicators
from lotwise.analysis import indicators_live as live

SMALL = 2_000
SEED = 20_261_122
START = 500_000
PARTS = 10_000
"""Values are compared in ten-thousandths: what they differ by beyond is the order of additions."""
PERIOD, SPAN = 14, 20


def bars(count: int) -> tuple[Any, Any, Any]:
    """High, low and close of a walk, in ticks."""
    draws = Draws(SEED, count)
    close = START + np.cumsum(draws.whole(-30, 30))
    high, low = close + draws.whole(0, 25), close - draws.whole(0, 25)
    return high.astype(float), low.astype(float), close.astype(float)


def parts(*columns: Any) -> list[int]:
    """The values of columns in ten-thousandths, from the first row that all have."""
    return [round(float(value) * PARTS) for column in columns for value in column[SPAN:]]


def by_columns(count: int) -> list[int]:
    """The three indicators, whole columns at once."""
    high, low, close = bars(count)
    found = indicators.rsi(close, PERIOD), indicators.ema(close, SPAN)
    return parts(*found, indicators.atr(high, low, close, PERIOD))


def by_bars(count: int) -> list[int]:
    """The three indicators, bar by bar."""
    rsi, ema, atr = live.Rsi(PERIOD), live.Ema(SPAN), live.Atr(PERIOD)
    rows = [(rsi.push(c), ema.push(c), atr.push(h, low, c)) for h, low, c in zip(*bars(count), strict=True)]
    return parts(*zip(*rows, strict=True))


def results(count: int) -> list[int]:
    """Whole columns at once, the small walk first: bar by bar confirms it."""
    sizes = (SMALL, count) if count > SMALL else (count,)
    return [number for size in sizes for number in by_columns(size)]


def measure(count: int) -> Outcome:
    """Nanoseconds a bar."""
    import talib

    high, low, close = bars(count)

    def ours() -> None:
        indicators.rsi(close, PERIOD)
        indicators.ema(close, SPAN)
        indicators.atr(high, low, close, PERIOD)

    def theirs() -> None:
        talib.RSI(close, PERIOD)
        talib.EMA(close, SPAN)
        talib.ATR(high, low, close, PERIOD)

    few = min(count, 20_000)
    each = 1e9 / count
    return Outcome(
        figures={
            "rsi, ema and atr, whole columns": least_seconds(ours, 20) * each,
            "TA-Lib's own calls": least_seconds(theirs, 20) * each,
            "bar by bar": least_seconds(lambda: by_bars(few), 2) * 1e9 / few,
        },
        results=results(count),
    )


WORKLOAD = Workload(
    name="indicators_compiled",
    about="RSI 14, EMA 20 and ATR 14 of a walk of bars; one core",
    figures=(
        Figure("rsi, ema and atr, whole columns", "ns/bar"),
        Figure("TA-Lib's own calls", "ns/bar"),
        Figure("bar by bar", "ns/bar"),
    ),
    measure=measure,
    bodies={"bar by bar": by_bars, "whole columns": results},
    small=SMALL,
    full=1_000_000,
    processes=3,
)
