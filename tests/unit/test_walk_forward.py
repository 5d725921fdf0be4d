"""Walk-forward: chosen on the past alone, traded after it, stitched as by hand; and how luck is judged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lotwise.backtest import walk_forward as walk
from lotwise.backtest import winner
from lotwise.backtest.run import play_columns
from lotwise.backtest.sweep import Feed, Period, Sweep, feeds_of, settings_of, whole_of
from lotwise.backtest.sweep_row import Outcome, measured
from lotwise.backtest.workers import Workers, played
from lotwise.errors import InputError
from tests.twins.sweep_market import Clock, Peeks, feeds, plan, sweep
from tests.twins.test_class_and_columns import CONTRACTS, MINUTE, bars

ONE = Workers("threads", 1)
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def clocks(count: int = 8_640, strategy: Any = Clock, edge: bool = False) -> Sweep:
    """Twelve offsets within the hour on one contract; where an edge is planted, minute 35 is bought well."""
    rows = bars(3, count)
    if edge:
        minutes = rows["time_ns"] // MINUTE % 60
        moved = np.cumsum(np.where((minutes > 35) & (minutes <= 40), 330, -30))
        for name in ("open_ticks", "high_ticks", "low_ticks", "close_ticks"):
            rows[name] += moved
        rows["open_ticks"][1:] = rows["close_ticks"][:-1]
        rows["high_ticks"] = np.maximum(rows["high_ticks"], rows["open_ticks"])
        rows["low_ticks"] = np.minimum(rows["low_ticks"], rows["open_ticks"])
    there = feeds_of(CONTRACTS[:1], [rows])
    grid = {"every": [60], "offset": list(range(0, 60, 5))}
    return Sweep(strategy, settings_of(strategy, grid), there, plan(None), (whole_of(there),))


def test_windows_follow_one_another() -> None:
    whole = Period(0, 35 * DAY)
    rolling = walk.windows_of(whole, 10 * DAY, 5 * DAY, warm_ns=HOUR)
    assert [(one.test.since_ns // DAY, one.test.until_ns // DAY) for one in rolling] == [
        (10, 15), (15, 20), (20, 25), (25, 30), (30, 35),
    ]  # fmt: skip
    assert all(one.learn == Period(one.test.since_ns - 10 * DAY, one.test.since_ns) for one in rolling)
    assert {one.test.warm_ns for one in rolling} == {HOUR}
    grown = walk.windows_of(whole, 10 * DAY, 5 * DAY, anchored=True)
    assert [one.learn for one in grown] == [Period(0, one.test.since_ns) for one in grown]
    last = walk.windows_of(Period(0, 33 * DAY), 10 * DAY, 5 * DAY)[-1]
    assert (last.test.since_ns, last.test.until_ns) == (30 * DAY, 33 * DAY)
    for learn, test in ((0, DAY), (DAY, 0), (35 * DAY, DAY), (-DAY, DAY), (DAY, 1)):
        with pytest.raises(InputError, match="BACKTEST-325"):
            walk.windows_of(whole, learn, test)
    assert [walk.lasts(span) for span in (2 * DAY, 3 * HOUR, 5 * MINUTE, 10**9)] == [
        "2 d",
        "3 h",
        "5 min",
        "1 s",
    ]


@pytest.mark.parametrize("anchored", [False, True])
def test_the_stitched_result_is_that_of_windows_played_by_hand(anchored: bool) -> None:
    one = sweep(count=6_000, allowed=None)
    windows = walk.windows_of(whole_of(one.feeds), 2_000 * MINUTE, 900 * MINUTE, anchored=anchored)
    found = walk.walk_forward(one, windows, "r_mean", purge_ns=30 * MINUTE, workers=ONE)
    assert len(found.steps) == 5
    total = trips = 0
    r_sum = 0.0
    for step, window in zip(found.steps, windows, strict=True):
        scores = []
        for setting in one.settings:
            results, risks = [], []
            for feed in one.feeds:
                times = feed.rows["time_ns"]
                rows = feed.rows[
                    (times >= window.learn.since_ns) & (times < window.learn.until_ns - 30 * MINUTE)
                ]
                listed = play_columns([one.strategy(**setting)], feed.contracts, rows, one.plan)
                results += listed.trips["result_cash"].tolist()
                risks += listed.trips["risk_cash"].tolist()
            ratios = [a / b for a, b in zip(results, risks, strict=True)]
            scores.append(sum(ratios) / len(ratios) if len(ratios) >= winner.FEWEST else -9e9)
        best = one.settings[scores.index(max(scores))]
        assert step.chosen is not None
        assert dict(step.chosen.parameters) == dict(best)
        for feed, outcome in zip(one.feeds, step.outcomes, strict=True):
            times = feed.rows["time_ns"]
            rows = feed.rows[(times >= window.test.since_ns) & (times < window.test.until_ns)]
            listed = play_columns([one.strategy(**best)], feed.contracts, rows, one.plan)
            figures = measured(listed, window.test.since_ns, window.test.until_ns)
            assert {name: getattr(outcome, name) for name in figures} == figures
            total += figures["result_cash"]
            trips += figures["trips"]
            r_sum += figures["r_sum"]
    assert found.stitched is not None
    assert (found.stitched.result_cash, found.stitched.trips) == (total, trips)
    assert found.stitched.r_sum == pytest.approx(r_sum)
    assert sum(found.stitched.day_cash) == sum(
        out.closed_cash for step in found.steps for out in step.outcomes
    )
    assert len({str(step.chosen.parameters) for step in found.steps if step.chosen}) > 1
    told = found.as_dict()
    assert told["trips"] == trips > 50
    assert [window["purged_ns"] for window in told["windows"]] == [30 * MINUTE] * 5


def spoiled(one: Sweep, since_ns: int) -> Sweep:
    """The same past; from a time on all prices are others."""
    rows = one.feeds[0].rows.copy()
    later = rows["time_ns"] >= since_ns
    for name in ("open_ticks", "high_ticks", "low_ticks", "close_ticks"):
        rows[name][later] = rows[name][later] * 3 + 1
    return replace(one, feeds=(Feed(one.feeds[0].contracts, rows),))


def choices(one: Sweep, window: walk.Window) -> Any:
    """What is chosen, and how it did while learning."""
    (step,) = walk.walk_forward(one, [window], purge_ns=0, workers=ONE).steps
    return step.chosen


@pytest.mark.parametrize("strategy", [Clock, Peeks])
def test_no_bar_of_the_test_is_used_to_choose(strategy: Any) -> None:
    """Other prices from the test on change no choice, although Peeks looks as far ahead as it can."""
    one = clocks(strategy=strategy)
    window = walk.windows_of(whole_of(one.feeds), 3 * DAY, DAY)[0]
    assert choices(one, window) == choices(spoiled(one, window.test.since_ns), window)
    assert choices(one, window) != choices(spoiled(one, window.test.since_ns - DAY), window)


def test_a_planted_leak_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the feed not cut where learning ends, the check above would see it."""
    one = clocks(strategy=Clock)
    window = walk.windows_of(whole_of(one.feeds), 3 * DAY, DAY)[0]
    spoilt = spoiled(one, window.test.since_ns)

    def leaky(sweep: Sweep, learn: Period, gap_ns: int, play: Any) -> list[Outcome]:
        period = Period(learn.since_ns, learn.until_ns + DAY)
        return list(play(Sweep(sweep.strategy, sweep.settings, sweep.feeds, sweep.plan, (period,))))

    monkeypatch.setattr(walk, "learned", leaky)
    assert choices(one, window) != choices(spoilt, window)


