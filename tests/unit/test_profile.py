"""Volume profiles: against a slow way with fractions and dictionaries, and as they grow."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotwise.analysis import profile, profile_days
from lotwise.errors import InputError

Slow = dict[int, int]


def slow_trades(prices: list[int], lots: list[int], row: int) -> Slow:
    """Volume by row."""
    found: Slow = defaultdict(int)
    for price, volume in zip(prices, lots, strict=True):
        found[price // row] += volume
    return found


def slow_bars(lows: list[int], highs: list[int], lots: list[int], row: int) -> Slow:
    """Every bar's lots handed out one row after the other."""
    found: Slow = defaultdict(int)
    for low, high, volume in zip(lows, highs, lots, strict=True):
        rows = range(low // row, high // row + 1)
        for place, number in enumerate(rows):
            found[number] += volume // len(rows) + (place < volume % len(rows))
    return found


def slow_area(rows: Slow, share: Fraction) -> tuple[int, int, int]:
    """Point of control and value area by the handbook's words."""
    first, last = min(rows), max(rows)
    middle = Fraction(first + last, 2)
    control = min(rows, key=lambda row: (-rows[row], abs(row - middle), row))
    low = high = control
    total = sum(rows.values())
    while sum(rows.get(row, 0) for row in range(low, high + 1)) < share * total:
        above = [row for row in (high + 1, high + 2) if row <= last]
        below = [row for row in (low - 1, low - 2) if row >= first]
        if not above and not below:
            break
        up, down = (sum(rows.get(row, 0) for row in side) for side in (above, below))
        if above and (up >= down or not below):
            high = max(above)
        if below and (down >= up or not above):
            low = min(below)
    return control, low, high


def assert_same(found: profile.Profile, slow: Slow, share: Fraction) -> None:
    """The same rows, point of control and value area."""
    first = found.base_ticks // found.row_ticks
    assert {first + i: int(lots) for i, lots in enumerate(found.lots) if lots} == {
        row: lots for row, lots in slow.items() if lots
    }
    whole = {row: slow.get(row, 0) for row in range(first, first + len(found.lots))}
    got = tuple(first + row for row in (found.control, found.value_low, found.value_high))
    assert got == slow_area(whole, share)


@pytest.mark.parametrize("seed", range(60))
def test_profiles_are_those_of_the_slow_way(seed: int) -> None:
    rng = random.Random(seed)
    count, row = rng.choice((1, 3, 40, 400)), rng.choice((1, 2, 5, 25))
    centre, wide = rng.randint(1_000, 90_000), rng.choice((0, 3, 60, 900))
    prices = [max(1, centre + rng.randint(-wide, wide)) for _ in range(count)]
    lots = [rng.choice((0, 1, 7, rng.randrange(1000))) for _ in range(count)]
    lots[0] += 1
    share8 = rng.choice((70_000_000, 68_000_000, 30_000_000, 100_000_000))
    share = Fraction(share8, 10**8)
    found = profile.of_trades(prices, lots, row, share8)
    assert_same(found, slow_trades(prices, lots, row), share)
    assert int(found.lots.sum()) == sum(lots)
    highs = [price + rng.randrange(wide + 1) for price in prices]
    bars = profile.of_bars(prices, highs, lots, row, share8)
    assert_same(bars, slow_bars(prices, highs, lots, row), share)
    assert int(bars.lots.sum()) == sum(lots), "a lot was lost or made"


def test_plain_rules_and_compiled_ones_agree() -> None:
    rng = random.Random(7)
    for _ in range(50):
        rows = [rng.randrange(9) for _ in range(rng.randint(1, 60))]
        control = profile.point_of_control(rows)
        assert profile.point_of_control.compiled(np.array(rows)) == control
        if control >= 0:
            area = profile.value_area(rows, control, 70_000_000)
            assert profile.value_area.compiled(np.array(rows), control, 70_000_000) == area


def test_no_volume_has_no_control() -> None:
    found = profile.of_trades([5, 9], [0, 0])
    assert (found.control, found.value_low, found.value_high) == (-1, -1, -1)


@pytest.mark.parametrize(
    ("prices", "lots", "row", "code"),
    [
        ([], [], 1, "ANALYSIS-101"),
        ([1, 2], [1], 1, "ANALYSIS-101"),
        ([1, 2], [1, -1], 1, "ANALYSIS-101"),
        ([1, 2], [1, 1], 0, "ANALYSIS-102"),
        ([1, 10**12], [1, 1], 1, "ANALYSIS-102"),
    ],
)
def test_what_cannot_be_a_profile_is_refused(prices: list[int], lots: list[int], row: int, code: str) -> None:
    with pytest.raises(InputError) as caught:
        profile.of_trades(prices, lots, row)
    assert caught.value.code == code
    with pytest.raises(InputError):
        profile.of_bars([3], [2], [1])


# --- nodes ----------------------------------------------------------------------------------------


def slow_nodes(rows: list[int], reach: int, least: int, valley: Fraction) -> tuple[list[int], list[int]]:
    """High and low nodes by the words of the docstring."""
    high = []
    for i, volume in enumerate(rows):
        near = range(max(0, i - reach), min(len(rows), i + reach + 1))
        best = min((row for row in near), key=lambda row: (-rows[row], row))
        if volume >= least and best == i:
            high.append(i)
    low = []
    for first, second in pairwise(high):
        between = range(first + 1, second)
        row = min(between, key=lambda row: (rows[row], row))
        if rows[row] <= valley * min(rows[first], rows[second]):
            low.append(row)
    return high, low


@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=60),
    st.integers(1, 6),
    st.integers(0, 100),
    st.integers(0, 100),
)
def test_nodes_are_those_of_the_words(rows: list[int], reach: int, least: int, valley: int) -> None:
    rows[0] += 1
    control = profile.point_of_control(rows)
    of = profile.Profile(0, 1, np.array(rows), control, -1, -1)
    found = profile.nodes(of, reach, least * 10**6, valley * 10**6)
    wanted = max(1, math.ceil(Fraction(rows[control] * least, 100)))
    assert found == slow_nodes(rows, reach, wanted, Fraction(valley, 100))


