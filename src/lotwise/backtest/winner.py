"""The best of many settings, and how much of it is luck: trials named, Sharpe deflated.

Of many settings one is best, with skill or without. What is said beside the winner is how many were tried,
how likely its Sharpe ratio is more than the best of so many by luck, and how often choosing on one half of
the days was worth nothing on the other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lotwise.backtest.sweep_row import Outcome
from lotwise.charts.heat import heat
from lotwise.errors import InputError
from lotwise.stats import overfit, sharpe

FEWEST: Final = 10
"""Trips below which a setting is not chosen: so few say nothing."""
LEAST_ROWS: Final = 2
"""Days of a piece, for the probability of overfitting."""


@dataclass(frozen=True)
class Pooled:
    """One setting over all its cases."""

    setting: int
    parameters: Mapping[str, object]
    trips: int
    won: int
    refused: int
    result_cash: int
    drawdown_cash: int
    """The deepest fall of the summed results by day, from the start on."""
    r_sum: float
    r_squares: float
    r_count: int
    day_cash: tuple[int, ...]
    failed: int
    """Cases that raised."""

    @property
    def r_mean(self) -> float:
        """Mean result in R; 0 without trips."""
        return self.r_sum / self.r_count if self.r_count else 0.0

    @property
    def r_t(self) -> float:
        """Mean in R over its standard error; 0 where there is no spread."""
        if self.r_count < 2:
            return 0.0
        variance = (self.r_squares - self.r_sum**2 / self.r_count) / (self.r_count - 1)
        if variance <= 1e-12 * max(1.0, self.r_mean**2):
            return 0.0
        return self.r_mean / math.sqrt(variance / self.r_count)

    @property
    def sharpe(self) -> float:
        """Of the results by day; 0 where they do not move."""
        return _sharpe(self.day_cash)


SCORES: Final = ("r_t", "r_mean", "r_sum", "result_cash", "sharpe")
"""What "best" may be; the first unless said otherwise."""


@dataclass(frozen=True)
class Verdict:
    """The winner, and what luck alone could have done."""

    best: Pooled
    score: str
    trials: int
    """Settings that were tried."""
    traded: int
    """Of them those with enough trips to be chosen."""
    sharpe: float | None
    """Of a day; ``None`` where the results do not move or the days are fewer than three."""
    expected_best: float | None
    """What the best of so many settings without skill would have."""
    deflated: float | None
    """How likely the winner's ratio is more than that."""
    overfit: overfit.Overfit | None
    """``None`` with one setting, or too few days."""
    pieces: int

    def as_dict(self) -> dict[str, Any]:
        """JSON's own kinds."""
        return {
            "parameters": dict(self.best.parameters),
            "score": self.score,
            "value": getattr(self.best, self.score),
            "trials": self.trials,
            "traded": self.traded,
            "sharpe_of_a_day": self.sharpe,
            "sharpe_by_luck": self.expected_best,
            "deflated_sharpe": self.deflated,
            "overfit_probability": None if self.overfit is None else self.overfit.probability,
            "pieces": self.pieces,
        }

    def sentences(self) -> list[str]:
        """What to make of it."""
        found = [
            f"The best of {self.trials:,} settings by {self.score}; {self.traded:,} traded enough to choose."
        ]
        if self.deflated is not None:
            found.append(
                f"Its Sharpe ratio is more than the luck of {self.trials:,} trials with a probability of "
                f"{100 * self.deflated:.1f} % (deflated)."
            )
        else:
            found.append("Too few days, or results that do not move: no deflated Sharpe ratio.")
        if self.overfit is not None:
            found.append(
                f"Chosen on one half of the days, the best is below the middle on the other half in "
                f"{100 * self.overfit.probability:.0f} % of {self.overfit.ways:,} ways: the probability of "
                "backtest overfitting. Near 50 % choosing is worth nothing."
            )
        return found


def pooled(outcomes: Sequence[Outcome], settings: Sequence[Mapping[str, object]]) -> list[Pooled]:
    """Settings over all contracts and periods, in their order; accounts stand side by side.

    Raises
    ------
    InputError
        BACKTEST-321 no outcome.
    """
    import numpy as np

    if not outcomes:
        raise InputError("BACKTEST-321", "no outcome to judge", "play a sweep first")
    by_setting: dict[int, list[Outcome]] = {}
    for outcome in outcomes:
        by_setting.setdefault(outcome.setting, []).append(outcome)
    spans = sorted({(one.since_ns, one.until_ns) for one in outcomes})
    found = []
    for setting in sorted(by_setting):
        own = by_setting[setting]
        days: list[int] = []
        for span in spans:
            there = [one.day_cash for one in own if (one.since_ns, one.until_ns) == span and one.day_cash]
            days += np.sum(there, axis=0).tolist() if there else []
        money = np.concatenate(([0], np.cumsum(days, dtype=np.int64)))
        found.append(
            Pooled(
                setting=setting,
                parameters=dict(settings[setting]),
                trips=sum(one.trips for one in own),
                won=sum(one.won for one in own),
                refused=sum(one.refused for one in own),
                result_cash=sum(one.result_cash for one in own),
                drawdown_cash=int((np.maximum.accumulate(money) - money).max()),
                r_sum=sum(one.r_sum for one in own),
                r_squares=sum(one.r_squares for one in own),
                r_count=sum(one.r_count for one in own),
                day_cash=tuple(days),
                failed=sum(bool(one.error) for one in own),
            )
        )
    return found