def test_the_gap_is_the_longest_hold_and_no_trade_of_the_past_reaches_the_test() -> None:
    one = clocks()
    windows = walk.windows_of(whole_of(one.feeds), 2 * DAY, DAY)
    found = walk.walk_forward(one, windows, workers=ONE)
    for step in found.steps:
        assert 0 < step.purged_ns <= 6 * MINUTE  # a clock holds five minutes
        past = walk.learned(one, step.window.learn, 0, lambda given: played(given, ONE))
        assert step.purged_ns == max(outcome.longest_ns for outcome in past)
    long = sweep(count=4_000, allowed=None)
    windows = walk.windows_of(whole_of(long.feeds), 400 * MINUTE, 900 * MINUTE)
    gaps = {step.purged_ns for step in walk.walk_forward(long, windows, workers=ONE).steps}
    assert max(gaps) == 100 * MINUTE  # a quarter, where trades are held for longer


def test_a_window_in_which_nobody_trades_is_not_traded() -> None:
    one = clocks(count=3_000)
    windows = walk.windows_of(whole_of(one.feeds), DAY, HOUR)
    found = walk.walk_forward(one, windows, fewest=10_000, workers=ONE)
    assert all(step.chosen is None and step.outcomes == () for step in found.steps)
    assert found.stitched is None
    assert found.efficiency is None
    assert found.as_dict()["windows"][0]["parameters"] is None
    hole = Period(whole_of(one.feeds).until_ns + DAY, whole_of(one.feeds).until_ns + 2 * DAY)
    empty = walk.Window(0, hole, hole)
    assert walk.walk_forward(one, [empty], workers=ONE).steps[0].chosen is None
    after = walk.Window(0, Period(*span_of(one)), hole)
    (step,) = walk.walk_forward(one, [after], workers=ONE).steps
    assert step.chosen is not None
    assert step.outcomes == ()


