"""The correlation of every pair of 16 symbols over a day of minutes, at every minute; and betas."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.draws import Draws
from benchmarks.timing import least_seconds
from benchmarks.workload import Figure, Outcome, Workload
from lotwise.analysis.beta import rolling_beta
from lotwise.analysis.correlation import RollingCorrelation, rolling_correlation

SMALL = 2_000
SEED = 20_261_122
SYMBOLS = tuple(f"S{number}" for number in range(16))
WINDOW = 1_440
UNIT = 1e-6
PARTS = 10**8
LISTED = 16
"""Rows whose matrices are compared, spread over all."""


def returns(count: int) -> Any:
    """Returns with a common part, rows x symbols; whole millionths, so that no logarithm is needed."""
    draws = Draws(SEED, count)
    shared = draws.whole(-800, 800)
    return np.column_stack([shared * (number % 4) + draws.whole(-900, 900) for number in range(16)]) * UNIT


def rows_of(count: int) -> list[int]:
    """The rows that are compared."""
    return [WINDOW - 1 + number * (count - WINDOW) // (LISTED - 1) for number in range(LISTED)]


def parts(matrix: Any) -> list[int]:
    """A matrix in 1e-8."""
    return [round(float(value) * PARTS) for value in matrix[np.triu_indices(16, 1)]]


def by_columns(count: int) -> list[int]:
    """The matrices of some rows, all rows at once."""
    found = rolling_correlation(returns(count), SYMBOLS, WINDOW)
    return [value for row in rows_of(count) for value in parts(found.matrix(row))]


def by_rows(count: int) -> list[int]:
    """The same, row by row."""
    live, wanted, found = RollingCorrelation(SYMBOLS, WINDOW), set(rows_of(count)), []
    for number, row in enumerate(returns(count)):
        matrix = live.push(row)
        if number in wanted:
            found += parts(matrix)
    return found


def results(count: int) -> list[int]:
    """Whole columns at once, the small walk first: bar by bar confirms it."""
    sizes = (SMALL, count) if count > SMALL else (count,)
    return [number for size in sizes for number in by_columns(size)]


def measure(count: int) -> Outcome:
    """Milliseconds for all rows."""
    table = returns(count)
    few = returns(min(count, 3 * WINDOW))

    def fed() -> None:
        live = RollingCorrelation(SYMBOLS, WINDOW)
        for row in few:
            live.push(row)

    return Outcome(
        figures={
            "120 correlations at every row": least_seconds(
                lambda: rolling_correlation(table, SYMBOLS, WINDOW), 5
            )
            * 1e3,
            "15 betas at every row": least_seconds(lambda: rolling_beta(table, SYMBOLS, WINDOW, "S1"), 5)
            * 1e3,
            "a row of its own": least_seconds(fed, 2) * 1e6 / len(few),
        },
        results=results(count),
    )


WORKLOAD = Workload(
    name="correlation_compiled",
    about="16 symbols, a window of 1,440 rows; one core",
    figures=(
        Figure("120 correlations at every row", "ms", 300),
        Figure("15 betas at every row", "ms"),
        Figure("a row of its own", "us/row"),
    ),
    measure=measure,
    bodies={"row by row": by_rows, "all rows": results},
    small=SMALL,
    full=43_200,
    processes=3,
)
