"""Indicators: the textbook in fractions, TA-Lib's own columns, their twins, and what they must refuse."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

np = pytest.importorskip("numpy")
talib = pytest.importorskip("talib")

from lotwise.analysis import indicators as batch  # noqa: E402
from lotwise.analysis import indicators_live as live  # noqa: E402
from lotwise.analysis.windows import WindowSums, window_sums  # noqa: E402
from lotwise.errors import InputError  # noqa: E402

NEAR = batch.TALIB_TOLERANCE


def walk(seed: int, count: int = 160, step: int = 40) -> tuple[Any, Any, Any]:
    """High, low and close in ticks; now and then nothing moves."""
    rng, price, bars = random.Random(seed), 50_000, []
    for _ in range(count):
        reach = rng.choice((0, 1, step))
        price = max(100, price + rng.randint(-reach, reach))
        bars.append((price + rng.randint(0, reach), price - rng.randint(0, reach), price))
    return tuple(np.array(bars, float).T)


# --- the textbook, in fractions ------------------------------------------------------------------


def wilder(values: list[Fraction], period: int) -> list[Fraction]:
    """Wilder's average from the first full period on."""
    found = [sum(values[:period], Fraction(0)) / period]
    for value in values[period:]:
        found.append(found[-1] + (value - found[-1]) / period)
    return found


def slow_ema(values: list[Fraction], period: int) -> list[Fraction]:
    found = [sum(values[:period], Fraction(0)) / period]
    for value in values[period:]:
        found.append(found[-1] * (period - 1) / (period + 1) + value * 2 / (period + 1))
    return found


def slow_rsi(closes: list[Fraction], period: int) -> list[Fraction]:
    changes = [b - a for a, b in pairwise(closes)]
    ups = wilder([max(change, Fraction(0)) for change in changes], period)
    downs = wilder([max(-change, Fraction(0)) for change in changes], period)
    return [100 * up / (up + down) if up + down else Fraction(0) for up, down in zip(ups, downs, strict=True)]


def ranges(bars: list[tuple[Fraction, ...]]) -> list[Fraction]:
    return [max(high, last[2]) - min(low, last[2]) for last, (high, low, _) in pairwise(bars)]


def slow_adx(bars: list[tuple[Fraction, ...]], period: int) -> list[Fraction]:
    """Directional index by Wilder's sums: a bar's part is added, one part in ``period`` is taken off."""
    ups, downs = [], []
    for last, (high, low, _) in pairwise(bars):
        rise, fall = high - last[0], last[1] - low
        ups.append(rise if rise > fall and rise > 0 else Fraction(0))
        downs.append(fall if fall > rise and fall > 0 else Fraction(0))
    sums = [sum(part[: period - 1], Fraction(0)) for part in (ups, downs, ranges(bars))]
    index: list[Fraction | None] = []
    for parts in list(zip(ups, downs, ranges(bars), strict=True))[period - 1 :]:
        sums = [total - total / period + part for total, part in zip(sums, parts, strict=True)]
        both = sums[0] + sums[1]
        index.append(100 * abs(sums[0] - sums[1]) / both if both and sums[2] else None)
    found = [sum((one or Fraction(0) for one in index[:period]), Fraction(0)) / period]
    for one in index[period:]:
        found.append(found[-1] if one is None else (found[-1] * (period - 1) + one) / period)
    return found


def assert_near(found: Any, wanted: list[Fraction], name: str) -> None:
    """The last values are the wanted ones; NaN before them."""
    lead = len(found) - len(wanted)
    assert np.isnan(found[:lead]).all(), f"{name} tells something before it can"
    scale = max([abs(float(one)) for one in wanted] + [1.0])
    away = [abs(float(Fraction(float(a)) - b)) for a, b in zip(found[lead:], wanted, strict=True)]
    assert max(away) <= NEAR * scale, name


@pytest.mark.parametrize("seed", range(12))
def test_each_is_what_the_textbook_says(seed: int) -> None:
    high, low, close = walk(seed)
    closes = [Fraction(int(x)) for x in close]
    bars = [tuple(Fraction(int(x)) for x in bar) for bar in zip(high, low, close, strict=True)]
    for period in (2, 5, 14):
        plain = [sum(closes[i - period : i], Fraction(0)) / period for i in range(period, len(closes) + 1)]
        assert_near(batch.sma(close, period), plain, "sma")
        assert_near(batch.ema(close, period), slow_ema(closes, period), "ema")
        assert_near(batch.rsi(close, period), slow_rsi(closes, period), "rsi")
        assert_near(batch.atr(high, low, close, period), wilder(ranges(bars), period), "atr")
        assert_near(batch.adx(high, low, close, period), slow_adx(bars, period), "adx")
        spread = [
            sum((x - mean) ** 2 for x in closes[i : i + period]) / period for i, mean in enumerate(plain)
        ]
        middle, upper, lower = batch.bollinger(close, period, 2.5)
        assert_near(middle, plain, "middle")
        reach = [Fraction(2.5) * Fraction(math.sqrt(one)) for one in spread]
        assert_near(upper, [a + b for a, b in zip(plain, reach, strict=True)], "upper")
        assert_near(lower, [a - b for a, b in zip(plain, reach, strict=True)], "lower")
        scores = [
            Fraction(float(x - mean) / math.sqrt(var)) if var else Fraction(0)
            for x, mean, var in zip(closes[period - 1 :], plain, spread, strict=True)
        ]
        assert_near(batch.zscore(close, period), scores, "zscore")


