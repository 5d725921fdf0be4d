"""What a list of trades says: expectancy, win rate, streaks, falls, costs, each with its doubt.

Results are in R: what a trade made over what it would have lost at its stop, costs in.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from lotwise.errors import InputError
from lotwise.kernel.layout import RATE
from lotwise.stats import drawdown
from lotwise.stats.intervals import LEVEL, RESAMPLES, Interval, Method, bootstrap_mean, wilson
from lotwise.units import shown

FEWEST: Final = 30
"""Trades below which there is no verdict: the mean of fewer skewed results is far from normal."""
MOST_R: Final = 10_000
"""A result of more R is a slip of the pen."""


@dataclass(frozen=True)
class TradeStats:
    """Figures of trades; in R unless said. ``None``: it does not exist (no loss, no win, not given)."""

    count: int
    wins: int
    losses: int
    flat: int
    """Neither won nor lost; they count as no win."""
    win_rate: Interval
    expectancy: Interval | None
    """Mean result; ``None`` for a single trade."""
    mean: float
    deviation: float | None
    """Standard deviation of a result."""
    total: float
    profit_factor: float | None
    """All gains over all losses."""
    payoff: float | None
    """Average win over average loss."""
    average_win: float | None
    average_loss: float | None
    """Above 0."""
    best: float
    worst: float
    longest_wins: int
    longest_losses: int
    fall: drawdown.Drawdown
    """Of the summed results."""
    money_fall: drawdown.Drawdown | None
    """Of the equity, where money was given."""
    mean_cost: float | None
    """Costs of a trade in R."""
    cost_drag: float | None
    """Share of the results before costs that costs took; ``None`` where there was no gain before costs."""
    verdict: str
    """``positive``, ``negative``, ``undecided`` or ``no verdict``."""
    verdict_text: str


def measure(
    results_r: Any,
    *,
    costs_r: Any = None,
    equity: Any = None,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    block: int = 1,
    method: Method = "bca",
    seed: int = 7,
) -> TradeStats:
    """Measure trades, in the order they were closed.

    Parameters
    ----------
    results_r
        Result of each in R, costs in.
    costs_r
        Costs of each in R, 0 or more.
    equity
        Equity before the first trade and after each.
    level, resamples, block, method, seed
        Of the intervals: see :func:`lotwise.stats.intervals.bootstrap_mean`.

    Raises
    ------
    InputError
        STATS-101 no trade, lengths that differ; STATS-102 a result that is not finite; STATS-103 an absurd
        one; STATS-110 a negative cost.

    Examples
    --------
    >>> found = measure([2.0, -1.0, -1.0, 2.0])
    >>> found.mean, found.profit_factor, found.verdict
    (0.5, 2.0, 'no verdict')
    """
    results = checked(results_r)
    count = len(results)
    won, lost = results[results > 0], -results[results < 0]
    gains, losses = float(won.sum()), float(lost.sum())
    expectancy = None
    if count > 1:
        expectancy = bootstrap_mean(
            results, level=level, resamples=resamples, block=block, method=method, seed=seed
        )
    verdict, text = judged(count, expectancy)
    costs = _costs(costs_r, count)
    before = float(results.sum() + costs.sum()) if costs is not None else 0.0
    return TradeStats(
        count=count,
        wins=len(won),
        losses=len(lost),
        flat=count - len(won) - len(lost),
        win_rate=wilson(len(won), count, level),
        expectancy=expectancy,
        mean=float(results.mean()),
        deviation=float(results.std(ddof=1)) if count > 1 else None,
        total=float(results.sum()),
        profit_factor=gains / losses if losses else None,
        payoff=float(won.mean() / lost.mean()) if len(won) and len(lost) else None,
        average_win=float(won.mean()) if len(won) else None,
        average_loss=float(lost.mean()) if len(lost) else None,
        best=float(results.max()),
        worst=float(results.min()),
        longest_wins=longest_run(results > 0),
        longest_losses=longest_run(results < 0),
        fall=drawdown.of_results(results),
        money_fall=_money_fall(equity, count),
        mean_cost=None if costs is None else float(costs.mean()),
        cost_drag=float(costs.sum()) / before if costs is not None and before > 0 else None,
        verdict=verdict,
        verdict_text=text,
    )


def judged(count: int, expectancy: Interval | None) -> tuple[str, str]:
    """Whether the expectancy is above 0, and the sentence that says so. Fewer than 30 trades say nothing."""
    if count < FEWEST or expectancy is None:
        return "no verdict", f"{count} trades, {FEWEST} at least for a verdict"
    bounds = f"{expectancy.low:+.3f} to {expectancy.high:+.3f} R"
    sure = f"{100 * expectancy.level:g} %"
    if expectancy.low > 0:
        return "positive", f"the expectancy is above 0: {bounds} with {sure} confidence"
    if expectancy.high < 0:
        return "negative", f"the expectancy is below 0: {bounds} with {sure} confidence"
    return "undecided", f"the expectancy may be above or below 0: {bounds} with {sure} confidence"


def checked(results_r: Any) -> Any:
    """Results as a float array, every one a number that a trade can make.

    Raises
    ------
    InputError
        STATS-101, STATS-102, STATS-103.
    """
    import numpy as np

    try:
        results = np.asarray(results_r, np.float64)
    except (TypeError, ValueError):
        raise InputError(
            "STATS-102", f"results {shown(results_r)} are no numbers", "give numbers in R"
        ) from None
    if results.ndim != 1 or results.size == 0:
        raise InputError("STATS-101", "no trade to measure", "give the result of one or more in a row")
    if not bool(np.isfinite(results).all()):
        at = int(np.argmin(np.isfinite(results)))
        raise InputError("STATS-102", f"trade {at + 1} made {results[at]} R", "correct or remove it")
    if float(np.abs(results).max()) > MOST_R:
        at = int(np.argmax(np.abs(results)))
        raise InputError(
            "STATS-103",
            f"trade {at + 1} made {results[at]:,.0f} R; more than {MOST_R:,} is a slip",
            "give results in R, not in money",
        )
    return results


def longest_run(flags: Any) -> int:
    """Most trues in a row."""
    import numpy as np

    held = np.asarray(flags, np.bool_)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], held.astype(np.int8), [0]])))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def read_results8(path: Path | str, column: str = "r") -> list[int]:
    """Results in R from a column of a CSV file, in 1e-8 and rounded down.

    Raises
    ------
    InputError
        STATS-106 a file that cannot be read; STATS-107 no such column; STATS-108 a row without a number;
        STATS-103 an absurd one; STATS-101 no trade.
    """
    file = Path(path)
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            if column not in (reader.fieldnames or ()):
                has = ", ".join(reader.fieldnames or ()) or "nothing"
                raise InputError(
                    "STATS-107", f"{file} has no column {column}; it has {shown(has)}", "name the column of R"
                )
            found = [_result8(file, number, row[column]) for number, row in enumerate(reader, 2)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or "not a CSV file in UTF-8"
        raise InputError("STATS-106", f"{file} cannot be read: {why}", "see how it is spelled") from None
    if not found:
        raise InputError("STATS-101", f"{file} holds no trade", "give a row for each trade")
    return found


def _result8(file: Path, number: int, text: str | None) -> int:
    try:
        value = Decimal((text or "").strip())
    except InvalidOperation:
        value = Decimal("nan")
    if not value.is_finite():
        raise InputError(
            "STATS-108", f"{file}, row {number}: r is {shown(text)}: not a number", "correct or remove it"
        )
    if abs(value) > MOST_R:
        raise InputError(
            "STATS-103",
            f"{file}, row {number}: {shown(text)} R; more than {MOST_R:,} is a slip",
            "give results in R, not in money",
        )
    return int((value * RATE).to_integral_value("ROUND_FLOOR"))


def _costs(costs_r: Any, count: int) -> Any:
    if costs_r is None:
        return None
    costs = checked(costs_r)
    if len(costs) != count:
        raise InputError("STATS-101", f"{count} results and {len(costs)} costs", "give as many")
    if float(costs.min()) < 0:
        at = int(costs.argmin())
        raise InputError("STATS-110", f"trade {at + 1} cost {costs[at]} R", "costs are 0 or more")
    return costs


def _money_fall(equity: Any, count: int) -> drawdown.Drawdown | None:
    if equity is None:
        return None
    fall = drawdown.of_curve(equity)
    if len(equity) != count + 1:
        raise InputError(
            "STATS-101",
            f"{count} results and {len(equity)} values of equity",
            "give the equity before the first trade and after each",
        )
    return fall
