"""Parts of strategies: against a slow way with fractions and lists, and bar after bar as all at once."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotwise.errors import InputError
from lotwise.strategy import parts
from lotwise.strategy.parts import UNKNOWN, Average, Strength, TrueRange, Window, in_range

TICKS = st.lists(st.integers(1, 2_000_000), min_size=0, max_size=80)
SIGNED = st.lists(st.integers(-50, 50), min_size=0, max_size=80)
SPAN = st.integers(1, 25)
BARS = st.lists(
    st.tuples(st.integers(1, 10**6), st.integers(0, 5_000), st.integers(0, 5_000), st.integers(0, 10_000)),
    min_size=0,
    max_size=60,
)

Numbers = list[int | None]


def listed(found: Any) -> Numbers:
    """An array as the class form tells it."""
    return [None if value == UNKNOWN else value for value in found.tolist()]


def array(values: list[int]) -> Any:
    return np.array(values, np.int64)


def columns(bars: list[tuple[int, int, int, int]]) -> tuple[list[int], list[int], list[int]]:
    """Highs, lows and closes of (low, more, more, share of the range at which it closed)."""
    lows = [low for low, _, _, _ in bars]
    highs = [low + up + more for low, up, more, _ in bars]
    closes = [low + (up + more) * at // 10_000 for low, up, more, at in bars]
    return highs, lows, closes


@given(TICKS, SPAN)
def test_an_average_is_that_of_fractions_rounded_down_at_every_step(ticks: list[int], span: int) -> None:
    slow: Numbers = []
    value = exact = Fraction(ticks[0] * 10**6) if ticks else Fraction()
    for seen, tick in enumerate(ticks, 1):
        value += math.floor(Fraction(2, span + 1) * (tick * 10**6 - value))
        exact += Fraction(2, span + 1) * (tick * 10**6 - exact)
        assert 0 <= exact - value <= Fraction(span + 1, 2)
        slow.append(int(value) if seen >= span else None)
    streamed = Average(span)
    assert [streamed.update(tick) for tick in ticks] == slow
    assert listed(Average.of(array(ticks), span)) == slow


@given(SIGNED, SPAN)
def test_a_window_is_the_last_values(values: list[int], size: int) -> None:
    window = Window(size)
    for seen, value in enumerate(values, 1):
        last = values[max(0, seen - size) : seen]
        assert window.update(value) == window.is_full == (seen >= size)
        assert (window.total, window.highest, window.lowest) == (sum(last), max(last), min(last))
    pieces = [values[end - size : end] for end in range(size, len(values) + 1)]
    unknown: list[None] = [None] * min(len(values), size - 1)
    for measure, of in ((Window.sums, sum), (Window.tops, max), (Window.bottoms, min)):
        slow = [*unknown, *(of(piece) for piece in pieces)]
        assert listed(measure(array(values), size)) == slow


@given(BARS, SPAN)
def test_a_true_range_is_wilders(bars: list[tuple[int, int, int, int]], size: int) -> None:
    highs, lows, closes = columns(bars)
    ranges = []
    for i, (high, low) in enumerate(zip(highs, lows, strict=True)):
        before = closes[i - 1] if i else closes[0]
        ranges.append(max(high - low, abs(high - before), abs(low - before)))
    slow = [
        math.ceil(Fraction(sum(ranges[i + 1 - size : i + 1]), size)) if i + 1 >= size else None
        for i in range(len(bars))
    ]
    streamed = TrueRange(size)
    assert [streamed.update(*bar) for bar in zip(highs, lows, closes, strict=True)] == slow
    assert listed(TrueRange.of(array(highs), array(lows), array(closes), size)) == slow


def slow_strength(closes: list[int], span: int) -> Numbers:
    """Wilder's averages in whole millionths, begun at nothing; a share in hundredths of a percent."""
    found: Numbers = []
    ups = downs = 0
    for i, close in enumerate(closes):
        change = (close - closes[i - 1]) * 10**6 if i else 0
        if i:
            ups = math.floor(Fraction(ups * (span - 1) + max(0, change), span))
            downs = math.floor(Fraction(downs * (span - 1) + max(0, -change), span))
        thousands = (ups + downs) // 1000
        share = math.floor(Fraction(ups // 1000 * 10_000, thousands)) if thousands else 5_000
        found.append(share if i >= span else None)
    return found


@given(TICKS, SPAN)
def test_a_strength_is_that_of_fractions(closes: list[int], span: int) -> None:
    slow = slow_strength(closes, span)
    streamed = Strength(span)
    assert [streamed.update(close) for close in closes] == slow
    assert listed(Strength.of(array(closes), span)) == slow
    assert all(value is None or 0 <= value <= 10_000 for value in slow)


def test_a_strength_is_near_wilders_ratio_and_at_its_ends() -> None:
    rng = np.random.default_rng(5)
    closes = (100_000 + np.cumsum(rng.integers(-300, 301, 500))).tolist()
    ups = downs = Fraction()
    for before, close in pairwise(closes):
        ups = (13 * ups + max(0, close - before)) / 14
        downs = (13 * downs + max(0, before - close)) / 14
    last = Strength.of(array(closes), 14)[-1]
    assert abs(Fraction(int(last), 10_000) - ups / (ups + downs)) < Fraction(2, 10_000)
    assert Strength.of(array(list(range(1, 40))), 14)[-1] == 10_000
    assert Strength.of(array(list(range(40, 1, -1))), 14)[-1] == 0
    assert Strength.of(array([7] * 40), 14)[-1] == 5_000


def test_the_next_values_are_the_same_compiled() -> None:
    out = np.zeros(4, np.int64)
    parts.averages.compiled(array([5, 9, 2, 2]), 3, out)
    plain = [0, 0, 0, 0]
    parts.averages([5, 9, 2, 2], 3, plain)
    assert out.tolist() == plain == [5_000_000, 7_000_000, 4_500_000, 3_250_000]
    assert parts.next_strength(10, 4, -3, span=2) == (5, 1_500_002)


@pytest.mark.parametrize("kind", [Average, Window, TrueRange, Strength])
@pytest.mark.parametrize("span", [0, -1, 1.5, "5", None, True])
def test_a_span_that_cannot_be_is_refused(kind: Any, span: Any) -> None:
    with pytest.raises(InputError, match="STRATEGY-101"):
        kind(span)


def test_bounds_of_a_parameter() -> None:
    assert in_range("days", np.int64(7), 1) == 7
    assert [in_range("hour", hour, 0, 23) for hour in (0, 23)] == [0, 23]
    with pytest.raises(InputError, match=r"STRATEGY-101.*hour is 24.*0 to 23"):
        in_range("hour", 24, 0, 23)
    with pytest.raises(InputError, match=r"days is 0.*1 or more"):
        in_range("days", 0, 1)
