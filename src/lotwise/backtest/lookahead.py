"""Whether a strategy knows the future: with the data cut off, what it said before must be the same.

The data is cut after bars at which it gave a signal, where knowing one bar more shows at once, and at points
drawn by a seed. A signal that is there only with the later data, or another one, was made with it; an
indicator that repaints shows the same way. What a strategy was given elsewhere (a file, an argument) is not
cut: hand in a function that makes the strategies from the data that is left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lotwise.backtest.recorded import Recorded, recorded
from lotwise.backtest.run import Plan
from lotwise.contracts.contract import Contract
from lotwise.market.check import at_time

if TYPE_CHECKING:
    Rows = Any

CUTS: Final = 12

Maker = Callable[[Any], Sequence[Any]]
"""A feed to the strategies, one a contract."""


@dataclass(frozen=True)
class Difference:
    """The first bar at which something else was said once the later data was gone."""

    row: int
    """Of the feed."""
    time_ns: int
    contract: str
    cut: int
    """The data ended before this row."""
    whole: str
    """What was said with all data."""
    part: str
    """And without what came later."""

    @property
    def text(self) -> str:
        """In a sentence."""
        return (
            f"at the bar of {at_time(self.time_ns)} UTC of {self.contract} (row {self.row}) it said"
            f" {self.whole} with all data, and {self.part} when the data ended before row {self.cut}"
        )


@dataclass(frozen=True)
class LookAhead:
    """What cutting the data showed."""

    cuts: tuple[int, ...]
    signals: int
    """Signals and exits that were compared, each cut's counted."""
    trades: int
    """Trades closed before a cut that were compared."""
    difference: Difference | None

    @property
    def clean(self) -> bool:
        """Whether nothing differed."""
        return self.difference is None


def look_ahead(
    strategies: Sequence[Any] | Maker,
    contracts: Sequence[Contract],
    feed: Rows,
    plan: Plan,
    *,
    cuts: int = CUTS,
    seed: int = 7,
    said: Recorded | None = None,
) -> LookAhead:
    """Cut the data off and compare what was said, and the trades that were closed, before each cut.

    Parameters
    ----------
    strategies
        One a contract, or a function that makes them from a feed.
    cuts
        How often; half of them right after a signal.
    said
        What they say over all data, where that is known already.

    Raises
    ------
    InputError
        As :func:`lotwise.backtest.recorded.recorded`.
    """
    maker = strategies if callable(strategies) else lambda _: strategies
    whole = said if said is not None else recorded(maker(feed), contracts, feed, plan)
    full = whole.play(contracts, feed, plan)
    fields = [name for name in full.trips.dtype.names if name != "signal"]
    chosen = cuts_of(whole, len(feed), cuts, seed)
    signals = trades = 0
    for cut in chosen:
        part = recorded(maker(feed[:cut]), contracts, feed[:cut], plan)
        signals += int((whole.answers[:cut] != 0).sum())
        row = first_difference(whole, part, cut)
        if row >= 0:
            found = Difference(
                row=row,
                time_ns=int(feed["time_ns"][row]),
                contract=contracts[int(feed["contract"][row])].id,
                cut=cut,
                whole=said_at(whole, row),
                part=said_at(part, row),
            )
            return LookAhead(chosen, signals, trades, found)
        ended = full.trips[full.trips["closed_row"] < cut][fields].tolist()
        again = part.play(contracts, feed[:cut], plan).trips[fields].tolist()
        trades += len(ended)
        if ended != again:
            return LookAhead(
                chosen, signals, trades, _of_trades(ended, again, fields, feed, contracts, cut=cut)
            )
    return LookAhead(chosen, signals, trades, None)


def cuts_of(said: Recorded, count: int, cuts: int, seed: int) -> tuple[int, ...]:
    """Rows before which the data is cut, rising: half right after signals, the rest anywhere."""
    import numpy as np

    chance = np.random.Generator(np.random.PCG64(seed))
    after = np.flatnonzero(said.answers != 0) + 1
    after = after[after < count]
    drawn = chance.choice(after, min(len(after), cuts // 2), replace=False) if len(after) else after
    anywhere = chance.integers(1, count, max(0, cuts - len(drawn))) if count > 1 else np.zeros(0, np.int64)
    return tuple(sorted({*drawn.tolist(), *anywhere.tolist()}))


def first_difference(whole: Recorded, part: Recorded, cut: int) -> int:
    """The first row before the cut at which they differ, or -1."""
    import numpy as np

    one, other = whole.answers[:cut], part.answers[:cut]
    differs = np.sign(one) != np.sign(other)
    both = np.flatnonzero((one > 0) & (other > 0))
    differs[both] = whole.signals[one[both] - 1] != part.signals[other[both] - 1]
    return int(np.argmax(differs)) if bool(differs.any()) else -1


def said_at(said: Recorded, row: int) -> str:
    """What was said at a row, in words."""
    answer = int(said.answers[row])
    if answer == 0:
        return "nothing"
    if answer < 0:
        return "exit"
    signal = said.signals[answer - 1]
    targets = [int(signal[f"target_ticks_{k}"]) for k in range(1, 5) if signal[f"target_share8_{k}"]]
    entries = [int(signal[f"entry_ticks_{k}"]) for k in range(1, 4) if signal[f"entry_share8_{k}"]]
    words = f"{'long' if signal['side'] > 0 else 'short'}, stop at tick {int(signal['stop_ticks'])}"
    words += f", entries at {', '.join(map(str, entries))}" if entries else ""
    return words + (f", targets at {', '.join(map(str, targets))}" if targets else "")


def _of_trades(
    ended: list[tuple[int, ...]],
    again: list[tuple[int, ...]],
    fields: list[str],
    feed: Rows,
    contracts: Sequence[Contract],
    *,
    cut: int,
) -> Difference:
    """The first trade that differs although the signals do not: the run itself looked ahead."""
    k = next((i for i, (one, other) in enumerate(zip(ended, again, strict=False)) if one != other), None)
    k = min(len(ended), len(again)) if k is None else k
    known = dict(zip(fields, (ended if k < len(ended) else again)[k], strict=True))
    row = known["closed_row"]

    def told(trades: list[tuple[int, ...]]) -> str:
        if k >= len(trades):
            return "no trade closed"
        trade = dict(zip(fields, trades[k], strict=True))
        return f"a trade of {trade['lots']} lots closed with {trade['result_cash']} in 1e-8"

    name = contracts[known["contract"]].id
    return Difference(row, int(feed["time_ns"][row]), name, cut, told(ended), told(again))
