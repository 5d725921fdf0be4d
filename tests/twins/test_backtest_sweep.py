"""Twins: a sweep's case is play_columns, its leaping run the kernel's, and workers change nothing."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lotwise.backtest.feed import columns_of
from lotwise.backtest.ground import Ground
from lotwise.backtest.run import play_columns, play_signals
from lotwise.backtest.sweep import (
    Feed,
    Period,
    Sweep,
    feeds_of,
    settings_of,
    whole_of,
)
from lotwise.backtest.sweep_row import Outcome, fingerprint_of, measured
from lotwise.backtest.workers import Workers, chunks_of, play_chunks, played, read_workers
from lotwise.errors import InputError, LotwiseError
from lotwise.kernel import limit_codes as codes
from lotwise.kernel.limit_rows import AllowedRow
from lotwise.strategy.api import Columns, Signals
from lotwise.strategy.kept import Kept, kept
from lotwise.strategy.library.breakout import Breakout
from lotwise.strategy.library.null import Null
from lotwise.strategy.rows import rows_of
from tests.twins.sweep_market import GRID, Cannot, Dies, Fails, feeds, jumpy, plan, sweep
from tests.twins.test_class_and_columns import CONTRACTS, LIBRARY, MINUTE, START, TIGHT, bars, left

HOUR = 60 * MINUTE


class Ladder:
    """Limit entries that expire, trailing stops, exits, times: what the library does not ask for."""

    def __init__(self, every: int = 37) -> None:
        self.every = every

    def signals(self, bars: Columns) -> Signals:
        rows = np.arange(5, len(bars), self.every)
        close = bars.close_ticks[rows]
        side = np.where(rows % 2, 1, -1)
        exits = np.arange(20, len(bars), 3 * self.every)
        return Signals(
            rows=rows,
            side=side,
            stop_ticks=close - side * 9_000,
            entries=[(close - side * 300, 40_000_000), (close - side * 900, 60_000_000)],
            entry_valid_ns=15 * MINUTE,
            targets=[(close + side * 2_500, 50_000_000), (close + side * 40_000, 50_000_000)],
            trail_after=1,
            callback8=500_000,
            hold_ns=5 * HOUR,
            exits=exits[~np.isin(exits, rows)],
        )


PLANS = {
    "free": plan(None),
    "limits": plan(TIGHT),
    "locks": plan(AllowedRow(day_loss_share8=2_000_000, week_loss_share8=5_000_000)),
    "week": plan(AllowedRow(week_loss_share8=2_000_000)),
    "cross": replace(plan(None), isolated=False, leverage100=5_000),
    "risky": replace(plan(AllowedRow(week_loss_share8=60_000_000)), risk8=20_000_000, leverage100=5_000),
}


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("strategy", [*LIBRARY, Ladder()], ids=lambda one: type(one).__name__)
def test_a_leaping_run_is_the_kernels(strategy: Any, name: str) -> None:
    for seed in range(3):
        parts = [jumpy(20 * seed + c, 3_000) for c in range(2)]
        for there in (*feeds_of(CONTRACTS, parts), *feeds_of(CONTRACTS, parts, "together")):
            span = whole_of([there])
            ground = Ground(there.contracts, there.rows, PLANS[name], (span.since_ns, span.until_ns, 0))
            strategies = [strategy] * len(there.contracts)
            found = ground.play(strategies)
            listed = play_columns(strategies, there.contracts, there.rows, PLANS[name])
            assert left(found) == left(listed)
            assert found.trips["signal"].tolist() == listed.trips["signal"].tolist()
            assert fingerprint_of(found) == fingerprint_of(listed)
            again = ground.play(strategies)
            assert left(again) == left(found)


def test_rare_ways_were_leapt_over() -> None:
    """What the runs above must have met: limits of all kinds, gaps through stops, entries that expired."""
    refused: set[int] = set()
    gapped = expired = cut = 0
    for name, chosen in PLANS.items():
        for seed in range(3):
            for strategy in (Ladder(), Null(one_in=15, seed=seed)):
                there = feeds_of(CONTRACTS, [jumpy(20 * seed + c, 3_000) for c in range(2)], "together")[0]
                found = play_columns([strategy] * 2, there.contracts, there.rows, chosen)
                refused |= set(found.refusals["code"].tolist())
                gapped += int((found.trips["result_cash"] < -2 * found.trips["risk_cash"]).sum())
                expired += found.unfilled
                cut += name == "limits" and len(found.refusals) > 0
    assert {codes.DAY_LOSS, codes.WEEK_LOSS, codes.COOL_DOWN, codes.DAY_TRADES} <= refused
    assert expired > 20
    assert cut > 0
    assert gapped > 0


@pytest.mark.parametrize("accounts", ["per_contract", "together"])
def test_a_case_is_play_columns(accounts: Any) -> None:
    one = sweep(accounts=accounts)
    outcomes = played(one, Workers("threads", 1))
    assert [outcome.number for outcome in outcomes] == list(range(len(one)))
    refused = 0
    for outcome in outcomes:
        case = one.case(outcome.number)
        feed, setting = one.feeds[case.feed], one.settings[case.setting]
        listed = play_columns(
            [Breakout(**setting)] * len(feed.contracts),  # type: ignore[arg-type]
            feed.contracts,
            feed.rows,
            one.plan,
        )
        figures = measured(listed, outcome.since_ns, outcome.until_ns)
        assert {name: getattr(outcome, name) for name in figures} == figures
        assert outcome.setting == case.setting
        assert outcome.contract == feed.name
        slow = listed.trips.tolist()
        names = listed.trips.dtype.names
        results = [trip[names.index("result_cash")] for trip in slow]
        risks = [trip[names.index("risk_cash")] for trip in slow]
        assert outcome.closed_cash == sum(results) == sum(outcome.day_cash)
        assert outcome.r_sum == pytest.approx(sum(a / b for a, b in zip(results, risks, strict=True)))
        assert outcome.drawdown_cash == deepest(results)
        assert outcome.trips > 5
        refused += outcome.refused
    assert refused > 50


def deepest(results: list[int]) -> int:
    """The deepest fall, the long way."""
    money = top = fall = 0
    for result in results:
        money += result
        top = max(top, money)
        fall = max(fall, top - money)
    return fall


def test_where_cases_are_played_changes_nothing() -> None:
    one = sweep()
    alone = played(one, Workers("threads", 1))
    assert played(one, Workers("threads", 2)) == alone
    assert played(one, Workers("processes", 2)) == alone
    assert played(sweep(), Workers("threads", 7), numbers=[17, 3, 4]) == [alone[17], alone[3], alone[4]]
    assert len({outcome.fingerprint for outcome in alone}) == len(alone)


def test_only_the_bars_of_the_period_are_traded_and_those_before_are_seen() -> None:
    there = feeds(3_000)
    feed = there[0]
    times = feed.rows["time_ns"]
    cold = Period(int(times[1_000]), int(times[2_500]))
    warm = replace(cold, warm_ns=200 * MINUTE)
    one = Sweep(Breakout, [{"bars": 90, "ranges": 2}], (feed,), plan(None), (cold, warm))
    first, second = played(one, Workers("threads", 1))
    part = feed.rows[1_000:2_500]
    listed = play_columns([Breakout(90, 2)], feed.contracts, part, one.plan)
    assert first.fingerprint == fingerprint_of(listed)
    [(columns, _)] = columns_of(CONTRACTS[:1], feed.rows[800:2_500])
    made, said = rows_of(Breakout(90, 2).signals(columns), len(columns))
    by_hand = play_signals(made, said[200:], feed.contracts, feed=part, plan=one.plan)
    assert second.fingerprint == fingerprint_of(by_hand)
    assert second.fingerprint != first.fingerprint
    assert int(by_hand.trips["opened_row"].min()) < 90 <= int(listed.trips["opened_row"].min())
    late = Period(int(times[-1]) + 1 - MINUTE, int(times[-1]) + MINUTE)
    short = Feed(feed.contracts, feed.rows[:100])
    none = played(Sweep(Breakout, [{}], (short, there[1]), plan(), (late,)), Workers("threads", 1))
    assert (none[0].bars, none[0].equity_cash, none[0].error, none[1].bars) == (0, plan().equity_cash, "", 1)


@pytest.mark.parametrize(
    ("strategy", "words"), [(Fails, "ZeroDivisionError: no range of 2"), (Cannot, "[SIGNAL-103]")]
)
@pytest.mark.parametrize("where", ["threads", "processes"])
def test_a_case_that_raises_is_told_and_the_rest_goes_on(strategy: Any, words: str, where: str) -> None:
    outcomes = played(sweep(strategy), Workers(where, 2))
    whole = played(sweep(Breakout), Workers("threads", 1))
    for outcome, good in zip(outcomes, whole, strict=True):
        if '"ranges": 2' in outcome.parameters:
            assert words in outcome.error
            assert (outcome.trips, outcome.fingerprint) == (0, "")
        else:
            assert replace(outcome, fingerprint="") == replace(good, fingerprint="")
            assert outcome.fingerprint == good.fingerprint


def test_a_bar_that_cannot_be_is_told_in_its_cases_only() -> None:
    there = feeds(500)
    rows = there[0].rows.copy()
    rows["high_ticks"][7] = 1
    one = Sweep(
        Breakout,
        settings_of(Breakout, GRID),
        (Feed(there[0].contracts, rows), there[1]),
        plan(),
        (whole_of(there),),
    )
    outcomes = played(one, Workers("threads", 1))
    assert all("BACKTEST-102" in outcome.error and "bar 7" in outcome.error for outcome in outcomes[:9])
    assert not any(outcome.error for outcome in outcomes[9:])


def test_a_worker_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    grid = GRID | {"once": [str(tmp_path / "killed")]}
    one = sweep(Dies, grid, count=1_500)
    found: dict[int, list[Outcome]] = {}
    play_chunks(one, chunks_of(range(len(one)), 2), Workers("processes", 2), found.__setitem__)
    assert (tmp_path / "killed").exists()
    prints = [outcome.fingerprint for number in sorted(found) for outcome in found[number]]
    assert prints == [outcome.fingerprint for outcome in played(sweep(count=1_500))]


def test_workers_that_always_die_end_the_run() -> None:
    with pytest.raises(LotwiseError, match=r"BACKTEST-310.*killed 3 times") as caught:
        played(sweep(Dies, {"ranges": [2]}, count=500), Workers("processes", 1))
    assert caught.value.hint


@pytest.mark.parametrize(
    ("grid", "code", "words"),
    [
        ({}, "BACKTEST-301", "empty grid"),
        ({"bars": []}, "BACKTEST-301", "bars has no value"),
        ({"bar": [20]}, "BACKTEST-302", "no parameter 'bar'"),
        ({"bars": [20, 20]}, "BACKTEST-303", "twice"),
        ({"bars": [20, 2.5]}, "BACKTEST-303", "bars is 2.5, a float"),
        ({"bars": [True]}, "BACKTEST-303", "a bool"),
        ({"bars": range(2, 2_000), "ranges": range(1, 600)}, "BACKTEST-304", "1,196,802 cases"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(grid: Any, code: str, words: str) -> None:
    with pytest.raises(InputError, match=code) as caught:
        settings_of(Breakout, grid)
    assert words in caught.value.message
    assert caught.value.hint
    if code == "BACKTEST-302":
        assert "did you mean bars?" in caught.value.hint


def test_a_sweep_that_cannot_be_is_refused() -> None:
    there = feeds(100)
    whole = (whole_of(there),)
    for settings, given, periods in (([], there, whole), ([{}], (), whole), ([{}], there, ())):
        with pytest.raises(InputError, match=r"BACKTEST-301"):
            Sweep(Breakout, settings, given, plan(), periods)
    with pytest.raises(InputError, match=r"BACKTEST-301"):
        whole_of(())
    with pytest.raises(InputError, match=r"BACKTEST-304.*2,000,000 cases"):
        Sweep(Breakout, range(1_000_000), there, plan(), whole)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"BACKTEST-305.*str"):
        Sweep(str, [{}], there, plan(), whole)  # type: ignore[arg-type]
    for period in (Period(0, START), Period(START, START), Period(START + 5, START - 5)):
        with pytest.raises(InputError, match=r"BACKTEST-306"):
            Sweep(Breakout, [{}], there, plan(), (period,))
    with pytest.raises(InputError, match=r"BACKTEST-306.*warm-up of -1"):
        Sweep(Breakout, [{}], there, plan(), (replace(whole[0], warm_ns=-1),))
    with pytest.raises(InputError, match=r"BACKTEST-307.*apart"):
        feeds_of(CONTRACTS, [bars(0, 10)] * 2, "apart")  # type: ignore[arg-type]


def test_workers_are_read_from_text() -> None:
    assert read_workers("2") == Workers("threads", 2)
    assert read_workers(" threads ") == Workers("threads", 0)
    assert read_workers("processes:4") == Workers("processes", 4)
    assert read_workers("ray:8") == Workers("ray", 8)
    assert Workers().many == os.cpu_count()
    for text in ("", "two", "-1", "2:3", "ray:x", "threads:99999", "processes:99999999999", "²"):
        with pytest.raises(InputError, match="BACKTEST-308"):
            read_workers(text)


def test_without_ray_the_way_to_it_is_told() -> None:
    try:
        import ray  # type: ignore[import-not-found]  # noqa: F401
    except ImportError:
        with pytest.raises(InputError, match=r"BACKTEST-309") as caught:
            played(sweep(count=100), Workers("ray"))
        assert "lotwise[cluster]" in caught.value.hint
        return
    pytest.skip("Ray is installed: tests/twins/test_ray.py plays on it")


def test_measures_are_kept_for_named_arrays_only() -> None:
    calls: list[int] = []

    @kept
    def doubled(values: Any, by: int) -> Any:
        calls.append(by)
        return values * by

    mine, other = np.arange(5), np.arange(5)
    held = Kept((mine,), most_bytes=2 * mine.nbytes)
    assert doubled(mine, 2).tolist() == [0, 2, 4, 6, 8]
    with held.open():
        first = doubled(mine, 3)
        assert doubled(mine, 3) is first
        assert not first.flags.writeable
        assert doubled(other, 3) is not doubled(other, 3)
        assert calls == [2, 3, 3, 3]
        doubled(mine, 4)
        doubled(mine, 5)  # the longest unused goes
        assert doubled(mine, 3) is not first
        assert held.bytes == 2 * mine.nbytes
    assert doubled(mine, 3).flags.writeable