def test_two_hills_have_a_valley_between_them() -> None:
    of = profile.of_trades([1, 2, 3, 4, 5, 6, 7], [2, 9, 5, 1, 4, 8, 3])
    assert profile.nodes(of, reach=2) == ([1, 5], [3])
    assert profile.nodes(profile.of_trades([5], [0])) == ([], [])
    for bad in ((0,), (1, -1), (1, 0, 10**8 + 1)):
        with pytest.raises(InputError, match="ANALYSIS-102"):
            profile.nodes(of, *bad)


# --- days -----------------------------------------------------------------------------------------

BARS = st.lists(
    st.tuples(st.integers(0, 900), st.integers(-20, 60), st.integers(0, 30), st.integers(0, 50)),
    min_size=1,
    max_size=60,
).map(lambda rows: sorted(rows, key=lambda row: row[0]))
Bars = list[tuple[int, int, int, int]]


def columns_of(bars: Bars) -> tuple[list[int], list[int], list[int], list[int]]:
    """Times, lows, highs and lots."""
    return (
        [bar[0] for bar in bars],
        [bar[1] for bar in bars],
        [bar[1] + bar[2] for bar in bars],
        [bar[3] for bar in bars],
    )


def day_of(bars: Bars, number: int, length: int, offset: int) -> Bars:
    return [bar for bar in bars if (bar[0] - offset) // length == number]


@given(BARS, st.integers(1, 400), st.integers(0, 300), st.sampled_from([None, 1, 3]), st.integers(2, 40))
def test_the_days_are_profiles_of_their_bars(
    bars: Bars, length: int, offset: int, row: int | None, rows: int
) -> None:
    times, lows, highs, lots = columns_of(bars)
    opens, starts = profile_days.session_starts(times, length, offset)
    days = profile_days.of_days(opens, starts, lows, highs, lots, row_ticks=row, rows=rows)
    numbers = sorted({(bar[0] - offset) // length for bar in bars})
    assert opens.tolist() == [number * length + offset for number in numbers]
    for found, number in zip(days, numbers, strict=True):
        _, low, high, lot = columns_of(day_of(bars, number, length, offset))
        one = profile.of_bars(low, high, lot, found.row_ticks)
        assert (found.base_ticks, found.lots.tolist()) == (one.base_ticks, one.lots.tolist())
        assert (found.control, found.value_low, found.value_high) == (
            one.control,
            one.value_low,
            one.value_high,
        )
        if row is None:
            assert len(found.lots) <= rows
    if row:
        whole = profile_days.composite(days)
        at_once = profile.of_bars(lows, highs, lots, row)
        assert (whole.base_ticks, whole.lots.tolist()) == (at_once.base_ticks, at_once.lots.tolist())
        assert (whole.control, whole.value_low, whole.value_high) == (
            at_once.control,
            at_once.value_low,
            at_once.value_high,
        )


def test_a_rolling_composite_is_that_of_the_last_days() -> None:
    rng = random.Random(4)
    bars = [(i, 100 + rng.randrange(40), rng.randrange(9), rng.randrange(50)) for i in range(300)]
    times, lows, highs, lots = columns_of(bars)
    opens, starts = profile_days.session_starts(times, 50)
    days = profile_days.of_days(opens, starts, lows, highs, lots, row_ticks=2)
    found = profile_days.rolling(days, 3)
    assert len(found) == 6
    for i, one in enumerate(found):
        first = max(0, i - 2) * 50
        at_once = profile.of_bars(*(side[first : i * 50 + 50] for side in (lows, highs, lots)), 2)
        assert one.lots.tolist() == at_once.lots.tolist()
        assert (one.control, one.value_high) == (at_once.control, at_once.value_high)


def test_real_days_are_profiles_of_their_bars(shared_data: Path) -> None:
    import polars as pl

    frame = pl.read_parquet(shared_data / "binance_um_2025-05" / "bars_1m_16sym_ints.parquet")
    frame = frame.filter(pl.col("symbol") == "BTCUSDT").sort("t_min")
    minutes, lows, highs, lots = (frame[name].to_list() for name in ("t_min", "low", "high", "volume"))
    opens, starts = profile_days.session_starts(np.array(minutes) * 60 * 10**9)
    days = profile_days.of_days(opens, starts, lows, highs, lots)
    assert len(days) >= 30
    assert (opens % profile_days.DAY_NS == 0).all()
    for number in (0, 7, 29):
        held = slice(*starts[number : number + 2].tolist())
        found = days[number]
        slow = slow_bars(lows[held], highs[held], lots[held], found.row_ticks)
        assert_same(found, slow, Fraction(7, 10))
        assert 200 < len(found.lots) <= 400


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(0, 5)), min_size=1, max_size=40),
    st.integers(1, 4),
    st.integers(1, 100),
)
def test_a_developing_area_knows_only_what_traded_so_far(
    trades: list[tuple[int, int]], row: int, share: int
) -> None:
    prices, lots = ([trade[i] for trade in trades] for i in (0, 1))
    ends = list(range(len(trades) + 1))
    found = profile_days.developing(prices, lots, ends, row, share * 10**6)
    growing = profile_days.GrowingProfile(row, share * 10**6)
    assert (found[0], growing.area()) == (None, None)
    for end in ends[1:]:
        growing.update(prices[end - 1], lots[end - 1])
        assert growing.area() == found[end]
        if not sum(lots[:end]):
            assert found[end] is None
            continue
        rows = slow_trades(prices[:end], lots[:end], row)
        whole = {at: rows.get(at, 0) for at in range(min(rows), max(rows) + 1)}
        assert found[end] == tuple(at * row for at in slow_area(whole, Fraction(share, 100)))


