"""Both orders of a bar's extremes: where they agree, what they leave open, and how finer bars close it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lotwise.backtest.bounds import Bounds, bounds_of, ended_otherwise, held_rows, on_path
from lotwise.backtest.feed import merged
from lotwise.backtest.finer import bars_of_trades, refined
from lotwise.backtest.recorded import Recorded, recorded
from lotwise.backtest.run import Plan
from lotwise.errors import InputError
from lotwise.kernel.layout import dtype_of
from lotwise.kernel.portfolio_open import equity_of
from lotwise.kernel.tape import BarRow, MarketTradeRow
from lotwise.strategy.library.breakout import Breakout
from lotwise.strategy.library.null import Null
from tests.unit.played_market import CONTRACTS, E8, MINUTE, START, TIGHT, Dip, Plain, bars, plan

LENGTH = 15
COARSE = LENGTH * MINUTE


def longer(rows: Any, length: int = LENGTH) -> Any:
    """Bars of so many minutes, by plain sums."""
    made = np.zeros(len(rows) // length, rows.dtype)
    for k in range(len(made)):
        part = rows[k * length : (k + 1) * length]
        made[k]["open_ticks"], made[k]["close_ticks"] = part[0]["open_ticks"], part[-1]["close_ticks"]
        made[k]["high_ticks"], made[k]["low_ticks"] = part["high_ticks"].max(), part["low_ticks"].min()
        made[k]["volume_lots"], made[k]["time_ns"] = part["volume_lots"].sum(), part[0]["time_ns"]
        made[k]["has_funding"], made[k]["funding8"] = part["has_funding"].max(), part["funding8"].sum()
    return made


def two(seed: int, count: int = 9_000) -> tuple[Any, dict[int, Any]]:
    """A feed of longer bars of two contracts, and the minutes they are made of."""
    minutes = {c: bars(10 * seed + c, count) for c in range(2)}
    for rows in minutes.values():  # as bars of data are: funding stands with the longer bar alone
        rows["has_funding"], rows["funding8"] = 0, 0
    return merged([longer(rows) for rows in minutes.values()]), minutes


def played(strategy: Any, seed: int, fine: bool = False, **more: Any) -> tuple[Recorded, Any, Bounds]:
    """What a strategy says over a feed, the feed, and both bounds."""
    feed, minutes = two(seed)
    said = recorded([strategy, strategy], CONTRACTS, feed, plan())
    found = bounds_of(said, CONTRACTS, feed, plan(), fine=minutes if fine else None, step_ns=COARSE, **more)
    return said, feed, found


def test_each_bound_is_the_run_with_its_path() -> None:
    said, feed, found = played(Plain(4), 1, also=["ohlc", "adverse", "olhc"])
    assert [bound.path for bound in found.bounds] == ["adverse", "favourable", "ohlc", "olhc"]
    for bound in found.bounds:
        run = said.play(CONTRACTS, feed, plan(path=bound.path))
        assert run.named == bound.played.named
        assert bound.change_cash == int(equity_of.compiled(run.state)) - 1_000 * E8
    assert found.apart_cash == found.favourable.change_cash - found.adverse.change_cash
    assert found.closed is None
    with pytest.raises(InputError, match="BROKER-101"):
        on_path(plan(), "sideways")


@pytest.mark.parametrize("strategy", [Plain(4), Null(one_in=6, stop8=500_000)], ids=["plain", "null"])
def test_trades_are_the_same_up_to_the_first_ambiguous_one(strategy: Any) -> None:
    """One stop, one target, entries at the market: nothing else depends on the order of the extremes."""
    reached = doubtful = 0
    for seed in range(12):
        _, _, found = played(strategy, seed)
        one, other = (bound.played.trips for bound in found.bounds[:2])
        flagged = np.flatnonzero(one["ambiguous"] > 0)
        if not len(flagged):
            assert one.tolist() == other.tolist()
            assert (found.otherwise, found.same, found.first_apart_ns) == (0, len(one), None)
            assert found.apart_cash == 0
            continue
        doubtful += 1
        first = int(flagged[0])
        assert one[:first].tolist() == other[:first].tolist()
        assert found.same >= first
        pair = (int(one["result_cash"][first]), int(other["result_cash"][first]))
        if int(one["signal"][first]) == int(other["signal"][first]) and found.same == first:
            assert pair[0] < 0 < pair[1], "the stop against the target"
            assert found.first_apart_ns == int(one["opened_ns"][first])
            assert int(one["signal"][first]) in ended_otherwise(found.adverse.played, found.favourable.played)
            reached += 1
    assert doubtful > 3
    assert reached > 3


def test_the_good_side_first_may_be_worse() -> None:
    """A stop at break-even is hit by the side that comes second: no bound of a single trade."""
    unmarked = worse = 0
    for seed in range(6):
        _, _, found = played(Breakout(bars=20, ranges=1), seed)
        unmarked += found.otherwise_unmarked
        worse += found.apart_cash < 0
        assert found.otherwise >= found.otherwise_unmarked
        assert found.otherwise == len(ended_otherwise(found.adverse.played, found.favourable.played))
    assert unmarked > 0
    assert worse > 0


def trades_of(rows: Any) -> Any:
    """Trades that make up bars: open, one extreme, the other, close, each at its own time."""
    made = np.zeros(4 * len(rows), dtype_of(MarketTradeRow))
    falls = rows["close_ticks"] < rows["open_ticks"]
    first = np.where(falls, rows["high_ticks"], rows["low_ticks"])
    second = np.where(falls, rows["low_ticks"], rows["high_ticks"])
    prices = np.stack([rows["open_ticks"], first, second, rows["close_ticks"]], axis=1)
    made["price_ticks"] = prices.ravel()
    made["time_ns"] = (rows["time_ns"][:, None] + np.arange(4) * (MINUTE // 4)).ravel()
    made["lots"] = 5
    return made


@pytest.mark.parametrize(
    "strategy", [Plain(4, 1_200, 1_500), Breakout(bars=20, ranges=1), Dip(5, 800, 3, 60)]
)
def test_trades_leave_no_doubt(strategy: Any) -> None:
    """Bars of one price each have one order only: both bounds become one run."""
    closed = was_apart = 0
    for seed in range(4):
        feed, minutes = two(seed, 4_500)
        fine = {c: bars_of_trades(trades_of(rows)) for c, rows in minutes.items()}
        said = recorded([strategy, strategy], CONTRACTS, feed, plan())
        found = bounds_of(said, CONTRACTS, feed, plan(), fine=fine, step_ns=COARSE)
        assert found.closed is not None
        one, other = found.closed.adverse.played, found.closed.favourable.played
        assert one.trips.tolist() == other.trips.tolist()
        assert one.curve.tolist() == other.curve.tolist()
        assert found.closed.apart_cash == found.closed.otherwise == one.ambiguous == 0
        was_apart += found.otherwise > 0
        closed += found.bars_apart
    assert was_apart > 0
    assert closed > 100


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("strategy", [Plain(4), Breakout(bars=20, ranges=1)], ids=["plain", "breakout"])
def test_closing_where_trades_are_held_is_closing_everywhere(strategy: Any, seed: int) -> None:
    """Bars in which nothing is held say nothing more when they are taken apart."""
    feed, minutes = two(seed)
    said = recorded([strategy, strategy], CONTRACTS, feed, plan())
    found = bounds_of(said, CONTRACTS, feed, plan(), fine=minutes, step_ns=COARSE)
    everywhere, answers, _ = refined(
        feed, said.answers, minutes, np.arange(len(feed)), step_ns=COARSE, plan=plan()
    )
    assert found.closed is not None
    assert found.bars_apart < len(feed)
    for bound in found.closed.bounds:
        run = Recorded(said.signals, answers, True).play(CONTRACTS, everywhere, plan(path=bound.path))
        names = [name for name in run.trips.dtype.names if name not in ("opened_row", "closed_row")]
        assert run.trips[names].tolist() == bound.played.trips[names].tolist()
        assert equity_of.compiled(run.state) == equity_of.compiled(bound.played.state)
    assert len(held_rows(found.closed, feed)) > 0


def test_bars_are_taken_apart_until_all_that_are_held_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Finer bars end trades otherwise, and what is held then may be held in bars that were whole."""
    seen: list[tuple[Any, Any]] = []

    def noting(feed: Any, answers: Any, fine: Any, wanted: Any, **more: Any) -> Any:
        made = refined(feed, answers, fine, wanted, **more)
        seen.append((wanted, made[2]))
        return made

    monkeypatch.setattr("lotwise.backtest.bounds.refined", noting)
    again = 0
    for seed in range(8):
        seen.clear()
        feed, minutes = two(seed)
        asked = plan(TIGHT)
        said = recorded([Breakout(bars=20, ranges=1)] * 2, CONTRACTS, feed, asked)
        found = bounds_of(said, CONTRACTS, feed, asked, fine=minutes, step_ns=COARSE)
        assert found.closed is not None
        wanted, origins = seen[-1]
        for bound in found.closed.bounds:
            for trip in bound.played.trips:
                held = np.unique(origins[int(trip["opened_row"]) + 1 : int(trip["closed_row"]) + 1])
                mine = held[feed["contract"][held] == trip["contract"]]
                assert set(mine.tolist()) <= {*wanted.tolist()}
        again += len(seen) > 1
    assert again > 0