def check_score(score: str) -> None:
    """Refuse a score that there is not.

    Raises
    ------
    InputError
        BACKTEST-322.
    """
    if score not in SCORES:
        raise InputError("BACKTEST-322", f"there is no score {score!r}", f"one of {', '.join(SCORES)}")


def best_of(found: Sequence[Pooled], score: str = SCORES[0], fewest: int = FEWEST) -> Pooled | None:
    """The first with the highest score among those with so many trips and no failed case; ``None``: none.

    Raises
    ------
    InputError
        BACKTEST-322.
    """
    check_score(score)
    able = [one for one in found if one.trips >= fewest and not one.failed]
    return max(able, key=lambda one: getattr(one, score)) if able else None


def judged(
    found: Sequence[Pooled], score: str = SCORES[0], fewest: int = FEWEST, trials: int | None = None
) -> Verdict | None:
    """The winner with its odds; ``None`` where no setting traded enough.

    Parameters
    ----------
    trials
        Settings that were tried in all, where these are not all of them.

    Raises
    ------
    InputError
        BACKTEST-322; BACKTEST-323 fewer trials than settings.

    Source: Bailey & Lopez de Prado (2014); Bailey, Borwein, Lopez de Prado & Zhu (2015).
    """
    best = best_of(found, score, fewest)
    count = len(found) if trials is None else trials
    if count < len(found):
        raise InputError("BACKTEST-323", f"{count} trials with {len(found)} settings", "leave it out")
    if best is None:
        return None
    able = [one for one in found if one.trips >= fewest and not one.failed]
    ratios = [one.sharpe for one in able]
    middle = sum(ratios) / len(ratios)
    variance = sum((ratio - middle) ** 2 for ratio in ratios) / max(1, len(ratios) - 1)
    described = None
    if len(best.day_cash) >= 3 and len(set(best.day_cash)) > 1:
        described = sharpe.describe(best.day_cash)
    pieces = min(overfit.PIECES, len(best.day_cash) // LEAST_ROWS // 2 * 2)
    chance = None
    if pieces >= 4 and len(able) >= 2:
        table = [list(row) for row in zip(*(one.day_cash for one in able), strict=True)]
        chance = overfit.probability(table, pieces)
    return Verdict(
        best=best,
        score=score,
        trials=count,
        traded=len(able),
        sharpe=None if described is None else described.sharpe,
        expected_best=sharpe.expected_best(count, variance),
        deflated=None if described is None else sharpe.deflated(described, count, variance),
        overfit=chance,
        pieces=pieces if chance is not None else 0,
    )


def _sharpe(days: Sequence[int]) -> float:
    if len(days) < 3 or len(set(days)) == 1:
        return 0.0
    return sharpe.describe(days).sharpe


def heat_map(
    found: Sequence[Pooled], down: str, across: str, score: str = SCORES[0], width: int = 640
) -> tuple[str, str]:
    """A picture of the score for two parameters, and what it shows: the best over all the others.

    Raises
    ------
    InputError
        BACKTEST-322; BACKTEST-324 a parameter that the settings do not have; CHART-107 too many values.
    """
    check_score(score)
    if not found:
        raise InputError("BACKTEST-321", "no outcome to show", "play a sweep first")
    for name in (down, across):
        if name not in found[0].parameters:
            known = ", ".join(found[0].parameters)
            raise InputError("BACKTEST-324", f"the sweep has no parameter {name!r}", f"it has: {known}")
    rows = list(dict.fromkeys(one.parameters[down] for one in found))
    columns = list(dict.fromkeys(one.parameters[across] for one in found))
    cells: dict[tuple[object, object], float] = {}
    for one in found:
        key = (one.parameters[down], one.parameters[across])
        if one.trips and not one.failed:
            cells[key] = max(cells.get(key, -math.inf), float(getattr(one, score)))
    scale = 1e8 if score.endswith("_cash") else 1.0
    values = [
        [cells[row, column] / scale if (row, column) in cells else None for column in columns] for row in rows
    ]
    others = [name for name in found[0].parameters if name not in (down, across)]
    about = f"{score} by {down} (down) and {across} (across)"
    if others:
        about += f"; of {', '.join(others)} the best"
    names = [str(row) for row in rows], [str(column) for column in columns]
    return heat(*names, values, title=f"{score}: {down} down, {across} across", width=width), about
