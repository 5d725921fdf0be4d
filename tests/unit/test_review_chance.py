"""Streaks and intervals of means: against enumeration, scipy and simulation."""

from __future__ import annotations

import os
from itertools import product

import numpy as np
import pytest
from scipy import stats

from lotwise.errors import InputError
from lotwise.stats.intervals import bootstrap_mean, wilson
from lotwise.stats.means import bonferroni, from_moments, skewed_mean, two_sided_chance
from lotwise.stats.runs import EXACT, clusters, longest_of, no_run

PROOF = os.environ.get("LOTWISE_PROFILE") == "proof"


def longest(flags: tuple[int, ...]) -> int:
    most = now = 0
    for flag in flags:
        now = now + 1 if flag else 0
        most = max(most, now)
    return most


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_no_run_is_what_all_histories_say(share: float) -> None:
    for count in range(11):
        histories = list(product((0, 1), repeat=count))
        chances = [share ** sum(one) * (1 - share) ** (count - sum(one)) for one in histories]
        for length in range(1, 12):
            counted = sum(c for one, c in zip(histories, chances, strict=True) if longest(one) < length)
            assert no_run(length, count, share) == pytest.approx(counted, abs=1e-12)


@pytest.mark.parametrize(
    ("length", "share"), [(1, 0.001), (3, 0.1), (8, 0.4), (12, 0.55), (30, 0.8), (9, 0.95)]
)
def test_the_root_agrees_with_the_exact_count(length: int, share: float) -> None:
    count = EXACT + 1
    chances = [1.0] * length + [1 - share**length]
    for at in range(length + 1, count + 1):
        chances.append(chances[-1] - (1 - share) * share**length * chances[at - length - 1])
    assert no_run(length, count, share) == pytest.approx(chances[count], abs=1e-9)


def test_the_longest_run_beside_chance() -> None:
    rng = np.random.Generator(np.random.PCG64(5))
    flags = rng.random(200) < 0.6
    found = longest_of(flags)
    drawn = np.asarray([longest(tuple((rng.random(200) < flags.mean()).tolist())) for _ in range(2_000)])
    assert found.longest == longest(tuple(flags.tolist()))
    assert abs(found.usual - np.median(drawn)) <= 1
    assert abs(found.high - np.quantile(drawn, 0.95)) <= 1
    assert found.chance == pytest.approx(float((drawn >= found.longest).mean()), abs=0.04)
    assert longest_of([False]).longest == 0
    assert longest_of([True] * 5).chance == 1.0


def test_clusters_are_seen_and_chance_is_not() -> None:
    together = clusters([True] * 20 + [False] * 20)
    turns = clusters([True, False] * 20)
    assert together is not None
    assert turns is not None
    assert (together.runs, turns.runs) == (2, 40)
    assert max(together.chance, turns.chance) < 1e-6
    assert clusters([True] * 50 + [False] * 9) is None
    rng = np.random.Generator(np.random.PCG64(6))
    chances = [one.chance for one in (clusters(rng.random(120) < 0.4) for _ in range(400)) if one is not None]
    assert 0.02 < np.mean(np.asarray(chances) < 0.05) < 0.09
    expected = [1 + 2 * a * (40 - a) / 40 for a in (20,)]
    assert turns.expected == pytest.approx(expected[0])


def test_a_mean_without_skewness_has_the_normal_interval() -> None:
    values = np.asarray([-3.0, -1.0, 0.0, 1.0, 3.0] * 8)
    found = skewed_mean(values)
    low, high = stats.norm.interval(0.95, loc=0.0, scale=stats.sem(values))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.method == "hall"


def test_the_transformation_is_the_inverse_of_halls_cubic() -> None:
    rng = np.random.Generator(np.random.PCG64(8))
    values = rng.exponential(1.0, 60)
    found = skewed_mean(values, 0.9)
    count, error = len(values), stats.sem(values)
    lean = stats.skew(values)
    for end, wanted in ((found.low, stats.norm.ppf(0.95)), (found.high, stats.norm.ppf(0.05))):
        t = (values.mean() - end) / error / np.sqrt(count)
        cubic = np.sqrt(count) * (t + lean * t**2 / 3 + lean**2 * t**3 / 27 + lean / (6 * count))
        assert cubic == pytest.approx(wanted, abs=1e-9)


def test_values_that_are_all_the_same() -> None:
    found = skewed_mean([0.1] * 40)
    assert (found.low, found.high, found.method) == (0.1, 0.1, "all the same")


def test_what_cannot_be_asked() -> None:
    for wrong in (lambda: skewed_mean([1.0, 2.0]), lambda: no_run(0, 5, 0.5), lambda: longest_of([])):
        with pytest.raises(InputError, match=r"values|run of|no trial") as told:
            wrong()
        assert told.value.code == "STATS-101"
    with pytest.raises(InputError) as told:
        no_run(2, 5, 1.5)
    assert told.value.code == "STATS-104"


def test_small_figures() -> None:
    assert bonferroni(0.95, 0) == 0.95
    assert two_sided_chance(-1.96) == pytest.approx(2 * stats.norm.sf(1.96))
    made = from_moments(30, 0.5, 12.0, cubes=3.0, level=0.95)
    assert made.low < 0.5 < made.high


def drawn(rng: np.random.Generator, count: int, share: float, payoff: float) -> tuple[np.ndarray, float]:
    """Trades that win ``payoff`` R on average and lose about one; their true mean."""
    won = rng.random(count) < share
    results = np.where(won, payoff * rng.gamma(4, 0.25, count), -1 + 0.1 * rng.standard_normal(count))
    return results, share * payoff - (1 - share)


@pytest.mark.parametrize(("share", "payoff"), [(0.4, 2.0), (0.55, 1.0), (0.3, 3.0)])
@pytest.mark.parametrize("count", [60, 200])
def test_ninety_five_of_a_hundred_intervals_hold_the_mean(count: int, share: float, payoff: float) -> None:
    rng = np.random.Generator(np.random.PCG64(count))
    rounds = 20_000 if PROOF else 1_500
    boots = rounds // 4
    hall = boot = share_held = 0
    for k in range(rounds):
        results, mean = drawn(rng, count, share, payoff)
        one = skewed_mean(results)
        hall += one.low <= mean <= one.high
        rate = wilson(int((results > 0).sum()), count)
        share_held += rate.low <= share <= rate.high
        if k < boots:
            two = bootstrap_mean(results, resamples=1_000, seed=k)
            boot += two.low <= mean <= two.high
    spread = 0.0 if PROOF else 0.01  # of few rounds: three standard errors of what a proof counts
    assert 0.93 - spread <= hall / rounds <= 0.97 + spread
    assert 0.93 - spread <= boot / boots <= 0.97 + 2 * spread
    assert 0.93 - spread <= share_held / rounds <= 0.97 + spread
