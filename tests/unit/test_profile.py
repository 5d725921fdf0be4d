"""Volume profiles: against a slow way with fractions and dictionaries, and as they grow."""

from __future__ import annotations

import random
from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest

from lotwise.analysis import profile
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


@pytest.mark.parametrize("seed", range(20))
def test_the_developing_control_is_that_of_the_trades_so_far(seed: int) -> None:
    rng = random.Random(seed)
    prices = [rng.randint(100, 130) for _ in range(200)]
    lots = [rng.randrange(4) for _ in prices]
    rows, controls = np.zeros(31, np.int64), np.zeros(200, np.int64)
    profile.developing_control.compiled(rows, np.array(prices), np.array(lots), 100, 1, controls)
    so_far = [0] * 31
    for i, (price, volume) in enumerate(zip(prices, lots, strict=True)):
        so_far[price - 100] += volume
        assert controls[i] == profile.point_of_control(so_far), f"after trade {i}"


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
