"""Every trade of a run in columns: what it made and cost, and how far the price went for and against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lotwise.kernel.layout import RATE

if TYPE_CHECKING:
    from lotwise.backtest.run import Played

    Rows = Any
    Numbers = Any

TAKEN_OVER: Final = (
    "opened_ns",
    "closed_ns",
    "opened_row",
    "closed_row",
    "contract",
    "signal",
    "stop_ticks",
    "ambiguous",
    "liquidated",
    "entry_cash",
    "result_cash",
    "risk_cash",
    "budget_cash",
    "fees_cash",
    "funding_cash",
    "insurance_cash",
)
"""Columns that are the trip's own."""


@dataclass(frozen=True)
class Trades:
    """Columns of one length, a row for each trade in the order they were closed; whole numbers but ``r``.

    ``result = move - fees - funding - insurance``, exactly. Excursions are what was surely seen: all of every
    bar between the entry's and the exit's, and of the exit's bar its open and the exit; the rest of that bar
    may have come after. Of the bar in which a limit entry filled, the side it came from and the close.
    """

    opened_ns: Numbers
    closed_ns: Numbers
    opened_row: Numbers
    closed_row: Numbers
    contract: Numbers
    signal: Numbers
    stop_ticks: Numbers
    ambiguous: Numbers
    liquidated: Numbers
    entry_cash: Numbers
    result_cash: Numbers
    risk_cash: Numbers
    budget_cash: Numbers
    fees_cash: Numbers
    funding_cash: Numbers
    insurance_cash: Numbers
    side: Numbers
    lots: Numbers
    """Entered, above 0."""
    move_cash: Numbers
    """What the price's way from the mean entry to the mean exit made, before all costs."""
    exit_cash: Numbers
    """Worth of what was closed, at the mean exit."""
    at_market: Numbers
    """Whether it was entered at the market."""
    slipped_cash: Numbers
    """Of entries at the market: what they paid beyond the close of the signal's bar. It is in the move."""
    mae_cash: Numbers
    """Farthest against the mean entry."""
    mfe_cash: Numbers
    """Farthest for it."""
    mae_ticks: Numbers
    """Rounded up."""
    mfe_ticks: Numbers
    """Rounded down."""
    unit_cash: Numbers
    """Money that one tick moves the whole trade by."""

    def __len__(self) -> int:
        return len(self.result_cash)

    @property
    def r(self) -> Numbers:
        """Results over what was at risk: floats, for statistics."""
        return self.result_cash / self.risk_cash

    @property
    def mae_r(self) -> Numbers:
        """Farthest against, in R."""
        return self.mae_cash / self.risk_cash

    @property
    def mfe_r(self) -> Numbers:
        """Farthest for, in R."""
        return self.mfe_cash / self.risk_cash

    def r8(self, i: int) -> int:
        """The result of trade ``i`` in R, in 1e-8 and rounded down."""
        return int(self.result_cash[i]) * RATE // int(self.risk_cash[i])