def span_of(one: Sweep) -> tuple[int, int]:
    """First and last."""
    whole = whole_of(one.feeds)
    return whole.since_ns, whole.until_ns


def test_walks_that_cannot_be_are_refused() -> None:
    one = clocks(count=3_000)
    windows = walk.windows_of(whole_of(one.feeds), DAY, HOUR)
    for gap in (-1, DAY):
        with pytest.raises(InputError, match="BACKTEST-326"):
            walk.walk_forward(one, windows, purge_ns=gap, workers=ONE)
    with pytest.raises(InputError, match="BACKTEST-325"):
        walk.walk_forward(one, [], workers=ONE)
    with pytest.raises(InputError, match=r"BACKTEST-322.*luck"):
        walk.walk_forward(one, windows, "luck", workers=ONE)


def test_a_planted_edge_is_found_and_is_no_luck_while_noise_is() -> None:
    planted, noise = clocks(count=43_200, edge=True), clocks(count=43_200)
    told = {}
    for name, one in (("edge", planted), ("noise", noise)):
        found = winner.pooled(played(one, ONE), one.settings)
        verdict = winner.judged(found)
        assert verdict is not None
        assert verdict.overfit is not None
        told[name] = verdict
        assert (verdict.trials, verdict.traded) == (12, 12)
        assert len(verdict.sentences()) == 3
    assert told["edge"].best.parameters["offset"] == 35
    assert told["edge"].overfit is not None
    assert told["edge"].overfit.probability < 0.05
    assert told["edge"].deflated is not None
    assert told["edge"].deflated > 0.8
    assert told["noise"].overfit is not None
    assert told["noise"].deflated is not None
    assert told["noise"].deflated < told["edge"].deflated - 0.2
    walked = walk.walk_forward(
        planted, walk.windows_of(whole_of(planted.feeds), 5 * DAY, 5 * DAY), workers=ONE
    )
    assert {step.chosen.parameters["offset"] for step in walked.steps if step.chosen} == {35}
    assert walked.efficiency is not None
    assert walked.efficiency > 0.5


def outcome(setting: int, days: Any, trips: int = 20) -> Outcome:
    """An outcome of which only the days are real."""
    cash = tuple(int(day) for day in days)
    return Outcome(setting, setting, "x", 0, len(cash) * DAY, "{}", trips=trips, day_cash=cash, r_count=trips)


