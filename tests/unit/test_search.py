"""Search: seeded, the same on any number of workers, never outside its space, each setting played once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from lotwise.backtest import search as seeking
from lotwise.backtest.search import Found, search
from lotwise.backtest.sweep import Sweep, settings_of
from lotwise.backtest.sweep_row import told
from lotwise.backtest.winner import best_of, judged, pooled
from lotwise.backtest.workers import Workers, played
from lotwise.errors import InputError
from tests.twins.sweep_market import Fails, sweep

ONE = Workers("threads", 1)
SPACE: dict[str, list[object]] = {"bars": list(range(5, 85, 5)), "ranges": [1, 2, 3, 4]}


def base(strategy: Any = None) -> Sweep:
    """Feeds and plan."""
    return sweep(count=900, allowed=None) if strategy is None else sweep(strategy, count=900, allowed=None)


class Proposal:
    """One of :class:`Turns`."""

    def __init__(self, number: int) -> None:
        self.number = number

    def suggest_int(self, name: str, low: int, high: int) -> int:
        return self.number % (high + 1)


class Turns:
    """Proposes one place after the other: what a search does with proposals needs no Optuna."""

    def __init__(self) -> None:
        self.asked, self.scores = 0, list[float]()

    def ask(self) -> Proposal:
        self.asked += 1
        return Proposal(self.asked - 1)

    def tell(self, proposal: Proposal, score: float) -> None:
        self.scores.append(score)


def in_turns(monkeypatch: pytest.MonkeyPatch) -> Turns:
    """A study that is not Optuna's."""
    study = Turns()
    monkeypatch.setattr(seeking, "_study", lambda seed: (study, "turns"))
    return study


def test_what_is_asked_twice_is_played_once(monkeypatch: pytest.MonkeyPatch) -> None:
    study = in_turns(monkeypatch)
    counted: list[int] = []

    def play(one: Sweep) -> list[Any]:
        counted.append(len(one.settings))
        return played(one, ONE)

    found = search(base(), SPACE, 37, "r_mean", play=play, fewest=3)
    assert (found.asked, len(found.tried), sum(counted)) == (37, 16, 16)
    assert [one.setting for one in found.tried] == list(range(16))
    for one, setting in zip(found.tried, found.settings, strict=True):
        (alone,) = pooled(
            played(Sweep(base().strategy, [setting], base().feeds, base().plan, base().periods)), [setting]
        )
        assert (one.r_sum, one.trips, one.parameters) == (alone.r_sum, alone.trips, setting)
    assert study.scores[:16] == study.scores[16:32]
    expected = [one.r_mean if one.trips >= 3 else seeking.FAILED for one in found.tried]
    assert study.scores[:16] == expected


def test_settings_that_fail_are_told_as_the_worst(monkeypatch: pytest.MonkeyPatch) -> None:
    study = in_turns(monkeypatch)
    found = search(base(Fails), SPACE, 8, fewest=1, workers=ONE)
    failed = [one.parameters["ranges"] == 2 for one in found.tried]
    assert [score == seeking.FAILED for score in study.scores] == failed
    assert sum(failed) == 2
    verdict = judged(found.tried, fewest=1)
    assert verdict is not None
    assert (verdict.trials, verdict.traded) == (8, 6)


@pytest.mark.parametrize(
    ("space", "trials", "seed", "score", "code"),
    [
        ({}, 5, 1, "r_t", "BACKTEST-301"),
        ({"bar": [1]}, 5, 1, "r_t", "BACKTEST-302"),
        (SPACE, 0, 1, "r_t", "BACKTEST-332"),
        (SPACE, 100_001, 1, "r_t", "BACKTEST-332"),
        (SPACE, 5, -1, "r_t", "BACKTEST-332"),
        (SPACE, 5, 2**32, "r_t", "BACKTEST-332"),
        (SPACE, 5, 1, "luck", "BACKTEST-322"),
    ],
)
def test_searches_that_cannot_be_are_refused(
    space: Any, trials: int, seed: int, score: str, code: str
) -> None:
    with pytest.raises(InputError, match=code) as caught:
        search(base(), space, trials, score, seed=seed, workers=ONE)
    assert caught.value.hint


def test_without_optuna_the_way_to_it_is_told() -> None:
    try:
        import optuna  # type: ignore[import-not-found]  # noqa: F401
    except ImportError:
        with pytest.raises(InputError, match="BACKTEST-331") as caught:
            search(base(), SPACE, 5, workers=ONE)
        assert "lotwise[search]" in caught.value.hint
        return
    pytest.skip("Optuna is installed: the tests below search with it")


@pytest.fixture
def _optuna() -> None:
    pytest.importorskip("optuna", reason="Optuna is not installed: pip install lotwise[search]")


def sought(seed: int, workers: Workers = ONE) -> Found:
    """Forty trials of sixty-four settings."""
    return search(base(), SPACE, 40, "r_mean", seed=seed, fewest=3, workers=workers)


@pytest.mark.usefixtures("_optuna")
@pytest.mark.filterwarnings("default")
def test_a_search_is_its_seeds_on_any_number_of_workers() -> None:
    one = sought(3)
    assert sought(3, Workers("threads", 2)) == one
    assert [told(each) for each in sought(4).settings] != [told(each) for each in one.settings]
    tried = Counter(told(each) for each in one.settings)
    assert max(tried.values()) == 1
    assert set(tried) <= {told(each) for each in settings_of(base().strategy, SPACE)}
    assert one.asked == 40
    assert one.sampler.startswith("Optuna ")


@pytest.mark.usefixtures("_optuna")
@pytest.mark.filterwarnings("default")
def test_a_search_comes_near_the_best_of_all() -> None:
    settings = settings_of(base().strategy, SPACE)
    every = Sweep(base().strategy, settings, base().feeds, base().plan, base().periods)
    whole = pooled(played(every, ONE), settings)
    scores = sorted((one.r_mean for one in whole if one.trips >= 3), reverse=True)
    best = best_of(sought(3).tried, "r_mean", 3)
    assert best is not None
    assert best.r_mean >= scores[len(scores) // 10]
