"""A thousand random sets of trades: every figure again in plain Python, fractions and scipy."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy import stats

from lotwise.errors import InputError
from lotwise.review.report import review
from lotwise.review.table import MOST_R, UNKNOWN, Labels, Reviewed, of_columns
from lotwise.review.totals import interval_of, main_coin, totals
from lotwise.units import cash_text

E8 = 10**8
MINUTE = 60 * 10**9


def random_set(rng: np.random.Generator, count: int) -> Reviewed:
    """Trades of two coins, some without a stop, some flat, some at the same moment."""
    opened = np.cumsum(rng.integers(0, 90, count)) * MINUTE
    risk = np.where(rng.random(count) < 0.2, 0, rng.integers(1, 50, count) * E8 // 7)
    known = rng.random(count) < 0.7
    numbers = {
        "side": np.where(rng.random(count) < 0.5, 1, -1),
        "opened_ns": opened,
        "closed_ns": opened + rng.integers(0, 200, count) * MINUTE,
        "net_cash": np.where(rng.random(count) < 0.1, 0, rng.integers(-60, 90, count) * E8 // 9),
        "fee_cash": rng.integers(0, E8, count),
        "funding_cash": rng.integers(-E8, E8, count),
        "risk_cash": risk,
        "planned_r8": np.where(known, rng.integers(1, 5, count) * E8, UNKNOWN),
        "slip_cash": np.where(known, rng.integers(-E8, E8, count), UNKNOWN),
        "noted": rng.random(count) < 0.5,
    }
    coins = ["USDT" if one else "BTC" for one in (rng.random(count) < 0.8).tolist()]
    return of_columns(count, {"coin": coins}, numbers)


def rows_of(table: Reviewed) -> list[dict[str, Any]]:
    names = ("side", "opened_ns", "closed_ns", "net_cash", "fee_cash", "funding_cash", "risk_cash")
    names += ("planned_r8", "slip_cash", "noted")
    columns = {name: getattr(table, name).tolist() for name in names}
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return [row | {"coin": table.coin.at(k)} for k, row in enumerate(rows)]


def fall_of(values: list[Fraction]) -> Fraction:
    now = peak = deepest = Fraction(0)
    for value in values:
        now += value
        peak = max(peak, now)
        deepest = max(deepest, peak - now)
    return deepest


def streak(flags: list[bool]) -> int:
    most = now = 0
    for flag in flags:
        now = now + 1 if flag else 0
        most = max(most, now)
    return most


def mean_of(values: list[Fraction]) -> float | None:
    return float(sum(values, Fraction(0)) / len(values)) if values else None


def close(found: float | None, wanted: float | None) -> bool:
    if found is None or wanted is None:
        return found is wanted is None
    return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9)


def check(table: Reviewed, seen: set[str]) -> None:
    found, rows = totals(table), rows_of(table)
    known = [row for row in rows if row["risk_cash"]]
    if known:
        unit, values = "R", [Fraction(row["net_cash"], row["risk_cash"]) for row in known]
    else:
        counts = sorted({row["coin"] for row in rows}, key=lambda c: (-sum(r["coin"] == c for r in rows), c))
        unit = counts[0]
        values = [Fraction(row["net_cash"], E8) for row in rows if row["coin"] == unit]
        seen.add("no risk")
    won, lost = [v for v in values if v > 0], [v for v in values if v < 0]
    assert (found["unit"], found["count"], found["measured"]) == (unit, len(rows), len(values))
    assert found["without_risk"] == len(rows) - len(known)
    assert close(found["mean"], mean_of(values))
    assert close(found["total"], float(sum(values)))
    assert close(found["profit_factor"], float(sum(won) / -sum(lost)) if lost else None)
    win, loss = mean_of(won), mean_of([-v for v in lost])
    assert close(found["average_win"], win)
    assert close(found["average_loss"], loss)
    assert close(found["payoff"], win / loss if win and loss else None)
    assert close(found["fall"]["depth"], float(fall_of(values)))
    wins = sum(row["net_cash"] > 0 for row in rows)
    wilson = stats.binomtest(wins, len(rows)).proportion_ci(method="wilson")
    assert (found["win_rate"]["low"], found["win_rate"]["high"]) == (
        pytest.approx(wilson.low, abs=1e-9),
        pytest.approx(wilson.high, abs=1e-9),
    )
    for name, sign in (("wins", 1), ("losses", -1)):
        assert found["streaks"][name]["longest"] == streak([sign * row["net_cash"] > 0 for row in rows])
    for one in found["money"]:
        mine = [row for row in rows if row["coin"] == one["coin"]]
        assert one["net"] == cash_text(sum(row["net_cash"] for row in mine))
        assert one["fees"] == cash_text(sum(row["fee_cash"] for row in mine))
        assert one["fall"] == cash_text(int(fall_of([Fraction(row["net_cash"]) for row in mine])))
    seen.update({"no loss"} if not lost else (), {"no win"} if not won else ())
    check_costs(found, known, rows)


def check_costs(found: dict[str, Any], known: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
    if known:
        drag = [Fraction(row["fee_cash"] - row["funding_cash"], row["risk_cash"]) for row in known]
        gross = sum(drag) + sum(Fraction(row["net_cash"], row["risk_cash"]) for row in known)
        assert close(found["costs"]["mean_r"], mean_of(drag))
        assert close(found["costs"]["share"], float(sum(drag) / gross) if gross > 0 else None)
    meant = [row for row in known if row["planned_r8"] != UNKNOWN]
    assert (found["planned"] is None) == (not meant)
    if meant:
        reached = sum(10 * row["net_cash"] * E8 >= 9 * row["planned_r8"] * row["risk_cash"] for row in meant)
        assert found["planned"]["reached"] == reached
        assert close(
            found["planned"]["planned_mean"], mean_of([Fraction(row["planned_r8"], E8) for row in meant])
        )
    slipped = [Fraction(row["slip_cash"], row["risk_cash"]) for row in known if row["slip_cash"] != UNKNOWN]
    assert found["stops"]["measured"] == len(slipped)
    if slipped:
        assert close(found["stops"]["mean_r"], mean_of(slipped))
        assert found["stops"]["beyond"] == sum(one > 0 for one in slipped)
    start, end = min(row["opened_ns"] for row in rows), max(row["closed_ns"] for row in rows)
    held = sum(
        any(row["opened_ns"] <= at < row["closed_ns"] for row in rows) for at in range(start, end, MINUTE)
    )
    assert close(found["time"]["exposure"], held * MINUTE / (end - start) if end > start else None)
    assert found["notes"]["missing"] == sum(not row["noted"] for row in rows)


def test_a_thousand_random_sets() -> None:
    rng = np.random.Generator(np.random.PCG64(2026))
    seen: set[str] = set()
    for _ in range(1_000):
        check(random_set(rng, int(rng.integers(1, 26))), seen)
    assert seen == {"no risk", "no loss", "no win"}, "the rare kinds were among them"


def test_the_interval_is_scipys_bootstrap() -> None:
    rng = np.random.Generator(np.random.PCG64(4))
    for _ in range(4):
        values = np.where(rng.random(80) < 0.4, rng.gamma(4, 0.5, 80), -1.0)
        found = interval_of(values, seed=7)
        theirs = stats.bootstrap((values,), np.mean, n_resamples=9_999, method="BCa", rng=rng)
        wide = theirs.confidence_interval.high - theirs.confidence_interval.low
        assert found is not None
        assert found.method == "bca"
        assert found.low == pytest.approx(theirs.confidence_interval.low, abs=0.04 * wide)
        assert found.high == pytest.approx(theirs.confidence_interval.high, abs=0.04 * wide)
    many = interval_of(rng.exponential(1, 20_000), seed=7)
    assert many is not None
    assert many.method == "hall"
    assert interval_of(np.asarray([1.0]), seed=7) is None


def test_no_verdict_below_thirty_and_a_verdict_above() -> None:
    def of(results: list[int]) -> dict[str, Any]:
        count = len(results)
        times = np.arange(count) * MINUTE
        cash = [r * E8 for r in results]
        return totals(
            of_columns(
                count,
                {},
                {"opened_ns": times, "closed_ns": times + 1, "net_cash": cash, "risk_cash": [E8] * count},
            )
        )

    assert of([2, -1] * 14)["verdict"] == "no verdict"
    assert of([2, -1] * 100)["verdict"] == "positive"
    assert of([1, -2] * 100)["verdict"] == "negative"
    assert of([1, -1] * 100)["verdict"] == "undecided"
    assert of([1] * 40)["expectancy"]["low"] == 1.0


def test_an_absurd_plan_is_not_measured_in_r() -> None:
    table = of_columns(
        2,
        {},
        {"opened_ns": [0, 5], "closed_ns": [3, 9], "net_cash": [2 * E8, E8], "risk_cash": [1, E8]},
    )
    assert MOST_R < 2 * E8
    assert totals(table)["measured"] == 1
    assert totals(table)["money"][0]["net"] == "3.00"


def test_columns_of_other_lengths_and_no_trades_are_refused() -> None:
    table = of_columns(2, {}, {"opened_ns": [0, 5], "closed_ns": [3, 9], "net_cash": [1, 2]})
    columns = {name: getattr(table, name) for name in table.__dataclass_fields__}
    with pytest.raises(InputError, match="venue has 3 rows, net_cash 2") as told:
        Reviewed(**(columns | {"venue": Labels.of(["a", "b", "c"])}))
    assert told.value.code == "REVIEW-101"
    with pytest.raises(InputError, match="none of 2 closed trades is meant") as told:
        review(table, only=[False, False])
    assert told.value.code == "REVIEW-102"
    assert main_coin(table.take(np.asarray([], np.int64))) == ""