def test_overfitting_is_a_coin_on_noise_and_the_deflated_ratio_falls_with_the_trials() -> None:
    chances, ratios = [], []
    for seed in range(12):
        days = np.random.Generator(np.random.PCG64(seed)).normal(0, 1e8, (40, 48))
        settings = [{"n": n} for n in range(40)]
        found = winner.pooled([outcome(n, days[n]) for n in range(40)], settings)
        verdict = winner.judged(found, "sharpe")
        assert verdict is not None
        assert verdict.overfit is not None
        chances.append(verdict.overfit.probability)
        assert verdict.deflated is not None
        ratios.append(verdict.deflated)
        by_trials = [winner.judged(found, "sharpe", trials=count) for count in (40, 100, 1_000, 10_000)]
        deflated = [one.deflated for one in by_trials if one is not None and one.deflated is not None]
        assert deflated == sorted(deflated, reverse=True)
        assert len(set(deflated)) == 4
    assert 0.35 < float(np.mean(chances)) < 0.65
    assert sum(ratio > 0.95 for ratio in ratios) <= 1


def test_pools_are_judged_with_what_there_is() -> None:
    settings = [{"n": 1}, {"n": 2}, {"n": 3}]
    few = [outcome(0, [1, 2]), outcome(1, [5, 1], trips=3), replace(outcome(2, [9, 9]), error="it raised")]
    found = winner.pooled(few, settings)
    assert winner.best_of(found, "sharpe") == found[0]  # of the others one hardly trades, one raised
    verdict = winner.judged(found, "result_cash")
    assert verdict is not None
    assert (verdict.deflated, verdict.overfit, verdict.trials, verdict.traded) == (None, None, 3, 1)
    assert "no deflated" in verdict.sentences()[1]
    assert verdict.as_dict()["overfit_probability"] is None
    assert winner.judged(found[1:]) is None
    with pytest.raises(InputError, match="BACKTEST-321"):
        winner.pooled([], settings)
    with pytest.raises(InputError, match="BACKTEST-322"):
        winner.judged(found, "best")
    with pytest.raises(InputError, match="BACKTEST-323"):
        winner.judged(found, trials=2)
    flat = winner.pooled([outcome(0, [7] * 20), outcome(1, [7] * 20)], settings)
    assert flat[0].sharpe == flat[0].r_t == 0.0
    spread = replace(flat[0], r_count=3, r_sum=3.0, r_squares=5.0)
    assert spread.r_t == pytest.approx(1.0 / (1.0 / 3**0.5))


def test_a_heat_map_shows_the_best_over_the_others() -> None:
    grid = {"a": [1, 2], "b": [5, 6, 7], "c": [0, 1]}
    settings = settings_of(Three, grid)
    found = winner.pooled(
        [replace(outcome(n, [n * 10**8] * 3), result_cash=n * 10**8) for n in range(12)], settings
    )
    picture, about = winner.heat_map(found, "a", "b", "result_cash")
    assert about == "result_cash by a (down) and b (across); of c the best"
    for best in (1, 3, 5, 7, 9, 11):
        assert f">{best}<" in picture.replace("+", "")
    with pytest.raises(InputError, match=r"BACKTEST-324.*'d'"):
        winner.heat_map(found, "a", "d")
    with pytest.raises(InputError, match="BACKTEST-321"):
        winner.heat_map([], "a", "b")
    with pytest.raises(InputError, match="BACKTEST-322"):
        winner.heat_map(found, "a", "b", "luck")


class Three:
    """Three parameters."""

    def __init__(self, a: int = 1, b: int = 5, c: int = 0) -> None:
        self.a, self.b, self.c = a, b, c

    def signals(self, bars: Any) -> Any:
        """None of it is played."""
        return bars


def test_feeds_that_end_early_are_views() -> None:
    there = feeds(300)
    cut = walk.past_of(there, int(there[0].rows["time_ns"][100]))
    assert [len(feed.rows) for feed in cut] == [100, 100]
    assert all(np.shares_memory(part.rows, feed.rows) for part, feed in zip(cut, there, strict=True))
