"""Order flow: against dictionaries and fractions, on drawn trades and on real ones; streams agree."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotwise.analysis import flow, flow_stream
from lotwise.errors import InputError
from tests.twins import capture

Trade = tuple[int, int, int, bool]
TRADES = st.lists(
    st.tuples(st.integers(0, 400), st.integers(-12, 30), st.integers(0, 40), st.booleans()),
    min_size=1,
    max_size=60,
).map(sorted)


def columns(trades: list[Trade]) -> tuple[Any, ...]:
    return tuple(np.array(column) for column in zip(*trades, strict=True))


def slow_cells(trades: list[Trade], bar_ns: int, row: int) -> dict[int, dict[int, list[int]]]:
    """Bar and row to [bid lots, ask lots]."""
    cells: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for time, price, lots, maker in trades:
        cells[time // bar_ns][price // row][0 if maker else 1] += lots
    return cells


def slow_stacks(
    cells: dict[int, list[int]], ratio: Fraction, least: int, rows: int
) -> list[tuple[bool, int, int]]:
    """Stacks of one bar by the words of the docstring: (is buy, lowest row, highest row)."""
    low, high, found = min(cells), max(cells), []
    for is_buy in (True, False):
        marked = []
        for row in range(low, high + 1):
            across = row - 1 if is_buy else row + 1
            own = cells.get(row, [0, 0])[1 if is_buy else 0]
            other = cells.get(across, [0, 0])[0 if is_buy else 1]
            marked.append(low <= across <= high and own >= least and own >= ratio * other)
        run: list[int] = []
        for row, mark in zip(range(low, high + 2), [*marked, False], strict=True):
            if mark:
                run.append(row)
            elif len(run) >= rows:
                found.append((is_buy, run[0], run[-1]))
            if not mark:
                run = []
    return found


def assert_flow(trades: list[Trade], bar_ns: int, row: int, ratio8: int, least: int, rows: int) -> int:
    """Footprint, imbalances and stacks are those of the slow way; how many stacks there were."""
    times, prices, lots, maker = columns(trades)
    opens, starts = flow.bars_of_time(times, bar_ns)
    found = flow.footprint(prices, lots, maker, starts, row)
    marks = flow.imbalances(found, ratio8, least, rows)
    slow, stacks, cvd = slow_cells(trades, bar_ns, row), [], 0
    for bar, opened in enumerate(opens.tolist()):
        cells = slow.get(opened // bar_ns, {})
        bid, ask = (sum(cell[side] for cell in cells.values()) for side in (0, 1))
        cvd += ask - bid
        told = (int(found.sold_lots[bar]), int(found.bought_lots[bar]), int(found.cvd_lots[bar]))
        assert told == (bid, ask, cvd)
        first, end = found.offsets[bar], found.offsets[bar + 1]
        assert end - first == (max(cells) - min(cells) + 1 if cells else 0)
        for i in range(first, end):
            at = int(found.low_rows[bar]) + int(i - first)
            assert [found.bid_lots[i], found.ask_lots[i]] == cells.get(at, [0, 0])
        if cells:
            stacks += [
                flow.Stack(bar, *one) for one in slow_stacks(cells, Fraction(ratio8, 10**8), least, rows)
            ]
    assert list(marks.stacks) == stacks
    return len(stacks)


@given(
    TRADES,
    st.integers(1, 150),
    st.integers(1, 4),
    st.sampled_from([1, 150_000_000, 300_000_000]),
    st.integers(1, 9),
    st.integers(1, 3),
)
def test_the_slow_way_finds_the_same(
    trades: list[Trade], bar_ns: int, row: int, ratio8: int, least: int, rows: int
) -> None:
    assert_flow(trades, bar_ns, row=row, ratio8=ratio8, least=least, rows=rows)


def test_real_trades_have_the_flow_of_the_slow_way(shared_data: Path) -> None:
    trades = capture.btcusdt(shared_data).trades
    assert len(trades) == 21_313
    stacks = assert_flow(trades, 15 * 10**9, row=10, ratio8=flow.RATIO8, least=100, rows=3)
    assert stacks > 10, "real stacks were compared"


@given(TRADES, st.integers(1, 150), st.integers(1, 4), st.integers(1, 3))
def test_a_stream_tells_the_bars_of_the_arrays(trades: list[Trade], bar_ns: int, row: int, rows: int) -> None:
    stream = flow_stream.FlowStream(bar_ns, row, stack_rows=rows)
    told = [bar for trade in trades if (bar := stream.update(*trade))]
    last = stream.finish()
    assert last is not None
    assert stream.finish() is None
    times, prices, lots, maker = columns(trades)
    opens, starts = flow.bars_of_time(times, bar_ns)
    found = flow.footprint(prices, lots, maker, starts, row)
    stacks = flow.imbalances(found, stack_rows=rows).stacks
    want = []
    for bar in np.flatnonzero(np.diff(starts)).tolist():
        cells = slice(found.offsets[bar], found.offsets[bar + 1])
        want.append(
            flow_stream.FlowBar(
                open_ns=opens[bar],
                bought_lots=found.bought_lots[bar],
                sold_lots=found.sold_lots[bar],
                cvd_lots=found.cvd_lots[bar],
                low_row=found.low_rows[bar],
                bid_lots=tuple(found.bid_lots[cells].tolist()),
                ask_lots=tuple(found.ask_lots[cells].tolist()),
                stacks=tuple(one for one in stacks if one.bar == bar),
            )
        )
    assert [*told, last] == want
    assert stream.cvd_lots == sum(-lots if maker else lots for _, _, lots, maker in trades)


def slow_divergence(bars: list[tuple[int, int, int]], window: int, at: int) -> int:
    """The words of the docstring, for one bar."""
    before, (high, low, cvd) = bars[max(0, at - window) : at], bars[at]
    if len(before) < window:
        return 0
    top = [bar for bar in before if bar[0] == max(one[0] for one in before)][-1]
    bottom = [bar for bar in before if bar[1] == min(one[1] for one in before)][-1]
    bearish, bullish = high > top[0] and cvd < top[2], low < bottom[1] and cvd > bottom[2]
    return int(bullish) - int(bearish)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(-9, 9)), min_size=1, max_size=40),
    st.integers(1, 6),
)
def test_divergences_are_those_of_the_words(bars: list[tuple[int, int, int]], window: int) -> None:
    bars = [(max(a, b), min(a, b), cvd) for a, b, cvd in bars]
    want = [slow_divergence(bars, window, at) for at in range(len(bars))]
    assert flow.divergences(*columns(bars), window).tolist() == want
    stream = flow_stream.DivergenceStream(window)
    assert [stream.update(*bar) for bar in bars] == want


def test_a_higher_high_on_less_buying_is_bearish_and_its_mirror_bullish() -> None:
    highs, lows = [10, 12, 11, 13], [8, 9, 8, 9]
    assert flow.divergences(highs, lows, [0, 50, 20, 40], 3).tolist() == [0, 0, 0, flow.BEARISH]
    assert flow.divergences(highs, lows, [0, 50, 20, 60], 3).tolist() == [0, 0, 0, 0]
    mirrored = [[-price for price in side] for side in (lows, highs)]
    assert flow.divergences(*mirrored, [0, -50, -20, -40], 3).tolist() == [0, 0, 0, flow.BULLISH]


def test_plain_rules_and_compiled_ones_agree() -> None:
    rng = np.random.default_rng(3)
    offsets = np.array([0, 7, 7, 40])
    bid, ask = rng.integers(0, 9, 40), rng.integers(0, 9, 40)
    plain, made = ([0] * 40, [0] * 40), (np.zeros(40, np.int64), np.zeros(40, np.int64))
    terms = (flow.RATIO8, 2)
    flow.mark_imbalances(bid.tolist(), ask.tolist(), offsets.tolist(), *terms, *plain)
    flow.mark_imbalances.compiled(bid, ask, offsets, *terms, *made)
    assert [side.tolist() for side in made] == list(plain)
    assert sum(plain[0]) > 3
    assert not flow.outweighs(2**62, 2**62, flow.RATIO8, 1), "three times that is more than fits"
    assert not flow.outweighs.compiled(2**62, 2**62, flow.RATIO8, 1)


GOOD = ([0, 5], [3, 4], [1, 1], [True, False])


@pytest.mark.parametrize(
    ("code", "act"),
    [
        ("ANALYSIS-201", lambda: flow.bars_of_time([], 5)),
        ("ANALYSIS-201", lambda: flow.bars_of_time([5, 4], 5)),
        ("ANALYSIS-201", lambda: flow.bars_of_time([1, 2], 0)),
        ("ANALYSIS-201", lambda: flow.bars_of_time([1, 10**18], 1)),
        ("ANALYSIS-201", lambda: flow.footprint([3], [1, 2], [True], [0, 1])),
        ("ANALYSIS-201", lambda: flow.footprint([3], [-1], [True], [0, 1])),
        ("ANALYSIS-201", lambda: flow.footprint([3, 3], [2**62, 2**62], [True, True], [0, 2])),
        ("ANALYSIS-201", lambda: flow.footprint(*GOOD[1:], [1, 0])),
        ("ANALYSIS-201", lambda: flow.footprint(*GOOD[1:], [0, 3])),
        ("ANALYSIS-202", lambda: flow.footprint(*GOOD[1:], [0, 2], 0)),
        ("ANALYSIS-202", lambda: flow.footprint([1, 10**15], [1, 1], [True, True], [0, 2])),
        ("ANALYSIS-203", lambda: flow.imbalances(flow.footprint(*GOOD[1:], [0, 2]), 0)),
        ("ANALYSIS-203", lambda: flow_stream.FlowStream(0)),
        ("ANALYSIS-203", lambda: flow_stream.FlowStream(5, stack_rows=0)),
        ("ANALYSIS-204", lambda: flow.divergences([1, 2], [1], [1, 2])),
        ("ANALYSIS-204", lambda: flow.divergences([1, 2], [1, 1], [1, 2], 0)),
        ("ANALYSIS-204", lambda: flow_stream.DivergenceStream(0)),
    ],
)
def test_what_is_no_order_flow_is_refused(code: str, act: Any) -> None:
    with pytest.raises(InputError) as caught:
        act()
    assert caught.value.code == code


def test_a_bad_trade_leaves_a_stream_as_it_was() -> None:
    stream = flow_stream.FlowStream(100)
    stream.update(50, 7, 3, False)
    bad = (
        ("ANALYSIS-201", (49, 7, 3, False)),
        ("ANALYSIS-201", (51, 7, -3, False)),
        ("ANALYSIS-202", (51, 10**15, 3, True)),
    )
    for code, trade in bad:
        with pytest.raises(InputError) as caught:
            stream.update(*trade)
        assert caught.value.code == code
    bar = stream.finish()
    assert bar is not None
    assert (bar.bought_lots, bar.sold_lots, bar.cvd_lots, bar.ask_lots) == (3, 0, 3, (3,))
