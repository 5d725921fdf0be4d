"""How far a holding moves with what hedges it: beta, correlation and volatility, measured from bars."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lotwise.analysis.beta import rolling_beta
from lotwise.analysis.carry import DAY_NS, Funding, funding_of
from lotwise.analysis.correlation import aligned, log_returns, rolling_correlation
from lotwise.errors import InputError
from lotwise.market.check import at_time, lasting

if TYPE_CHECKING:
    from lotwise.app.analyze.source import Source

LEAST_RETURNS: Final = 30
"""Fewer say nothing: the error of a correlation is about 1 / sqrt(returns)."""
Series = tuple[Any, Any]
"""Times in ns and closes."""


@dataclass(frozen=True)
class Measured:
    """Statistics of log returns; floats."""

    beta: float | None
    """Of the holding to the hedge; ``None`` where the holding is measured alone."""
    error: float | None
    correlation: float | None
    day_volatility: float
    """Standard deviation of the holding's return over a day."""
    returns: int
    bar_ns: int
    first_ns: int
    last_ns: int

    @property
    def window(self) -> str:
        """In words."""
        span = f"{at_time(self.first_ns)} to {at_time(self.last_ns)}"
        return f"{self.returns:,} returns of {lasting(self.bar_ns)}, {span}"


def measure(holding: Series, hedge: Series | None = None, window: int | None = None) -> Measured:
    """Measure the newest ``window`` returns at times that both have; without a window all of them.

    Raises
    ------
    InputError
        HEDGE-109 too few returns, or prices that do not move; ANALYSIS-5xx series that cannot be read.
    """
    import numpy as np

    names = ["holding"] if hedge is None else ["holding", "hedge"]
    series = {"holding": holding} if hedge is None else {"holding": holding, "hedge": hedge}
    table = aligned(series)
    have = len(table.closes) - 1
    wanted = have if window is None else window
    if wanted < LEAST_RETURNS or wanted > have:
        raise InputError(
            "HEDGE-109",
            f"{wanted} returns are asked for, the bars have {have} in common",
            f"give {LEAST_RETURNS} or more, and as many bars; or give the beta",
        )
    returns = log_returns(table.closes[-wanted - 1 :])
    times = table.times_ns[-wanted - 1 :]
    steps = np.diff(times)
    bar_ns = int(np.median(steps))
    spread = float(returns[:, 0].std(ddof=1))
    beta = error = alike = None
    if hedge is not None:
        found = rolling_beta(returns, names, window=wanted, market="hedge")
        beta, error = float(found.of("holding")[-1]), float(found.error[0, -1])
        alike = float(rolling_correlation(returns, names, window=wanted).between("holding", "hedge")[-1])
    if not spread > 0 or (alike is not None and math.isnan(alike)):
        raise InputError("HEDGE-109", "the prices do not move in this window", "take a longer one")
    return Measured(
        beta=beta,
        error=error,
        correlation=alike,
        day_volatility=spread * math.sqrt(DAY_NS / bar_ns),
        returns=wanted,
        bar_ns=bar_ns,
        first_ns=int(times[0]),
        last_ns=int(times[-1]),
    )


def closes_of_file(path: Path) -> Series:
    """Times and closes of a file of bars, as ``lotwise data import`` reads it.

    Raises
    ------
    InputError
        HEDGE-114 no such file, or no bars in it; DATA-1xx a file that cannot be read.
    """
    from lotwise.market.sources import read

    if not path.is_file():
        raise InputError("HEDGE-114", f"there is no file {path}", "name a file of bars")
    table = read(path)
    if table.kind.name != "bars":
        raise InputError("HEDGE-114", f"{path.name} holds {table.kind.name}, no bars", "name a file of bars")
    frame = table.frame
    return frame["time_ns"].to_numpy(), frame["close"].to_numpy() / 10**table.scale.price


def funding_in(source: Source) -> Funding | None:
    """The funding that the store holds of a contract."""
    if source.funding is None:
        return None
    frame, places = source.funding.frame, source.funding.scale.rate
    rates8 = frame["rate"].to_numpy() * 10 ** max(0, 8 - places) // 10 ** max(0, places - 8)
    return funding_of(frame["time_ns"].to_numpy(), rates8, frame["interval_ns"].to_numpy())
