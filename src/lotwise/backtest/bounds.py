"""Between which results the truth lies: the same signals played with each order of a bar's extremes.

A bar says how high and how low the price went, not what came first. ``adverse`` takes the bad side of what
is held first, ``favourable`` the good side. Neither is a bound of a single trade: a stop that was moved to
break-even is hit by the side that comes second, and after the first trade that ends otherwise the equity and
the sizes are others. Where finer bars or trades are given, the bars in which something is held are
taken apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from lotwise.backtest.finer import refined
from lotwise.backtest.recorded import Recorded
from lotwise.backtest.run import Plan, Played
from lotwise.contracts.contract import Contract
from lotwise.kernel.portfolio_open import equity_of
from lotwise.units import Cash

if TYPE_CHECKING:
    Rows = Any
    Numbers = Any

PATHS: Final = ("adverse", "favourable")
ROUNDING_R: Final = 0.05
ROUNDS: Final = 50
"""Rounds of taking bars apart; each one finds those that the last one's changes brought."""


@dataclass(frozen=True)
class Bound:
    """The run with one order of the extremes."""

    path: str
    played: Played

    @property
    def change_cash(self) -> Cash:
        """What became of the money."""
        return Cash(int(equity_of.compiled(self.played.state)) - int(self.played.plan.equity_cash))

    @property
    def ambiguous_trades(self) -> int:
        """Trades with a bar that reaches both their stop and a target."""
        return int((self.played.trips["ambiguous"] > 0).sum())


@dataclass(frozen=True)
class Bounds:
    """The same signals with each order of a bar's extremes."""

    bounds: tuple[Bound, ...]
    """Adverse and favourable first."""
    otherwise: int
    """Signals whose trade ended at another bar or with another result, or is there in one of the two only."""
    otherwise_unmarked: int
    """Of these, those in which no bar reached both stop and target: a moved stop, an entry, or the money."""
    same: int
    """Trades that are the same to the last digit, up to the first that is not."""
    first_apart_ns: int | None
    """When the first that is not the same was opened."""
    closed: Bounds | None = None
    """The same with finer bars, where some were given."""
    bars_apart: int = 0
    """Bars that were taken apart for it."""

    @property
    def adverse(self) -> Bound:
        """The bad side first."""
        return self.bounds[0]

    @property
    def favourable(self) -> Bound:
        """The good side first."""
        return self.bounds[1]

    @property
    def apart_cash(self) -> Cash:
        """Favourable less adverse; below 0 where the good side first was the worse."""
        return Cash(self.favourable.change_cash - self.adverse.change_cash)


def bounds_of(
    said: Recorded,
    contracts: Sequence[Contract],
    feed: Rows,
    plan: Plan,
    *,
    also: Sequence[str] = (),
    fine: Mapping[int, Rows] | None = None,
    step_ns: int = 60 * 10**9,
) -> Bounds:
    """Play the same signals with each order of a bar's extremes.

    Parameters
    ----------
    also
        More orders: ``ohlc``, ``olhc``.
    fine
        Contract to its finer bars: every bar in which a trade was held is taken apart into them, again and
        again until no trade is held in one that could be.
    step_ns
        Length of a bar of the feed.

    Raises
    ------
    InputError
        BACKTEST-205, BACKTEST-206, and BACKTEST-102 to BACKTEST-104.
    """
    import numpy as np

    found = _played(said, contracts, feed, plan, also=also)
    if not fine:
        return found
    wanted = np.zeros(0, np.int64)
    finer, answers, origins = feed, said.answers, np.arange(len(feed))
    closed = found
    for _ in range(ROUNDS):
        more = np.union1d(wanted, origins[held_rows(closed, finer)])
        if len(more) == len(wanted):
            break
        wanted = more
        finer, answers, origins = refined(feed, said.answers, fine, wanted, step_ns=step_ns, plan=plan)
        closed = _played(replace(said, answers=answers), contracts, finer, plan, also=also)
    apart = len(np.unique(origins[np.flatnonzero(np.diff(origins, prepend=-1) == 0)]))
    return replace(found, closed=closed, bars_apart=apart)


def _played(
    said: Recorded, contracts: Sequence[Contract], feed: Rows, plan: Plan, *, also: Sequence[str]
) -> Bounds:
    runs = []
    for path in dict.fromkeys((*PATHS, *also)):
        runs.append(Bound(path, said.play(contracts, feed, on_path(plan, path))))
    otherwise = ended_otherwise(runs[0].played, runs[1].played)
    marked = _ambiguous(runs[0].played) | _ambiguous(runs[1].played)
    same, first = _same(runs[0].played.trips, runs[1].played.trips)
    return Bounds(tuple(runs), len(otherwise), len(otherwise - marked), same, first)


def _same(one: Rows, other: Rows) -> tuple[int, int | None]:
    """How many trips both begin with, and when the first other one was opened."""
    import numpy as np

    count = min(len(one), len(other))
    differs = one[:count] != other[:count]
    same = int(np.argmax(differs)) if bool(differs.any()) else count
    opened = [int(trips["opened_ns"][same]) for trips in (one, other) if same < len(trips)]
    return same, min(opened, default=None)


def on_path(plan: Plan, path: str) -> Plan:
    """The plan with another order of a bar's extremes.

    Raises
    ------
    InputError
        BROKER-101.
    """
    return replace(plan, assumed=replace(plan.assumed, path=path))


def ended_otherwise(one: Played, other: Played) -> set[int]:
    """Signals whose trade ended at another bar or more than 0.05 R apart, or is in one of the runs only.

    A little apart is the rounding to lots, once the equity is another.
    """
    ends = [_ends(one), _ends(other)]
    nowhere = (-1, 0.0)
    found = set()
    for signal in ends[0].keys() | ends[1].keys():
        (row, r), (other_row, other_r) = (run.get(signal, nowhere) for run in ends)
        if row != other_row or abs(r - other_r) > ROUNDING_R:
            found.add(signal)
    return found


def _ends(played: Played) -> dict[int, tuple[int, float]]:
    """Signal to the row at which its trade ended and its result in R."""
    signals, rows, results, risks = _columns(played, "signal", "closed_row", "result_cash", "risk_cash")
    return {
        signal: (row, result / risk)
        for signal, row, result, risk in zip(signals, rows, results, risks, strict=True)
    }


def _ambiguous(played: Played) -> set[int]:
    signals, flags = _columns(played, "signal", "ambiguous")
    return {signal for signal, flag in zip(signals, flags, strict=True) if flag}


def _columns(played: Played, *names: str) -> list[list[int]]:
    return [played.trips[name].tolist() for name in names]


def held_rows(found: Bounds, feed: Rows) -> Numbers:
    """Rows of the bars, of each trade's contract, from the one after its signal to the one that closed it."""
    import numpy as np

    pair = (found.adverse.played, found.favourable.played)
    places = [np.flatnonzero(feed["contract"] == number) for number in range(len(pair[0].contracts))]
    rows = [np.zeros(0, np.int64)]
    for played in pair:
        spans = _columns(played, "contract", "opened_row", "closed_row")
        for contract, opened, closed in zip(*spans, strict=True):
            at = places[contract]
            first, last = np.searchsorted(at, opened, "right"), np.searchsorted(at, closed, "right")
            rows.append(at[first:last])
    return np.unique(np.concatenate(rows))