def test_a_bar_is_taken_apart_in_its_place() -> None:
    feed, minutes = two(2, 600)
    feed["has_funding"][5], feed["funding8"][5] = 1, 777
    answers = np.arange(len(feed), dtype=np.int32)
    finer, said, origins = refined(
        feed, answers, {1: minutes[1]}, np.array([4, 5]), step_ns=COARSE, plan=plan()
    )
    assert len(finer) == len(feed) + LENGTH - 1, "row 4 is of the other contract"
    part = np.flatnonzero(origins == 5)
    assert part.tolist() == list(range(5, 5 + LENGTH))
    assert set(finer["time_ns"][part].tolist()) == {int(feed["time_ns"][5])}
    assert finer["close_ticks"][part].tolist() == minutes[1]["close_ticks"][2 * LENGTH : 3 * LENGTH].tolist()
    assert finer["has_funding"][part].tolist() == [0] * (LENGTH - 1) + [1]
    assert int(finer["funding8"][part].sum()) == 777
    assert said[part].tolist() == [0] * (LENGTH - 1) + [5]
    assert said[origins != 5].tolist() == [k for k in range(len(feed)) if k != 5]
    assert finer[origins != 5].tolist() == feed[np.arange(len(feed)) != 5].tolist()


def test_finer_bars_that_make_up_another_bar_are_refused() -> None:
    feed, minutes = two(2, 600)
    said = np.zeros(len(feed), np.int32)
    minutes[0]["high_ticks"][3] += 50_000
    with pytest.raises(InputError, match=r"BACKTEST-205.*15 finer bars of 2025-05-04 00:00:00 UTC"):
        refined(feed, said, minutes, np.array([0]), step_ns=COARSE, plan=plan())


