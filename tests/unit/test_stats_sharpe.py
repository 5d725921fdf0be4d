"""Sharpe ratios against the papers' printed examples and simulation; overfitting against the slow way."""

from __future__ import annotations

import math
from itertools import combinations
from statistics import NormalDist, fmean, stdev
from typing import Any

import numpy as np
import pytest

from lotwise.errors import InputError
from lotwise.stats import overfit, sharpe
from lotwise.stats.sharpe import Returns

DAILY = 2.5 / math.sqrt(250)
"""The ratio of the example of "The deflated Sharpe ratio" (2014): 2.5 a year, 250 days."""


def chance(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def code_of(action: Any, *given_to: Any, **named: Any) -> str:
    with pytest.raises(InputError) as caught:
        action(*given_to, **named)
    assert caught.value.hint
    return caught.value.code


def test_the_deflated_ratio_of_the_papers_example() -> None:
    example = Returns(1250, DAILY, skewness=-3, kurtosis=10)
    assert round(sharpe.expected_best(100, 0.5 / 250), 4) == 0.1132
    assert round(sharpe.deflated(example, 100, 0.5 / 250), 4) == 0.9004
    assert round(sharpe.deflated(example, 46, 0.5 / 250), 4) == 0.9505
    normal = Returns(1250, DAILY, skewness=0, kurtosis=3)
    assert round(sharpe.deflated(normal, 88, 0.5 / 250), 4) == 0.9505


def test_the_probabilistic_ratio_of_the_papers_example() -> None:
    """The 24 monthly returns of "The Sharpe ratio efficient frontier" (2012)."""
    assert round(sharpe.probabilistic(Returns(24, 0.458, -2.448, 10.164)), 3) == 0.913
    assert round(sharpe.probabilistic(Returns(24, 0.458, 0, 3)), 3) == 0.982


@pytest.mark.parametrize(("periods", "years"), [(250, 2.73), (52, 2.83), (12, 3.24)])
def test_the_track_record_of_the_papers_example(periods: int, years: float) -> None:
    """2 a year against 1 a year, normal returns, 95 %: in the same paper."""
    found = Returns(9, 2 / math.sqrt(periods), 0, 3)
    assert round(sharpe.minimum_track_record(found, 1 / math.sqrt(periods)) / periods, 2) == years


def test_the_track_record_is_where_the_probability_reaches_the_level() -> None:
    found = Returns(9, 0.12, -1.1, 7.5)
    needed = sharpe.minimum_track_record(found, 0.03, 0.9)
    long = Returns(math.ceil(needed), found.sharpe, found.skewness, found.kurtosis)
    short = Returns(math.floor(needed), found.sharpe, found.skewness, found.kurtosis)
    assert sharpe.probabilistic(short, 0.03) < 0.9 <= sharpe.probabilistic(long, 0.03)
    assert sharpe.minimum_track_record(found, 0.12) == math.inf


def test_moments_are_those_of_the_slow_way() -> None:
    returns = [0.4, -1.0, 2.2, -1.0, 0.0, 1.7, -0.3]
    found = sharpe.describe(returns)
    mean = fmean(returns)
    second, third, fourth = (fmean([(r - mean) ** power for r in returns]) for power in (2, 3, 4))
    assert found.sharpe == pytest.approx(mean / stdev(returns))
    assert found.skewness == pytest.approx(third / second**1.5)
    assert found.kurtosis == pytest.approx(fourth / second**2)
    assert found.annual(252) == pytest.approx(found.sharpe * math.sqrt(252))


def test_the_probability_is_right_as_often_as_it_says() -> None:
    draws = chance(5).normal(0.1, 1.0, (4000, 250))
    sure = [sharpe.probabilistic(sharpe.describe(row), 0.1) for row in draws]
    for level in (0.1, 0.5, 0.9):
        assert abs(np.mean([one < level for one in sure]) - level) < 0.025


def test_the_best_of_trials_without_skill_is_what_is_expected() -> None:
    best = chance(6).normal(0, 0.3, (20_000, 50)).max(axis=1).mean()
    assert sharpe.expected_best(50, 0.09) == pytest.approx(float(best), rel=0.02)
    assert sharpe.expected_best(1, 0.09) == 0


@pytest.mark.parametrize(
    ("code", "action", "given_to"),
    [
        ("STATS-101", sharpe.describe, ([1.0, 2.0],)),
        ("STATS-101", sharpe.describe, ([],)),
        ("STATS-102", sharpe.describe, ([1.0, math.nan, 2.0],)),
        ("STATS-111", sharpe.describe, ([0.5, 0.5, 0.5],)),
        ("STATS-101", sharpe.probabilistic, (Returns(1, 0.1, 0, 3),)),
        ("STATS-112", sharpe.probabilistic, (Returns(50, 1.0, 9, 1),)),
        ("STATS-113", sharpe.expected_best, (0, 0.1)),
        ("STATS-113", sharpe.expected_best, (5, -0.1)),
        ("STATS-113", sharpe.expected_best, (5, math.nan)),
        ("STATS-104", sharpe.minimum_track_record, (Returns(9, 1, 0, 3), 0.0, 1.5)),
    ],
)
def test_what_has_no_ratio_is_refused(code: str, action: Any, given_to: tuple[Any, ...]) -> None:
    assert code_of(action, *given_to) == code


# -- overfitting


def slow_overfit(table: list[list[float]], pieces: int, by_sharpe: bool) -> tuple[float, float]:
    """(probability, share of losses) by cutting, choosing and ranking one way after the other."""
    length = len(table) // pieces
    table = table[len(table) - pieces * length :]

    def score(rows: list[int], column: int) -> float:
        values = [table[row][column] for row in rows]
        mean = fmean(values)
        spread = math.sqrt(fmean([(value - mean) ** 2 for value in values]))
        return (mean / spread if spread else 0.0) if by_sharpe else mean

    worse, lost, ways = 0, 0, 0
    for chosen in combinations(range(pieces), pieces // 2):
        past = [row for row in range(len(table)) if row // length in chosen]
        future = [row for row in range(len(table)) if row // length not in chosen]
        columns = range(len(table[0]))
        best = max(columns, key=lambda column: score(past, column))
        theirs = [score(future, column) for column in columns]
        rank = sorted(theirs).index(theirs[best]) + 1
        worse += math.log(rank / (len(theirs) + 1 - rank)) <= 1e-12
        lost += theirs[best] < 0
        ways += 1
    return worse / ways, lost / ways


@pytest.mark.parametrize(("score", "pieces", "seed"), [("sharpe", 6, 1), ("mean", 6, 2), ("sharpe", 8, 3)])
def test_the_probability_of_overfitting_is_that_of_the_slow_way(score: Any, pieces: int, seed: int) -> None:
    table = chance(seed).normal(0.02, 1, (pieces * 5 + 3, 7))
    found = overfit.probability(table, pieces, score)
    slow = slow_overfit(table.tolist(), pieces, score == "sharpe")
    assert (found.probability, found.loss_probability) == pytest.approx(slow, abs=1e-12)
    assert found.ways == math.comb(pieces, pieces // 2)
    assert 0 < found.probability < 1


def test_noise_overfits_and_a_real_edge_does_not() -> None:
    noise = [overfit.probability(chance(seed).normal(0, 1, (320, 30)), 8).probability for seed in range(40)]
    assert 0.4 < fmean(noise) < 0.62
    real = chance(3).normal(0, 1, (320, 30))
    real[:, 11] += 0.6
    found = overfit.probability(real)
    assert found.ways == 12_870
    assert found.probability < 0.001
    assert found.loss_probability < 0.001
    assert found.median_rank > 0.9


def test_twins_share_their_rank_and_a_flat_setting_scores_nothing() -> None:
    one = chance(4).normal(0.1, 1, 40)
    same = np.column_stack([one, one, one])
    assert overfit.probability(same, 4).median_rank == 0.5
    flat = np.column_stack([np.zeros(40), one - 5])
    assert overfit.probability(flat, 4).probability == 0
    assert overfit.probability(flat, 4).slope == 0


@pytest.mark.parametrize(
    ("code", "table", "pieces"),
    [
        ("STATS-114", [[1.0], [2.0]], 2),
        ("STATS-114", [1.0, 2.0], 2),
        ("STATS-102", [[1.0, math.inf]] * 4, 2),
        ("STATS-115", [[1.0, 2.0]] * 8, 3),
        ("STATS-115", [[1.0, 2.0]] * 8, 6),
        ("STATS-115", [[1.0, 2.0]] * 80, 22),
        ("STATS-115", [[1.0, 2.0]] * 8, 0),
    ],
)
def test_what_cannot_be_cross_validated_is_refused(code: str, table: Any, pieces: int) -> None:
    assert code_of(overfit.probability, table, pieces) == code


def test_the_normal_quantile_is_the_one_of_two_sided_intervals() -> None:
    assert NormalDist().cdf(sharpe.two_sided(0.95)) == pytest.approx(0.975)
