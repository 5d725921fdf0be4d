"""Groups and their verdicts: plain counting, chance alone seldom speaks, what was not seen is allowed for."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from benchmarks.workloads.review import integers, plain, table_of
from lotwise.review.groups import Group, Groups, groups, local_hours
from lotwise.review.report import review
from lotwise.review.table import UNKNOWN, Reviewed, of_columns

E8 = 10**8
HOUR = 3_600 * 10**9
PROOF = os.environ.get("LOTWISE_PROFILE") == "proof"


def table(results: list[float], **more: Any) -> Reviewed:
    """Trades an hour apart with these results in R."""
    count = len(results)
    times = np.arange(count) * HOUR + 1_700_000_000 * 10**9
    numbers = {
        "opened_ns": times,
        "closed_ns": times + 1,
        "net_cash": [round(r * E8) for r in results],
        "risk_cash": [E8] * count,
    }
    words = {name: more.pop(name) for name in ("setup", "contract") if name in more}
    return of_columns(count, words, numbers, more.pop("tags", None))


def one(found: Groups, by: str, name: str) -> Group:
    (group,) = [group for group in found.by(by) if group.name == name]
    return group


def test_every_figure_is_that_of_counting_trade_by_trade() -> None:
    for count in (40, 300):
        found = review(table_of(count))
        assert integers(found) == plain(count)
    kinds = {group.by for group in found.groups.listed}
    assert kinds == {"setup", "contract", "side", "weekday", "hour", "volatility", "trend", "tag"}
    assert sum(group.count for group in found.groups.by("hour")) == found.totals["measured"]


def test_hours_and_days_are_of_the_zone_through_a_change_of_the_clock() -> None:
    zone = ZoneInfo("Europe/Berlin")
    start = int(datetime(2026, 10, 24, 20, tzinfo=UTC).timestamp())
    times = np.arange(start, start + 12 * 3600, 1800) * 10**9
    days, hours = local_hours(times, zone)
    for time_ns, day, hour in zip(times.tolist(), days.tolist(), hours.tolist(), strict=True):
        local = datetime.fromtimestamp(time_ns // 10**9, tz=zone)
        assert (local.date() - date(1970, 1, 1)).days == day
        assert local.hour == hour
    assert hours.tolist().count(2) == 4, "the hour that comes twice"


def test_a_group_that_pays_and_one_that_loses_are_told() -> None:
    results = [1.5, -1.0] * 60 + [1.0, -1.0, -1.0] * 40
    found = groups(table(results, setup=["good"] * 120 + ["bad"] * 120))
    good, bad = one(found, "setup", "good"), one(found, "setup", "bad")
    assert (good.mean, bad.mean) == (0.25, pytest.approx(-1 / 3))
    assert bad.verdict == "avoid"
    assert good.verdict == "undecided", "0.25 of 120 is not enough among so many looks"
    found = groups(table([1.5, -1.0] * 400 + [-1.0], setup=["good"] * 800 + ["bad"]))
    assert one(found, "setup", "good").verdict == "trade"
    assert one(found, "setup", "bad").verdict == "no verdict"
    assert one(found, "setup", "bad").low is None


def test_the_intervals_are_widened_for_every_look() -> None:
    results = [1.5, -1.0] * 200
    few = groups(table(results, setup=["a", "b"] * 200))
    tags = {f"tag{k}": [row % 7 != k for row in range(400)] for k in range(5)}
    many = groups(table(results, setup=["a", "b"] * 200, tags=tags))
    assert many.looks == few.looks + 5
    assert many.level == pytest.approx(1 - 0.05 / many.looks)
    narrow, wide = one(few, "side", "long") if few.by("side") else None, None
    assert narrow is wide is None, "one side alone is no group"
    assert (one(many, "weekday", "Monday").high or 0) > (one(few, "weekday", "Monday").high or 0)


def test_thirty_losses_are_no_verdict_where_one_win_would_outweigh_them() -> None:
    rest = [20.0, -1.0] * 40
    found = groups(table([-1.0] * 40 + rest, setup=["none won"] * 40 + ["rest"] * 80))
    assert one(found, "setup", "none won").verdict == "undecided"
    found = groups(table([-1.0] * 40 + [1.0, -1.0] * 40, setup=["none won"] * 40 + ["rest"] * 80))
    assert one(found, "setup", "none won").verdict == "avoid"
    all_won = groups(table([0.5] * 40 + [1.0, -9.0] * 40, setup=["all won"] * 40 + ["rest"] * 80))
    assert one(all_won, "setup", "all won").verdict == "undecided"


def test_chance_alone_seldom_makes_a_verdict() -> None:
    rng = np.random.Generator(np.random.PCG64(12))
    rounds = 2_000 if PROOF else 150
    spoke = 0
    for _ in range(rounds):
        count = 480
        results = np.where(rng.random(count) < 1 / 3, 2.0, -1.0)  # worth nothing
        names = [f"s{place}" for place in rng.integers(0, 4, count).tolist()]
        found = groups(table(results.tolist(), setup=names))
        spoke += any(group.verdict in ("trade", "avoid") for group in found.listed)
    assert found.looks > 10
    assert spoke / rounds < 0.05 if PROOF else spoke / rounds < 0.09


def test_what_is_not_told_is_no_group() -> None:
    found = groups(table([1.0, -1.0] * 20))
    assert {group.by for group in found.listed} == {"weekday", "hour"}
    assert groups(table([1.0, -1.0] * 20, setup=["", "x"] * 20)).by("setup") == []


def test_the_edges_of_bitcoins_trend_and_of_its_thirds() -> None:
    moves = [-(10**6) - 1, -(10**6), -(10**6) + 1, 0, 10**6 - 1, 10**6, UNKNOWN]
    numbers = {
        "opened_ns": np.arange(7),
        "closed_ns": np.arange(7) + 1,
        "net_cash": np.ones(7, np.int64),
        "risk_cash": np.ones(7, np.int64),
        "btc_change8": moves,
        "btc_volatility8": [10, 20, 30, 40, 50, 60, UNKNOWN],
    }
    found = groups(of_columns(7, {}, numbers))
    assert [group.count for group in found.by("trend")] == [2, 3, 1]
    assert [group.count for group in found.by("volatility")] == [2, 2, 2]
