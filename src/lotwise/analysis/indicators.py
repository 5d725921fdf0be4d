"""Indicators over a column: EMA, SMA, RSI, ATR, ADX, Bollinger bands, MACD, z-score, realised volatility.

Each comes twice. The function takes whole columns: by TA-Lib where it has the indicator, else by own loops.
The class of :mod:`lotwise.analysis.indicators_live` is fed bar by bar. A value is NaN until enough rows are
there, and rests on rows up to its own only. Both agree to :data:`TALIB_TOLERANCE` where TA-Lib computes, bit
for bit elsewhere. Prices may be ticks.

TA-Lib takes NaN for a number, and some of its indicators go on as if nothing were: it is refused here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lotwise.analysis.windows import (
    CHUNK,
    check_finite,
    check_positive,
    column_of,
    number_of,
    period_of,
    window_sums,
)
from lotwise.errors import InputError

if TYPE_CHECKING:
    from lotwise.analysis.windows import Floats

TALIB_TOLERANCE: Final = 1e-9
"""Relative to the largest number that went in: how far a class may be from TA-Lib's column."""
YEAR_MINUTES: Final = 365 * 24 * 60
"""Bars of a minute in a year; crypto never closes."""
NOTHING: Final = 1e-14
"""TA-Lib takes less than this for zero (ta_utility.h, TA_EPSILON)."""


class Bands(NamedTuple):
    """Bollinger bands: the average, and so many deviations above and below."""

    middle: Floats
    upper: Floats
    lower: Floats


class Macd(NamedTuple):
    """The fast less the slow average, its own average, and the difference of the two."""

    line: Floats
    signal: Floats
    histogram: Floats


def _talib() -> Any:
    try:
        import talib
    except ImportError:
        raise InputError(
            "ANALYSIS-508",
            "this indicator needs TA-Lib, which is not installed",
            "pip install 'lotwise[data]'",
        ) from None
    return talib


def _bars(highs: Any, lows: Any, closes: Any, least: int, finite: bool = True) -> tuple[Floats, ...]:
    """High, low and close of one length, no high below its low."""
    high, low = column_of(highs, "high", least, finite), column_of(lows, "low", least, finite)
    close = column_of(closes, "close", least, finite)
    if not len(high) == len(low) == len(close):
        raise InputError(
            "ANALYSIS-505", f"{len(high)} highs, {len(low)} lows, {len(close)} closes", "give as many of each"
        )
    crossed = high < low
    at = int(crossed.argmax())  # of all False it is 0: one pass either way
    if crossed[at]:
        raise crossed_bar(float(high[at]), float(low[at]), f"row {at}: ")
    return high, low, close


def _sound(found: Floats, **columns: Floats) -> Floats:
    """Look at the columns where the result says that one of them held no number.

    NaN and infinities stay in an average that is made of the one before it, so its last value shows them;
    the first and the last row, which TA-Lib may pass over, are looked at here.
    """
    ends = found.item(-1)
    for column in columns.values():
        ends += column.item(0) + column.item(-1)
    if not math.isfinite(ends):
        for name, column in columns.items():
            check_finite(column, name)
    return found


def crossed_bar(high: float, low: float, where: str = "") -> InputError:
    """The error of a bar whose high is below its low."""
    return InputError(
        "ANALYSIS-506", f"{where}the high {high} is below the low {low}", "check the data first"
    )


def sma(values: Any, period: int) -> Floats:
    """Simple moving average: the mean of the last ``period`` values; the first at row ``period - 1``.

    Raises
    ------
    InputError
        ANALYSIS-501 to ANALYSIS-504: what :mod:`lotwise.analysis.windows` refuses; ANALYSIS-508 no TA-Lib.
    """
    found: Floats = _talib().SMA(column_of(values, "value", period_of(period)), period)
    return found


def ema(values: Any, period: int) -> Floats:
    """Exponential moving average: weight 2 / (period + 1), begun with the mean of the first ``period``.

    Raises
    ------
    InputError
        As :func:`sma`.
    """
    column = column_of(values, "value", period_of(period), finite=False)
    return _sound(_talib().EMA(column, period), value=column)


def rsi(closes: Any, period: int = 14) -> Floats:
    """Relative strength index, 0 to 100; the first at row ``period``; 0 where nothing moved, as in TA-Lib.

    Source: Wilder (1978), New Concepts in Technical Trading Systems, with his smoothing.

    Raises
    ------
    InputError
        As :func:`sma`.
    """
    found: Floats = _talib().RSI(column_of(closes, "close", period_of(period) + 1), period)
    return found


def atr(highs: Any, lows: Any, closes: Any, period: int = 14) -> Floats:
    """Average true range, in the unit of the prices; the first at row ``period``.

    Source: Wilder (1978); the first is the mean of the first ``period`` true ranges.

    Raises
    ------
    InputError
        As :func:`sma`; ANALYSIS-505 columns of several lengths, ANALYSIS-506 a high below its low.
    """
    import numpy as np

    high, low, close = _bars(highs, lows, closes, period_of(period) + 1, finite=False)
    if not math.isfinite(np.dot(close, close)):  # a range passes over a close that is no number
        check_finite(close, "close")
    return _sound(_talib().ATR(high, low, close, period), high=high, low=low, close=close)


