"""Search: where there are too many settings to try them all, Optuna proposes and the sweep answers.

The study is seeded and asked in rounds of a fixed size, so what is tried does not depend on how many
workers there are. Every setting that was tried counts as a trial when luck is judged
(:mod:`lotwise.backtest.winner`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Final

from lotwise.backtest.sweep import Sweep, check_grid
from lotwise.backtest.sweep_row import Outcome, told
from lotwise.backtest.winner import FEWEST, SCORES, Pooled, check_score, pooled
from lotwise.backtest.workers import Workers, played
from lotwise.errors import InputError

ROUND: Final = 10
"""Settings that are asked for, played and told at a time."""
MOST_TRIALS: Final = 100_000
FAILED: Final = -1e18
"""Score of a setting that raised or hardly traded: the study stays away from there."""

Play = Callable[[Sweep], list[Outcome]]


@dataclass(frozen=True)
class Found:
    """What a search tried."""

    tried: tuple[Pooled, ...]
    """Each setting once, in the order they were first tried; ``setting`` is the place in ``settings``."""
    settings: tuple[Mapping[str, object], ...]
    outcomes: tuple[Outcome, ...]
    asked: int
    """Proposals, those met again in it."""
    sampler: str


def search(
    sweep: Sweep,
    space: Mapping[str, Sequence[object]],
    trials: int,
    score: str = SCORES[0],
    *,
    seed: int = 7,
    fewest: int = FEWEST,
    workers: Workers | None = None,
    play: Play | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Found:
    """Try ``trials`` settings of the space, each chosen after what the ones before it came to.

    Parameters
    ----------
    sweep
        Feeds, periods and plan; its settings are not used.
    space
        Values of each parameter, in an order that means something: a neighbour is alike.

    Raises
    ------
    InputError
        BACKTEST-331 Optuna is not installed; BACKTEST-332 trials below 1 or above 100,000, a seed that is
        none; BACKTEST-322; and those of :func:`lotwise.backtest.sweep.check_grid`.
    """
    check_score(score)
    check_grid(sweep.strategy, space)
    if not 1 <= trials <= MOST_TRIALS or not 0 <= seed < 2**32:
        raise InputError(
            "BACKTEST-332",
            f"{trials:,} trials with seed {seed}",
            f"1 to {MOST_TRIALS:,} trials, a seed from 0 to {2**32 - 1:,}",
        )
    study, sampler = _study(seed)
    by = play or (lambda one: played(one, workers))
    values = {name: list(given) for name, given in space.items()}
    scores: dict[str, float] = {}
    settings: list[Mapping[str, object]] = []
    outcomes: list[Outcome] = []
    asked = 0
    while asked < trials:
        proposals = [study.ask() for _ in range(min(ROUND, trials - asked))]
        chosen = [_setting(proposal, values) for proposal in proposals]
        fresh = list({told(one): one for one in chosen if told(one) not in scores}.values())
        if fresh:
            found = by(replace(sweep, settings=tuple(fresh)))
            for tried in pooled(found, fresh):
                good = tried.trips >= fewest and not tried.failed
                scores[told(tried.parameters)] = float(getattr(tried, score)) if good else FAILED
            outcomes += [replace(one, setting=one.setting + len(settings)) for one in found]
            settings += fresh
        for proposal, one in zip(proposals, chosen, strict=True):
            study.tell(proposal, scores[told(one)])
        asked += len(proposals)
        if progress is not None:
            progress(asked, trials)
    return Found(tuple(pooled(outcomes, settings)), tuple(settings), tuple(outcomes), asked, sampler)


def _study(seed: int) -> tuple[Any, str]:
    try:
        optuna = import_module("optuna")
    except ImportError:
        raise InputError(
            "BACKTEST-331", "a search needs Optuna, which is not installed", "pip install 'lotwise[search]'"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=2 * ROUND)
    return optuna.create_study(direction="maximize", sampler=sampler), f"Optuna {optuna.__version__} TPE"


def _setting(proposal: Any, values: Mapping[str, list[object]]) -> dict[str, object]:
    """A proposal's values: the study chooses their places, so that neighbours are alike."""
    return {name: given[proposal.suggest_int(name, 0, len(given) - 1)] for name, given in values.items()}