@pytest.mark.parametrize("assumed", [{"slippage_range8": 1}, {"volume_share8": E8}])
def test_shares_of_a_bar_and_finer_bars_do_not_go_together(assumed: dict[str, int]) -> None:
    feed, minutes = two(2, 600)
    asked: Plan = plan(**assumed)
    with pytest.raises(InputError, match="BACKTEST-206"):
        refined(feed, np.zeros(len(feed), np.int32), minutes, np.array([0]), step_ns=COARSE, plan=asked)


def one_bar(*prices: tuple[int, int, int, int]) -> Any:
    """A feed of one contract: (open, high, low, close) in ticks."""
    rows = np.zeros(len(prices), dtype_of(BarRow))
    for k, (opened, high, low, close) in enumerate(prices):
        rows[k]["open_ticks"], rows[k]["high_ticks"] = opened, high
        rows[k]["low_ticks"], rows[k]["close_ticks"] = low, close
        rows[k]["time_ns"], rows[k]["volume_lots"] = START + k * COARSE, 1_000
    return rows


@pytest.mark.parametrize("stop_first", [True, False])
def test_the_truth_of_one_bar_is_found(stop_first: bool) -> None:
    """A long with its stop and its target in one bar: the minutes say which came first."""
    calm = (300_000, 300_100, 299_900, 300_000)
    wide = (300_000, 305_000, 296_000, 300_500)
    feed = merged([one_bar(calm, calm, wide, calm)])
    down, up = (300_000, 300_000, 296_000, 296_000), (296_000, 305_000, 296_000, 300_500)
    if not stop_first:
        down, up = (300_000, 305_000, 300_000, 305_000), (305_000, 305_000, 296_000, 300_500)
    minutes = one_bar(down, up)
    minutes["time_ns"] = START + 2 * COARSE + np.arange(2) * MINUTE
    said = recorded([Plain(1)], CONTRACTS[:1], feed, plan())
    found = bounds_of(said, CONTRACTS[:1], feed, plan(), fine={0: minutes}, step_ns=COARSE)
    results = [int(bound.played.trips["result_cash"][0]) for bound in found.bounds]
    assert results[0] < 0 < results[1]
    assert (found.adverse.ambiguous_trades, found.adverse.played.ambiguous) == (1, 1)
    assert found.closed is not None
    truth = {int(bound.played.trips["result_cash"][0]) for bound in found.closed.bounds}
    assert truth == {results[0] if stop_first else results[1]}
    assert found.closed.adverse.played.ambiguous == 0