DAYS = ([0], [0, 2], [1, 1], [2, 2], [1, 1])


@pytest.mark.parametrize(
    ("code", "act"),
    [
        ("ANALYSIS-101", lambda: profile_days.session_starts([])),
        ("ANALYSIS-101", lambda: profile_days.session_starts([2, 1])),
        ("ANALYSIS-101", lambda: profile_days.session_starts([2], 0)),
        ("ANALYSIS-101", lambda: profile_days.of_days([0], [0, 2], [1], [2, 2], [1, 1])),
        ("ANALYSIS-101", lambda: profile_days.of_days([0, 1], [0, 2, 2], [1, 1], [2, 2], [1, 1])),
        ("ANALYSIS-101", lambda: profile_days.of_days([0], [0, 2], [1, 3], [2, 2], [1, 1])),
        ("ANALYSIS-101", lambda: profile_days.of_days([0], [0, 2], [1, 1], [2, 2], [1, -1])),
        ("ANALYSIS-101", lambda: profile_days.composite([])),
        ("ANALYSIS-101", lambda: profile_days.developing([1, 2], [1, 1], [2, 1])),
        ("ANALYSIS-101", lambda: profile_days.GrowingProfile().update(1, -1)),
        ("ANALYSIS-102", lambda: profile_days.of_days(*DAYS, row_ticks=0)),
        ("ANALYSIS-102", lambda: profile_days.of_days(*DAYS, rows=1)),
        ("ANALYSIS-102", lambda: profile_days.of_days([0], [0, 1], [1], [10**12], [1], row_ticks=1)),
        ("ANALYSIS-102", lambda: profile_days.rolling(profile_days.of_days(*DAYS), 0)),
        ("ANALYSIS-102", lambda: profile_days.GrowingProfile(0).update(1, 1)),
        (
            "ANALYSIS-102",
            lambda: profile_days.composite([profile.of_trades([1], [1], 1), profile.of_trades([1], [1], 2)]),
        ),
    ],
)
def test_what_cannot_be_days_is_refused(code: str, act: Any) -> None:
    with pytest.raises(InputError) as caught:
        act()
    assert caught.value.code == code


def test_a_price_far_off_leaves_a_growing_profile_as_it_was() -> None:
    growing = profile_days.GrowingProfile()
    growing.update(10, 4)
    with pytest.raises(InputError, match="ANALYSIS-102"):
        growing.update(10**9, 4)
    assert growing.area() == (10, 10, 10)
