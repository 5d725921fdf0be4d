"""The probability that the best of many settings was chosen by luck.

The history is cut into an even number of pieces. Every half of the pieces is once the past, in which the
best setting is chosen, while the other half is the future: where does the chosen one stand there? If it lands
in the lower half of all settings as often as not, choosing was worth nothing.

Source: Bailey, Borwein, Lopez de Prado & Zhu (2015), The probability of backtest overfitting.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Any, Final, Literal

from lotwise.errors import InputError

PIECES: Final = 16
"""The paper's choice: 12,870 ways to choose the past."""
MOST_PIECES: Final = 20
AT_ONCE: Final = 512

Score = Literal["mean", "sharpe"]


@dataclass(frozen=True)
class Overfit:
    """What cross-validation over all halves says."""

    probability: float
    """Share of the ways in which the best of the past is no better than the median of the future."""
    loss_probability: float
    """Share of the ways in which the best of the past loses in the future."""
    slope: float
    """Of the future's score over the past's, for the chosen: below 0, better fits do worse."""
    median_rank: float
    """Where the chosen one stands in the future, from 0 (worst) to 1."""
    ways: int


def probability(results: Any, pieces: int = PIECES, score: Score = "sharpe") -> Overfit:
    """The probability of backtest overfitting.

    Parameters
    ----------
    results
        Rows are periods in order, columns are settings: their returns or results, all over the same periods.
        Rows that do not fill the pieces evenly are left out at the beginning.
    pieces
        Even; more pieces are more ways to choose.
    score
        What "best" is.

    Raises
    ------
    InputError
        STATS-114 no table of two settings or more; STATS-102 a value that is not finite; STATS-115 pieces
        that are odd, too many, or leave fewer than two rows in each.
    """
    import numpy as np

    table = np.asarray(results, np.float64)
    if table.ndim != 2 or table.shape[1] < 2:
        raise InputError("STATS-114", f"results of shape {table.shape}", "rows are periods, columns settings")
    if not bool(np.isfinite(table).all()):
        row, column = (int(at) for at in np.argwhere(~np.isfinite(table))[0])
        raise InputError(
            "STATS-102", f"row {row + 1} of setting {column + 1} is {table[row, column]}", "correct it"
        )
    if pieces % 2 or not 2 <= pieces <= MOST_PIECES or len(table) < 2 * pieces:
        raise InputError(
            "STATS-115",
            f"{pieces} pieces of {len(table)} rows",
            f"an even number from 2 to {MOST_PIECES}, of two rows or more each",
        )
    length = len(table) // pieces
    cut = table[len(table) - pieces * length :].reshape(pieces, length, -1)
    sums, squares = cut.sum(axis=1), (cut**2).sum(axis=1)
    half = pieces // 2 * length
    past = _halves(pieces)
    ranks, before, after = [], [], []
    for first in range(0, len(past), AT_ONCE):
        chosen = past[first : first + AT_ONCE]
        known = _score(chosen @ sums, chosen @ squares, half, score)
        future = _score((1 - chosen) @ sums, (1 - chosen) @ squares, half, score)
        best = known.argmax(axis=1)
        ways = np.arange(len(best))
        theirs = future[ways, best]
        below = (future < theirs[:, None]).sum(axis=1)
        level = (future == theirs[:, None]).sum(axis=1)
        ranks.append((below + (level + 1) / 2) / (future.shape[1] + 1))
        before.append(known[ways, best])
        after.append(theirs)
    rank, old, new = (np.concatenate(parts) for parts in (ranks, before, after))
    spread = float(((old - old.mean()) ** 2).sum())
    slope = float(((old - old.mean()) * (new - new.mean())).sum()) / spread if spread else 0.0
    return Overfit(
        probability=float((rank <= 0.5).mean()),
        loss_probability=float((new < 0).mean()),
        slope=slope,
        median_rank=float(np.median(rank)),
        ways=len(rank),
    )


def _halves(pieces: int) -> Any:
    """A row of 0 and 1 for every way to choose half of the pieces."""
    import numpy as np

    rows = np.zeros((comb(pieces, pieces // 2), pieces))
    for number, chosen in enumerate(combinations(range(pieces), pieces // 2)):
        rows[number, chosen] = 1
    return rows


def _score(sums: Any, squares: Any, count: int, score: Score) -> Any:
    """Mean, or mean over standard deviation; a setting that never moves scores 0."""
    import numpy as np

    mean = sums / count
    if score == "mean":
        return mean
    spread = np.maximum(squares / count - mean**2, 0)
    flat = spread <= 1e-14 * squares / count
    return np.where(flat, 0, mean / np.sqrt(np.where(flat, 1, spread)))
