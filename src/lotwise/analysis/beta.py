"""How much a symbol moves with a market: rolling beta, shrunk, in falling markets, and who leads whom.

All take log returns, rows x symbols (:func:`lotwise.analysis.correlation.aligned`, ``log_returns``).
:class:`RollingBeta` is fed row by row and finds the same bits as :func:`rolling_beta`.

Sources: Vasicek (1973), "A note on using cross-sectional information in Bayesian estimation of security
betas", Journal of Finance 28; Bawa and Lindenberg (1977), "Capital market equilibrium in a mean-lower
partial moment framework", Journal of Financial Economics 5, for beta in falling markets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lotwise.analysis.correlation import FLAT, names_of, place_of, row_of
from lotwise.analysis.windows import WindowSums, period_of, table_of, window_sums
from lotwise.errors import InputError

if TYPE_CHECKING:
    from lotwise.analysis.windows import Floats


@dataclass(frozen=True)
class Betas:
    """How much symbols move with a market, by row."""

    names: tuple[str, ...]
    """Without the market itself."""
    market: str
    beta: Floats
    """(symbols, rows)."""
    error: Floats
    """(symbols, rows): standard error of the beta, of least squares with a constant."""

    def of(self, name: str) -> Floats:
        """The beta of a symbol, by row."""
        found: Floats = self.beta[place_of(self.names, name)]
        return found

    def shrunk(self) -> Floats:
        """Vasicek's betas, (symbols, rows): drawn towards the mean of all, the more the larger their error.

        The weight of the mean is error² / (error² + variance of the betas across symbols). With fewer than
        three symbols there is no such variance to speak of, and the betas are NaN.
        """
        return vasicek(self.beta, self.error)


def vasicek(betas: Any, errors: Any) -> Floats:
    """Vasicek (1973): each beta drawn towards the mean of all by its error; along the first axis.

    Raises
    ------
    InputError
        ANALYSIS-512 betas and errors of different shapes.
    """
    import numpy as np

    beta, error = np.asarray(betas, np.float64), np.asarray(errors, np.float64)
    if beta.shape != error.shape or beta.ndim == 0:
        raise InputError("ANALYSIS-512", f"betas {beta.shape}, errors {error.shape}", "give as many of each")
    if len(beta) < 3:
        return np.full(beta.shape, np.nan)
    mean, variance = beta.mean(axis=0), beta.var(axis=0, ddof=1)
    doubt = error * error
    both = doubt + variance
    weight = np.divide(doubt, both, out=np.zeros_like(both), where=both != 0)
    found: Floats = weight * mean + (1 - weight) * beta
    return found


def _terms(market: Floats, others: Floats, below: float | None) -> Floats:
    """What is summed for betas: count, market, its square; each symbol, its square, its product with it.

    With ``below`` only rows where the market fell below it count.
    """
    import numpy as np

    ones = np.ones_like(market) if below is None else (market < below).astype(np.float64)
    own = (others * ones, others * others * ones, others * market * ones)
    return np.concatenate((ones, market * ones, market * market * ones, *own))


def _slopes(sums: Floats) -> tuple[Floats, Floats]:
    """Betas and their errors from window sums of :func:`_terms`."""
    import numpy as np

    count = (len(sums) - 3) // 3
    rows, total, squares = sums[:1], sums[1:2], sums[2:3]
    own, own_squares, products = sums[3 : 3 + count], sums[3 + count : 3 + 2 * count], sums[3 + 2 * count :]
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = squares - total * total / rows
        spread = np.where((spread > FLAT * squares) & (rows > 2), spread, np.nan)
        beta = (products - total * own / rows) / spread
        left = np.maximum(own_squares - own * own / rows - beta * beta * spread, 0.0)
        error = np.sqrt(left / (rows - 2) / spread)
    return beta, error


def rolling_beta(
    returns: Any, names: Sequence[str], window: int, market: str, below: float | None = None
) -> Betas:
    """Beta of every symbol to a market over the last ``window`` rows: the slope of least squares.

    Parameters
    ----------
    market
        BTCUSDT, ETHUSDT: one of the names.
    below
        Beta in falling markets: only rows where the market's return is below this (0.0) count; NaN where
        they are fewer than three.

    Raises
    ------
    InputError
        ANALYSIS-501 to ANALYSIS-504, ANALYSIS-512, ANALYSIS-513.
    """
    import numpy as np

    table = table_of(returns, "returns", period_of(window, "window", least=3))
    at = place_of(names_of(names, table.shape[1]), market)
    if len(names) < 2:
        raise InputError("ANALYSIS-512", f"only the market {market}", "give another symbol beside it")
    columns = np.ascontiguousarray(table.T)
    terms = _terms(columns[at : at + 1], np.delete(columns, at, axis=0), below)
    beta, error = _slopes(window_sums(terms, window))
    return Betas(tuple(name for name in names if name != market), market, beta, error)


class RollingBeta:
    """:func:`rolling_beta`, row by row."""

    def __init__(self, names: Sequence[str], window: int, market: str, below: float | None = None) -> None:
        named = names_of(names, len(names))
        self._all, self._at, self._below = named, place_of(named, market), below
        if len(named) < 2:
            raise InputError("ANALYSIS-512", f"only the market {market}", "give another symbol beside it")
        self.names = tuple(name for name in named if name != market)
        self.market = market
        self._sums = WindowSums(3 + 3 * len(self.names), period_of(window, "window", least=3))

    def push(self, returns: Any) -> Betas | None:
        """Add a row of returns, one a symbol; the betas with one row, or ``None`` before the window is full.

        Raises
        ------
        InputError
            As :meth:`RollingCorrelation.push`.
        """
        import numpy as np

        row = row_of(returns, self._all)[:, None]
        terms = _terms(row[self._at : self._at + 1], np.delete(row, self._at, axis=0), self._below)
        sums = self._sums.push(terms[:, 0])
        return None if sums is None else Betas(self.names, self.market, *_slopes(sums[:, None]))


@dataclass(frozen=True)
class LeadLag:
    """Correlations of a symbol with a market so many bars earlier."""

    lags: tuple[int, ...]
    """Bars; above 0: the market is the earlier of the two."""
    correlations: tuple[float, ...]
    betas: tuple[float, ...]
    """The slope at each lag."""
    best: int
    """The lag with the largest correlation by size; of several the nearest to 0, the market leading."""

    @property
    def beta(self) -> float:
        """The slope at the best lag."""
        return self.betas[self.lags.index(self.best)]


def lead_lag(returns: Any, market: Any, most: int = 10) -> LeadLag:
    """Who leads: the correlation of a symbol with a market shifted by -``most`` to ``most`` bars.

    Each lag takes the rows that both have then. A best lag is told even where all correlations are noise:
    look at its size against 2 / sqrt(rows).

    Raises
    ------
    InputError
        ANALYSIS-501 to ANALYSIS-504; ANALYSIS-512 columns of different lengths, or one that never moves.
    """
    import numpy as np

    period_of(most, "most", least=1)
    if np.shape(returns) != np.shape(market):
        raise InputError(
            "ANALYSIS-512", f"{np.shape(returns)} and {np.shape(market)}", "give as many of each"
        )
    table = table_of(np.column_stack((returns, market)), "returns", most + 3)
    own, other = table.T
    lags = range(-most, most + 1)
    found = []
    for lag in lags:
        x = own[max(lag, 0) : len(own) + min(lag, 0)]
        m = other[max(-lag, 0) : len(own) + min(-lag, 0)]
        x, m = x - x.mean(), m - m.mean()
        sizes = float(x @ x), float(m @ m)
        if min(sizes) <= 0:
            raise InputError("ANALYSIS-512", f"a column does not move at lag {lag}", "give more rows")
        found.append((float(x @ m) / (sizes[0] * sizes[1]) ** 0.5, float(x @ m) / sizes[1]))
    best = max(lags, key=lambda lag: (abs(found[lag + most][0]), -abs(lag), lag))
    return LeadLag(tuple(lags), tuple(one[0] for one in found), tuple(one[1] for one in found), best)
