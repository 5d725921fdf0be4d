"""What a book costs to take, lot by lot; and a book through its changes, against dictionaries."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotwise.analysis import depth, tick_book
from lotwise.errors import InputError
from tests.twins import capture

SIDE = st.dictionaries(st.integers(1, 30), st.integers(1, 25), min_size=1, max_size=8)


def made(bids: dict[int, int], asks: dict[int, int]) -> depth.Book:
    return depth.book(bids.items(), [(price + 30, lots) for price, lots in asks.items()])


def one_by_one(levels: list[tuple[int, int]], lots: int | None, budget: int | None) -> list[int]:
    """The price of every lot an order gets, taken one after the other from the best."""
    taken: list[int] = []
    for price, here in levels:
        for _ in range(here):
            full = lots is not None and len(taken) == lots
            dear = budget is not None and sum(taken) + price > budget
            if full or dear:
                return taken
            taken.append(price)
    return taken


@given(SIDE, SIDE, st.booleans(), st.integers(1, 120), st.booleans())
def test_a_cost_is_that_of_its_lots_one_by_one(
    bids: dict[int, int], asks: dict[int, int], is_buy: bool, size: int, by_lots: bool
) -> None:
    of = made(bids, asks)
    lots, budget = (size, None) if by_lots else (None, size * 40)
    found = depth.cost(of, is_buy=is_buy, lots=lots, notional_tick_lots=budget)
    levels = (
        sorted((price + 30, lot) for price, lot in asks.items()) if is_buy else sorted(bids.items())[::-1]
    )
    taken = one_by_one(levels, lots, budget)
    mid = Fraction(max(bids) + min(asks) + 30, 2)
    worse = (sum(taken) - mid * len(taken)) * (1 if is_buy else -1)
    assert (found.lots, found.tick_lots, found.last_ticks) == (
        len(taken),
        sum(taken),
        taken[-1] if taken else 0,
    )
    assert Fraction(found.half_tick_lots, 2) == worse
    share = worse / (mid * len(taken)) if taken else Fraction(0)
    assert Fraction(found.slippage8 - 1, 10**8) < share <= Fraction(found.slippage8, 10**8)
    everything = len(taken) == sum(lot for _, lot in levels)
    if lots is not None:
        assert (found.missing_lots, found.left_tick_lots) == (lots - len(taken), 0)
        assert found.beyond == (lots > len(taken))
    else:
        assert budget is not None
        left = budget - sum(taken)
        assert (found.missing_lots, found.left_tick_lots) == (0, left)
        assert found.beyond == (everything and left >= (levels[-1][0] + 1 if is_buy else 1))


def test_a_larger_order_never_pays_less_and_the_end_of_the_book_is_said() -> None:
    of = depth.book([(99, 5)], [(101, 2), (102, 10), (110, 1)])
    found = depth.slippage_curve(of, range(1, 1_600), is_buy=True)
    assert [one.slippage8 for one in found[110:]] == sorted(one.slippage8 for one in found[110:])
    assert found[99] == depth.Cost(0, 0, 0, 0, 0, 0, 100, False), "100 tick-lots buy nothing at 101"
    last = 2 * 101 + 10 * 102 + 110
    assert [one.beyond for one in found].index(True) + 1 == last + 111
    assert (found[-1].lots, found[-1].left_tick_lots) == (13, 1_599 - last)


@given(SIDE, SIDE, st.integers(0, 10_000))
def test_depth_counts_what_is_within_so_many_basis_points(
    bids: dict[int, int], asks: dict[int, int], bp: int
) -> None:
    mid = Fraction(max(bids) + min(asks) + 30, 2)
    near = mid * Fraction(bp, 10_000)
    below = sum(lots for price, lots in bids.items() if mid - price <= near)
    above = sum(lots for price, lots in asks.items() if price + 30 - mid <= near)
    assert depth.depth_within(made(bids, asks), bp) == (below, above)
    want = Fraction(below - above, below + above or 1) * 10**8
    assert depth.imbalance8(below, above) == int(want)


LEVELS = st.lists(st.tuples(st.booleans(), st.integers(1, 40), st.integers(0, 5)), min_size=1, max_size=12)


class SlowBook:
    """Two dictionaries."""

    def __init__(self, bp: int) -> None:
        self.sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.bp = bp

    def update(self, levels: Any, snapshot: bool) -> tuple[int, int, int, int]:
        if snapshot:
            self.sides = ({}, {})
        for is_bid, price, lots in levels:
            side = self.sides[0 if is_bid else 1]
            side.pop(price, None)
            if lots:
                side[price] = lots
        bids, asks = self.sides
        if not bids or not asks:
            return max(bids, default=0), min(asks, default=0), 0, 0
        bid, ask = max(bids), min(asks)
        top, bottom = 2 * 10_000 + 2 * self.bp, 2 * 10_000 - 2 * self.bp
        below = sum(lots for price, lots in bids.items() if 4 * 10_000 * price >= (bid + ask) * bottom)
        above = sum(lots for price, lots in asks.items() if 4 * 10_000 * price <= (bid + ask) * top)
        return bid, ask, below, above


def as_changes(messages: list[tuple[bool, list[tuple[bool, int, int]]]]) -> tick_book.Changes:
    rows = [
        (number, number, snapshot, *level)
        for number, (snapshot, levels) in enumerate(messages)
        for level in levels
    ]
    return tick_book.Changes(*zip(*rows, strict=True))


def uncrossed(levels: list[tuple[bool, int, int]]) -> list[tuple[bool, int, int]]:
    return [(is_bid, price if is_bid else price + 40, lots) for is_bid, price, lots in levels]


@given(st.lists(st.tuples(st.integers(0, 9).map(lambda draw: draw == 0), LEVELS), min_size=1, max_size=20))
def test_a_book_through_its_changes_is_that_of_dictionaries(messages: Any) -> None:
    messages = [(snapshot, uncrossed(levels)) for snapshot, levels in messages]
    slow, stream = SlowBook(400), tick_book.TickBook(1, 80, bp=400)
    want = [slow.update(levels, snapshot) for snapshot, levels in messages]
    assert [tuple(stream.update(levels, snapshot)) for snapshot, levels in messages] == want
    found = tick_book.depth_series(as_changes(messages), bp=400)
    told = (found.best_bid_ticks, found.best_ask_ticks, found.bid_lots, found.ask_lots)
    assert list(zip(*(column.tolist() for column in told), strict=True)) == want
    assert found.spread_ticks.tolist() == [ask - bid for bid, ask, _, _ in want]
    assert found.imbalance8.tolist() == [depth.imbalance8(below, above) for _, _, below, above in want]


def test_a_real_book_is_that_of_dictionaries_and_is_never_crossed(shared_data: Path) -> None:
    held = capture.btcusdt(shared_data).changes
    changes = tick_book.Changes(*zip(*held, strict=True)).checked()
    found = tick_book.depth_series(changes, bp=5)
    assert len(found.time_ns) == 6_546
    assert int(found.spread_ticks.min()) == 1
    window = tick_book.TickBook(600_000, 40_000, bp=5)
    slow, starts = SlowBook(5), changes.starts().tolist()
    for at in range(400):  # every message of the first 20 seconds
        rows = held[starts[at] : starts[at + 1]]
        levels = [row[3:] for row in rows]
        want = slow.update(levels, rows[0][2])
        got = (found.best_bid_ticks, found.best_ask_ticks, found.bid_lots, found.ask_lots)
        assert tuple(int(column[at]) for column in got) == want
        assert tuple(window.update(levels, rows[0][2])) == want
    assert window.outside > 0
    one = depth.cost(window.levels(), is_buy=True, notional_tick_lots=500 * 10_000)
    assert one.lots * one.last_ticks == one.tick_lots, "500 USDT fit the best ask"
    assert one.left_tick_lots < one.last_ticks


def test_rows_outside_a_window_are_counted_and_left_out() -> None:
    changes = as_changes([(True, [(True, 10, 4), (False, 12, 5), (True, 3, 9), (False, 90, 1)])])
    found = tick_book.depth_series(changes, bp=10_000, base_ticks=8, rows=10)
    assert (found.outside, int(found.bid_lots[0]), int(found.ask_lots[0])) == (2, 4, 5)
    stream = tick_book.TickBook(8, 10, bp=10_000)
    assert stream.update([(True, 10, 4), (False, 12, 5), (True, 3, 9), (False, 90, 1)]) == (10, 12, 4, 5)
    assert stream.outside == 2


BOOK = depth.book([(9, 5)], [(11, 5)])
CHANGES = tick_book.Changes([1], [1], [True], [True], [5], [5])


@pytest.mark.parametrize(
    ("code", "act"),
    [
        ("ANALYSIS-251", lambda: depth.book([], [(11, 5)])),
        ("ANALYSIS-251", lambda: depth.book([(9, 0)], [(11, 5)])),
        ("ANALYSIS-251", lambda: depth.book([(0, 3)], [(11, 5)])),
        ("ANALYSIS-251", lambda: depth.book([(9, -3)], [(11, 5)])),
        ("ANALYSIS-251", lambda: depth.book([(9, 3), (9, 4)], [(11, 5)])),
        ("ANALYSIS-251", lambda: depth.book([(11, 3)], [(11, 5)])),
        ("ANALYSIS-251", lambda: tick_book.TickBook(1, 9).levels()),
        ("ANALYSIS-252", lambda: depth.book([(9, 5)], [(11, 2**60)])),
        ("ANALYSIS-253", lambda: depth.cost(BOOK, is_buy=True)),
        ("ANALYSIS-253", lambda: depth.cost(BOOK, is_buy=True, lots=0)),
        ("ANALYSIS-253", lambda: depth.cost(BOOK, is_buy=True, lots=1, notional_tick_lots=1)),
        ("ANALYSIS-253", lambda: depth.cost(BOOK, is_buy=True, lots=2**70)),
        ("ANALYSIS-253", lambda: depth.cost(BOOK, is_buy=True, lots=1.5)),  # type: ignore[arg-type]
        ("ANALYSIS-253", lambda: depth.cost(BOOK, is_buy=True, lots="5")),  # type: ignore[arg-type]
        ("ANALYSIS-254", lambda: tick_book.depth_series(CHANGES._replace(lots=[]))),
        ("ANALYSIS-254", lambda: tick_book.depth_series(CHANGES._replace(lots=[-1]))),
        ("ANALYSIS-254", lambda: tick_book.depth_series(CHANGES._replace(prices_ticks=[0]))),
        ("ANALYSIS-255", lambda: tick_book.depth_series(CHANGES, bp=-1)),
        ("ANALYSIS-255", lambda: tick_book.depth_series(CHANGES, rows=0)),
        ("ANALYSIS-255", lambda: tick_book.TickBook(1, 10**9)),
        ("ANALYSIS-255", lambda: depth.depth_within(BOOK, 10_001)),
    ],
)
def test_what_is_no_book_and_no_order_is_refused(code: str, act: Any) -> None:
    with pytest.raises(InputError) as caught:
        act()
    assert caught.value.code == code


def test_a_bad_level_leaves_a_book_as_it_was() -> None:
    stream = tick_book.TickBook(1, 80)
    before = stream.update([(True, 10, 4), (False, 12, 5)])
    with pytest.raises(InputError, match="ANALYSIS-254"):
        stream.update([(True, 10, 9), (False, 12, -5)], snapshot=True)
    assert stream.touch() == before


def test_a_price_exactly_so_far_away_is_within() -> None:
    levels = [(True, 99, 4), (True, 98, 8), (False, 101, 5), (False, 102, 9)]
    stream = tick_book.TickBook(90, 20, bp=100)
    assert stream.update(levels) == (99, 101, 4, 5), "1 % of 100"
    assert depth.depth_within(stream.levels(), 100) == (4, 5)
    assert depth.depth_within(stream.levels(), 99) == (0, 0)
    found = tick_book.depth_series(as_changes([(True, levels)]), bp=200)
    assert (int(found.bid_lots[0]), int(found.ask_lots[0])) == (12, 14)
