"""Coloured cells with their values in them: correlations, sweeps, months.

Every cell says its value in words too, in black or white, whichever is more readable on its colour.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from lotwise.charts.axes import EDGE, LINE, TEXT_SIZE, head, nothing
from lotwise.charts.lettering import fit, text_width
from lotwise.charts.reading import at_most, items_of, plain_numbers, size_of, words_of
from lotwise.charts.scale import said
from lotwise.charts.svg import Canvas
from lotwise.charts.theme import HEAT_STEPS
from lotwise.errors import InputError

MOST_CELLS: Final = 10_000
MOST_COLUMNS: Final = 200
CELL_HEIGHT: Final = 24
WIDEST_CELL: Final = 84
LEAST_CELL: Final = 7
SMALL: Final = 10
"""Size of the words in a cell."""


def heat_step(value: float, low: float, high: float) -> int:
    """Step of the ramp for a value, ends included; beyond the ends counts as the end.

    >>> heat_step(-1, -1, 1), heat_step(0, -1, 1), heat_step(9, -1, 1)
    (0, 6, 12)
    """
    share = (min(max(value, low), high) - low) / (high - low)
    return min(int(share * (HEAT_STEPS - 1) + 0.5), HEAT_STEPS - 1)


def correlation(names: Sequence[str], matrix: Any, *, title: str, width: int = 640) -> str:
    """Correlations from −1 to +1, each in its cell.

    Raises
    ------
    InputError
        CHART-101, 102, 103, 107, 113; CHART-109 not square, not the same both ways, or beyond −1 to 1.
    """
    words = [words_of(name, "name") for name in items_of(names, "names")]
    rows = _rows(matrix, len(words), len(words))
    for i, row in enumerate(rows):
        for k, value in enumerate(row):
            other = rows[k][i]
            differ = math.isnan(value) != math.isnan(other) or abs(value - other) > 1e-9
            if abs(value) > 1 + 1e-9 or differ:
                raise InputError(
                    "CHART-109",
                    f"row {i}, column {k} is {said(value)}, its mirror {said(other)}",
                    "give correlations from -1 to 1, the same both ways",
                )
    texts = [["" if math.isnan(value) else two_decimals(value) for value in row] for row in rows]
    pairs = [(rows[i][k], words[i], words[k]) for i in range(len(words)) for k in range(i)]
    known = [pair for pair in pairs if not math.isnan(pair[0])]
    told = "Correlations."
    if known:
        (most, a, b), (least, c, d) = max(known), min(known)
        told = f"Correlations of {len(words)}. Highest {a} and {b} {said(most)}, "
        told += f"lowest {c} and {d} {said(least)}."
    return _grid(words, words, rows, texts, title=title, told=told, low=-1.0, high=1.0, width=width)


def two_decimals(value: float) -> str:
    """A correlation in its cell: two decimals, a true minus, never a minus before 0.00.

    >>> two_decimals(-0.834), two_decimals(-0.001)
    ('−0.83', '0.00')
    """
    text = f"{abs(value):.2f}"
    return f"−{text}" if value < 0 and text != "0.00" else text


def heat(
    rows: Sequence[str],
    columns: Sequence[str],
    values: Any,
    *,
    title: str,
    texts: Sequence[Sequence[str]] = (),
    around_zero: bool = True,
    unit: str = "",
    width: int = 640,
) -> str:
    """A table of coloured cells: a sweep, months by years, liquidity by price and time.

    Parameters
    ----------
    values
        One row of numbers for each row; None and NaN are empty cells.
    texts
        What the cells say, where it is not the number itself.
    around_zero
        Two colours with nothing at 0, or one colour from the lowest to the highest.

    Raises
    ------
    InputError
        CHART-101, 102, 103, 107, 113; CHART-109 rows that do not have a value for each column.
    """
    down = [words_of(row, "row") for row in items_of(rows, "rows")]
    across = [words_of(column, "column") for column in items_of(columns, "columns")]
    read = _rows(values, len(down), len(across))
    signed = around_zero and any(value < 0 for row in read for value in row)
    shown = [
        ["" if math.isnan(value) else said(_rounded(value), signed=signed) for value in row] for row in read
    ]
    if texts:
        given = [[words_of(text, "text") for text in row] for row in texts]
        if [len(row) for row in given] != [len(across)] * len(down):
            raise InputError(
                "CHART-109", f"texts are not {len(down)} x {len(across)}", "one text for each cell"
            )
        shown = given
    known = [
        (value, f"{down[i]}, {across[k]}")
        for i, row in enumerate(read)
        for k, value in enumerate(row)
        if not math.isnan(value)
    ]
    told = f"{len(down)} rows, {len(across)} columns" + (f", {words_of(unit, 'unit')}" if unit else "") + "."
    low, high = 0.0, 1.0
    if known:
        most, least = max(known), min(known)
        told += f" Highest {said(most[0])} at {most[1]}; lowest {said(least[0])} at {least[1]}."
        high = max(abs(most[0]), abs(least[0])) if around_zero else most[0]
        low = -high if around_zero else 2 * least[0] - most[0]
    high = high if high > low else low + 1.0
    return _grid(down, across, read, shown, title=title, told=told, low=low, high=high, width=width)


def _rounded(value: float) -> float:
    """Four digits: what fits a cell."""
    return float(f"{value:.4g}")


def _rows(values: Any, rows: int, columns: int) -> list[list[float]]:
    found = [plain_numbers(row, f"row {i}", gaps=True) for i, row in enumerate(items_of(values, "values"))]
    if [len(row) for row in found] != [columns] * rows:
        widths = sorted({len(row) for row in found})
        raise InputError(
            "CHART-109",
            f"{len(found)} rows of {', '.join(map(str, widths)) or 'no'} values for {rows} x {columns} names",
            "give one row for each name, one value for each column",
        )
    at_most(columns, MOST_COLUMNS, "columns")
    at_most(rows * columns, MOST_CELLS, "cells")
    return found


def _grid(
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float]],
    texts: Sequence[Sequence[str]],
    *,
    title: str,
    told: str,
    low: float,
    high: float,
    width: int,
) -> str:
    size_of(width, 100)
    name = words_of(title, "title")
    if not rows or not columns:
        return nothing(name, "no cells", width, 100)
    side = min(max(text_width(row) for row in rows) + 8, width * 0.28)
    cell = min((width - 2 * EDGE - side) / len(columns), WIDEST_CELL)
    if cell < LEAST_CELL:
        at_most(len(columns), int((width - 2 * EDGE - side) / LEAST_CELL), "columns at this width")
    longest = max(text_width(column) for column in columns)
    upright = longest > cell - 4
    heading = min(longest, 90) + 6 if upright else LINE
    widest = max((text_width(text, SMALL) for row in texts for text in row), default=0)
    written = widest <= cell - 2
    about = (
        "" if written else "cells are too narrow for their values: see the table, or make the picture wider"
    )
    top = head(Canvas(width, 1), name, about)
    canvas = Canvas(width, int(top + heading + len(rows) * CELL_HEIGHT + EDGE))
    canvas.heat = True
    head(canvas, name, about)
    left = EDGE + side
    for k, column in enumerate(columns):
        x = left + (k + 0.5) * cell
        if upright and cell >= TEXT_SIZE:
            canvas.upright(x + 4, top + heading - 4, fit(column, TEXT_SIZE, heading - 6))
        elif not upright:
            canvas.text(x, top + heading - 5, column, "dim", anchor="middle")
    for i, row in enumerate(rows):
        y = top + heading + i * CELL_HEIGHT
        canvas.text(left - 6, y + 16, fit(row, TEXT_SIZE, side - 7), "ink", anchor="end")
        for k, value in enumerate(values[i]):
            if math.isnan(value):
                canvas.rect(left + k * cell, y, cell, CELL_HEIGHT, "shade")
                continue
            step = heat_step(value, low, high)
            hint = f"{row}, {columns[k]}: {texts[i][k]}"
            canvas.rect(left + k * cell, y, cell, CELL_HEIGHT, f"h{step}", hint)
            if written:
                canvas.text(left + (k + 0.5) * cell, y + 16, texts[i][k], f"i{step}", SMALL, "middle")
    return canvas.finish(name, told)