def adx(highs: Any, lows: Any, closes: Any, period: int = 14) -> Floats:
    """Average directional index, 0 to 100; the first at row ``2 * period - 1``.

    Source: Wilder (1978), as TA-Lib begins it.

    Raises
    ------
    InputError
        As :func:`atr`.
    """
    found: Floats = _talib().ADX(*_bars(highs, lows, closes, 2 * period_of(period)), period)
    return found


def macd(closes: Any, fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """Moving average convergence and divergence; the first at row ``slow + signal - 2``.

    Source: Appel (2005), Technical Analysis; both averages begin together, at row ``slow - 1``.

    Raises
    ------
    InputError
        As :func:`sma`; ANALYSIS-502 also where the fast average is not the faster one.
    """
    check_macd(fast, slow, signal)
    return Macd(*_talib().MACD(column_of(closes, "close", slow + signal - 1), fast, slow, signal))


def check_macd(fast: int, slow: int, signal: int) -> None:
    """Refuse periods that make no MACD: ANALYSIS-502."""
    if period_of(fast, "fast") >= period_of(slow, "slow"):
        raise InputError("ANALYSIS-502", f"fast is {fast}, slow is {slow}", "give a fast below slow")
    period_of(signal, "signal")


def bollinger(closes: Any, period: int = 20, width: float = 2.0) -> Bands:
    """Bollinger bands: the mean of the window, and ``width`` deviations (of the population) around it.

    Source: Bollinger (2001), Bollinger on Bollinger Bands.

    Raises
    ------
    InputError
        As :func:`sma`; ANALYSIS-502 also for a width of zero or less.
    """
    column, reach = column_of(closes, "close", period_of(period)), width_of(width)
    upper, middle, lower = _talib().BBANDS(column, period, reach, reach)
    return Bands(middle, upper, lower)


def width_of(width: float) -> float:
    """A number of deviations above 0, else ANALYSIS-502."""
    found = number_of(width, "width")
    if found <= 0:
        raise InputError("ANALYSIS-502", f"width is {found}", "use a width above 0; 2 is usual")
    return found


def zscore(values: Any, period: int) -> Floats:
    """Deviations of a value from the mean of its window, itself in it; 0 where the window is flat.

    Raises
    ------
    InputError
        As :func:`sma`.
    """
    import numpy as np

    column = column_of(values, "value", period_of(period))
    middle, deviation = _mean_deviation(column, period)
    away = column - middle
    away[deviation == 0] = 0.0
    return np.divide(away, deviation, out=away, where=deviation > 0)


def _mean_deviation(column: Floats, period: int) -> tuple[Floats, Floats]:
    """Mean and deviation of each window, measured from its oldest value: exact where all are equal."""
    import numpy as np

    means, deviations = np.full(len(column), np.nan), np.full(len(column), np.nan)
    for start in range(0, len(column) - period + 1, CHUNK):
        count = min(CHUNK, len(column) - period + 1 - start)
        part = column[start : start + count + period - 1]
        first = part[:count]
        total, squares = np.zeros(count), np.zeros(count)
        for j in range(period):
            total += part[j : j + count] - first
        mean = total / period
        for j in range(period):
            squares += (part[j : j + count] - first - mean) ** 2
        here = slice(start + period - 1, start + period - 1 + count)
        means[here] = first + mean
        deviations[here] = np.sqrt(squares / period)
    return means, deviations


def realised_volatility(closes: Any, period: int, bars_a_year: float = YEAR_MINUTES) -> Floats:
    """Annualised root of the mean square of the last ``period`` log returns; the first at row ``period``.

    No mean is taken off: over short spans it is noise. 0.8 is 80 % a year.

    Source: Andersen and Bollerslev (1998), "Answering the Skeptics", International Economic Review 39.

    Raises
    ------
    InputError
        As :func:`sma`; ANALYSIS-507 a price of zero or less.
    """
    import numpy as np

    column = column_of(closes, "close", period_of(period) + 1)
    check_positive(column, "close")
    scale = yearly_of(bars_a_year)
    returns = np.log(column[1:] / column[:-1])
    sums = window_sums((returns * returns)[None, :], period)[0]
    return np.concatenate(([np.nan], np.sqrt(sums / period * scale)))


def yearly_of(bars_a_year: float) -> float:
    """Bars in a year, above 0, else ANALYSIS-502."""
    found = number_of(bars_a_year, "bars_a_year")
    if found <= 0:
        raise InputError(
            "ANALYSIS-502", f"bars_a_year is {found}", f"use {YEAR_MINUTES:,} for bars of a minute"
        )
    return found
