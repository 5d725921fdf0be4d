"""What a run says in figures: trades, costs, falls, exposure, what was refused and what was passed over.

Money is whole, in 1e-8 of the settle coin. Statistics of results in R come from :mod:`lotwise.stats`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lotwise.backtest.refused import Refused, refused_by_rule
from lotwise.backtest.trade_table import Trades, trades_of
from lotwise.kernel.layout import RATE
from lotwise.kernel.portfolio_open import equity_of
from lotwise.stats.trades import TradeStats
from lotwise.stats.trades import measure as measure_results
from lotwise.units import Cash, Rate8

if TYPE_CHECKING:
    from lotwise.backtest.run import Played

    Rows = Any
    Numbers = Any

DAY_NS: Final = 86_400 * 10**9
HOUR_NS: Final = 3_600 * 10**9
WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DRAWS: Final = 20_000_000
"""Numbers drawn for the bootstrap at the most; never fewer than 2,000 resamples."""


@dataclass(frozen=True)
class Costs:
    """Where the money went; ``result = move - fees - funding - insurance``."""

    move_cash: Cash
    fees_cash: Cash
    funding_cash: Cash
    """Paid; below 0: received."""
    insurance_cash: Cash
    """Fees of liquidations."""
    slipped_cash: Cash
    """What entries at the market paid beyond the close of the signal's bar. It is in the move."""
    at_market: int
    """Trades entered at the market."""


@dataclass(frozen=True)
class Fall:
    """The deepest fall of the equity by money, and the longest time below a peak."""

    depth_cash: Cash
    depth8: Rate8
    """Of the peak it fell from, rounded up."""
    largest8: Rate8
    """The deepest by share, which may be another one."""
    peak_ns: int
    bottom_ns: int
    recovered_ns: int | None
    """``None``: not yet, or no fall."""
    longest_ns: int


@dataclass(frozen=True)
class Exposure:
    """How much was held, by the points of the curve."""

    points: int
    held: int
    """Points at which something was held."""
    mean_leverage: float
    """Of all points: worth of all positions over the equity."""
    largest_leverage: float


@dataclass(frozen=True)
class Group:
    """Trades that have something in common."""

    name: str
    count: int
    wins: int
    total_r: float
    result_cash: Cash

    @property
    def mean_r(self) -> float:
        """Mean result."""
        return self.total_r / self.count


@dataclass(frozen=True)
class Signalled:
    """What became of the signals; the five come to all."""

    given: int
    traded: int
    refused: int
    unfilled: int
    """Entries of which nothing filled."""
    standing: int
    """Held or waiting at the end."""
    passed_over: int
    """Given while their contract held or waited already."""


@dataclass(frozen=True)
class Measured:
    """A run in figures."""

    played: Played
    trades: Trades
    start_cash: Cash
    end_cash: Cash
    closed_cash: Cash
    """What the closed trades made."""
    standing_cash: Cash
    """What is open at the end has made so far, costs in."""
    costs: Costs
    stats: TradeStats | None
    """``None``: no trade."""
    times_ns: Numbers
    """The curve: the beginning, its samples, the end."""
    equity_cash: Numbers
    fall: Fall
    exposure: Exposure | None
    """``None``: no curve was kept."""
    groups: dict[str, list[Group]]
    """By contract, side, hour and weekday of the entry (UTC)."""
    refused: list[Refused]
    signalled: Signalled
    ambiguous_trades: int
    liquidated_trades: int


def measured(played: Played, feed: Rows) -> Measured:
    """Measure a run.

    Parameters
    ----------
    feed
        The rows that were played.
    """
    trades = trades_of(played, feed)
    start, end = int(played.plan.equity_cash), int(equity_of.compiled(played.state))
    closed = int(trades.result_cash.sum())
    times, equity = _curve(played, feed, start, end=end)
    return Measured(
        played=played,
        trades=trades,
        start_cash=Cash(start),
        end_cash=Cash(end),
        closed_cash=Cash(closed),
        standing_cash=Cash(end - start - closed - played.apart_cash),
        costs=_costs(trades),
        stats=_stats(trades),
        times_ns=times,
        equity_cash=equity,
        fall=fall_of(times, equity),
        exposure=_exposure(played),
        groups=_groups(trades, [contract.id for contract in played.contracts]),
        refused=refused_by_rule(played.refusals),
        signalled=_signalled(played),
        ambiguous_trades=int((trades.ambiguous > 0).sum()),
        liquidated_trades=int((trades.liquidated > 0).sum()),
    )


def _costs(trades: Trades) -> Costs:
    return Costs(
        move_cash=Cash(int(trades.move_cash.sum())),
        fees_cash=Cash(int(trades.fees_cash.sum())),
        funding_cash=Cash(int(trades.funding_cash.sum())),
        insurance_cash=Cash(int(trades.insurance_cash.sum())),
        slipped_cash=Cash(int(trades.slipped_cash.sum())),
        at_market=int(trades.at_market.sum()),
    )


