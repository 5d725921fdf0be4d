"""The bars of one account in one period, laid out once: settings of a strategy are played on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from lotwise.backtest.feed import columns_of
from lotwise.backtest.run import CURVE_ROOM, Plan, Played, laid_out, played_of
from lotwise.contracts.contract import Contract
from lotwise.kernel import portfolio_leap as leap
from lotwise.kernel.layout import dtype_of
from lotwise.kernel.portfolio import first_bad_row
from lotwise.kernel.portfolio_rows import BAD_ROW, Book, CurveRow, RefusalRow, TripRow
from lotwise.kernel.state import State
from lotwise.strategy.api import Columns, InColumns
from lotwise.strategy.kept import Kept
from lotwise.strategy.rows import rows_of

if TYPE_CHECKING:
    import numpy as np

    Rows = np.ndarray[Any, Any]


class Seen(NamedTuple):
    """What one contract's strategy is shown, and where its bars stand in the feed."""

    columns: Columns
    at: Any


class Ground:
    """Bars from ``since`` on and before ``until``, and a warm-up before them that only strategies see.

    Parameters
    ----------
    rows
        Of the whole feed; they are not copied.
    span
        ``since_ns, until_ns, warm_ns``.

    Raises
    ------
    InputError
        BACKTEST-102 a bar that cannot be.
    """

    def __init__(
        self, contracts: Sequence[Contract], rows: Rows, plan: Plan, span: tuple[int, int, int]
    ) -> None:
        import numpy as np

        from lotwise.rule_handle import by_address

        by_address(leap.Track)
        since, until, warm = span
        first, start, end = np.searchsorted(rows["time_ns"], (since - warm, since, until))
        shown, self.feed = rows[first:end], rows[start:end]
        self._warm = int(start - first)
        self.contracts, self.plan = tuple(contracts), plan
        self.seen = [Seen(*one) for one in columns_of(contracts, shown)]
        self._kept = [Kept(tuple(vars(one.columns).values())) for one in self.seen]
        self._state, self._book = laid_out(self.contracts, plan, self.feed, room=0)
        bad = int(first_bad_row.compiled(self._state, self.feed))
        if bad >= 0:
            run: Any = self._book.run
            run[0]["why"], run[0]["at"] = BAD_ROW, bad
            played_of(self._state, self._book, self.contracts, plan, feed=self.feed, ended=True)
        names = ("contract", "low_ticks", "high_ticks", "time_ns", "has_funding")
        columns: Any = [np.ascontiguousarray(self.feed[name]) for name in names]
        self._track = leap.Track(*columns)
        self._points = points_of(self.feed["time_ns"], plan.curve_every_ns)

    def signals(self, strategies: Sequence[InColumns]) -> tuple[Rows, Rows]:
        """Rows of all signals, and the answer at each bar that is played.

        Raises
        ------
        InputError
            SIGNAL-101 to SIGNAL-103.
        """
        import numpy as np

        found: list[tuple[Any, Any]] = []
        for strategy, seen, kept in zip(strategies, self.seen, self._kept, strict=True):
            with kept.open():
                found.append(rows_of(strategy.signals(seen.columns), len(seen.columns)))
        if len(found) == 1:
            return found[0][0], found[0][1][self._warm :]
        answers = np.zeros(self._warm + len(self.feed), np.int32)
        count = 0
        for seen, (made, said) in zip(self.seen, found, strict=True):
            answers[seen.at] = np.where(said > 0, said + count, said)
            count += len(made)
        return np.concatenate([made for made, _ in found]), answers[self._warm :]

    def play(self, strategies: Sequence[InColumns]) -> Played:
        """One strategy a contract, from the plan's money on: what ``play_columns`` finds on these bars.

        Raises
        ------
        InputError
            SIGNAL-101 to SIGNAL-103, BACKTEST-104.
        """
        import numpy as np

        made, answers = self.signals(strategies)
        state = State(*map(copied, self._state))
        own: dict[str, Any] = {
            "trips": np.zeros(len(made), dtype_of(TripRow)),
            "refusals": np.zeros(len(made), dtype_of(RefusalRow)),
            "curve": np.zeros(self._points, dtype_of(CurveRow)),
            "signals": made,
        }
        parts = self._book._asdict()
        book = Book(*(own[name] if name in own else copied(parts[name]) for name in parts))
        last = np.full(len(self.contracts), -1, np.int64)
        trips = leap.run_leaping.compiled(state, self.feed, answers, book, self._track, last)
        return played_of(state, book, self.contracts, self.plan, feed=self.feed, ended=trips < 0)


def points_of(times_ns: Any, every_ns: int) -> int:
    """Room that the points of a curve need."""
    if not every_ns or not len(times_ns):
        return 0
    return min(CURVE_ROOM, len(times_ns), int(times_ns[-1] - times_ns[0]) // every_ns + 2)


def copied(rows: Any) -> Any:
    """Rows of one's own; copied as bytes, which is ten times faster than field by field."""
    import numpy as np

    return np.frombuffer(bytearray(rows.data), rows.dtype) if len(rows) else rows
