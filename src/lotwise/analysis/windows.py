"""What every measure asks first (are these numbers, and enough of them), and sums over moving windows.

A window's sum is made of additions alone: rows are cut into blocks as long as the window, and a window is the
end of one block and the beginning of the next. What left the window leaves no trace in later sums, as it
would if it were added and taken away again, and the class that is fed row by row finds the same bits.

Source of the blocks: van Herk (1992), "A fast algorithm for local minimum and maximum filters", with sums.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from lotwise.errors import InputError
from lotwise.units import shown

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float64]]

LONGEST: Final = 100_000
"""The longest period: TA-Lib's own bound."""
EXACT_INTEGERS: Final = 2**53
"""Whole numbers beyond this are not all floats."""
CHUNK: Final = 4_096
"""Rows worked on at once: what they need stays in a core's cache."""


def period_of(value: object, name: str = "period", least: int = 2) -> int:
    """A number of rows.

    Raises
    ------
    InputError
        ANALYSIS-502 no whole number, or out of range.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= LONGEST:
        raise InputError(
            "ANALYSIS-502",
            f"{name} is {shown(value)}; a whole number from {least} to {LONGEST:,} is needed",
            f"use {name}={least} or more",
        )
    return value


def number_of(value: Any, name: str) -> float:
    """One finite number.

    Raises
    ------
    InputError
        ANALYSIS-501 no number, ANALYSIS-504 NaN or infinite.
    """
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise InputError("ANALYSIS-501", f"{name} is {shown(value)}, no number", "give a number") from None
    if not math.isfinite(found):
        raise InputError("ANALYSIS-504", f"{name} is {found}", "leave the row out, or repair the data first")
    return found


def positive_of(value: Any, name: str) -> float:
    """One price above zero.

    Raises
    ------
    InputError
        ANALYSIS-501, ANALYSIS-504, ANALYSIS-507 zero or less.
    """
    found = number_of(value, name)
    if found <= 0:
        raise InputError("ANALYSIS-507", f"{name} is {found}: a price is above zero", "check the data first")
    return found


def column_of(values: Any, name: str, least: int, finite: bool = True) -> Floats:
    """A column of finite numbers as float64, not copied where it is one already.

    Parameters
    ----------
    least
        How many rows the measure needs for its first value.
    finite
        Look for NaN and infinities; a caller whose result shows them looks only when it does.

    Raises
    ------
    InputError
        ANALYSIS-501 no column of numbers, or whole numbers that no float holds; ANALYSIS-503 too short;
        ANALYSIS-504 a row is NaN or infinite.
    """
    if type(values).__name__ == "ndarray" and values.dtype.char == "d" and values.flags.c_contiguous:
        column = values if values.ndim == 1 else _floats(values, name, dimensions=1)
    else:
        column = _floats(values, name, dimensions=1)
    if len(column) < least:
        raise InputError(
            "ANALYSIS-503",
            f"{name} has {len(column)} rows; the first value needs {least}",
            "give more rows, or a shorter period",
        )
    if finite:
        check_finite(column, name)
    return column


def table_of(values: Any, name: str, least: int) -> Floats:
    """A table of finite numbers, rows x symbols, as float64.

    Raises
    ------
    InputError
        As :func:`column_of`.
    """
    table = _floats(values, name, dimensions=2)
    if len(table) < least or table.shape[1] == 0:
        raise InputError(
            "ANALYSIS-503",
            f"{name} has {len(table)} rows of {table.shape[1]} columns; {least} rows of one are needed",
            "give more rows, or a shorter window",
        )
    check_finite(table, name)
    return table


def _floats(values: Any, name: str, dimensions: int) -> Floats:
    import numpy as np

    try:
        given = np.asarray(values)
        kind = given.dtype.kind
        found = np.ascontiguousarray(given, np.float64) if kind in "iuf" or given.size == 0 else None
    except (TypeError, ValueError):
        found, given, kind = None, np.empty(0), "O"
    if found is None or given.ndim != dimensions:
        shape = "a column" if dimensions == 1 else "a table, rows x symbols,"
        raise InputError(
            "ANALYSIS-501", f"{name} is not {shape} of numbers", "give an array of floats or ints"
        )
    if kind in "iu" and given.size and int(np.abs(found).max()) > EXACT_INTEGERS:
        raise InputError(
            "ANALYSIS-501",
            f"{name} has whole numbers beyond {EXACT_INTEGERS:,}, which floats do not hold",
            "count in larger units",
        )
    return found


def check_finite(values: Floats, name: str) -> None:
    """Refuse NaN and infinities; the sum of squares shows them in one pass.

    Raises
    ------
    InputError
        ANALYSIS-504.
    """
    import numpy as np

    flat = values.ravel()
    if math.isfinite(np.dot(flat, flat)):
        return
    odd = ~np.isfinite(values)
    if not bool(odd.any()):  # numbers so large that their squares are not
        return
    row = int(np.argmax(odd.any(axis=1) if values.ndim == 2 else odd))
    found = values[row][odd[row]][0] if values.ndim == 2 else values[row]
    raise InputError(
        "ANALYSIS-504", f"{name} is {found} in row {row}", "leave the row out, or repair the data first"
    )


def check_positive(values: Floats, name: str) -> None:
    """Refuse prices of zero or less: they have no logarithm.

    Raises
    ------
    InputError
        ANALYSIS-507.
    """
    import numpy as np

    if values.size and float(values.min()) <= 0:
        odd = values <= 0
        row = int(np.argmax(odd.any(axis=1) if values.ndim == 2 else odd))
        found = values[row][odd[row]][0] if values.ndim == 2 else values[row]
        raise InputError(
            "ANALYSIS-507", f"{name} is {found} in row {row}: a price is above zero", "check the data first"
        )


def window_sums(columns: Floats, window: int) -> Floats:
    """The sum of the last ``window`` numbers at each place, along the last axis.

    Parameters
    ----------
    columns
        (columns, rows): a column's numbers lie side by side.

    Returns
    -------
    (columns, rows); NaN for the first ``window - 1`` rows. Of n numbers x the error is below
    ``window * 2**-53 * sum(abs(x))`` over the window itself, whatever came before it.
    """
    import numpy as np

    count, rows = columns.shape
    found = np.full((count, rows), np.nan)
    many = max(1, CHUNK // window) * window
    ends = np.zeros((count, 1, window))
    for start in range(0, rows, many):
        part = columns[:, start : start + many]
        length = part.shape[1]
        blocks = -(-length // window)
        if length < blocks * window:
            padded = np.zeros((count, blocks * window))
            padded[:, :length] = part
            part = padded
        part = part.reshape(count, blocks, window)
        sums = np.cumsum(part, axis=2)
        tails = np.concatenate((ends, np.cumsum(part[:, :, ::-1], axis=2)[:, :, ::-1]), axis=1)
        sums[:, :, :-1] += tails[:, :-1, 1:]
        ends = tails[:, -1:, :]
        found[:, start : start + length] = sums.reshape(count, -1)[:, :length]
    found[:, : window - 1] = np.nan
    return found


class WindowSums:
    """The sums of :func:`window_sums`, one row after the other, with the same bits.

    A row costs as much as its columns; every ``window`` rows the ends of a block are summed at once.
    """

    def __init__(self, columns: int, window: int) -> None:
        import numpy as np

        self.window = window
        self.rows = 0
        self._block = np.zeros((window, columns))
        self._tails = np.zeros((window, columns))
        self._sums = np.zeros(columns)

    def push(self, row: Floats) -> Floats | None:
        """Add a row; the sums over the window, or ``None`` before it is full."""
        import numpy as np

        at = self.rows % self.window
        self._sums = row.copy() if at == 0 else self._sums + row
        self._block[at] = row
        self.rows += 1
        found = self._sums if at == self.window - 1 else self._sums + self._tails[at + 1]
        if at == self.window - 1:
            self._tails = np.cumsum(self._block[::-1], axis=0)[::-1].copy()
        return found if self.rows >= self.window else None