@pytest.mark.parametrize("seed", range(4))
def test_macd_and_volatility_are_what_the_textbook_says(seed: int) -> None:
    close = walk(seed)[2]
    closes = [Fraction(int(x)) for x in close]
    for fast, slow, signal in ((3, 8, 4), (12, 26, 9)):
        quick = slow_ema(closes[slow - fast :], fast)
        line = [a - b for a, b in zip(quick, slow_ema(closes, slow), strict=True)]
        own = slow_ema(line, signal)
        found = batch.macd(close, fast, slow, signal)
        # the difference of two large averages is right to a share of the averages, not of itself
        for got, wanted in zip(found, (line[signal - 1 :], own), strict=False):
            lead = slow + signal - 2
            assert np.isnan(got[:lead]).all()
            assert (
                max(abs(float(Fraction(float(a)) - b)) for a, b in zip(got[lead:], wanted, strict=True))
                < 1e-7
            )
        assert np.allclose(found.histogram, found.line - found.signal, atol=1e-9, equal_nan=True)
    changes = [math.log(b / a) for a, b in pairwise(close)]
    wanted = [math.sqrt(math.fsum(x * x for x in changes[i : i + 20]) / 20 * 525_600) for i in range(140)]
    got = batch.realised_volatility(close, 20)
    assert np.isnan(got[:20]).all()
    assert np.allclose(got[20:], wanted, rtol=1e-12, atol=0)


def test_they_are_the_columns_of_talib_itself() -> None:
    high, low, close = walk(3, 500)
    assert np.array_equal(batch.rsi(close, 14), talib.RSI(close, 14), equal_nan=True)
    assert np.array_equal(batch.atr(high, low, close, 9), talib.ATR(high, low, close, 9), equal_nan=True)
    assert np.array_equal(batch.macd(close)[1], talib.MACD(close)[1], equal_nan=True)


def test_bands_of_large_prices_that_hardly_move_keep_their_digits() -> None:
    close = np.array([10**9 + i % 2 for i in range(60)], float)
    for one in (batch.bollinger(close, 20, 1.0), live_bands(close)):
        assert one.upper[-1] - one.lower[-1] == 1.0, "the deviation is exactly a half"
    flat = np.full(30, 0.1)
    assert live_bands(flat).upper[-1] == live_bands(flat).lower[-1] == 0.1
    assert batch.zscore(flat, 20)[-1] == 0.0


def live_bands(close: Any) -> batch.Bands:
    """The bands of the class."""
    one = live.Bollinger(20, 1.0)
    return batch.Bands(*np.array([one.push(x) for x in close]).T)


# --- twins ---------------------------------------------------------------------------------------

Bar = tuple[float, float, float]
Bars = list[Bar]


