"""Regimes: a slow way bar by bar, the twin, no look-ahead, hysteresis, and real falls."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

np = pytest.importorskip("numpy")
pytest.importorskip("talib")

from lotwise.analysis import indicators, regime  # noqa: E402
from lotwise.analysis.regime import UNKNOWN, Bounds, RegimeLive, Trend, Volatility, regimes  # noqa: E402
from lotwise.errors import InputError  # noqa: E402

SMALL = Bounds(ema=5, slope=3, strength=4, path=6, volatility=5, past=20)


def bars_of(steps: list[int]) -> tuple[Any, Any, Any]:
    """Bars of a walk of steps, from 20,000 ticks."""
    close = 20_000 + np.cumsum(np.array(steps, float))
    reach = np.abs(np.array(steps, float)) / 2 + 1
    return close + reach, close - reach, close


def test_states_and_numbers_are_those_of_a_slow_way() -> None:
    rng, steps = random.Random(11), []
    for _ in range(12):
        drift, wide = rng.choice((-30, 0, 30)), rng.choice((3, 40, 120))
        steps += [drift + rng.randint(-wide, wide) for _ in range(60)]
    high, low, close = bars_of(steps)
    found = regimes(high, low, close, SMALL)
    average, reach = indicators.ema(close, 5), indicators.atr(high, low, close, 4)
    strength, moved = indicators.adx(high, low, close, 4), indicators.realised_volatility(close, 5)
    trend = state = 0
    for at in range(len(close)):
        if at < 7:
            assert found.trend[at] == UNKNOWN
        else:
            slope = (average[at] - average[at - 3]) / reach[at]
            path = sum(abs(close[i] - close[i - 1]) for i in range(at - 5, at + 1))
            straight = abs(close[at] - close[at - 6]) / path
            enters = abs(slope) >= 0.5 and strength[at] >= 25 and straight >= 0.3
            keeps = trend * slope > 0.1 and strength[at] > 18 and straight > 0.15
            if trend == 0 or not keeps:
                trend = int(math.copysign(1, slope)) if enters else 0
            assert found.trend[at] == trend
            assert found.slope[at] == pytest.approx(slope)
            assert found.efficiency[at] == pytest.approx(straight)
        if at < 24:
            assert found.volatility[at] == UNKNOWN
            continue
        rank = sum(one <= moved[at] for one in moved[at - 19 : at + 1]) / 20
        assert found.rank[at] == rank
        stays_wild, stays_calm = state == 1 and rank > 0.75, state == -1 and rank < 0.25
        state = 1 if rank >= 0.9 or stays_wild else -1 if rank <= 0.1 or stays_calm else 0
        assert found.volatility[at] == state
    assert set(found.trend[7:].tolist()) == {-1, 0, 1}
    assert set(found.volatility[24:].tolist()) == {-1, 0, 1}


steps_drawn = st.lists(st.integers(-60, 60), min_size=30, max_size=80)


@given(steps=steps_drawn)
def test_the_class_finds_what_the_function_does(steps: list[int]) -> None:
    bars = bars_of(steps)
    found, live = regimes(*bars, SMALL), RegimeLive(SMALL)
    for at, bar in enumerate(zip(*bars, strict=True)):
        told, wanted = live.push(*bar), found.at(at)
        assert told[:2] == wanted[:2]
        assert told[2:] == pytest.approx(wanted[2:], rel=1e-9, abs=1e-9, nan_ok=True)


@given(steps=steps_drawn, cut=st.integers(25, 80))
def test_bars_to_come_change_nothing(steps: list[int], cut: int) -> None:
    high, low, close = bars_of(steps)
    cut = min(cut, len(close))
    whole, part = regimes(high, low, close, SMALL), regimes(high[:cut], low[:cut], close[:cut], SMALL)
    for name in ("trend", "volatility", "slope", "strength", "efficiency", "rank"):
        assert np.array_equal(getattr(whole, name)[:cut], getattr(part, name), equal_nan=True), name


def test_a_flat_market_is_a_calm_range() -> None:
    found = regimes(*(np.full(60, 100.0) for _ in range(3)), SMALL)
    assert set(found.trend[7:].tolist()) == {0}
    assert found.slope[-1] == found.efficiency[-1] == 0.0
    assert found.at().trend is Trend.RANGE


def test_states_do_not_flicker_where_a_number_crosses_one_bound() -> None:
    wide, narrow = 0, 0
    trend = crossed = 0
    numbers = [0.45 if i % 2 else 0.55 for i in range(100)]
    for slope in numbers:
        before, was = trend, crossed
        trend = regime.next_trend(trend, slope, 30.0, 0.5, Bounds())
        crossed = int(slope >= 0.5)
        wide, narrow = wide + (trend != before), narrow + (crossed != was)
    assert (wide, narrow) == (1, 99 + 1)
    state, changes = 0, 0
    for i in range(100):
        before = state
        state = regime.next_volatility(state, 0.88 if i % 2 else 0.92, Bounds())
        changes += state != before
    assert changes == 1


def test_a_trend_turns_through_its_bounds_only() -> None:
    assert regime.next_trend(1, -0.6, 30, 0.5, Bounds()) == -1, "a clear turn is taken at once"
    assert regime.next_trend(1, -0.2, 30, 0.5, Bounds()) == 0
    assert regime.next_trend(1, 0.2, 19, 0.2, Bounds()) == 1
    assert regime.next_trend(0, 0.2, 19, 0.2, Bounds()) == 0
    assert regime.next_trend(-1, -0.2, 17, 0.2, Bounds()) == 0
    assert regime.next_volatility(1, 0.05, Bounds()) == -1
    assert regime.next_volatility(-1, 0.2, Bounds()) == -1
    assert regime.next_volatility(-1, 0.5, Bounds()) == 0


@pytest.fixture(scope="module")
def minutes(shared_data: Path) -> Any:
    pl = pytest.importorskip("polars")
    return pl.read_parquet(shared_data / "binance_um_2025-05" / "bars_1m_16sym_ints.parquet")


def columns(minutes: Any, symbol: str, rows: int) -> list[Any]:
    """High, low and close of the first rows of a symbol."""
    part = minutes.filter(minutes["symbol"] == symbol).head(rows)
    return [part[name].to_numpy().astype(float) for name in ("high", "low", "close")]


@pytest.mark.parametrize("symbol", ["BTCUSDT", "LAYERUSDT", "XMRUSDT"])
def test_twins_agree_on_real_minutes_and_hysteresis_calms(minutes: Any, symbol: str) -> None:
    bars = columns(minutes, symbol, 9_000)
    found, live = regimes(*bars), RegimeLive()
    told = [live.push(*bar) for bar in zip(*(column.tolist() for column in bars), strict=True)]
    assert [one.trend for one in told] == [found.at(i).trend for i in range(9_000)]
    assert [one.volatility for one in told] == [found.at(i).volatility for i in range(9_000)]
    tight = Bounds(
        slope_leaves=0.4999,
        strength_leaves=24.999,
        path_leaves=0.2999,
        wild_leaves=0.8999,
        calm_leaves=0.1001,
    )
    plain = regimes(*bars, tight)
    for name in ("trend", "volatility"):
        calm, nervous = (int((np.diff(getattr(one, name)) != 0).sum()) for one in (found, plain))
        assert 20 < calm < 0.7 * nervous


def test_the_fall_of_layer_is_wild_and_down(minutes: Any) -> None:
    high, low, close = columns(minutes, "LAYERUSDT", 3_383)  # to the end of 2025-05-06
    assert 1 - low.min() / high.max() == pytest.approx(0.537, abs=0.001)
    found = regimes(high, low, close)
    fall = slice(int(np.argmax(close)), int(np.argmin(close)) + 1)
    counts = {state: int((found.trend[fall] == state).sum()) for state in Trend}
    assert counts[Trend.DOWN] > 3 * counts[Trend.UP] > 0
    wild, calm = ((found.volatility[fall] == state).sum() for state in (Volatility.WILD, Volatility.CALM))
    assert wild > 2 * calm > 0
    deepest = int(np.argmin(close[60:] / close[:-60])) + 60
    assert close[deepest] < 0.8 * close[deepest - 60], "a fifth in an hour"
    assert found.at(deepest)[:2] == (Trend.DOWN, Volatility.WILD)
    assert found.at(deepest).rank == 1.0


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: Bounds(slope_leaves=0.5), "ANALYSIS-516"),
        (lambda: Bounds(wild_enters=1.1), "ANALYSIS-516"),
        (lambda: Bounds(calm_enters=0.5), "ANALYSIS-516"),
        (lambda: Bounds(calm_leaves=0.8), "ANALYSIS-516"),
        (lambda: Bounds(path_leaves=-0.1), "ANALYSIS-516"),
        (lambda: Bounds(strength_leaves=math.nan), "ANALYSIS-504"),
        (lambda: Bounds(ema=1), "ANALYSIS-502"),
        (lambda: regimes(*bars_of([1] * 20), SMALL), "ANALYSIS-503"),
        (lambda: regimes([1.0] * 40, [1.0] * 40, [0.0] * 40, SMALL), "ANALYSIS-507"),
        (lambda: regimes([1.0] * 40, [2.0] * 40, [1.0] * 40, SMALL), "ANALYSIS-506"),
        (lambda: regimes([1.0] * 39, [1.0] * 40, [1.0] * 40, SMALL), "ANALYSIS-505"),
        (lambda: RegimeLive(SMALL).push(1, 2, 1), "ANALYSIS-506"),
        (lambda: RegimeLive(SMALL).push(2, 1, 0), "ANALYSIS-507"),
    ],
)
def test_what_makes_no_regime_is_refused(call: Any, code: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.code == code


def test_a_bar_refused_changes_nothing() -> None:
    clean, tried = RegimeLive(SMALL), RegimeLive(SMALL)
    rng = random.Random(2)
    for high, low, close in zip(*bars_of([rng.randint(-50, 50) for _ in range(60)]), strict=True):
        for odd in ((low - 1, high, close), (high, low, math.nan), (high, math.inf, close), (high, low, -1)):
            with pytest.raises(InputError, match="ANALYSIS-50"):
                tried.push(*odd)
        first, second = clean.push(high, low, close), tried.push(high, low, close)
        assert first[:2] == second[:2]
        assert np.array_equal(first[2:], second[2:], equal_nan=True)
