"""Figures of trades against the slow way, intervals against their equations and coverage, and bad input."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from itertools import groupby, product
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotwise.errors import InputError
from lotwise.stats import drawdown
from lotwise.stats.intervals import bootstrap_mean, usual_block, wilson
from lotwise.stats.kelly import growth, kelly
from lotwise.stats.trades import judged, longest_run, measure, read_results8

RESULTS = st.lists(st.integers(-400, 900).map(lambda cents: cents / 100), min_size=2, max_size=60)


def code_of(action: Any, *given_to: Any, **named: Any) -> str:
    with pytest.raises(InputError) as caught:
        action(*given_to, **named)
    assert caught.value.hint
    return caught.value.code


# -- Wilson


@pytest.mark.parametrize(
    ("hits", "count"), [(0, 1), (1, 1), (0, 40), (17, 40), (40, 40), (8, 10), (4_500, 10_000)]
)
@pytest.mark.parametrize("level", [0.8, 0.95, 0.999])
def test_wilson_bounds_solve_the_quadratic_of_the_score_test(hits: int, count: int, level: float) -> None:
    found = wilson(hits, count, level)
    z2 = Fraction(NormalDist().inv_cdf((1 + level) / 2)) ** 2
    share = Fraction(hits, count)
    for bound in (found.low, found.high):
        left = (share - Fraction(bound)) ** 2 - z2 * Fraction(bound) * (1 - Fraction(bound)) / count
        slope = abs(2 * (Fraction(bound) - share) * (1 + z2 / count) + z2 * (2 * share - 1) / count)
        assert abs(left) <= Fraction(1, 10**12) * max(1, slope)
    assert found.low <= found.value <= found.high
    assert (found.low == 0) == (hits == 0)
    assert (found.high == 1) == (hits == count)


@pytest.mark.parametrize(
    ("hits", "count", "level", "code"),
    [
        (1, 0, 0.95, "STATS-101"),
        (3, 2, 0.95, "STATS-101"),
        (-1, 2, 0.95, "STATS-101"),
        (1, 2, 0.0, "STATS-104"),
        (1, 2, 1.0, "STATS-104"),
        (1, 2, math.nan, "STATS-104"),
    ],
)
def test_a_share_without_sense_is_refused(hits: int, count: int, level: float, code: str) -> None:
    assert code_of(wilson, hits, count, level) == code


# -- bootstrap


def slow_block_means(values: list[float], resamples: int, block: int, seed: int) -> list[float]:
    """The same draws, put together value by value."""
    chance, means = np.random.Generator(np.random.PCG64(seed)), []
    blocks = -(-len(values) // block)
    for starts in chance.integers(0, len(values), (resamples, blocks)).tolist():
        row = [values[(start + step) % len(values)] for start in starts for step in range(block)]
        means.append(math.fsum(row[: len(values)]) / len(values))
    return sorted(means)


@pytest.mark.parametrize("block", [1, 2, 3, 7, 20])
def test_percentiles_are_those_of_means_put_together_by_hand(block: int) -> None:
    values = [round(random.Random(4).gauss(0.2, 1.3) + 0.01 * i, 3) for i in range(20)]
    means = slow_block_means(values, 300, block, seed=9)
    found = bootstrap_mean(values, level=0.9, resamples=300, block=block, method="percentile", seed=9)
    for share, bound in ((0.05, found.low), (0.95, found.high)):
        place = share * 299
        below = means[math.floor(place)]
        assert bound == pytest.approx(below + (means[math.ceil(place)] - below) * (place % 1), abs=1e-12)
    assert found.value == pytest.approx(math.fsum(values) / 20)


def test_bca_is_efrons_formula_over_the_same_means() -> None:
    values = [-1.0] * 13 + [0.5, 1.5, 2.0, 2.0, 3.5, 6.0, 9.0]
    means = np.array(slow_block_means(values, 2000, 1, seed=3))
    whole, normal = sum(values) / 20, NormalDist()
    below = sum(1.0 if mean < whole - 1e-12 else 0.5 if abs(mean - whole) <= 1e-12 else 0.0 for mean in means)
    bias = normal.inv_cdf(below / 2000)
    left_out = [(sum(values) - value) / 19 for value in values]
    centre = sum(left_out) / 20
    lean = sum((centre - one) ** 3 for one in left_out) / (
        6 * sum((centre - one) ** 2 for one in left_out) ** 1.5
    )
    found = bootstrap_mean(values, resamples=2000, seed=3)
    assert found.method == "bca"
    for share, bound in ((0.025, found.low), (0.975, found.high)):
        z = bias + normal.inv_cdf(share)
        moved = normal.cdf(bias + z / (1 - lean * z))
        assert bound == pytest.approx(float(np.quantile(means, moved)), abs=1e-9)
        assert abs(moved - share) > 0.004, "nothing was corrected"


@pytest.mark.parametrize("method", ["bca", "percentile"])
@pytest.mark.parametrize("kind", ["even", "skewed"])
def test_a_95_percent_interval_holds_the_truth_in_93_to_97_of_100(method: Any, kind: str) -> None:
    chance = np.random.Generator(np.random.PCG64(17))
    held = 0
    for number in range(1200):
        if kind == "even":
            values, truth = chance.normal(0.1, 1.2, 120), 0.1
        else:
            values, truth = np.where(chance.random(120) < 0.4, 2.0, -1.0), 0.2
        found = bootstrap_mean(values, resamples=600, method=method, seed=number)
        held += found.low <= truth <= found.high
    assert 0.93 <= held / 1200 <= 0.97


def test_blocks_hold_the_truth_more_often_where_trades_depend() -> None:
    chance = np.random.Generator(np.random.PCG64(18))
    held = {1: 0, 12: 0}
    for number in range(300):
        shocks, values = chance.normal(0, 1, 340), [0.0]
        for shock in shocks:
            values.append(0.6 * values[-1] + float(shock))
        for block in held:
            found = bootstrap_mean(values[41:], resamples=400, block=block, method="percentile", seed=number)
            held[block] += found.low <= 0 <= found.high
    assert held[1] < 0.75 * 300, "independent draws should fail here"
    assert held[12] > 0.86 * 300


def test_values_all_the_same_are_their_own_interval() -> None:
    found = bootstrap_mean([-1.0] * 40)
    assert (found.low, found.value, found.high) == (-1.0, -1.0, -1.0)
    assert usual_block(1) == 1
    assert usual_block(1000) == 10


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("STATS-104", {"level": 2.0}),
        ("STATS-105", {"block": 0}),
        ("STATS-105", {"block": 4}),
        ("STATS-109", {"resamples": 5}),
        ("STATS-109", {"resamples": 10**9}),
    ],
)
def test_a_bootstrap_without_sense_is_refused(code: str, named: dict[str, Any]) -> None:
    assert code_of(bootstrap_mean, [1.0, 2.0, 3.0], **named) == code
    assert code_of(bootstrap_mean, [1.0]) == "STATS-101"


# -- the figures


def slow_fall(curve: list[float]) -> float:
    """The deepest fall between any two places."""
    return max(curve[i] - curve[j] for i in range(len(curve)) for j in range(i, len(curve)))


@given(RESULTS)
def test_figures_are_those_of_the_slow_way(results: list[float]) -> None:
    found = measure(results, resamples=100)
    exact = [Fraction(str(result)) for result in results]
    won, lost = [r for r in exact if r > 0], [-r for r in exact if r < 0]
    assert (found.wins, found.losses, found.flat) == (len(won), len(lost), results.count(0.0))
    assert found.mean == pytest.approx(float(sum(exact) / len(exact)), abs=1e-12)
    assert found.profit_factor == (pytest.approx(float(sum(won) / sum(lost))) if lost else None)
    ratio = (sum(won) / len(won)) / (sum(lost) / len(lost)) if won and lost else None
    assert found.payoff == (None if ratio is None else pytest.approx(float(ratio)))
    runs = {
        sign: [
            len(list(run)) for kind, run in groupby(exact, key=lambda r: (r > 0) - (r < 0)) if kind == sign
        ]
        for sign in (1, -1)
    }
    assert (found.longest_wins, found.longest_losses) == (max(runs[1], default=0), max(runs[-1], default=0))
    curve = [0.0, *np.cumsum(results).tolist()]
    assert found.fall.depth == pytest.approx(slow_fall(curve), abs=1e-9)
    assert (found.best, found.worst) == (max(results), min(results))
    assert found.expectancy is not None
    assert found.expectancy.low <= found.expectancy.high


def test_streaks_of_every_short_history() -> None:
    for flags in product((False, True), repeat=9):
        slow = max((len(list(run)) for held, run in groupby(flags) if held), default=0)
        assert longest_run(flags) == slow


def test_a_fall_knows_where_it_began_ended_and_recovered() -> None:
    found = drawdown.of_curve([100, 120, 90, 110, 120, 119, 130, 60, 61])
    assert (found.depth, found.share) == (70, pytest.approx(70 / 130))
    assert (found.peak_at, found.bottom_at, found.recovered_at, found.longest) == (6, 7, None, 3)
    early = drawdown.of_curve([10, 4, 12, 11])
    assert (early.depth, early.recovered_at, early.longest) == (6, 2, 2)
    assert drawdown.of_curve([10, 4, 10, 9]).recovered_at == 2
    risen = drawdown.of_results([1.0, 1.0, 0.5])
    assert (risen.depth, risen.recovered_at, risen.longest, risen.share) == (0, None, 0, None)
    fallen = drawdown.of_results([-1.0, -1.0])
    assert (fallen.depth, fallen.share, fallen.peak_at, fallen.longest) == (2, None, 0, 2)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=30))
def test_the_longest_time_below_a_peak(curve: list[int]) -> None:
    longest, peak_at = 0, 0
    for at, value in enumerate(curve):
        if value < curve[peak_at]:
            longest = max(longest, at - peak_at)
        else:
            if at - peak_at > 1:
                longest = max(longest, at - peak_at)
            peak_at = at
    assert drawdown.of_curve(curve).longest == longest


def test_costs_and_money() -> None:
    found = measure([1.9, -1.0, 0.9], costs_r=[0.1, 0.05, 0.1], equity=[200, 220, 205, 214])
    assert found.mean_cost == pytest.approx(0.25 / 3)
    assert found.cost_drag == pytest.approx(0.25 / (1.8 + 0.25))
    assert found.money_fall is not None
    assert (found.money_fall.depth, found.money_fall.bottom_at) == (15, 2)
    assert measure([-1.0, -1.0], costs_r=[0.1, 0.1]).cost_drag is None


def test_verdicts() -> None:
    few = measure([2.0] * 29)
    assert (few.verdict, few.verdict_text) == ("no verdict", "29 trades, 30 at least for a verdict")
    assert measure([2.0] * 30).verdict == "positive"
    good, bad, vague = [2.0, -1.0, 2.0] * 30, [-1.0, 0.5] * 40, [1.0, -1.0] * 40
    assert [measure(results).verdict for results in (good, bad, vague)] == [
        "positive",
        "negative",
        "undecided",
    ]
    assert "+0.7" in measure(good).verdict_text
    assert judged(100, None)[0] == "no verdict"


def test_one_trade_all_wins_and_all_losses() -> None:
    one = measure([1.5])
    assert (one.expectancy, one.deviation, one.mean, one.verdict) == (None, None, 1.5, "no verdict")
    wins = measure([1.0] * 40)
    assert (wins.profit_factor, wins.payoff, wins.longest_wins, wins.verdict) == (None, None, 40, "positive")
    assert wins.win_rate.low < 1.0
    losses = measure([-1.0] * 40)
    assert (losses.profit_factor, losses.average_win, losses.verdict) == (0.0, None, "negative")


@pytest.mark.parametrize(
    ("code", "results", "named"),
    [
        ("STATS-101", [], {}),
        ("STATS-101", [[1.0], [2.0]], {}),
        ("STATS-102", [1.0, math.nan], {}),
        ("STATS-102", [1.0, math.inf], {}),
        ("STATS-102", ["one", "two"], {}),
        ("STATS-103", [1.0, 1e9], {}),
        ("STATS-101", [1.0, 2.0], {"costs_r": [0.1]}),
        ("STATS-110", [1.0, 2.0], {"costs_r": [0.1, -0.1]}),
        ("STATS-101", [1.0, 2.0], {"equity": [100.0, 101.0]}),
        ("STATS-102", [1.0, 2.0], {"equity": [100.0, math.nan, 1.0]}),
        ("STATS-101", [1.0, 2.0], {"equity": []}),
    ],
)
def test_what_cannot_be_measured_is_refused(code: str, results: Any, named: dict[str, Any]) -> None:
    assert code_of(measure, results, **named) == code
    assert code_of(drawdown.of_results, []) == "STATS-101"


def test_the_trade_is_named() -> None:
    with pytest.raises(InputError, match="trade 3 made nan R"):
        measure([1.0, 2.0, math.nan, 3.0])


# -- files


def test_results_are_read_from_a_column(tmp_path: Path) -> None:
    file = tmp_path / "trades.csv"
    file.write_bytes("\ufeffid,r\n1, 1.5 \n2,-1\n3,-0.123456789012\n4,2e-1\n".encode())
    assert read_results8(file) == [150_000_000, -100_000_000, -12_345_679, 20_000_000]
    assert read_results8(file, "id")[3] == 400_000_000


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("r\n1\nabc\n", "STATS-108", "row 3: r is 'abc'"),
        ("r\n1\nnan\n", "STATS-108", "row 3"),
        ("id,r\n1\n", "STATS-108", "row 2: r is None"),
        ("r\n-1e9\n", "STATS-103", "row 2"),
        ("r\n", "STATS-101", "holds no trade"),
        ("", "STATS-107", "it has 'nothing'"),
        ("id,result\n1,2\n", "STATS-107", "id, result"),
    ],
)
def test_a_file_that_cannot_be_read_names_the_row(tmp_path: Path, text: str, code: str, words: str) -> None:
    file = tmp_path / "trades.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_results8(file)
    assert caught.value.code == code
    assert "trades.csv" in caught.value.message
    assert words in caught.value.message


def test_a_file_that_is_none(tmp_path: Path) -> None:
    assert code_of(read_results8, tmp_path / "gone.csv") == "STATS-106"
    assert code_of(read_results8, tmp_path) == "STATS-106"
    (tmp_path / "odd.csv").write_bytes(b"r\n\xff\xfe\n")
    assert code_of(read_results8, tmp_path / "odd.csv") == "STATS-106"


# -- Kelly


@pytest.mark.parametrize(("wins", "payoff"), [(0.45, 2.0), (0.55, 1.0), (0.3, 4.0), (0.9, 0.3)])
def test_kelly_of_two_results_is_the_closed_form(wins: float, payoff: float) -> None:
    closed = wins - (1 - wins) / payoff
    assert kelly([payoff, -1.0], [wins, 1 - wins]) == pytest.approx(closed, abs=1e-9)
    here = growth([payoff, -1.0], closed, [wins, 1 - wins])
    assert here > growth([payoff, -1.0], closed * 0.97, [wins, 1 - wins])
    assert here > growth([payoff, -1.0], closed * 1.03, [wins, 1 - wins])
    assert here == pytest.approx(wins * math.log1p(payoff * closed) + (1 - wins) * math.log1p(-closed))


def test_kelly_of_many_results_has_no_slope() -> None:
    results = [-1.0, -1.0, -0.4, 2.5, -1.7, 0.0, 3.0]
    share = kelly(results)
    assert 0 < share < 1 / 1.7
    assert sum(r / (1 + share * r) for r in results) == pytest.approx(0, abs=1e-9)


def test_kelly_at_its_ends() -> None:
    assert kelly([1.0, -1.0]) == 0
    assert kelly([-1.0]) == 0
    assert kelly([2.0, -0.5], [0.8, 0.2]) == pytest.approx(0.8 / 0.5 - 0.2 / 2.0)
    assert kelly([1.0, 2.0]) == math.inf
    assert growth([2.0, -1.0], 1.0) == -math.inf
    for bad in ([], [math.nan]):
        assert code_of(kelly, bad) == "STATS-101"
    assert code_of(kelly, [1.0], [1.0, 2.0]) == "STATS-101"
    assert code_of(growth, [1.0], 0.1, [-1.0]) == "STATS-101"