def trades_of(played: Played, feed: Rows) -> Trades:
    """The trades of a run with their excursions.

    Parameters
    ----------
    feed
        The rows that were played.
    """
    import numpy as np

    trips = played.trips
    columns = {name: trips[name].astype(np.int64) for name in TAKEN_OVER}
    side, lots = np.sign(trips["lots"]), np.abs(trips["lots"])
    units = np.array([contract.scales.cash_per_tick_lot for contract in played.contracts], np.int64)
    unit = units[columns["contract"]] * lots
    costs = columns["fees_cash"] + columns["funding_cash"] + columns["insurance_cash"]
    move = columns["result_cash"] + costs
    exit_cash = columns["entry_cash"] + side * move
    limits = _signal_column(played, "entry_ticks_1")
    at_market = limits == 0
    closes = feed["close_ticks"][columns["opened_row"]] if len(trips) else np.zeros(0, np.int64)
    slipped = np.where(at_market, side * (columns["entry_cash"] - closes * unit), 0)
    low, high = _reached(played, feed, unit, exit_cash=exit_cash, limits=limits)
    down, up = np.maximum(0, columns["entry_cash"] - low), np.maximum(0, high - columns["entry_cash"])
    mae, mfe = np.where(side > 0, down, up), np.where(side > 0, up, down)
    return Trades(
        **columns,
        side=side,
        lots=lots,
        move_cash=move,
        exit_cash=exit_cash,
        at_market=at_market,
        slipped_cash=slipped,
        mae_cash=mae,
        mfe_cash=mfe,
        mae_ticks=-(-mae // np.maximum(unit, 1)),
        mfe_ticks=mfe // np.maximum(unit, 1),
        unit_cash=unit,
    )


def _signal_column(played: Played, name: str) -> Numbers:
    """A field of each trip's signal; 0 where it has none."""
    import numpy as np

    at = played.trips["signal"]
    found = np.zeros(len(at), np.int64)
    known = (at >= 0) & (at < len(played.signals))
    found[known] = played.signals[name][at[known]]
    return found


def _reached(
    played: Played, feed: Rows, unit: Numbers, *, exit_cash: Numbers, limits: Numbers
) -> tuple[Numbers, Numbers]:
    """Lowest and highest worth of each trade that was surely seen, its entry and its exit in it."""
    import numpy as np

    trips = played.trips
    low = np.minimum(trips["entry_cash"], exit_cash)
    high = np.maximum(trips["entry_cash"], exit_cash)
    through = played.plan.assumed.limit_fill != "touch"
    for number in range(len(played.contracts)):
        mine = np.flatnonzero(trips["contract"] == number)
        at = np.flatnonzero(feed["contract"] == number)
        if not len(mine):
            continue
        bars = feed[at]
        first = np.searchsorted(at, trips["opened_row"][mine], side="right")
        last = np.searchsorted(at, trips["closed_row"][mine], side="right") - 1
        filled = np.full(len(mine), -1)
        for k in np.flatnonzero(limits[mine]):
            filled[k] = _filled_at(
                bars[first[k] : last[k] + 1],
                int(limits[mine[k]]),
                int(np.sign(trips["lots"][mine[k]])),
                through=through,
            )
            if filled[k] >= 0:
                filled[k] += first[k]
        whole = np.where(filled >= 0, filled + 1, first)
        lows = np.minimum(
            _extreme(np.minimum, bars["low_ticks"], whole, end=last), _edge(bars, whole, last, low=True)
        )
        highs = np.maximum(
            _extreme(np.maximum, bars["high_ticks"], whole, end=last), _edge(bars, whole, last, low=False)
        )
        for k in np.flatnonzero((filled >= 0) & (filled < last)):
            bar, long = bars[filled[k]], trips["lots"][mine[k]] > 0
            lows[k] = min(lows[k], int(bar["low_ticks"] if long else bar["close_ticks"]))
            highs[k] = max(highs[k], int(bar["close_ticks"] if long else bar["high_ticks"]))
        known = lows <= highs
        seen = mine[known]
        low[seen] = np.minimum(low[seen], lows[known] * unit[seen])
        high[seen] = np.maximum(high[seen], highs[known] * unit[seen])
    return low, high


_FAR: Final = 2**62


def _extreme(kind: Any, values: Numbers, start: Numbers, *, end: Numbers) -> Numbers:
    """Least or largest of ``values[start:end]`` of each; far off where the span is empty."""
    import numpy as np

    far = _FAR if kind is np.minimum else -_FAR
    found = np.full(len(start), far, np.int64)
    some = np.flatnonzero(start < end)
    if len(some):
        pairs = np.stack([start[some], end[some]], axis=1).ravel()
        found[some] = kind.reduceat(np.append(values, far), pairs)[::2]
    return found


def _edge(bars: Rows, whole: Numbers, last: Numbers, *, low: bool) -> Numbers:
    """The open of the exit's bar, where the trade was held before it."""
    import numpy as np

    opens = bars["open_ticks"][np.clip(last, 0, len(bars) - 1)]
    return np.where(whole <= last, opens, _FAR if low else -_FAR)


def _filled_at(bars: Rows, price: int, side: int, *, through: bool) -> int:
    """The first of these bars in which a limit entry surely filled; -1: in none."""
    import numpy as np

    if side > 0:
        there = bars["low_ticks"] < price if through else bars["low_ticks"] <= price
    else:
        there = bars["high_ticks"] > price if through else bars["high_ticks"] >= price
    return int(np.argmax(there)) if bool(there.any()) else -1
