"""With the data cut off, what was said before must be the same: cheats are named with their bar."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from lotwise.backtest.lookahead import cuts_of, look_ahead
from lotwise.backtest.recorded import recorded
from lotwise.records.signal import Signal
from lotwise.strategy.api import Answer, Bar, Columns, Signals, Strategy, View
from lotwise.strategy.library import LIBRARY
from lotwise.strategy.library.breakout import Breakout
from tests.unit.played_market import CONTRACTS, E8, MINUTE, START, TIGHT, Dip, Plain, feed, plan


class Tomorrow(Plain):
    """A planted cheat: buys where the next bar rises."""

    def signals(self, bars: Columns) -> Signals:
        """Looks one bar ahead, at every tenth bar."""
        rows = np.arange(10, len(bars) - 1, 10)
        rows = rows[bars.close_ticks[rows + 1] > bars.close_ticks[rows]]
        close = bars.close_ticks[rows]
        return Signals(rows=rows, side=1, stop_ticks=close - 3_000, targets=[(close + 3_000, E8)])


class Repaints(Plain):
    """An indicator over all data: its last values change with every bar that comes."""

    def signals(self, bars: Columns) -> Signals:
        """Buys when the price leaves the mean of everything by a deviation of everything."""
        close = bars.close_ticks
        score = (close - close.mean()) / max(1.0, float(close.std()))
        rows = np.flatnonzero((score[1:] < -0.5) & (score[:-1] >= -0.5)) + 1
        return Signals(rows=rows, side=1, stop_ticks=close[rows] - 3_000)


class Swings(Plain):
    """Turning points that are known three bars later only, and signalled at the turn."""

    def signals(self, bars: Columns) -> Signals:
        """Lows of seven bars, at the middle one."""
        low = bars.low_ticks
        if len(low) < 7:
            rows = np.zeros(0, np.int64)
        else:
            windows = np.lib.stride_tricks.sliding_window_view(low, 7)
            rows = np.flatnonzero(windows.min(axis=1) == windows[:, 3]) + 3
        return Signals(rows=rows, side=1, stop_ticks=low[rows] - 2_000)


class Peeks(Strategy):
    """Asked at every bar, and reaches for the feed of the run that asks it."""

    def __init__(self, ahead: int = 1) -> None:
        self.ahead, self._place = ahead, -1

    def on_bar(self, bar: Bar, view: View) -> Answer:
        """Buys where its next bar rises."""
        self._place += 1
        rows = future(view.contract.id)
        there = self._place + self.ahead < len(rows)
        if self._place % 10 or not there or rows[self._place + self.ahead] <= bar.close_ticks:
            return None
        stop: Any = bar.close_ticks - 3_000
        return Signal(side=1, stop_ticks=stop)


def future(contract_id: str) -> Any:
    """Closes of a contract, from the frames that called: what a strategy must not do."""
    number = [contract.id for contract in CONTRACTS].index(contract_id)
    frame: Any = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name == "play_asked":
            rows = frame.f_locals["feed"]
            return rows["close_ticks"][rows["contract"] == number]
        frame = frame.f_back
    raise AssertionError("no run is above")


class Given(Strategy):
    """Asked, with an indicator made of data that was handed to it."""

    def __init__(self, buys: frozenset[int]) -> None:
        self.buys = buys

    def on_bar(self, bar: Bar, view: View) -> Answer:
        """Buys at the times it was given."""
        stop: Any = bar.close_ticks - 3_000
        return Signal(side=1, stop_ticks=stop) if bar.time_ns in self.buys else None


def below_mean(rows: Any) -> list[Any]:
    """Strategies made of a feed: their indicator is over all of it."""
    made = []
    for number in range(len(CONTRACTS)):
        mine = rows[rows["contract"] == number]
        close = mine["close_ticks"]
        crossed = (close[1:] < close.mean()) & (close[:-1] >= close.mean())
        made.append(Given(frozenset(mine["time_ns"][1:][crossed].tolist())))
    return made


@pytest.mark.parametrize("name", sorted(LIBRARY))
def test_the_library_does_not_look_ahead(name: str) -> None:
    kind = LIBRARY[name]
    if not issubclass(kind, Strategy):
        pytest.skip("it sees all contracts: it is played through its seats")
    strategy = kind()
    found = look_ahead([strategy] * 2, CONTRACTS, feed(count=2_500), plan(TIGHT))
    assert found.clean
    assert found.difference is None
    assert len(found.cuts) > 3


def test_an_honest_strategy_is_clean_in_both_forms() -> None:
    for strategy in (Breakout(bars=30, ranges=2), Dip()):
        rows = feed(count=2_500)
        found = look_ahead([strategy] * 2, CONTRACTS, rows, plan(TIGHT))
        assert found.clean
        assert found.signals > 100
        assert found.trades > 20
        said = recorded([strategy] * 2, CONTRACTS, rows, plan(TIGHT))
        assert found == look_ahead([strategy] * 2, CONTRACTS, rows, plan(TIGHT), said=said)


@pytest.mark.parametrize(
    "strategy", [Tomorrow(), Repaints(), Swings(), Peeks()], ids=lambda one: type(one).__name__
)
@pytest.mark.parametrize("seed", [1, 7, 23])
def test_a_cheat_is_caught_with_its_bar(strategy: Any, seed: int) -> None:
    rows = feed(count=2_500)
    found = look_ahead([strategy] * 2, CONTRACTS, rows, plan(), seed=seed)
    assert not found.clean
    assert found.difference is not None
    told = found.difference
    assert told.row < told.cut <= len(rows)
    assert told.time_ns == int(rows["time_ns"][told.row])
    assert told.contract == CONTRACTS[int(rows["contract"][told.row])].id
    assert told.whole != told.part
    minute = (told.time_ns - START) // MINUTE
    assert f"{minute // 60 % 24:02d}:{minute % 60:02d}:00 UTC of {told.contract}" in told.text
    whole = recorded([strategy] * 2, CONTRACTS, rows, plan())
    part = recorded([strategy] * 2, CONTRACTS, rows[: told.cut], plan())
    first = next(
        row
        for row in range(told.cut)
        if bool(whole.answers[row]) != bool(part.answers[row])
        or (
            whole.answers[row] > 0
            and whole.signals[whole.answers[row] - 1] != part.signals[part.answers[row] - 1]
        )
    )
    assert told.row == first


def test_the_row_before_the_cut_is_the_cheat_of_one_bar() -> None:
    found = look_ahead([Tomorrow()] * 2, CONTRACTS, feed(count=2_500), plan())
    assert found.difference is not None
    assert found.difference.part == "nothing"
    assert found.difference.whole.startswith("long, stop at tick ")
    assert "targets at" in found.difference.whole
    assert found.difference.cut - found.difference.row <= 2, "two contracts: its next bar is two rows on"


def test_what_was_handed_in_is_found_by_making_it_anew() -> None:
    rows = feed(count=2_500)
    assert look_ahead(below_mean(rows), CONTRACTS, rows, plan()).clean, "it cannot be seen from outside"
    found = look_ahead(below_mean, CONTRACTS, rows, plan())
    assert not found.clean


def test_an_exit_that_knows_the_future_is_caught() -> None:
    class Leaves(Plain):
        def signals(self, bars: Columns) -> Signals:
            found = super().signals(bars)
            exits = np.arange(5, len(bars) - 1, 15)
            exits = np.setdiff1d(exits[bars.close_ticks[exits + 1] < bars.close_ticks[exits]], found.rows)
            return Signals(rows=found.rows, side=found.side, stop_ticks=found.stop_ticks, exits=exits)

    found = look_ahead([Leaves()] * 2, CONTRACTS, feed(count=2_500), plan())
    assert found.difference is not None
    assert {found.difference.whole, found.difference.part} == {"exit", "nothing"}


def test_a_stop_that_repaints_is_caught_though_its_entry_does_not() -> None:
    class Moves(Plain):
        def signals(self, bars: Columns) -> Signals:
            found = super().signals(bars)
            away = 2_000 + int(bars.high_ticks.max()) % 1_000
            close = bars.close_ticks[found.rows]
            return Signals(rows=found.rows, side=found.side, stop_ticks=close - found.side * away)

    found = look_ahead([Moves()] * 2, CONTRACTS, feed(count=2_500), plan())
    assert found.difference is not None
    whole, part = found.difference.whole, found.difference.part
    assert whole.split(", ")[0] == part.split(", ")[0]
    assert whole != part


def test_cuts_are_drawn_by_the_seed_and_lie_within() -> None:
    rows = feed(count=500)
    said = recorded([Plain()] * 2, CONTRACTS, rows, plan())
    one = cuts_of(said, len(rows), 12, 7)
    assert one == cuts_of(said, len(rows), 12, 7) != cuts_of(said, len(rows), 12, 8)
    assert list(one) == sorted(set(one))
    assert all(0 < cut < len(rows) for cut in one)
    assert sum(said.answers[cut - 1] != 0 for cut in one) >= 6
    single = feed(1, 1)
    alone = recorded([Plain()], CONTRACTS[:1], single, plan())
    assert cuts_of(alone, 1, 12, 7) == ()
    assert look_ahead([Plain()], CONTRACTS[:1], single, plan()).clean