def bars_of(drawn: list[int], unit: float) -> Bars:
    """Bars of what Hypothesis draws: a low price and the height of the bar; a third are flat."""
    found = []
    for number in drawn:
        low, reach = 1 + number % 200_000, (number // 200_000) % 90 if number % 3 else 0
        found.append(((low + reach) * unit, low * unit, (low + reach // 2) * unit))
    return found


bar_lists = st.builds(
    bars_of, st.lists(st.integers(0, 2**25), min_size=30, max_size=50), st.sampled_from([1.0, 0.1, 1e-8])
)
periods = st.integers(2, 12)

TWINS: dict[str, tuple[Callable[..., Any], Callable[..., Any], bool, float]] = {
    "sma": (batch.sma, live.Sma, False, NEAR),
    "ema": (batch.ema, live.Ema, False, NEAR),
    "rsi": (batch.rsi, live.Rsi, False, NEAR),
    "atr": (batch.atr, live.Atr, True, NEAR),
    "adx": (batch.adx, live.Adx, True, NEAR),
    "bollinger": (batch.bollinger, live.Bollinger, False, NEAR),
    "zscore": (batch.zscore, live.Zscore, False, 0.0),
    "realised_volatility": (batch.realised_volatility, live.RealisedVolatility, False, 0.0),
}


def assert_twins(columns: Any, pushed: list[Any], near: float, scale: float) -> None:
    """A function's columns and what a class returned: NaN in the same rows, the same within ``near``."""
    found, told = np.column_stack(np.atleast_2d(columns)), np.array(pushed).reshape(len(pushed), -1)
    assert np.array_equal(np.isnan(found), np.isnan(told))
    if near == 0:
        assert np.array_equal(found, told, equal_nan=True), "not bit for bit"
    else:
        assert np.nanmax(np.abs(found - told), initial=0.0) <= near * scale


@pytest.mark.parametrize("name", TWINS)
@given(bars=bar_lists, period=periods)
def test_a_class_finds_what_its_function_does(name: str, bars: Bars, period: int) -> None:
    function, kind, takes_bars, near = TWINS[name]
    columns = np.array(bars).T
    one = kind(period)
    if takes_bars:
        found, pushed = function(*columns, period), [one.push(*bar) for bar in bars]
    else:
        found, pushed = function(columns[2], period), [one.push(bar[2]) for bar in bars]
    assert_twins(found, pushed, near, {"rsi": 1e2, "adx": 1e2}.get(name, columns.max()))


@given(bars=bar_lists, fast=st.integers(2, 8), more=st.integers(1, 9), signal=st.integers(2, 9))
def test_macd_finds_what_its_function_does(bars: Bars, fast: int, more: int, signal: int) -> None:
    close = np.array(bars).T[2]
    one = live.Macd(fast, fast + more, signal)
    found = batch.macd(close, fast, fast + more, signal)
    assert_twins(np.array(found), [one.push(x) for x in close], NEAR, close.max())


@given(
    rows=st.lists(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=2), min_size=1, max_size=80),
    window=st.integers(2, 30),
)
def test_window_sums_are_additions_alone(rows: list[list[float]], window: int) -> None:
    columns, one = np.array(rows).T.copy(), WindowSums(2, window)
    found, pushed = window_sums(columns, window), [one.push(np.array(row)) for row in rows]
    for at, told in enumerate(pushed):
        assert (told is None) == (at < window - 1)
        if told is None:
            assert np.isnan(found[:, at]).all()
            continue
        assert np.array_equal(found[:, at], told)
        for column, total in zip(columns, told, strict=True):
            part = column[at - window + 1 : at + 1].tolist()
            assert abs(total - math.fsum(part)) <= window * 2.0**-53 * math.fsum(map(abs, part))


def test_what_left_the_window_leaves_no_trace() -> None:
    values = np.full((1, 9_000), 1e-8)
    values[0, 100] = 1e12
    sums = window_sums(values, 50)[0]
    assert sums[100] > 1e11
    assert np.allclose(sums[150:], 50e-8, rtol=1e-14, atol=0)
    told = np.cumsum(values[0])[150:] - np.cumsum(values[0])[100:-50]
    assert np.abs(told - 50e-8).max() > 1e-8, "sums that add and take away are that wrong here"


@pytest.mark.parametrize("name", TWINS)
def test_rows_to_come_change_nothing(name: str) -> None:
    function, _, takes_bars, _ = TWINS[name]
    bars = walk(8, 120)
    given_ = bars if takes_bars else bars[2:]
    whole_ = np.atleast_2d(function(*given_, 7))
    for rows in (20, 33, 77):
        part = np.atleast_2d(function(*(column[:rows].copy() for column in given_), 7))
        assert np.array_equal(part, whole_[:, :rows], equal_nan=True)


# --- real data -----------------------------------------------------------------------------------


def test_twins_agree_on_a_month_of_btc_minutes(shared_data: Path) -> None:
    pl = pytest.importorskip("polars")
    bars = pl.read_parquet(shared_data / "binance_um_2025-05" / "bars_1m_16sym_ints.parquet")
    bars = bars.filter(pl.col("symbol") == "BTCUSDT").head(12_000)
    columns = [bars[name].to_numpy().astype(float) for name in ("high", "low", "close")]
    for name, (function, kind, takes_bars, near) in TWINS.items():
        one, used = kind(14), columns if takes_bars else columns[2:]
        pushed = [one.push(*row) for row in zip(*(column.tolist() for column in used), strict=True)]
        found = np.array(function(*used, 14))
        assert_twins(found, pushed, near, float(columns[0].max()))
        assert np.isfinite(np.atleast_2d(found)[0, 30:]).all(), name


# --- what is refused -----------------------------------------------------------------------------

GOOD = [float(100 + i % 7) for i in range(60)]


def spoiled(at: int, value: float) -> list[float]:
    """A good column with one odd value."""
    return [*GOOD[:at], value, *GOOD[at + 1 :]]


@pytest.mark.parametrize("at", [0, 1, 20, 58, 59])
@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["sma", "ema", "rsi", "zscore", "bollinger", "macd", "realised_volatility"])
def test_a_row_that_is_no_number_is_refused_wherever_it_is(name: str, odd: float, at: int) -> None:
    function = getattr(batch, name)
    arguments = () if name == "macd" else (5,)
    with pytest.raises(InputError, match=rf"ANALYSIS-504.*in row {at}"):
        function(spoiled(at, odd), *arguments)


@pytest.mark.parametrize("at", [0, 1, 20, 58, 59])
@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("function", [batch.atr, batch.adx])
def test_a_bar_that_is_no_number_is_refused_wherever_it_is(
    function: Callable[..., Any], which: int, odd: float, at: int
) -> None:
    columns = [GOOD, GOOD, GOOD]
    columns[which] = spoiled(at, odd)
    with pytest.raises(InputError, match=r"ANALYSIS-50[46]"):
        function(*columns, 5)


@pytest.mark.parametrize(
    ("function", "arguments", "code"),
    [
        (batch.ema, (["a", "b"], 2), "ANALYSIS-501"),
        (batch.ema, ([[1.0, 2.0]], 2), "ANALYSIS-501"),
        (batch.ema, ([2**60, 2**60 + 1], 2), "ANALYSIS-501"),
        (batch.ema, ([None, 1.0, 2.0], 2), "ANALYSIS-501"),
        (batch.ema, (GOOD, 1), "ANALYSIS-502"),
        (batch.ema, (GOOD, 2.5), "ANALYSIS-502"),
        (batch.ema, (GOOD, True), "ANALYSIS-502"),
        (batch.ema, (GOOD, 10**6), "ANALYSIS-502"),
        (batch.bollinger, (GOOD, 5, 0.0), "ANALYSIS-502"),
        (batch.macd, (GOOD, 9, 9, 3), "ANALYSIS-502"),
        (batch.realised_volatility, (GOOD, 5, 0), "ANALYSIS-502"),
        (batch.sma, (GOOD, 61), "ANALYSIS-503"),
        (batch.rsi, (GOOD[:14], 14), "ANALYSIS-503"),
        (batch.adx, (GOOD[:27], GOOD[:27], GOOD[:27], 14), "ANALYSIS-503"),
        (batch.macd, (GOOD[:33],), "ANALYSIS-503"),
        (batch.sma, ([], 5), "ANALYSIS-503"),
        (batch.atr, (GOOD, GOOD, GOOD[:-1], 5), "ANALYSIS-505"),
        (batch.atr, (GOOD, [101.0] * 60, GOOD, 5), "ANALYSIS-506"),
        (batch.realised_volatility, ([*GOOD, 0.0], 5), "ANALYSIS-507"),
    ],
)
def test_what_makes_no_indicator_is_refused(function: Callable[..., Any], arguments: Any, code: str) -> None:
    with pytest.raises(InputError) as caught:
        function(*arguments)
    assert caught.value.code == code
    assert caught.value.hint


def test_as_many_rows_as_are_needed_are_enough() -> None:
    high, low, close = walk(1, 34)
    assert not math.isnan(batch.rsi(close[:15], 14)[-1])
    assert not math.isnan(batch.atr(high[:15], low[:15], close[:15], 14)[-1])
    assert not math.isnan(batch.adx(high[:28], low[:28], close[:28], 14)[-1])
    assert not math.isnan(batch.macd(close)[2][-1])


def test_a_value_refused_changes_nothing() -> None:
    high, low, close = walk(5, 60)
    for name, (_, kind, takes_bars, _) in TWINS.items():
        clean, tried = kind(5), kind(5)
        for row in zip(high, low, close, strict=True):
            used = row if takes_bars else row[2:]
            for odd in (math.nan, math.inf, "many"):
                with pytest.raises(InputError, match=r"ANALYSIS-50[14]"):
                    tried.push(*used[:-1], odd)
            if takes_bars:
                with pytest.raises(InputError, match="ANALYSIS-506"):
                    tried.push(row[1] - 1, row[0] + 1, row[2])
            first, second = clean.push(*used), tried.push(*used)
            assert np.array_equal(first, second, equal_nan=True), name
    with pytest.raises(InputError, match="ANALYSIS-507"):
        live.RealisedVolatility(5).push(0)


def test_without_talib_the_way_to_get_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "talib", None)
    with pytest.raises(InputError, match=r"ANALYSIS-508.*lotwise\[data\]"):
        batch.ema(GOOD, 5)