def _stats(trades: Trades) -> TradeStats | None:
    if not len(trades):
        return None
    resamples = max(2_000, min(10_000, DRAWS // len(trades)))
    return measure_results(trades.r, resamples=resamples)


def _curve(played: Played, feed: Rows, start: int, *, end: int) -> tuple[Numbers, Numbers]:
    """The points of the curve with the money at the beginning and at the end."""
    import numpy as np

    first, last = int(feed["time_ns"][0]), int(feed["time_ns"][-1])
    times = np.concatenate(([first], played.curve["time_ns"], [last]))
    equity = np.concatenate(([start], played.curve["equity_cash"], [end]))
    return times, equity


def fall_of(times_ns: Numbers, equity_cash: Numbers) -> Fall:
    """The deepest fall of a curve in whole money, of several the first; of the curve's points, no closer."""
    import numpy as np

    peaks = np.maximum.accumulate(equity_cash)
    falls = peaks - equity_cash
    bottom = int(np.argmax(falls))
    depth, peak = int(falls[bottom]), int(peaks[bottom])
    top = int(np.argmax(equity_cash == peak))
    again = np.flatnonzero(equity_cash[bottom:] >= peak)
    recovered = int(times_ns[bottom + int(again[0])]) if depth and len(again) else None
    worst = int(np.argmax(falls / np.maximum(peaks, 1)))
    return Fall(
        depth_cash=Cash(depth),
        depth8=Rate8(-(-depth * RATE // max(1, peak))),
        largest8=Rate8(-(-int(falls[worst]) * RATE // max(1, int(peaks[worst])))),
        peak_ns=int(times_ns[top if depth else bottom]),
        bottom_ns=int(times_ns[bottom]),
        recovered_ns=recovered,
        longest_ns=_longest(times_ns, falls),
    )


def _longest(times_ns: Numbers, falls: Numbers) -> int:
    """From a peak to the first point that is not below it, or to the end."""
    import numpy as np

    tops = np.flatnonzero(falls == 0)
    gaps = np.flatnonzero(np.diff(tops) > 1)
    spans = times_ns[tops[gaps + 1]] - times_ns[tops[gaps]]
    return max(int(spans.max(initial=0)), int(times_ns[-1] - times_ns[tops[-1]]))


def _exposure(played: Played) -> Exposure | None:
    import numpy as np

    curve = played.curve
    if not len(curve):
        return None
    exposure, equity = curve["exposure_cash"], np.maximum(curve["equity_cash"], 1)
    leverage = exposure / equity
    return Exposure(
        points=len(curve),
        held=int((exposure > 0).sum()),
        mean_leverage=float(leverage.mean()),
        largest_leverage=float(leverage.max()),
    )


def _groups(trades: Trades, contracts: list[str]) -> dict[str, list[Group]]:
    """Sums by what trades have in common; groups without a trade are left out."""
    hours = (trades.opened_ns % DAY_NS // HOUR_NS).tolist()
    days = ((trades.opened_ns // DAY_NS + 3) % 7).tolist()  # 1970-01-01 was a Thursday
    return {
        "contract": _grouped(trades, [contracts[c] for c in trades.contract.tolist()], contracts),
        "side": _grouped(
            trades, ["long" if s > 0 else "short" for s in trades.side.tolist()], ["long", "short"]
        ),
        "hour": _grouped(trades, [f"{hour:02d}" for hour in hours], [f"{hour:02d}" for hour in range(24)]),
        "weekday": _grouped(trades, [WEEKDAYS[day] for day in days], list(WEEKDAYS)),
    }


def _grouped(trades: Trades, keys: list[str], order: list[str]) -> list[Group]:
    import math

    members: dict[str, list[int]] = {}
    for i, key in enumerate(keys):
        members.setdefault(key, []).append(i)
    results, r = trades.result_cash.tolist(), trades.r.tolist()
    return [
        Group(
            name=key,
            count=len(members[key]),
            wins=sum(results[i] > 0 for i in members[key]),
            total_r=math.fsum(r[i] for i in members[key]),
            result_cash=Cash(sum(results[i] for i in members[key])),
        )
        for key in order
        if key in members
    ]


def _signalled(played: Played) -> Signalled:
    """Signals by what became of them."""
    held = [market.lots != 0 for market in _plain(played.state.markets, "lots")]
    waits = [bracket.side != 0 for bracket in _plain(played.state.brackets, "side")]
    standing = sum(one or other for one, other in zip(held, waits, strict=True))
    given, traded, refused = len(played.signals), len(played.trips), len(played.refusals)
    return Signalled(
        given=given,
        traded=traded,
        refused=refused,
        unfilled=played.unfilled,
        standing=standing,
        passed_over=given - traded - refused - played.unfilled - standing,
    )


def _plain(rows: Any, name: str) -> list[Any]:
    """Rows of a state, whether compiled or plain."""
    from types import SimpleNamespace

    if hasattr(rows, "dtype"):
        return [SimpleNamespace(**{name: value}) for value in rows[name].tolist()]
    return list(rows)
