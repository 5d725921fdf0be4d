"""How markets move together: closes of shared times, log returns, rolling correlation matrices.

All measures take log returns, rows x symbols, of bars that all symbols share (:func:`aligned`). Sums over a
window are additions alone (:mod:`lotwise.analysis.windows`), so the class that is fed row by row finds the
same bits as the function. Returns have a mean near zero; of numbers that have not, a correlation keeps
fewer digits: its error is about 2**-53 x window x (mean / deviation) squared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import TYPE_CHECKING, Any, Final

from lotwise.analysis.windows import WindowSums, check_positive, period_of, table_of, window_sums
from lotwise.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from lotwise.analysis.windows import Floats

FLAT: Final = 1e-12
"""A spread of less than this share of the mean square is rounding, not movement: nothing is told of it."""


@dataclass(frozen=True)
class Aligned:
    """Closes of several symbols at the times all of them have."""

    names: tuple[str, ...]
    times_ns: np.ndarray[Any, Any]
    closes: Floats
    """rows x symbols."""


def aligned(series: Mapping[str, tuple[Any, Any]]) -> Aligned:
    """Closes at the times that all symbols have; what one of them lacks is left out, nothing is filled in.

    Parameters
    ----------
    series
        Symbol to (times in ns, ascending, each once; closes), arrays of one length.

    Raises
    ------
    InputError
        ANALYSIS-511 no symbol, columns of several lengths, times that do not rise, no time in common.
    """
    import numpy as np

    if not series:
        raise InputError("ANALYSIS-511", "no symbol is given", "give one or more")
    read = {name: (np.asarray(times), np.asarray(closes)) for name, (times, closes) in series.items()}
    for name, (times, closes) in read.items():
        if len(times) != len(closes) or times.dtype.kind != "i" or bool((np.diff(times) <= 0).any()):
            raise InputError(
                "ANALYSIS-511",
                f"{name}: {len(times)} times and {len(closes)} closes, or times that do not rise",
                "give as many of each, sorted, each time once, as whole nanoseconds",
            )
    shared = reduce(
        lambda a, b: np.intersect1d(a, b, assume_unique=True), (times for times, _ in read.values())
    )
    if not len(shared):
        raise InputError(
            "ANALYSIS-511", f"{', '.join(read)} have no time in common", "give data of one span and one bar"
        )
    columns = [closes[np.searchsorted(times, shared)] for times, closes in read.values()]
    return Aligned(tuple(read), shared, np.column_stack(columns).astype(np.float64))


def log_returns(closes: Any) -> Floats:
    """Logarithms of the ratio of each close to the one before: one row fewer than closes.

    Parameters
    ----------
    closes
        rows x symbols.

    Raises
    ------
    InputError
        ANALYSIS-501, ANALYSIS-503, ANALYSIS-504, ANALYSIS-507.
    """
    import numpy as np

    table = table_of(closes, "closes", 2)
    check_positive(table, "closes")
    found: Floats = np.log(table[1:] / table[:-1])
    return found


def names_of(names: Sequence[str], columns: int) -> tuple[str, ...]:
    """Names of columns, each its own, else ANALYSIS-512."""
    if len(names) != columns or len(set(names)) != columns:
        raise InputError(
            "ANALYSIS-512", f"{columns} columns and the names {', '.join(names)}", "give each column its own"
        )
    return tuple(names)


def place_of(names: Sequence[str], name: str) -> int:
    """The column of a symbol.

    Raises
    ------
    InputError
        ANALYSIS-513.
    """
    if name not in names:
        raise InputError("ANALYSIS-513", f"{name} is not among {', '.join(names)}", "use one of them")
    return list(names).index(name)


def _correlated(sums: Floats, names: int, window: int) -> Floats:
    """Correlations of all pairs from window sums: of columns, squares and products, in this order."""
    import numpy as np

    left, right = np.triu_indices(names, 1)
    totals, squares, products = sums[:names], sums[names : 2 * names], sums[2 * names :]
    spread = squares - totals * totals / window
    spread[spread <= FLAT * squares] = np.nan
    root = np.sqrt(spread)
    together = products - totals[left] * totals[right] / window
    found: Floats = np.clip(together / (root[left] * root[right]), -1.0, 1.0)
    return found


@dataclass(frozen=True)
class Correlations:
    """A correlation matrix for each row."""

    names: tuple[str, ...]
    window: int
    pairs: Floats
    """(pairs, rows): of the first symbol with the second, third ..., of the second with the third ...; NaN
    before the window is full, and where one of the two did not move in it."""

    def between(self, one: str, other: str) -> Floats:
        """The correlation of two symbols, by row."""
        a, b = sorted((place_of(self.names, one), place_of(self.names, other)))
        if a == b:
            raise InputError("ANALYSIS-513", f"{one} with itself", "name two symbols")
        count = len(self.names)
        found: Floats = self.pairs[a * count - a * (a + 1) // 2 + b - a - 1]
        return found

    def matrix(self, row: int = -1) -> Floats:
        """The matrix of a row, symmetric, ones on its diagonal."""
        return _matrix(self.pairs[:, row], len(self.names))

    @cached_property
    def crowding(self) -> Floats:
        """The mean over all pairs, by row: how much everything moves as one."""
        found: Floats = self.pairs.mean(axis=0)
        return found


def _matrix(pairs: Floats, count: int) -> Floats:
    import numpy as np

    found = np.eye(count)
    left, right = np.triu_indices(count, 1)
    found[left, right] = found[right, left] = pairs
    return found


def rolling_correlation(returns: Any, names: Sequence[str], window: int) -> Correlations:
    """The correlation of every pair of symbols over the last ``window`` rows, at every row.

    Parameters
    ----------
    returns
        rows x symbols, two symbols or more.

    Raises
    ------
    InputError
        ANALYSIS-501 to ANALYSIS-504 numbers, window and length; ANALYSIS-512 names.
    """
    import numpy as np

    table = table_of(returns, "returns", period_of(window, "window"))
    count = len(names_of(names, table.shape[1]))
    if count < 2:
        raise InputError("ANALYSIS-512", f"one symbol, {names[0]}", "give two or more")
    found = np.empty((count * (count - 1) // 2, len(table)))
    step = max(1, 6_144 // window) * window
    columns = np.ascontiguousarray(table.T)
    for start in range(0, len(table), step):
        # one window before the rows themselves: the sums of a row rest on its own window alone
        part = columns[:, max(0, start - window) : start + step]
        lead = min(start, window)
        products = [part[i : i + 1] * part[i + 1 :] for i in range(count - 1)]
        sums = window_sums(np.concatenate((part, part * part, *products)), window)[:, lead:]
        found[:, start : start + step] = _correlated(sums, count, window)
    return Correlations(tuple(names), window, found)


class RollingCorrelation:
    """:func:`rolling_correlation`, row by row."""

    def __init__(self, names: Sequence[str], window: int) -> None:
        import numpy as np

        self.names = names_of(names, len(names))
        self.window = period_of(window, "window")
        if len(names) < 2:
            raise InputError("ANALYSIS-512", f"{len(names)} symbols", "give two or more")
        self._left, self._right = np.triu_indices(len(names), 1)
        self._sums = WindowSums(2 * len(names) + len(self._left), window)

    def push(self, returns: Any) -> Floats | None:
        """Add a row of returns, one a symbol; the matrix, or ``None`` before the window is full.

        Raises
        ------
        InputError
            ANALYSIS-512 as many numbers as symbols; ANALYSIS-501, ANALYSIS-504. Nothing is changed then.
        """
        import numpy as np

        row = row_of(returns, self.names)
        sums = self._sums.push(np.concatenate((row, row * row, row[self._left] * row[self._right])))
        if sums is None:
            return None
        pairs = _correlated(sums[:, None], len(self.names), self.window)[:, 0]
        return _matrix(pairs, len(self.names))


def row_of(returns: Any, names: Sequence[str]) -> Floats:
    """A row of returns, one a symbol, else ANALYSIS-512."""
    row: Floats = table_of([returns], "returns", 1)[0]
    if len(row) != len(names):
        raise InputError("ANALYSIS-512", f"{len(row)} returns for {len(names)} symbols", "give one a symbol")
    return row
